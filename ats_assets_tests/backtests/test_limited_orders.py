"""Limit orders that are sent whole, by hand; that all of it comes to the account on paper the tests of the paper broker say."""

from datetime import date
from typing import Any

import polars as pl
import pytest

from ats_assets.algorithms.algorithm import MINUTE_SCHEMA
from ats_assets.algorithms.stored_days import StoredDays
from ats_assets.backtests import BacktestResult, run_backtest
from ats_assets.calendar import session_calendar
from ats_assets.errors import ContractError
from ats_assets.portfolio.working_rules import WorkingRules
from ats_assets.settings import BacktestSettings, OrderLimitSettings, OrdersSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import signals_of, weekdays

DAYS, WIDE = weekdays(2), OrderLimitSettings(max_order_share=1, max_position_share=1)
ORDERS = OrdersSettings(kind="limit", collar_bps=100.0)
DAILY = StoredDays(lambda _: MINUTE_SCHEMA.to_frame(), session_calendar("24/7", date(2019, 12, 1)), 0.0)


def traded(*second: float, kind: str = "limit", columns: tuple[str, ...] = ("open", "high", "low", "close")) -> BacktestResult:
    """50,000 of 100,000 are wanted at the close of 100; the session after has these prices."""
    prices = {name: [100.0, price] for name, price in zip(("open", "high", "low", "close"), second, strict=True)}
    bars = pl.DataFrame({"symbol": "A", "session": DAYS, **prices, "volume": 1e6}).select("symbol", "session", *columns, "volume")
    working = WorkingRules(orders=ORDERS.model_copy(update={"kind": kind}), days=DAILY, algorithms={})
    settings = BacktestSettings(initial_cash=1e5, commission_bps=10.0, spread_bps=40.0, slippage_bps=0.0)
    how: dict[str, Any] = {"portfolio": PortfolioSettings(max_weight=1, max_turnover=4, no_trade_band=0), "limits": WIDE}
    return run_backtest(signals_of([("A", DAYS[0], 0.5)]), bars, DAYS, settings=settings, working=working, **how)


@pytest.mark.parametrize(
    ("second", "price", "spread"),
    [
        ((100.5, 103.0, 99.0, 102.0), 100.701, 100.5),  # within 101 with half the spread: at the open
        ((100.9, 103.0, 99.0, 102.0), 101.0, 0.0),  # the open is, and with its costs it is not: at the limit, once the market comes to it
    ],
)
def test_it_is_filled_at_the_open_within_its_limit_or_at_its_limit_in_the_session(
    second: tuple[float, ...], price: float, spread: float
) -> None:
    (trade,) = traded(*second).trades.to_dicts()
    assert (trade["shares"], trade["price"], trade["spread_cost"]) == (500.0, pytest.approx(price), spread)
    assert trade["commission"] == pytest.approx(trade["notional"] / 1000, abs=0.01)


@pytest.mark.parametrize("kind", ["limit", "bracket"])
def test_a_limit_that_the_market_does_not_come_to_is_unfilled(kind: str) -> None:
    made = traded(103.0, 104.0, 101.5, 102.0, kind=kind)
    assert made.trades.is_empty()
    assert made.unfilled.select("reason", "ordered_shares", "filled_shares").row(0) == ("limit_not_reached", 500.0, 0.0)
    assert traded(103.0, 104.0, 101.5, 102.0, kind="market_on_open").trades["reference_price"].to_list() == [103.0]


def test_bars_without_a_range_are_refused() -> None:
    with pytest.raises(ContractError, match=r"bars have no high, which limit orders .* set orders.kind = 'market_on_open'"):
        traded(100.5, 103.0, 99.0, 102.0, columns=("open", "close"))
