"""Which sessions have closed, by Alpaca's own clock and calendar; by exchange_calendars and this machine's clock where Alpaca can't be asked."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError
from ats_assets.vendors.alpaca import AlpacaAnswerLostError, AlpacaRateLimitError, AlpacaUnreachableError, server_time
from ats_assets.vendors.alpaca.market_days import NEW_YORK, market_days

if TYPE_CHECKING:
    from alpaca.data.historical.crypto import CryptoHistoricalDataClient
    from alpaca.trading.client import TradingClient

SETTLING = timedelta(minutes=15)
"""After its close a session's bars are complete: late prints are in, and SIP is free."""
SETTLED_CRYPTO = timedelta(minutes=1)
_BACK = timedelta(days=14)
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Closed:
    """The latest session that has closed.

    Attributes
    ----------
    now
        The clock that says so.
    remark
        What there is to say about it: that Alpaca could not be asked, that the calendars differ, that the clocks do.
    theirs
        Alpaca's sessions of two weeks before and after, with open and close: it knows of unscheduled closings first.
    """

    session: date
    now: datetime
    remark: str | None = None
    theirs: Mapping[date, tuple[datetime, datetime]] = field(default_factory=dict)


def latest_closed(client: "TradingClient", calendar: SessionCalendar, machine_now: datetime) -> Closed:
    """The latest session whose bars are complete.

    Raises
    ------
    SourceError
        If the keys are refused, or Alpaca has had no session for two weeks.
    """
    try:
        now = client.get_clock().timestamp.astimezone(UTC)  # pyright: ignore[reportAttributeAccessIssue]
        today = now.astimezone(NEW_YORK).date()
        theirs = market_days(client, today - _BACK, today + _BACK)
    except (AlpacaUnreachableError, AlpacaAnswerLostError, AlpacaRateLimitError) as error:
        remark = (
            f"Alpaca's clock could not be asked ({error}): sessions are those of {calendar.exchange} as stored, by this machine's clock"
        )
        _log.warning(remark)
        return Closed(session=calendar.last_closed(machine_now - SETTLING), now=machine_now, remark=remark)
    closed = [day for day, (_, close) in theirs.items() if close + SETTLING <= now]
    if not closed:
        raise SourceError(f"Alpaca's calendar has no session that closed in the two weeks before {now}: look at its clock (GET /v2/clock)")
    session = calendar.on_or_before(max(closed))
    ours = calendar.sessions(today - _BACK, min(max(theirs), today + _BACK))
    return Closed(session=session, now=now, remark=_remark(set(theirs), set(ours), now, machine_now), theirs=theirs)


def _remark(theirs: set[date], ours: set[date], now: datetime, machine_now: datetime) -> str | None:
    said: list[str] = []
    if differ := sorted(theirs ^ ours):
        said.append(f"Alpaca's calendar and ours differ on {', '.join(map(str, differ))}: Alpaca's counts")
    if skew := _skew(now, machine_now):
        said.append(skew)
    return "; ".join(said) or None


def _skew(now: datetime, machine_now: datetime) -> str | None:
    if abs(now - machine_now) <= timedelta(minutes=5):
        return None
    return f"Alpaca's clock says {now:%Y-%m-%d %H:%M} UTC, this machine's {machine_now:%Y-%m-%d %H:%M}: Alpaca's counts"


def latest_closed_crypto(client: "CryptoHistoricalDataClient", calendar: SessionCalendar, machine_now: datetime) -> Closed:
    """The latest UTC day that has ended. Alpaca's clock needs keys, so the time of its answer to a keyless question counts.

    Raises
    ------
    SourceError
        If the question is refused.
    """
    from alpaca.data.requests import CryptoLatestBarRequest  # noqa: PLC0415

    try:
        client.get_crypto_latest_bar(CryptoLatestBarRequest(symbol_or_symbols="BTC/USD"))
    except (AlpacaUnreachableError, AlpacaAnswerLostError, AlpacaRateLimitError) as error:
        remark = f"Alpaca could not be asked for its time ({error}): this machine's clock counts"
        _log.warning(remark)
        return Closed(session=calendar.last_closed(machine_now - SETTLED_CRYPTO), now=machine_now, remark=remark)
    now = server_time(client) or machine_now
    return Closed(session=calendar.last_closed(now - SETTLED_CRYPTO), now=now, remark=_skew(now, machine_now))
