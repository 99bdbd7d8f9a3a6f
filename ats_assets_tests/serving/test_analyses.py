"""What there is to judge by: told as it is stored, or with what makes it; each name in the document is one that there is."""

from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from starlette.testclient import TestClient

from ats_assets.deployment import Deployment
from ats_assets.serving.queries.analyses import ANALYSES
from ats_assets.serving.routes import analyses
from ats_assets_tests.serving.conftest import Asking
from ats_assets_tests.serving.judged_deployment import judged
from ats_assets_tests.serving.made_deployment import deployment_in

ALWAYS = {"segments", "skill", "importance", "quarantine"}
"""What every run leaves."""


def told(client: TestClient, name: str, **asked: Any) -> dict[str, Any]:
    answer = client.get(f"/api/v1/analyses/{name}", params=asked)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("name", ANALYSES)
def test_one_that_is_not_stored_says_what_makes_it(client: TestClient, name: str) -> None:
    found = told(client, name)
    assert found["stored"] is (name in ALWAYS)
    assert found["stored"] or "ats " in found["what_to_do"]


def test_the_document_names_them_all(client: TestClient) -> None:
    assert set(get_args(analyses._Names)) == set(ANALYSES)
    assert client.get("/api/v1/analyses/nothing").status_code == 422


def test_an_empty_deployment_has_none(tmp_path: Path, asking: Asking) -> None:
    (tmp_path / "ats.toml").touch()
    storage = {"warehouse": tmp_path / "warehouse", "models": tmp_path / "models", "data": tmp_path / "data"}
    client = asking(deployment_in(tmp_path, storage=storage))
    assert not any(told(client, name)["stored"] for name in ANALYSES)


def test_each_is_told_as_it_is_stored(own_deployment: Deployment, asking: Asking) -> None:
    """Regimes against the equity itself: each return belongs to the state of the close before."""
    made = judged(own_deployment.settings.storage.data.parent)
    client = asking(made)
    found = {name: told(client, name) for name in ANALYSES}
    assert all(one["stored"] for one in found.values()), [name for name, one in found.items() if not one["stored"]]
    assert found["knowledge"]["facts"]["return_from_hindsight"] == pytest.approx(0.05)
    assert len(found["monte-carlo"]["tables"]["fan"]) == 63
    assert {row["strategy"] for row in found["strategies"]["tables"]["equity"]} == {"momentum", "model_scores"}
    equity = made.warehouse.read_part("backtest", "equity")["equity"].to_numpy()
    states = np.arange(len(equity) - 1) // 5 % 2
    returns = equity[1:] / equity[:-1] - 1
    performance = {row["regime"]: row for row in found["regimes"]["tables"]["performance"]}
    for state in (0, 1):
        of = performance[f"state {state}"]
        assert of["sessions"] == (states == state).sum()
        assert of["annual_return"] == pytest.approx(returns[states == state].mean() * 252)
        assert of["worst"] == pytest.approx(returns[states == state].min())
    assert sum(row["share"] for name, row in performance.items() if name != "all") == pytest.approx(1.0)


def test_importance_of_a_fit_is_a_share_of_all_that_it_looks_at(client: TestClient) -> None:
    rows = told(client, "importance")["tables"]["fits"]
    fits = {row["session"] for row in rows}
    assert len(fits) > 2
    for session in fits:
        assert 0 < sum(row["share"] for row in rows if row["session"] == session) <= 1 + 1e-9


def test_only_so_many_of_the_newest_sessions_are_told(client: TestClient) -> None:
    sessions = {row["session"] for row in told(client, "skill", sessions=5)["tables"]["sessions"]}
    assert sessions == set(sorted({row["session"] for row in told(client, "skill")["tables"]["sessions"]})[-len(sessions) :])
    assert len(sessions) <= 5
