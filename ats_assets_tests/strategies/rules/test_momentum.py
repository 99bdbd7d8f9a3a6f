"""Momentum by hand, through a split, a payment, a halt and a change of name; and as what is traded."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.errors import SettingsError
from ats_assets.plugins import STRATEGIES
from ats_assets.settings import TrainingSettings
from ats_assets.sources.schema import BARS_SCHEMA
from ats_assets.strategies.rules.momentum import Momentum, MomentumSettings
from ats_assets_tests.small_market import FIRST, make_history, small_market

DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(8)]
MOMENTUM = Momentum(MomentumSettings(lookback_sessions=4, skip_sessions=1))


def bars(closes: dict[str, list[float | None]]) -> pl.DataFrame:
    rows = [(symbol, day, close) for symbol, series in closes.items() for day, close in zip(DAYS, series, strict=False) if close]
    frame = pl.DataFrame(rows, schema=["symbol", "session", "close"], orient="row")
    same = dict.fromkeys(("open", "high", "low", "vwap"), pl.col("close"))
    return frame.with_columns(**same, volume=pl.lit(1e6)).select(BARS_SCHEMA.names()).cast(dict(BARS_SCHEMA)).sort("session", "symbol")


def actions(*rows: dict[str, object]) -> pl.DataFrame:
    return pl.DataFrame(rows, schema=CORPORATE_ACTIONS_SCHEMA)


def scores(closes: dict[str, list[float | None]], *told: dict[str, object], members: str = "ABCD") -> dict[str, float]:
    universe = pl.DataFrame({"symbol": list(members), "session": [DAYS[4]] * len(members)})
    frames = {"bars": bars(closes), "corporate_actions": actions(*told), "universe": universe}
    found = MOMENTUM.scores(frames, DAYS[:5], [DAYS[4]], TrainingSettings())
    return {symbol: round(score, 6) for symbol, score in found.select("symbol", "score").iter_rows()}


def test_the_return_from_the_lookback_to_the_skip() -> None:
    found = scores({"A": [100, 7, 7, 110, 50], "B": [100, 7, 7, 90, 500], "E": [1, 1, 1, 2, 2]})
    assert found == {"A": 0.1, "B": -0.1}  # E is no member


def test_splits_and_payments_are_no_returns_of_the_price() -> None:
    split = {"symbol": "A", "session": DAYS[2], "kind": "split", "ratio": 4.0}
    payment = {"symbol": "B", "session": DAYS[2], "kind": "cash_dividend", "cash": 10.0}
    found = scores({"A": [100, 100, 25, 27.5, 27.5], "B": [100, 100, 90, 90, 90]}, split, payment)
    assert found == {"A": 0.1, "B": 0.0}


def test_without_a_bar_at_one_end_there_is_no_score() -> None:
    assert scores({"A": [None, 7, 7, 110, 50], "B": [100, 7, 7, None, 500], "C": [100, None, None, 101, 1]}) == {"C": 0.01}


def test_it_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"skip_sessions \(9\) must be less than lookback_sessions \(5\)"):
        STRATEGIES.made("momentum", {"lookback_sessions": 5, "skip_sessions": 9}, setting="strategies.momentum")


def test_it_is_traded_without_any_model_behind_it(tmp_path: Path) -> None:
    deployment = small_market(tmp_path, strategies={"winners": {"kind": "momentum", "lookback_sessions": 8, "skip_sessions": 2}})
    last = deployment.calendar.offset(FIRST, 14)
    assert make_history(deployment, FIRST, last).success
    signals = deployment.warehouse.read("signals", [last])
    assert signals["target_weight"].sum() == pytest.approx(1.0)
    assert signals["model_session"].null_count() == len(signals) == 10
    closes = deployment.warehouse.read("bars", deployment.calendar.window(last, 9)).pivot("session", index="symbol", values="close")
    assert len(closes)
