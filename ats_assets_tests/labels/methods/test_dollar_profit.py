"""The dollar profit of a position, by hand and beside forward returns."""

from datetime import date, timedelta
from typing import ClassVar

import polars as pl
import pytest

from ats_assets.labels import labels_known_at
from ats_assets.labels.methods.dollar_profit import PLUGIN, DollarProfitLabel, DollarProfits, DollarProfitSettings
from ats_assets_tests.kits.labels import LabelKit
from ats_assets_tests.kits.market import DAYS as MARKET_DAYS
from ats_assets_tests.kits.market import frames

DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(8)]
CASE = DollarProfitSettings(horizon_sessions=1, volatility_span_sessions=3, min_returns=2, volume_sessions=2, fee=1.0)


class TestDollarProfit(LabelKit):
    plugin = PLUGIN
    small: ClassVar = {"horizon_sessions": 3, "volatility_span_sessions": 3, "min_returns": 2, "volume_sessions": 4}


def profits(*closes: float, volume: float = 10_000.0, chosen: DollarProfitSettings = CASE) -> pl.DataFrame:
    bars = pl.DataFrame({"symbol": "A", "session": DAYS[: len(closes)], "close": closes}).with_columns(open="close", volume=volume)
    made = labels_known_at(DollarProfitLabel(chosen), {"bars": bars}, DAYS[: len(closes)], DAYS[: len(closes)], adjust="none")
    DollarProfits.validate(made, lazy=True)
    return made.filter(decision_session=DAYS[2])


def test_a_profit_is_the_return_less_spread_fees_and_impact_of_both_trades() -> None:
    """Volatility 0.1 * sqrt(2); 10,000 shares at 110 and 99 are 1,045,000 dollars a session, of which 10,000 are bought at 100 and sold at 104."""
    (row,) = profits(100, 110, 99, 100, 104).rows(named=True)
    impact = 0.1 * 2**0.5 * (10_000 / 1_045_000) ** 0.5
    cost = (10_000 + 10_400) * ((2 + 1) / 10_000 + impact) + 2
    assert row["cost"] == pytest.approx(cost)
    assert row["profit"] == pytest.approx(400 - cost)
    assert row["short_profit"] == pytest.approx(-400 - cost)
    assert (row["label"], row["return"], row["session"]) == (1, pytest.approx(0.04), DAYS[4])


def test_a_move_smaller_than_its_costs_pays_for_neither_side() -> None:
    assert profits(100, 110, 99, 100, 103)["label"].to_list() == [1]
    assert profits(100, 110, 99, 100, 101)["label"].to_list() == [0]
    assert profits(100, 110, 99, 100, 95)["label"].to_list() == [-1]
    free = DollarProfitSettings.model_validate(CASE.model_dump() | {"spread_bps": 0, "fee_bps": 0, "fee": 0, "impact_coefficient": 0})
    (row,) = profits(100, 110, 99, 100, 101, chosen=free).rows(named=True)
    assert (row["label"], row["cost"], row["profit"]) == (1, 0.0, pytest.approx(100.0))


def test_who_would_trade_too_much_of_the_volume_has_no_label() -> None:
    assert profits(100, 110, 99, 100, 104, volume=1_000).height == 1
    assert profits(100, 110, 99, 100, 104, volume=900).is_empty(), "10,000 dollars of 94,050 are more than a tenth"


def test_the_better_side_is_the_label() -> None:
    label = DollarProfitLabel(DollarProfitSettings(horizon_sessions=2, volatility_span_sessions=3, min_returns=2))
    found = labels_known_at(label, frames(), MARKET_DAYS, MARKET_DAYS, adjust="splits_and_dividends")
    better = pl.when(pl.col("profit") > 0).then(1).when(pl.col("short_profit") > 0).then(-1).otherwise(0)
    assert found["label"].to_list() == found.select(better).to_series().to_list()
    assert set(found["label"]) == {1, 0, -1}
    assert (found["profit"] + found["short_profit"] + 2 * found["cost"]).abs().max() == pytest.approx(0.0, abs=1e-8)
