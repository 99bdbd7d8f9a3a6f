"""Working an order by a schedule: a number of slices, each of which brings what was traded up to a share of the whole.

What a slice did not get is part of the next one, since each is for the difference between the schedule and what was filled or is open. An order that the last slice
left over is for the rules of the day's end (`ats_assets.algorithms.stepping`).
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from ats_assets.algorithms.algorithm import Answer, ChildRecord, Done, Parent, SendChild, SessionMarket, Wait, filled, pending
from ats_assets.algorithms.order_words import OrderKind, Side
from ats_assets.algorithms.price_grid import exact
from ats_assets.settings import Positive, Section

Shares = NDArray[np.float64]


class SlicedSettings(Section):
    """How often, and how, a slice is sent."""

    slice_minutes: Positive = Field(default=5, description="from slice to slice")
    style: Literal["market", "passive"] = Field(
        default="market",
        description="market: each slice is filled at once; passive: at the own side of the quote, for as long as the slice lasts; what is left goes into the next one",
    )


def slice_times(parent: Parent, minutes: int) -> list[datetime]:
    """When the slices begin; the last one ends where the order does.

    Examples
    --------
    Of an order for the first ten minutes, every five: at the start and five minutes later.
    """
    whole = int((parent.ends_at - parent.starts_at) / timedelta(minutes=minutes))
    return [parent.starts_at + timedelta(minutes=minutes * i) for i in range(max(1, whole))]


def even_shares(times: Sequence[datetime]) -> Shares:
    """Slices of equal size."""
    return np.arange(1, len(times) + 1) / len(times)


def near_touch(parent: Parent, market: SessionMarket) -> Decimal | None:
    """The price of the own side of the quote, on the grid, or where there is no quote the last price; None where nothing is known."""
    price = market.bid if parent.side is Side.BUY else market.ask
    price = price or market.last
    return None if price is None or price <= 0 else parent.within_limit(price)


def at_market(parent: Parent, quantity: Decimal, reason: str) -> SendChild:
    """An order that is filled at once: at the market, or where the parent has a limit, at that or better."""
    if parent.limit_price is None:
        return SendChild(quantity=quantity, kind=OrderKind.MARKET, reason=reason)
    return SendChild(quantity=quantity, kind=OrderKind.LIMIT, limit_price=parent.within_limit(parent.limit_price), reason=reason)


def into_close(parent: Parent, quantity: Decimal, reason: str) -> SendChild:
    """An order for the closing auction: at its price, or where the parent has a limit, at that or better."""
    if parent.limit_price is None:
        return SendChild(quantity=quantity, kind=OrderKind.MARKET_ON_CLOSE, reason=reason)
    return SendChild(quantity=quantity, kind=OrderKind.LIMIT_ON_CLOSE, limit_price=parent.within_limit(parent.limit_price), reason=reason)


def by_schedule(  # noqa: PLR0917 - what an algorithm is given, and its own
    parent: Parent,
    children: Sequence[ChildRecord],
    market: SessionMarket,
    settings: SlicedSettings,
    shares: Callable[[Sequence[datetime]], Shares],
    remark: str = "",
) -> Answer:
    """The next order of a schedule.

    Parameters
    ----------
    shares
        The times of the slices -> ndarray of shape (n_slices,): the share of the order that is to be traded by the end of each; ascending, the last one 1.
    remark
        Put after each reason.
    """
    now, times = market.now, slice_times(parent, settings.slice_minutes)
    if now < times[0]:
        return Wait(until=times[0], reason="the first slice has not begun")
    k = bisect_right(times, now) - 1
    last = k == len(times) - 1
    due = parent.quantity if last else parent.on_quantity_grid(parent.quantity * exact(float(shares(times)[k])))
    quantity = parent.on_quantity_grid(due - filled(children) - pending(children))
    after = times[k + 1] if not last else parent.ends_at
    reason = f"slice {k + 1} of {len(times)}{remark}"
    if quantity > 0 and not _refused_in(children, times[k]):
        return _slice(parent, market, settings, quantity, after, reason)
    if last and now >= parent.ends_at and not pending(children):
        return Done(reason=f"all {len(times)} slices are sent{remark}")
    return Wait(until=after if now < after else None, reason=f"{reason} is sent" if quantity <= 0 else f"{reason} was refused")


def _refused_in(children: Sequence[ChildRecord], since: datetime) -> bool:
    """Whether an order of the slice was refused: it is tried again by the next slice."""
    return any(child.sent_at >= since and child.status.final and not child.filled and child.cancel_asked_at is None for child in children)


def _slice(parent: Parent, market: SessionMarket, settings: SlicedSettings, quantity: Decimal, until: datetime, reason: str) -> SendChild:  # noqa: PLR0917
    price = near_touch(parent, market) if settings.style == "passive" else None
    if price is None:
        return at_market(parent, quantity, reason)
    return SendChild(quantity=quantity, kind=OrderKind.LIMIT, limit_price=price, expires_at=until, reason=f"{reason}, at {price}")
