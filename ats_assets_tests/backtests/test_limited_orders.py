"""Limit orders that are sent whole, and the exits of brackets, by hand; that all of it comes to the account on paper the tests of the paper broker say."""

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


BRACKET = OrdersSettings(kind="bracket", collar_bps=100.0, take_profit_bps=1000.0, stop_loss_bps=500.0)
"""Of a close of 100: a limit of 101, exits at 110 and 95."""


def held_by_bracket(*bars: tuple[float, float, float, float], sides: float = 0.5, stays: bool = False) -> BacktestResult:
    """50,000 of 100,000 are bought, or sold short, after a close of 100; the sessions after have these bars. `stays`: the targets ask for it at each close."""
    days = weekdays(1 + len(bars))
    columns = dict(zip(("open", "high", "low", "close"), zip((100.0,) * 4, *bars, strict=True), strict=True))
    frame = pl.DataFrame({"symbol": "A", "session": days, **{name: list(prices) for name, prices in columns.items()}, "volume": 1e6})
    how: dict[str, Any] = {
        "settings": BacktestSettings(initial_cash=1e5, commission_bps=10.0, spread_bps=40.0, slippage_bps=0.0),
        "working": WorkingRules(orders=BRACKET, days=DAILY, algorithms={}),
        "portfolio": PortfolioSettings(max_weight=1, max_turnover=4, no_trade_band=0),
        "limits": WIDE.model_copy(update={"allow_short": True}),
    }
    return run_backtest(signals_of([("A", day, sides) for day in (days if stays else days[:1])]), frame, days, **how)


@pytest.mark.parametrize(
    ("bars", "price", "spread"),
    [
        ([(100, 101, 99, 100), (92, 96, 90, 91)], 92.0, 92.0),  # a gap through the stop: at the open, with half the spread
        ([(100, 101, 99, 100), (97, 98, 94, 96)], 95.0, 95.0),  # a touch of it: at its price
        ([(100, 101, 99, 100), (97, 111, 94, 96)], 95.0, 95.0),  # both: the stop came first
        ([(100, 101, 99, 100), (105, 111, 104, 106)], 110.0, 0.0),  # a limit of 110 that is reached: at it, for the commission alone
        ([(100, 101, 94, 96)], 95.0, 95.0),  # in the session of its entry
        ([(100, 111, 99, 104)], 110.0, 0.0),  # likewise: the entry was at the open
        (
            [(103, 111, 100, 104), (105, 106, 104, 105), (109, 112, 108, 109)],
            110.0,
            0.0,
        ),  # the entry was within: which came first nobody knows
    ],
)
def test_an_exit_is_filled_once_at_the_price_that_the_market_had(bars: list[tuple[float, ...]], price: float, spread: float) -> None:
    made = held_by_bracket(*bars)  # pyright: ignore[reportArgumentType]
    entry, left = made.trades.to_dicts()
    assert (entry["reason"], entry["side"], entry["shares"]) == ("rebalance", "buy", 500.0)
    assert (left["reason"], left["side"], left["effect"], left["shares"]) == ("exit", "sell", "close", 500.0)
    assert (left["reference_price"], left["spread_cost"]) == (price, spread)
    assert left["commission"] == pytest.approx(left["notional"] / 1000, abs=0.01)
    assert made.positions.filter(session=left["session"]).is_empty()


def test_a_short_is_covered_by_its_exits() -> None:
    made = held_by_bracket((100, 101, 99, 100), (104, 106, 103, 104), sides=-0.5)
    assert made.trades.select("reason", "side", "reference_price").rows() == [("rebalance", "sell", 100.0), ("exit", "buy", 105.0)]


def test_what_an_exit_has_sold_is_bought_back_where_the_targets_still_want_it() -> None:
    """The plan knows the targets, and no exits."""
    made = held_by_bracket((100, 101, 99, 100), (97, 98, 94, 96), (96, 97, 95, 96), stays=True)
    assert made.trades["reason"].to_list()[:3] == ["rebalance", "exit", "rebalance"]
    assert made.trades["side"].to_list()[:3] == ["buy", "sell", "buy"]
