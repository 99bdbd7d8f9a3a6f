import json
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import polars as pl
import pytest

from ats_assets.execution.order import BrokerOrder, OrderStatus, Side
from ats_assets.orders.quality import execution_quality, quality_table, summary
from ats_assets.orders.schema import ACCOUNT_SCHEMA, FILLS_SCHEMA, POSITIONS_SCHEMA
from ats_assets.reports.execution_report import execution_report

DAY, OPEN = date(2024, 3, 4), datetime(2024, 3, 4, 14, 30, tzinfo=UTC)
BARS = pl.DataFrame({"symbol": ["A", "B"], "open": [10.0, 20.0], "vwap": [10.2, None]})


def order(symbol: str, side: Side, ordered: int, filled: int) -> BrokerOrder:
    return BrokerOrder(
        broker_order_id=f"x-{symbol}",
        client_order_id=f"main-{symbol}",
        symbol=symbol,
        side=side,
        quantity=Decimal(ordered),
        status=OrderStatus.FILLED if filled == ordered else OrderStatus.EXPIRED,
        filled_quantity=Decimal(filled),
        filled_average_price=None,
        submitted_at=OPEN - timedelta(hours=12),
        updated_at=OPEN,
        reason=None if filled == ordered else "no_volume",
    )


def fill(symbol: str, side: str, shares: float, price: float, seconds: float, decision: float) -> tuple[object, ...]:
    at = OPEN + timedelta(seconds=seconds)
    return (DAY, f"{symbol}-{seconds}", f"main-{symbol}", symbol, symbol, side, shares, price, 0.5, 0.0, at, date(2024, 3, 1), decision)


def quality() -> pl.DataFrame:
    rows = [fill("A", "buy", 60, 10.1, 2.0, 9.9), fill("A", "buy", 40, 10.2, 5.0, 9.9), fill("B", "sell", 10, 19.9, 4.0, 20.5)]
    fills = pl.DataFrame(rows, schema=FILLS_SCHEMA, orient="row")
    orders = [order("A", Side.BUY, 100, 100), order("B", Side.SELL, 30, 10), order("C", Side.BUY, 5, 0)]
    return execution_quality(DAY, orders=orders, fills=fills, bars=BARS, opens_at=OPEN)


def test_slippage_by_hand() -> None:
    """A is bought at (60 * 10.10 + 40 * 10.20) / 100 = 10.14; B is sold at 19.90 against an open of 20 and a decision price of 20.50."""
    a, b, c = quality().iter_rows(named=True)
    assert a["average_price"] == pytest.approx(10.14)
    assert a["slippage_arrival_bps"] == pytest.approx(140.0)
    assert a["slippage_decision_bps"] == pytest.approx((10.14 / 9.9 - 1) * 1e4)
    assert a["slippage_vwap_bps"] == pytest.approx((10.14 / 10.2 - 1) * 1e4)
    assert (a["fill_rate"], a["fees"], a["latency_seconds"]) == (1.0, 1.0, 2.0)
    assert b["slippage_arrival_bps"] == pytest.approx(50.0)
    assert b["slippage_vwap_bps"] is None
    assert (b["fill_rate"], b["reason"]) == (pytest.approx(1 / 3), "no_volume")
    assert (c["filled"], c["average_price"], c["slippage_arrival_bps"]) == (0, None, None)


def test_the_mean_is_weighted_by_what_was_traded() -> None:
    """1,014.00 at 140 bp and 199.00 at 50 bp; the VWAP of A alone is known."""
    told = summary(quality())
    assert told["slippage_arrival_bps"] == pytest.approx((1014 * 140 + 199 * 50) / 1213)
    assert told["slippage_vwap_bps"] == pytest.approx((10.14 / 10.2 - 1) * 1e4)
    assert (told["orders"], told["filled_in_full"], told["latency_seconds"]) == (3, 1, 3.0)
    assert told["fill_rate"] == pytest.approx(110 / 135)


def test_a_session_without_orders_is_told_as_one() -> None:
    none = execution_quality(DAY, orders=[], fills=FILLS_SCHEMA.to_frame(), bars=BARS, opens_at=OPEN)
    assert none.is_empty()
    assert summary(none)["slippage_arrival_bps"] is None
    assert "| orders | 0.00 |" in quality_table(none)


def test_the_report_shows_what_was_recorded_and_is_the_same_twice() -> None:
    rows = [(DAY, "paper", "paper-main", 100.0, 2_000.0, 1.0, False, "cash: 1.00 more <here>", OPEN)]
    account = pl.DataFrame(rows, schema=ACCOUNT_SCHEMA, orient="row")
    page = execution_report(account, quality(), broker="paper", live=False)
    assert page == execution_report(account, quality(), broker="paper", live=False)
    for text in ("The account differed from our own records", "cash: 1.00 more &lt;here&gt;", "no_volume", "+125.2", "2,000"):
        assert text in page, text
    assert "LIVE" not in page.split("<main>")[1].split("</main>")[0]
    empty = execution_report(account.with_columns(differences=pl.lit(None, pl.String)), quality().clear(), broker="alpaca", live=True)
    assert "The account agreed" in empty
    assert "LIVE" in empty.split("<main>")[1].split("</main>")[0]


def test_the_report_shows_what_is_held_the_profit_of_each_session_and_the_backtest_beside_it() -> None:
    """Equity and cash shared an axis, on which neither moved; positions, profit and the backtest were not there."""
    days = [DAY, DAY + timedelta(days=1), DAY + timedelta(days=2)]
    rows = [
        (day, "paper", "paper-main", cash, equity, 1.0, False, None, OPEN)
        for day, cash, equity in zip(days, (2e6, 1e6, 1e6), (2e6, 2.02e6, 1.999e6), strict=True)
    ]
    account = pl.DataFrame(rows, schema=ACCOUNT_SCHEMA, orient="row")
    held = pl.DataFrame(
        [(days[2], "A", "x:A", 100.0, 9_000.0, 99.95, 9_995.0), (days[2], "<B>", "x:B", -0.5, -50.0, None, None)],
        schema=POSITIONS_SCHEMA,
        orient="row",
    )
    tested = pl.DataFrame({"session": days, "equity": [100.0, 101.0, 99.0]})
    page = execution_report(account, quality(), broker="paper", live=False, positions=held, backtest=tested)
    for text in (
        *(">A</td>", ">9,995</td>", ">0.50%</td>", ">+995</td>", "&lt;B&gt;", "−0.5000"),  # positions
        *("+20,000.00", "−21,000.00"),  # the profit of the sessions
        "account −0.050%, backtest −1.000%",
        "differ by 47.03 basis points in the mean, by 94.06 at most",
    ):
        assert text in page, text
    charts = {
        name: json.loads(text)
        for name, text in re.findall(r'<figure id="chart-(\w+)">.*?<script type="application/json">(.*?)</script>', page, re.DOTALL)
    }
    assert charts["pnl"]["series"][0][2] == [None, 20_000.0, -21_000.0]
    assert [name for name, _, _ in charts["account"]["series"]] == ["equity", "cash"]
    np.testing.assert_allclose(charts["beside"]["series"][2][2], [0.0, 0.0, 95.0], atol=1e-9)
    alone = execution_report(account, quality(), broker="paper", live=False, backtest=tested.head(1))
    assert "The backtest has fewer than two of these sessions" in alone
