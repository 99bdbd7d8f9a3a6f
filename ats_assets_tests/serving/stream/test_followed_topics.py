"""What topics hold is what the API answers, on a deployment that was run and traded."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from ats_assets.deployment import Deployment
from ats_assets.execution.outcome import IntentState
from ats_assets.serving.roles import Role
from ats_assets.serving.stream.client_messages import ROLES
from ats_assets.serving.stream.feed import KEPT_TOPICS
from ats_assets.serving.stream.followed_session import BOOK_TOPICS, KINDS
from ats_assets.serving.stream.followed_tables import UNFINISHED
from ats_assets_tests.serving.made_deployment import deployment_in
from ats_assets_tests.serving.stream.conftest import serving


def test_more_is_to_come_of_what_is_not_final() -> None:
    assert set(UNFINISHED) == {state.value for state in IntentState if not state.final}


def test_each_topic_says_which_role_it_needs() -> None:
    """It fails for a new one without a role."""
    assert set(ROLES) == {*KEPT_TOPICS, *BOOK_TOPICS, *KINDS}
    assert set(ROLES.values()) <= set(Role) - {Role.PUBLIC}


@pytest.fixture(scope="module")
def topics(traded_home: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """What a client gets of each topic, of a copy of the deployment."""
    deployment = deployment_in(shutil.copytree(traded_home, tmp_path_factory.mktemp("streamed") / "home"))
    with serving(deployment) as service, service.client(*KEPT_TOPICS) as client:
        for topic in ("fills", "orders", "positions", "account", "signals", "feed"):
            client.until(topic, bool)
        return dict(client.rows)


def without_key(rows: dict[str, dict[str, Any]]) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name != "key"} for row in rows.values()]


@pytest.mark.parametrize(
    ("topic", "path", "key"),
    [("orders", "orders", "client_order_id"), ("fills", "fills", "fill_id"), ("positions", "positions", "symbol")],
)
def test_rows_are_those_of_the_api(topics: dict[str, dict[str, Any]], client: TestClient, topic: str, path: str, key: str) -> None:
    answered = {
        row[key]: row
        for row in client.get(f"/api/v1/portfolio/{path}?limit=10000" if topic != "positions" else f"/api/v1/portfolio/{path}").json()[
            "data"
        ]
    }
    assert topics[topic]
    assert without_key(topics[topic]) == [answered[one] for one in topics[topic]]
    if topic != "orders":  # of which the last two sessions are told
        assert len(answered) == len(topics[topic])


def test_the_account_is_that_of_the_api(topics: dict[str, dict[str, Any]], client: TestClient) -> None:
    told = without_key(topics["account"])
    assert told == [{**client.get("/api/v1/portfolio/account").json(), "kill_switch": told[0]["kill_switch"]}]


def test_signals_are_those_of_the_api_with_their_data_version(topics: dict[str, dict[str, Any]], client: TestClient) -> None:
    answer = client.get("/api/v1/signals").json()
    (told,) = topics["signals"].values()
    assert told["rows"] == answer["data"][:100]
    assert (told["session"], told["data_version"], told["count"]) == (answer["session"], answer["data_version"], len(answer["data"]))


def test_a_partition_that_is_made_again_is_told(own_deployment: Deployment) -> None:
    """And one that is damaged is named, beside what is known."""
    asset, warehouse = (
        own_deployment.signals["signals"] if "signals" in own_deployment.signals else next(iter(own_deployment.signals.values())),
        own_deployment.warehouse,
    )
    session = warehouse.stored_sessions(asset)[-1]
    path, before = warehouse.path(asset, session), warehouse.read(asset, [session])
    with serving(own_deployment) as service, service.client("signals", "feed") as client:
        first = client.until("signals", bool)
        (told,) = first.values()
        version = told["data_version"]
        warehouse.write(asset, session, before.with_columns(score=before["score"] + 1.0))
        (told,) = client.until("signals", lambda rows: all(row["data_version"] != version for row in rows.values())).values()
        assert told["rows"][0]["score"] > 0.0
        path.write_bytes(path.read_bytes()[:-100])
        rows = client.until("feed", lambda rows: rows["signals"]["state"] == "unreadable")
        assert str(session) in rows["signals"]["reason"]
        assert client.rows["signals"]
        path.unlink()
        (told,) = client.until("signals", lambda rows: all(row["session"] < str(session) for row in rows.values())).values()
        client.until("feed", lambda rows: rows["signals"]["state"] == "ok")
