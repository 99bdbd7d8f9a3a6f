"""What orders have cost, and are expected to cost, by hand."""

from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl
import pytest

from ats_assets.impact import model_named
from ats_assets.impact.market_impact import MarketImpact
from ats_assets.impact.schema import MARKET_SCHEMA
from ats_assets.orders.schema import FILLS_SCHEMA, ORDER_PLAN_SCHEMA
from ats_assets.orders.trading_costs.cost_estimate import cost_estimate
from ats_assets.orders.trading_costs.estimate_total import total_row
from ats_assets.orders.trading_costs.transaction_costs import LEAST_DAYS, PRICES_SCHEMA, FilledOrders, transaction_costs
from ats_assets.settings import BacktestSettings, ImpactSettings

BEFORE, DAY = date(2024, 3, 1), date(2024, 3, 4)
OPEN = datetime(2024, 3, 4, 14, 30, tzinfo=UTC)
CLOSE = OPEN + timedelta(hours=6, minutes=30)
RATES = BacktestSettings(commission_bps=1.0, spread_bps=4.0, slippage_bps=3.0)
KNOWN = [("A", BEFORE, 1e6, 0.02, 0.001), ("B", BEFORE, None, None, None)]
"""A: a million dollars a day, 2 % a day; of B nothing is known."""


def impact(**settings: float) -> MarketImpact:
    inputs = pl.DataFrame(KNOWN, schema=MARKET_SCHEMA, orient="row")
    return MarketImpact(model=model_named("square_root"), settings=ImpactSettings(model="square_root", **settings), inputs=inputs)


def fill(name: str, symbol: str, side: str, shares: float, price: float, minutes: float) -> tuple[object, ...]:
    at = OPEN + timedelta(minutes=minutes)
    return (DAY, f"{name}-{minutes}", name, symbol, symbol, side, shares, price, 1.0, 0.0, at, BEFORE, 99.0)


def filled(
    *rows: tuple[object, ...],
    parents: dict[str, str] | None = None,
    prices: pl.DataFrame | None = None,
    arrivals: dict[str, float] | None = None,
) -> FilledOrders:
    fills = pl.DataFrame(list(rows), schema=FILLS_SCHEMA, orient="row")
    return FilledOrders(
        fills=fills,
        parents=parents or {},
        arrivals=arrivals or {},
        recorded={name: at + timedelta(seconds=2) for name, at in fills.select("fill_id", "at").iter_rows()},
        bars=pl.DataFrame({"symbol": ["A", "B"], "open": [100.0, 50.0], "close": [102.0, 49.0]}),
        prices=PRICES_SCHEMA.to_frame() if prices is None else prices,
        opens_at=OPEN,
        closes_at=CLOSE,
        before=BEFORE,
    )


def minute_bars(*bars: tuple[int, float, float]) -> pl.DataFrame:
    """(minute since the open, price, volume) of A."""
    rows = [("A", OPEN + timedelta(minutes=m), OPEN + timedelta(minutes=m + 1), price, volume) for m, price, volume in bars]
    return pl.DataFrame(rows, schema=PRICES_SCHEMA, orient="row")


def test_an_order_in_parts_is_one_against_arrival_the_market_meanwhile_and_the_close() -> None:
    """300 bought at 100.20 and 100 at 100.60: 100.30 on average. Of the market, the minutes from the first execution to the last count: (100.1 * 3 + 100.5) / 4."""
    market = minute_bars((9, 90.0, 1e6), (10, 100.1, 3_000), (30, 100.5, 1_000), (41, 200.0, 1e6))
    parts = {"main-A-open-01": "main-A-open", "main-A-open-02": "main-A-open"}
    rows = [fill("main-A-open-01", "A", "buy", 300, 100.2, 10.5), fill("main-A-open-02", "A", "buy", 100, 100.6, 40.5)]
    (row,) = transaction_costs(DAY, filled(*rows, parents=parts, prices=market), impact(), RATES).iter_rows(named=True)
    assert (row["client_order_id"], row["fills"], row["filled"], row["fees"]) == ("main-A-open", 2, 400, 2.0)
    assert row["average_price"] == pytest.approx(100.3)
    assert row["interval_vwap"] == pytest.approx(100.2)
    slippages = [row[f"slippage_{name}_bps"] for name in ("decision", "arrival", "interval", "close")]
    assert slippages == pytest.approx([1e4 * (100.3 / price - 1) for price in (99.0, 100.0, 100.2, 102.0)])
    assert (row["first_at"], row["last_at"]) == (OPEN + timedelta(minutes=10.5), OPEN + timedelta(minutes=40.5))
    assert (row["recorded_at"] - row["last_at"], row["latency_seconds"]) == (timedelta(seconds=2), 2.0)


def test_what_the_model_expects_stands_beside_it_and_the_difference_in_deviations_of_the_market() -> None:
    """40,000 of a million a day: 200 bp * 0.2 = 40 bp, and 2 bp of the spread. Over 39 minutes of 390 the market moves 200 * sqrt(0.1 / 3) = 36.5 bp."""
    rows = [fill("main-A-open", "A", "buy", 200, 100.2, 0.0), fill("main-A-open", "A", "buy", 200, 101.0, 39.0)]
    (row,) = transaction_costs(DAY, filled(*rows), impact(), RATES).iter_rows(named=True)
    assert row["participation"] == pytest.approx(0.04)
    assert row["expected_bps"] == pytest.approx(42.0)
    assert row["difference_bps"] == pytest.approx(60.0 - 42.0)
    assert row["difference_z"] == pytest.approx(18.0 / (200 * np.sqrt(0.1 / 3)))
    assert row["interval_vwap"] is None
    at_once = transaction_costs(DAY, filled(fill("main-A-open", "A", "sell", 400, 99.4, 0.0)), impact(), RATES).row(0, named=True)
    assert at_once["difference_z"] == pytest.approx(18.0 / (200 * np.sqrt(LEAST_DAYS / 3)))


def test_ticks_at_the_very_instants_count_and_others_do_not() -> None:
    ticks = [
        ("A", OPEN + timedelta(minutes=m), OPEN + timedelta(minutes=m), price, 10.0)
        for m, price in ((0, 1.0), (1, 100.0), (3, 101.0), (4, 9.0))
    ]
    rows = [fill("main-A-open", "A", "buy", 1, 100.0, 1.0), fill("main-A-open", "A", "buy", 1, 101.0, 3.0)]
    market = pl.DataFrame(ticks, schema=PRICES_SCHEMA, orient="row")
    assert transaction_costs(DAY, filled(*rows, prices=market), impact(), RATES)["interval_vwap"].item() == pytest.approx(100.5)


def plan(*rows: tuple[str, str, float, float | None]) -> pl.DataFrame:
    """(symbol, side, quantity, decision price)."""
    values = [
        {"session": BEFORE, "symbol": s, "side": side, "quantity": n, "decision_price": p, "client_order_id": f"main-{s}" if n else None}
        for s, side, n, p in rows
    ]
    return pl.DataFrame(values, schema=ORDER_PLAN_SCHEMA, orient="row")


def test_an_estimate_has_its_parts_and_what_is_not_known_costs_the_fixed_rates_with_the_reason() -> None:
    """A symbol without volume is told as one; what has no price has no order, and no cost."""
    made = cost_estimate(BEFORE, plan(("A", "buy", 400, 100.0), ("B", "sell", 10, 50.0), ("C", "buy", 0, None)), impact(), RATES)
    a, b = made.iter_rows(named=True)
    assert [a[f"{name}_bps"] for name in ("commission", "spread", "fixed", "permanent", "temporary")] == pytest.approx([1, 2, 0, 0, 40])
    assert (a["expected_bps"], a["expected"], a["participation"], a["reason"]) == (pytest.approx(43.0), 172.0, pytest.approx(0.04), None)
    assert [b[f"{name}_bps"] for name in ("commission", "spread", "fixed", "permanent", "temporary")] == pytest.approx([1, 2, 3, 0, 0])
    assert (b["expected"], b["participation"], b["reason"]) == (0.3, None, "no_volume")
    total = total_row(made)
    assert total["expected"] == pytest.approx(172.3)
    assert total["expected_bps"] == pytest.approx((43.0 * 40_000 + 6.0 * 500) / 40_500)


def test_a_day_without_orders_has_no_rows() -> None:
    assert cost_estimate(BEFORE, plan(), impact(), RATES).is_empty()
    assert transaction_costs(DAY, filled(), impact(), RATES).is_empty()


def test_a_worked_order_arrives_when_its_work_begins() -> None:
    rows = [fill("main-A-open-01", "A", "buy", 10, 101.0, 60.0)]
    made = transaction_costs(
        DAY, filled(*rows, parents={"main-A-open-01": "main-A-open"}, arrivals={"main-A-open": 100.5}), impact(), RATES
    )
    assert made["arrival_price"].item() == 100.5
    assert made["slippage_arrival_bps"].item() == pytest.approx(1e4 * (101.0 / 100.5 - 1))
