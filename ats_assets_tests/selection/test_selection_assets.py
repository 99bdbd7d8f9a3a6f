"""Selection in the graph: only where settings ask, made of what was known, judged by the leak check, and followed by strategies."""

from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ats_assets.leakcheck import find_leaks
from ats_assets.leakcheck.subjects import of_deployment, stored_bars
from ats_assets.selection.assets import assets
from ats_assets.selection.contracts import TickerSelection, TimeframeSelection
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, make_history, small_market, without_the_future

LAST = date(2021, 2, 26)
TICKERS = {
    "active": 6,
    "focus": 4,
    "band": 2,
    "focus_band": 1,
    "memory_sessions": 5,
    "lookback_sessions": 8,
    "min_sessions": 3,
    "skill_sessions": 10,
    "trade": "active",
}
SELECTED = {
    **EARLY_MODELS,
    "ticker_selection": TICKERS,
    "timeframe_selection": {"sessions": 20, "min_sessions": 10},
    "strategies": {
        "model_scores": {"calibration_sessions": 5, "min_calibration_rows": 50},
        "momentum": {"lookback_sessions": 5, "skip_sessions": 1},
    },
}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("selection")
    assert make_history(small_market(folder, last_session=LAST, **SELECTED), FIRST, LAST).success
    return folder


def test_there_is_none_unless_settings_have_its_table(tmp_path: Path) -> None:
    assert assets(small_market(tmp_path)) == []
    assert len(assets(small_market(tmp_path, ticker_selection={}))) == 1
    assert len(assets(small_market(tmp_path, timeframe_selection={}))) == 1


def test_partitions_are_made_of_what_was_known_and_strategies_hold_what_is_active(root: Path, tmp_path: Path) -> None:
    warehouse = small_market(root, last_session=LAST, **SELECTED).warehouse
    tickers = TickerSelection.validate(warehouse.read("ticker_selection", warehouse.stored_sessions("ticker_selection")))
    assert set(tickers["state"]) == {"focus", "active", "out"}
    assert tickers["skill"].drop_nulls().len() > 50
    timeframes = TimeframeSelection.validate(warehouse.read("timeframe_selection", warehouse.stored_sessions("timeframe_selection")))
    assert set(timeframes["horizon_sessions"]) == {1, 5}
    active = tickers.filter(pl.col("state") != "out").select("symbol", "session")
    for name in ("model_scores_signals", "momentum_signals"):
        signals = warehouse.read(name, warehouse.stored_sessions(name))
        assert signals.height > 50
        assert signals.join(active, on=["symbol", "session"], how="anti").is_empty(), name
        assert (signals["target_weight"] != 0).any()
    assert without_the_future(root, date(2021, 2, 12), tmp_path, **SELECTED) == []


def test_the_leak_check_judges_both(root: Path) -> None:
    deployment = small_market(root, last_session=LAST, **SELECTED)
    bars, days = stored_bars(deployment, 20, 12)
    subjects = {one.name: one for one in of_deployment(deployment, bars, days)}
    for name in ("ticker_selection", "timeframe_selection"):
        assert subjects[name].result().height > 50
        assert find_leaks(subjects[name], days) == [], name
