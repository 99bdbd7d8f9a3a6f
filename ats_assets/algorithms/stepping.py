"""One step of working an order: what all algorithms have in common, so that no algorithm has to think of it.

1. What is filled is done.
2. An open order whose time is over is cancelled.
3. At the end of its time, at the latest near the close, the rest goes to the market, into the closing auction, or stays unfilled, as `orders.unfilled` says; the algorithm is asked no more.
4. After some refusals in a row, or very many orders, nothing more is sent.
5. Else the algorithm is asked, and its answer is checked.

Every driver asks `next_step` and nothing else, so that a backtest, the paper broker and a broker get the same orders from the same market.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

from ats_assets.algorithms.algorithm import (
    Algorithm,
    AlgorithmError,
    Answer,
    CancelChild,
    ChildRecord,
    Done,
    Parent,
    SessionMarket,
    Wait,
    checked_answer,
    filled,
    pending,
    unsent,
)
from ats_assets.algorithms.order_words import CLOSING, OrderKind, OrderStatus
from ats_assets.algorithms.schedule import at_market, into_close

MOST_CHILDREN = 999
"""Orders for parts of one order."""
MOST_REFUSALS = 3
"""In a row, after which nothing more is sent of an order."""
MOST_ANSWERS = 50
"""At one instant: an algorithm that does not wait by then never would."""
Unfilled = Literal["cross", "close", "end"]


@dataclass(frozen=True, kw_only=True)
class DayEnd:
    """What becomes of the rest of an order before the close (`orders.unfilled`), and from how long before it on."""

    unfilled: Unfilled = "close"
    last_minutes: int = 15

    def begins(self, closes_at: datetime) -> datetime:
        """From when on."""
        return closes_at - timedelta(minutes=self.last_minutes)


def next_step(
    algorithm: Algorithm, parent: Parent, children: Sequence[ChildRecord], market: SessionMarket, day_end: DayEnd | None = None
) -> Answer:
    """What is to be done next of an order.

    Raises
    ------
    AlgorithmError
        If the algorithm fails, or its answer can't be carried out; nothing is to be done then.
    """
    day_end = day_end or DayEnd()
    if filled(children) >= parent.quantity:
        return Done(reason="filled")
    if expired := _expired(children, market.now):
        return CancelChild(client_order_id=expired.client_order_id, reason="its time is over")
    if market.now >= market.closes_at:
        return Wait(until=None, reason="the session is over") if pending(children) else _ended(parent, children, "the session is over")
    ends = min(day_end.begins(market.closes_at), parent.ends_at)
    if market.now >= ends and not _is_for_close(children):
        return _at_days_end(parent, children, day_end, ends, market.closes_at)
    if stop := _given_up(children):
        return Wait(until=None, reason=stop) if pending(children) else _ended(parent, children, stop)
    return _until_something_happens(_asked(algorithm, parent, children, market), parent, children, market, ends)


def _asked(algorithm: Algorithm, parent: Parent, children: Sequence[ChildRecord], market: SessionMarket) -> Answer:
    """The algorithm's answer, if it can be carried out. What fails in it, which may be anyone's, stops its own order and no other."""
    try:
        return checked_answer(parent, children, algorithm.next(parent, children, market))
    except AlgorithmError:
        raise
    except Exception as error:
        text = f"{parent.client_order_id}: {type(algorithm).__name__} fails: {type(error).__name__}: {error}"
        raise AlgorithmError(text) from error


def ended_parent(parent: Parent, children: Sequence[ChildRecord]) -> OrderStatus:
    """The status of an order that is done: filled, or what is left of it has expired."""
    return OrderStatus.FILLED if filled(children) >= parent.quantity else OrderStatus.EXPIRED


def _expired(children: Sequence[ChildRecord], now: datetime) -> ChildRecord | None:
    for child in children:
        if child.pending and child.cancel_asked_at is None and child.expires_at is not None and child.expires_at <= now:
            return child
    return None


def _is_for_close(children: Sequence[ChildRecord]) -> bool:
    """Whether what is open is in the closing auction already, whoever sent it there."""
    return any(child.pending and child.kind in CLOSING for child in children)


def _at_days_end(parent: Parent, children: Sequence[ChildRecord], day_end: DayEnd, since: datetime, closes_at: datetime) -> Answer:
    """Open orders are cancelled, those at the market too unless that is where the rest goes, and once they have ended, the rest is sent for the last time."""
    what = {"cross": "it goes to the market", "close": "it goes into the closing auction", "end": "it stays unfilled"}[day_end.unfilled]
    reason = f"unfilled {(closes_at - since) / timedelta(minutes=1):.0f} minutes before the close: {what}"
    for child in children:
        stays = child.kind is OrderKind.MARKET and day_end.unfilled == "cross"
        if child.pending and child.sent_at < since and not stays and child.cancel_asked_at is None:
            return CancelChild(client_order_id=child.client_order_id, reason=reason)
    if pending(children):
        return Wait(until=None, reason="an order is open")
    rest = parent.on_quantity_grid(unsent(parent, children))
    if day_end.unfilled == "end" or rest <= 0 or _refusals(children):
        return _ended(parent, children, reason)
    return into_close(parent, rest, reason) if day_end.unfilled == "close" else at_market(parent, rest, reason)


def _refusals(children: Sequence[ChildRecord]) -> int:
    """How many of the last orders in a row were refused."""
    count = 0
    for child in reversed(children):
        if child.status is not OrderStatus.REJECTED:
            break
        count += 1
    return count


def _given_up(children: Sequence[ChildRecord]) -> str | None:
    if len(children) >= MOST_CHILDREN:
        return f"{MOST_CHILDREN} orders were sent for parts of it"
    if _refusals(children) >= MOST_REFUSALS:
        return f"{MOST_REFUSALS} orders in a row were refused"
    return None


def _ended(parent: Parent, children: Sequence[ChildRecord], why: str) -> Done:
    left = parent.quantity - filled(children)
    return Done(reason=why if left <= Decimal(0) else f"{why}; {left:f} of {parent.quantity:f} are unfilled")


def _until_something_happens(
    answer: Answer, parent: Parent, children: Sequence[ChildRecord], market: SessionMarket, ends: datetime
) -> Answer:
    """A wait lasts no longer than until an order expires or the day's end begins; an algorithm that is done leaves to that what is open or unsent."""
    if isinstance(answer, Done) and (pending(children) or parent.on_quantity_grid(unsent(parent, children))):
        answer = Wait(until=None, reason=answer.reason)
    if not isinstance(answer, Wait):
        return answer
    times = [child.expires_at for child in children if child.pending and child.expires_at is not None and child.cancel_asked_at is None]
    times += [answer.until] if answer.until is not None else []
    times += [ends] if market.now < ends else []
    times = [at for at in times if at > market.now]
    return replace(answer, until=min(times, default=None), on_bar=answer.until is None)
