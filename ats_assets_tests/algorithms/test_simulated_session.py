"""A played session by hand: what each kind of order gets of a bar, and what bad bars do."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import polars as pl
import pytest

from ats_assets.algorithms import (
    MINUTE_SCHEMA,
    Answer,
    ChildRecord,
    Done,
    Leg,
    OrderKind,
    OrderStatus,
    Parent,
    SendChild,
    SessionMarket,
    Side,
    Wait,
    unsent,
)
from ats_assets.algorithms.matching import MatchingRules
from ats_assets.algorithms.played_session import PlayedSession, SessionTimes, WorkedOrder
from ats_assets.algorithms.simulated_session import play_session
from ats_assets.algorithms.stepping import DayEnd
from ats_assets.algorithms.symbol_day import SymbolDay
from ats_assets.errors import ContractError
from ats_assets.settings import Section

OPENS = datetime(2024, 3, 4, 14, 30, tzinfo=UTC)
TIMES = SessionTimes(session=date(2024, 3, 4), opens_at=OPENS, closes_at=OPENS + timedelta(minutes=60))
Bar = tuple[int, float, float, float, float, float]


class One:
    """One order, at a minute."""

    needs_bars, before_open, settings = True, False, Section()

    def __init__(self, minute: int, kind: OrderKind, limit: str | None = None, expires: int | None = None) -> None:
        self.at, self.kind = OPENS + timedelta(minutes=minute), kind
        self.limit = None if limit is None else Decimal(limit)
        self.expires = None if expires is None else OPENS + timedelta(minutes=expires)

    def next(self, parent: Parent, children: Any, market: SessionMarket) -> Answer:
        if market.now < self.at:
            return Wait(until=self.at, reason="early")
        if children:
            return Done(reason="sent")
        return SendChild(quantity=unsent(parent, children), kind=self.kind, limit_price=self.limit, expires_at=self.expires, reason="now")


def frame(*bars: Bar) -> pl.DataFrame:
    """Minute, open, high, low, close, volume."""
    rows = [(OPENS + timedelta(minutes=m), *prices, OPENS + timedelta(minutes=m + 1)) for m, *prices in bars]
    return pl.DataFrame(rows, schema=MINUTE_SCHEMA, orient="row")


def played(one: One, *bars: Bar, side: Side = Side.BUY, quantity: int = 100, unfilled: Any = "end", **rules: Any) -> PlayedSession:
    parent = Parent(
        client_order_id="P",
        symbol="S",
        side=side,
        leg=Leg.OPEN,
        quantity=Decimal(quantity),
        decision_price=Decimal(10),
        starts_at=OPENS,
        ends_at=OPENS + timedelta(minutes=45),
    )
    order = WorkedOrder(parent=parent, algorithm=one, day_end=DayEnd(unfilled=unfilled))
    return play_session([order], {"S": SymbolDay(symbol="S", bars=frame(*bars))}, TIMES, rules=MatchingRules(**rules))


BARS: tuple[Bar, ...] = (
    (0, 10.0, 10.2, 9.9, 10.1, 1000),
    (1, 10.1, 10.3, 10.0, 10.2, 1000),
    (2, 10.2, 10.2, 9.8, 9.9, 1000),
    (40, 9.9, 9.95, 9.9, 9.9, 1000),
    (50, 9.9, 10.0, 9.7, 9.95, 1000),
)


@pytest.mark.parametrize(
    ("one", "side", "price", "minute", "takes"),
    [
        (One(1, OrderKind.MARKET), Side.BUY, "10.1", 1, True),  # sent at 14:31, filled at the open of that minute
        (One(3, OrderKind.MARKET), Side.BUY, "9.9", 40, True),  # nothing traded in between
        (One(1, OrderKind.LIMIT, "10.15"), Side.BUY, "10.1", 1, True),  # reached at once: at the open, not at the limit
        (One(1, OrderKind.LIMIT, "9.85"), Side.BUY, "9.85", 3, False),  # waits, until the third minute has ended
        (One(1, OrderKind.LIMIT, "10.25"), Side.SELL, "10.25", 2, False),
        (One(1, OrderKind.MARKET_ON_CLOSE), Side.BUY, "9.95", 60, True),
        (One(1, OrderKind.LIMIT_ON_CLOSE, "9.96"), Side.BUY, "9.95", 60, True),
    ],
)
def test_what_an_order_gets(one: One, side: Side, price: str, minute: int, takes: bool) -> None:
    (fill,) = played(one, *BARS, side=side).fills
    assert (fill.price, fill.at, fill.takes) == (Decimal(price), OPENS + timedelta(minutes=minute), takes)


def test_a_limit_on_close_that_is_not_reached_expires() -> None:
    (order,) = played(One(1, OrderKind.LIMIT_ON_CLOSE, "9.94"), *BARS).orders
    assert (order.status, order.children[0].status) == (OrderStatus.EXPIRED, OrderStatus.EXPIRED)


def test_a_limit_bounds_price_and_spread_together() -> None:
    """Its open of 10.10 and a tenth of spread are beyond 10.15: it waits at its limit, and is filled there."""
    (fill,) = played(One(1, OrderKind.LIMIT, "10.15"), *BARS, adverse={"S": 0.01}).fills
    assert (fill.price, fill.takes) == (Decimal("10.15"), False)


def test_no_more_is_filled_of_a_minute_than_its_share() -> None:
    session = played(One(0, OrderKind.MARKET), *BARS, quantity=600, volume_share=0.25)
    assert [(int(fill.quantity), str(fill.price)) for fill in session.fills] == [(250, "10.0"), (250, "10.1"), (100, "10.2")]
    assert session.orders[0].children[0].average_price == Decimal("10.075")


def test_an_order_whose_time_is_over_is_cancelled_and_its_rest_goes_into_the_auction() -> None:
    session = played(One(0, OrderKind.LIMIT, "9.00", expires=2), *BARS, unfilled="close")
    assert [(str(c.kind), str(c.status)) for c in session.orders[0].children] == [("limit", "canceled"), ("market_on_close", "filled")]
    assert session.orders[0].status is OrderStatus.FILLED


@pytest.mark.parametrize(("unfilled", "price", "minute"), [("cross", "9.9", 50), ("close", "9.95", 60)])
def test_at_the_end_of_its_time_the_rest_goes_where_the_settings_say(unfilled: str, price: str, minute: int) -> None:
    """Its time ends 15 minutes before the close: at the market it meets the next bar, five minutes later."""
    session = played(One(0, OrderKind.LIMIT, "9.00"), *BARS, unfilled=unfilled)
    (fill,) = session.fills
    assert (fill.price, fill.at, fill.number) == (Decimal(price), OPENS + timedelta(minutes=minute), 2)
    told = [step.answer.reason for step in session.steps[1:3]]
    assert all(one.startswith("unfilled 15 minutes before the close") for one in told)


@pytest.mark.parametrize(("unfilled", "fills"), [("close", [(60, "9.95")]), ("end", []), ("cross", [(50, "9.9")])])
def test_an_order_at_the_market_that_a_halt_has_kept_open_goes_where_the_settings_say(unfilled: str, fills: list[tuple[int, str]]) -> None:
    """It stayed open to the close, whatever they said: with `end` it was traded after the end of its time, with `close` its rest missed the auction."""
    session = played(One(3, OrderKind.MARKET), *BARS[:3], BARS[-1], unfilled=unfilled)
    assert [(int((fill.at - OPENS) / timedelta(minutes=1)), str(fill.price)) for fill in session.fills] == fills


def test_a_minute_without_volume_fills_nothing() -> None:
    """A symbol that does not trade: no fill, and a reason."""
    session = played(One(0, OrderKind.MARKET), (0, 10.0, 10.0, 10.0, 10.0, 0.0))
    assert session.fills == ()
    assert session.orders[0].status is OrderStatus.EXPIRED
    assert "100 of 100 are unfilled" in session.orders[0].reason


@pytest.mark.parametrize("price", [0.0, -1.0, float("nan"), float("inf")])
def test_a_price_that_is_none_is_refused_before_anything_is_played(price: float) -> None:
    with pytest.raises(ContractError, match="the bars of S have prices that are none"):
        played(One(0, OrderKind.MARKET), (0, 10.0, 10.0, 10.0, 10.0, 100.0), (1, price, 10.0, 10.0, 10.0, 100.0))


def test_bars_that_go_back_in_time_are_refused() -> None:
    with pytest.raises(ContractError, match="go back in time"):
        played(One(0, OrderKind.MARKET), (1, 10.0, 10.0, 10.0, 10.0, 100.0), (0, 10.0, 10.0, 10.0, 10.0, 100.0))


def test_children_are_told_by_number() -> None:
    (order,) = played(One(0, OrderKind.MARKET), *BARS).orders
    assert [child.client_order_id for child in order.children] == ["P-01"]
    assert all(isinstance(child, ChildRecord) for child in order.children)
