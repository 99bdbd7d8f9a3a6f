"""What an execution algorithm must be able to do: of an order that is worked in parts, say what is to be done next.

An algorithm is a pure function of what is recorded and of what the market has shown. It keeps no state: asked again, by another process, after a restart, it gives
the same answer. What asks it is a driver: the executor at a broker, the session loop, and `simulated_session` in a backtest and at the paper broker. The driver gives one
answer after another its effect, each written down before it is acted upon, until the answer is to wait or that nothing is left to do.

A module of `algorithms/rules/`, or one's own, holds an object `PLUGIN`, whose `make` is called with its own settings (`[algorithms.<name>]`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel

from ats_assets.algorithms.order_words import Leg, OrderKind, OrderStatus, Side
from ats_assets.algorithms.price_grid import on_grid, price_step
from ats_assets.errors import AtsError

_AT = pl.Datetime("ns", "UTC")
MINUTE_SCHEMA = pl.Schema(
    {
        "starts_at": _AT,
        "open": pl.Float64,
        "high": pl.Float64,
        "low": pl.Float64,
        "close": pl.Float64,
        "volume": pl.Float64,
        "known_at": _AT,
    }
)
"""Of the bars inside a session that an algorithm sees, ascending by time: those that are known by now."""


class AlgorithmError(AtsError):
    """An algorithm's answer can't be carried out: it would fill more than was decided, or names what is not there."""


@dataclass(frozen=True, kw_only=True)
class Increments:
    """What prices and quantities of an instrument are multiples of.

    Attributes
    ----------
    price
        None: by the rule of its market (`ats_assets.algorithms.price_grid`).
    """

    price: Decimal | None = None
    quantity: Decimal = Decimal(1)
    least_quantity: Decimal = Decimal(1)


@dataclass(frozen=True, kw_only=True)
class Parent:
    """An order that is worked in parts.

    Attributes
    ----------
    quantity
        Shares, positive: no more are ever traded of it.
    limit_price
        No part may be traded at a worse price; None: there is no limit.
    decision_price, arrival_price
        The close that it was decided at; the price at which working it began, None before that.
    starts_at, ends_at
        Within which it is worked, UTC.
    urgency
        From 0 (patient) to 1 (at once).
    """

    client_order_id: str
    symbol: str
    side: Side
    leg: Leg
    quantity: Decimal
    decision_price: Decimal
    starts_at: datetime
    ends_at: datetime
    limit_price: Decimal | None = None
    arrival_price: Decimal | None = None
    urgency: float = 0.5
    increments: Increments = field(default_factory=Increments)

    def on_quantity_grid(self, quantity: Decimal) -> Decimal:
        """The next lower quantity that an order may have; 0 where that is less than the least."""
        rounded = on_grid(quantity, self.increments.quantity, up=False)
        return rounded if rounded >= self.increments.least_quantity else Decimal(0)

    def on_price_grid(self, price: Decimal, *, worse: bool = False) -> Decimal:
        """The next price that an order may name which does not pay more, or take less; the other way where `worse`."""
        step = price_step(self.symbol, price, self.increments.price)
        return max(step, on_grid(price, step, up=(self.side is Side.SELL) != worse))

    def within_limit(self, price: Decimal) -> Decimal:
        """A limit price that is no worse than the parent's own."""
        if self.limit_price is None:
            return self.on_price_grid(price)
        return self.on_price_grid(min(price, self.limit_price) if self.side is Side.BUY else max(price, self.limit_price))


@dataclass(frozen=True, kw_only=True)
class ChildRecord:
    """An order for a part of the parent, as it is recorded.

    Attributes
    ----------
    number
        From 1 on, in the order in which they were sent.
    filled, average_price
        Shares so far, and what was paid or received for one of them; None while nothing is filled.
    cancel_asked_at
        When it was asked to end; until its status is final, it may be filled all the same.
    ended_at
        When its status became final.
    """

    number: int
    client_order_id: str
    kind: OrderKind
    quantity: Decimal
    limit_price: Decimal | None
    sent_at: datetime
    status: OrderStatus
    filled: Decimal = Decimal(0)
    average_price: Decimal | None = None
    cancel_asked_at: datetime | None = None
    ended_at: datetime | None = None
    expires_at: datetime | None = None

    @property
    def pending(self) -> Decimal:
        """Shares that may be filled still."""
        return Decimal(0) if self.status.final else self.quantity - self.filled


@dataclass(frozen=True, kw_only=True)
class SessionMarket:
    """What a session has shown of one symbol by `now`.

    Attributes
    ----------
    bars
        Of `MINUTE_SCHEMA`: those known by now, none from before the open.
    bid, ask, last
        None where it is not known.
    volume_profile
        ndarray of shape (n_minutes,): the share of the day's volume that was traded by the end of each minute since the open, in sessions before this one; None where
        none is stored.
    day_volume
        Shares that are expected to be traded in the session, by those before it.
    volatility
        Of a day, as a share of the price.
    """

    session: date
    opens_at: datetime
    closes_at: datetime
    now: datetime
    bars: pl.DataFrame = field(default_factory=MINUTE_SCHEMA.to_frame)
    bid: Decimal | None = None
    ask: Decimal | None = None
    last: Decimal | None = None
    volume_profile: NDArray[np.float64] | None = None
    day_volume: float | None = None
    volatility: float | None = None


@dataclass(frozen=True, kw_only=True)
class SendChild:
    """Send an order for a part. At `expires_at` the driver cancels it; None: it ends by its kind."""

    quantity: Decimal
    kind: OrderKind
    limit_price: Decimal | None = None
    expires_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class CancelChild:
    """Ask for an order to be cancelled. What is to replace it is sent once it has ended."""

    client_order_id: str
    reason: str


@dataclass(frozen=True, kw_only=True)
class Wait:
    """Nothing now. Ask again at `until`, or when an order changes; None: when an order changes or a bar is known.

    `on_bar` is set by `next_step`, which bounds each wait: whether the next bar ends it, too.
    """

    until: datetime | None
    reason: str
    on_bar: bool = False


@dataclass(frozen=True, kw_only=True)
class Done:
    """The algorithm sends nothing more; what is left, if anything, is for the rules of the day's end (`orders.unfilled`)."""

    reason: str


Answer = SendChild | CancelChild | Wait | Done


class Algorithm(Protocol):
    """One way to work an order, with its settings."""

    settings: BaseModel
    needs_bars: bool
    """Whether it can't work an order without the bars of the session."""
    before_open: bool
    """Whether its orders are to be at the broker before the session opens."""

    def next(self, parent: Parent, children: Sequence[ChildRecord], market: SessionMarket) -> Answer:
        """What is to be done next.

        Parameters
        ----------
        children
            All that were sent, by number. One that was asked to end is not asked again.
        market
            What is known by `market.now`, and nothing later.
        """
        ...


def filled(children: Sequence[ChildRecord]) -> Decimal:
    """Shares that were filled."""
    return sum((child.filled for child in children), Decimal(0))


def pending(children: Sequence[ChildRecord]) -> Decimal:
    """Shares that open orders may fill still."""
    return sum((child.pending for child in children), Decimal(0))


def unsent(parent: Parent, children: Sequence[ChildRecord]) -> Decimal:
    """Shares that neither are filled nor can be by orders that are open: the most that an order may be for."""
    return parent.quantity - filled(children) - pending(children)


def checked_answer(parent: Parent, children: Sequence[ChildRecord], answer: Answer) -> Answer:
    """The answer, if it can be carried out. Every driver asks this first, whoever wrote the algorithm.

    Raises
    ------
    AlgorithmError
        If an order would fill more than the parent has left, pay more than its limit, or lies off the grid; or one that is to be cancelled is not open.
    """
    if isinstance(answer, CancelChild):
        child = next((one for one in children if one.client_order_id == answer.client_order_id), None)
        if child is None or child.status.final or child.cancel_asked_at is not None:
            raise AlgorithmError(f"{parent.client_order_id}: {answer.client_order_id} is to be cancelled, which is no open order of it")
    if isinstance(answer, SendChild):
        _check_order(parent, children, answer)
    return answer


def _check_order(parent: Parent, children: Sequence[ChildRecord], order: SendChild) -> None:
    most, price, name = unsent(parent, children), order.limit_price, parent.client_order_id
    if not 0 < order.quantity <= most:
        raise AlgorithmError(
            f"{name}: an order for {order.quantity} is to be sent, and {most} of {parent.quantity} are neither filled nor sent"
        )
    if parent.on_quantity_grid(order.quantity) != order.quantity:
        raise AlgorithmError(f"{name}: an order for {order.quantity} is no multiple of {parent.increments.quantity}, or too small")
    if order.kind in (OrderKind.LIMIT, OrderKind.LIMIT_ON_CLOSE) and price is None:
        raise AlgorithmError(f"{name}: a {order.kind} order needs a limit price")
    if price is None:
        return
    if price <= 0 or parent.on_price_grid(price) != price:
        raise AlgorithmError(f"{name}: {price} is no price that an order for {parent.symbol} may name")
    if parent.limit_price is not None and parent.side.sign * (price - parent.limit_price) > 0:
        raise AlgorithmError(f"{name}: {price} is worse than its limit of {parent.limit_price}")
