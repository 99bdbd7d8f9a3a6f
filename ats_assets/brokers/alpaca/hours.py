"""When Alpaca takes orders for the next open, by its own clock and calendar.

Opening-auction orders are taken from 19:00 New York time after a session until 9:28 before the next one, and refused between; day orders, which Alpaca queues,
from the close on until the open (Alpaca's documentation of times in force). Crypto is traded on all days and at all hours: a session is a day in UTC.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING

from ats_assets.execution.broker import BrokerError
from ats_assets.vendors.alpaca.market_days import NEW_YORK, market_days

if TYPE_CHECKING:
    from alpaca.trading.client import TradingClient

MAX_SKEW = timedelta(seconds=30)
"""Between this machine's clock and Alpaca's; with more, times can't be compared, and nothing is sent."""

_AUCTION_OPENS, _AUCTION_CLOSES = time(19, 0), time(9, 28)


@dataclass(frozen=True, kw_only=True)
class Hours:
    """Open and close of a session, UTC."""

    session: date
    opens: datetime
    closes: datetime


def skew_reason(client: "TradingClient", now: Callable[[], datetime]) -> str | None:
    """Why the machine's clock can't be trusted; None where it can. The answer's own travel is passed over: the clock is read before and after it."""
    before = now()
    theirs = client.get_clock().timestamp  # pyright: ignore[reportAttributeAccessIssue]
    after = now()
    skew = max(before - theirs, theirs - after, timedelta(0))
    if skew <= MAX_SKEW:
        return None
    return f"this machine's clock and Alpaca's differ by {skew.total_seconds():.0f} s ({after:%H:%M:%S} and {theirs.astimezone(UTC):%H:%M:%S} UTC): set it right"


def hours_from(client: "TradingClient", first: date) -> list[Hours]:
    """The sessions of about two weeks from a day on, by Alpaca's calendar, which knows of unscheduled closings."""
    days = market_days(client, first, first + timedelta(days=14))
    return [Hours(session=day, opens=opens, closes=closes) for day, (opens, closes) in days.items()]


def utc_days(first: date) -> list[Hours]:
    """The sessions of crypto from a day on: each ends where the next one begins."""
    midnight = datetime.combine(first, time(), UTC)
    days = [midnight + timedelta(days=i) for i in range(3)]
    return [Hours(session=day.date(), opens=day, closes=day + timedelta(days=1)) for day in days]


def has_opened(hours: list[Hours], now: datetime) -> bool:
    """Whether the session after the first one of `hours` has opened, so that its auction is over."""
    return len(hours) > 1 and now >= hours[1].opens


def closed_reason(hours: list[Hours], session: date, now: datetime, *, auction: bool, late: bool = False) -> str | None:
    """Why orders decided at the close of `session` can't be sent at `now`; None where they can.

    Parameters
    ----------
    late
        They are taken until the close of the next session, not only until its open.

    Raises
    ------
    BrokerError
        If the calendar does not have the session and the next one.
    """
    if len(hours) < 2 or hours[0].session != session:
        raise BrokerError(f"Alpaca's calendar has no session {session}: the settings' calendar and the broker's differ, nothing is sent")
    this, following = hours[0], hours[1]
    opens, closes = this.closes, following.closes if late else following.opens
    auction_closes = datetime.combine(following.session, _AUCTION_CLOSES, NEW_YORK).astimezone(UTC)
    if auction and not late:
        opens, closes = datetime.combine(session, _AUCTION_OPENS, NEW_YORK).astimezone(UTC), auction_closes
    if auction and late and auction_closes <= now < following.opens:
        return f"the opening auction of {following.session} takes no more orders: they are taken again from its open on"
    if now < opens:
        return f"orders for the open of {following.session} are taken from {opens.astimezone(NEW_YORK):%Y-%m-%d %H:%M} New York time on"
    if now >= closes:
        return f"it is too late for {'' if late else 'the open of '}{following.session}: orders were taken until {closes.astimezone(NEW_YORK):%Y-%m-%d %H:%M} New York time"
    return None
