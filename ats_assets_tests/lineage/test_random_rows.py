"""Random rows of signals: each is explained down to its delivery, and all come out byte for byte in an empty folder."""

import random
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.lineage import LineageIndex
from ats_assets.lineage.explaining import Explaining, Made, Many
from ats_assets.runs.reproduction import reproduced
from ats_assets_tests.lineage.conftest import SETTINGS, market
from ats_assets_tests.rounds import rounds
from ats_assets_tests.small_market import FIRST, LAST, make_history, small_market

pytestmark = pytest.mark.slow
ROWS = rounds(8, 100, "ATS_TEST_REPRODUCED_ROWS")
"""A thousand by hand, of a larger market."""


@pytest.fixture
def made(request: pytest.FixtureRequest, tmp_path: Path) -> Deployment:
    """A market with more signals than are looked at."""
    if ROWS <= 100:
        return market(request.getfixturevalue("whole"))
    source = {"kind": "synthetic", "synthetic": {"symbols": 40, "first_session": FIRST, "last_session": LAST, "defective_share": 0.01}}
    universe = {"min_history_sessions": 3, "lookback_sessions": 10, "size": 30}
    deployment = small_market(tmp_path / "large", **{**SETTINGS, "source": source, "universe": universe})
    make_history(deployment, FIRST, LAST)
    return deployment


def parts(explanation: Made | Many) -> Iterator[Made | Many]:
    yield explanation
    for below in explanation.made_from:
        yield from parts(below)


def test_random_signals_are_explained_and_come_out_byte_for_byte(made: Deployment, tmp_path: Path) -> None:
    stored = made.warehouse.read("signals", made.warehouse.stored_sessions("signals"))
    index = LineageIndex(made)
    index.refresh()
    explaining = Explaining(made, index.entries())
    drawn = random.Random(1).sample(range(stored.height), ROWS)
    rows = [stored.row(i, named=True) for i in drawn]
    for row in rows:
        check(made, explaining.target(row["symbol"], row["session"].isoformat()), row)
    sessions = sorted({row["session"] for row in rows})
    found = reproduced(made, "signals", sessions, tmp_path / "world")
    assert (found.files.different, found.changed) == ((), ())
    assert {f"signals/session={session}/data.parquet" for session in sessions} <= set(found.files.same)
    again = pl.read_parquet([tmp_path / "world" / "warehouse" / "signals" / f"session={day}" / "data.parquet" for day in sessions])
    assert again.drop("session").sort("symbol").height == stored.filter(pl.col("session").is_in(sessions)).height


def check(made: Deployment, explanation: Made, row: dict[str, object]) -> None:
    """The explanation against the files: the row, the score, the model's fit, the versions, and the delivery of the day."""
    every = list(parts(explanation))
    signal = next(one for one in every if isinstance(one, Made) and one.asset == "signals")
    assert signal.row == {name: value for name, value in row.items() if name not in {"symbol", "session"}}
    assert explanation.row["target_weight"] == row["target_weight"]
    scores = next(one for one in every if isinstance(one, Made) and one.asset == "predictions")
    assert (scores.session, scores.row["model_session"]) == (str(row["session"]), row["model_session"])
    models = {one.session: one for one in every if isinstance(one, Made) and one.asset == "lightgbm_model"}
    fit = models[str(row["model_session"])]
    assert {many.asset for many in fit.made_from} >= {"trend", "universe", "forward_returns"}
    assert fit.data_version == made.model_store("lightgbm_model").record(date.fromisoformat(fit.session)).model_sha256
    for one in every:
        assert one.notes == () or all("known since" in note for note in one.notes)
        versions = {one.session: one.data_version} if isinstance(one, Made) else one.versions
        days = [date.fromisoformat(day) for day in versions]
        assert dict(versions) == made.data_versions(one.asset, days)
    deliveries = [one for one in every if one.asset == "raw_bars"]
    assert any(str(row["session"]) in (one.versions if isinstance(one, Many) else {one.session}) for one in deliveries)
