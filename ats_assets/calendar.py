"""Exchange sessions: which days exist, when they open and close, and which session an instant belongs to.

A session is a calendar date (the exchange's local date). Opening and closing times are UTC instants, so that daylight saving time and
early closes need no special case. Source of the sessions: the exchange_calendars library.
"""

import hashlib
import importlib.metadata
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from ats_assets.errors import CalendarError

HORIZON = timedelta(days=366)
"""How far beyond today sessions are known: the next session of a signal must exist, and holidays are announced about so far ahead."""


LIBRARY = "exchange_calendars"


@dataclass(frozen=True, kw_only=True)
class Sessions:
    """The sessions of one exchange as data.

    Attributes
    ----------
    days
        Ascending.
    opens, closes
        UTC instants (naive datetime64[us]), of the shape of `days`.
    ends_because
        Why no later session is known, where the calendar ends sooner than about a year ahead; else empty.
    """

    exchange: str
    timezone: str
    days: tuple[date, ...]
    opens: np.ndarray
    closes: np.ndarray
    ends_because: str = ""


def library_version() -> str:
    """The installed version of exchange_calendars; the library itself is not imported."""
    return f"{LIBRARY} {importlib.metadata.version(LIBRARY)}"


_longest: dict[tuple[str, date], tuple[date, Sessions]] = {}
"""Of an exchange until a day: from which day on its sessions were asked for, and they."""


def library_sessions(exchange: str, first_session: date, *, from_where_known: bool = False) -> Sessions:
    """As `_asked`, which takes a noticeable time: once a process for an exchange, and what begins later is cut from what began earlier."""
    until = datetime.now(UTC).date() + HORIZON
    if from_where_known:
        return _asked(exchange, first_session, until, from_where_known=True)
    since, known = _longest.get((exchange, until), (first_session, None))
    if known is not None and known.days and since <= first_session <= known.days[-1]:
        return _from(known, first_session)
    asked = _asked(exchange, first_session, until, from_where_known=False)
    if known is None or first_session < since:
        _longest[exchange, until] = first_session, asked
    return asked


def _from(known: Sessions, first_session: date) -> Sessions:
    at = bisect_left(known.days, first_session)
    return replace(known, days=known.days[at:], opens=known.opens[at:], closes=known.closes[at:]) if at else known


@lru_cache(maxsize=64)
def _asked(exchange: str, first_session: date, until: date, *, from_where_known: bool) -> Sessions:
    """The sessions of `exchange` as exchange_calendars knows them, from `first_session` to about a year ahead of today, or to where its knowledge ends.

    Parameters
    ----------
    from_where_known
        Start at the first day that the library knows, where `first_session` is before it.

    Raises
    ------
    CalendarError
        If the exchange is unknown to exchange_calendars, or `first_session` is before what it knows.
    """
    import exchange_calendars  # noqa: PLC0415 - takes a second, and not every command asks for sessions
    from exchange_calendars.errors import InvalidCalendarName  # noqa: PLC0415

    first = first_session.isoformat()
    try:
        try:
            calendar = exchange_calendars.get_calendar(exchange, start=first, end=until.isoformat())
        except ValueError:  # some calendars are known to the end of a year only, and some from a year on: without an end they end there
            start = exchange_calendars.get_calendar(exchange).bound_min() if from_where_known else None
            first = max(first, start.date().isoformat()) if start is not None else first
            calendar = exchange_calendars.get_calendar(exchange, start=first)
    except InvalidCalendarName as error:
        raise CalendarError(
            f"calendar.exchange is {exchange!r}, which exchange_calendars does not know: use a name like XNYS, XLON or 24/7"
        ) from error
    except ValueError as error:
        raise CalendarError(f"calendar.first_session is {first_session}: {error}; choose a later day") from error
    bound = calendar.bound_max()
    ends = ""
    if bound is not None and bound.date() < until:
        ends = f"{library_version()} knows {exchange} to {bound.date()} only: update it when a newer one is out (pip install --upgrade {LIBRARY})"
    return Sessions(
        exchange=exchange,
        timezone=str(calendar.tz),
        days=tuple(day.date() for day in calendar.sessions),
        opens=calendar.opens.dt.tz_convert(None).to_numpy().astype("datetime64[us]"),
        closes=calendar.closes.dt.tz_convert(None).to_numpy().astype("datetime64[us]"),
        ends_because=ends,
    )


@lru_cache(maxsize=64)
def session_calendar(exchange: str, first_session: date) -> "SessionCalendar":
    """The calendar of `exchange` from `first_session` on, by exchange_calendars; made once a process, since it takes a noticeable time."""
    return SessionCalendar(exchange, first_session)


class SessionCalendar:
    """The sessions of one exchange, from `first_session` to about a year ahead of today: by exchange_calendars, or as they are handed in.

    Parameters
    ----------
    sessions
        These, and not those of exchange_calendars.

    Raises
    ------
    CalendarError
        If the exchange is unknown to exchange_calendars.

    Examples
    --------
    >>> from datetime import date
    >>> from ats_assets.calendar import SessionCalendar
    >>> calendar = SessionCalendar("XNYS", date(2024, 1, 2))
    >>> calendar.is_session(date(2024, 1, 15))  # Martin Luther King Jr. Day
    False
    >>> calendar.offset(date(2024, 1, 12), 1)
    datetime.date(2024, 1, 16)
    >>> calendar.closes_at(date(2024, 11, 29)).isoformat()  # an early close
    '2024-11-29T18:00:00+00:00'
    """

    def __init__(self, exchange: str = "XNYS", first_session: date = date(2010, 1, 1), *, sessions: Sessions | None = None) -> None:
        known = sessions or library_sessions(exchange, first_session)
        if not known.days:
            raise CalendarError(f"{exchange} has no session from {first_session} on: set calendar.first_session to an earlier day")
        self.exchange = known.exchange
        self.timezone = ZoneInfo(known.timezone)
        self.ends_because = known.ends_because
        self._days: list[date] = list(known.days)
        self._opens: np.ndarray = known.opens
        self._closes: np.ndarray = known.closes

    @cached_property
    def digest(self) -> str:
        """A SHA-256 of the sessions and their times: another one is another calendar."""
        days = np.array(self._days, dtype="datetime64[D]")
        content = f"{self.exchange} {self.timezone}".encode() + b"".join(one.tobytes() for one in (days, self._opens, self._closes))
        return hashlib.sha256(content).hexdigest()

    @property
    def first(self) -> date:
        """The first session."""
        return self._days[0]

    @property
    def last(self) -> date:
        """The last session known, about a year ahead; some exchanges announce no more than the year that runs (`ends_because`)."""
        return self._days[-1]

    @cached_property
    def _position(self) -> dict[date, int]:
        return {day: i for i, day in enumerate(self._days)}

    def is_session(self, day: date) -> bool:
        """Whether `day` is a session."""
        return day in self._position

    def position(self, session: date) -> int:
        """The ordinal of `session`, counted from the calendar's first one (0)."""
        try:
            return self._position[session]
        except KeyError:
            raise self._no_session(session) from None

    def sessions(self, first: date, last: date) -> list[date]:
        """The sessions from `first` to `last`, both included; either may be a day without a session."""
        return self._days[bisect_left(self._days, first) : bisect_right(self._days, last)]

    def window(self, session: date, length: int) -> list[date]:
        """The `length` sessions that end at `session`; fewer at the start of the calendar."""
        end = self.position(session) + 1
        return self._days[max(0, end - length) : end]

    def offset(self, session: date, n: int) -> date:
        """The n-th session after `session`, or before it where `n` is negative."""
        i = self.position(session) + n
        if not 0 <= i < len(self._days):
            raise CalendarError(
                f"there is no session {n:+d} from {session}: {self.exchange} is known from {self.first} to {self.last}{self._end(n > 0)}"
            )
        return self._days[i]

    def after(self, day: date) -> date:
        """The first session after `day`, which need not be one: what was stored of a session stays when the session is none any more."""
        i = bisect_right(self._days, day)
        if i == len(self._days):
            raise self._no_session(day + timedelta(days=1))
        return self._days[i]

    def before(self, day: date) -> date:
        """The last session before `day`, which need not be one."""
        return self.on_or_before(day - timedelta(days=1))

    def count(self, after: date, until: date) -> int:
        """The sessions after one day up to another one, which counts; neither need be a session."""
        return bisect_right(self._days, until) - bisect_right(self._days, after)

    def on_or_after(self, day: date) -> date:
        """The first session that is not before `day`."""
        i = bisect_left(self._days, day)
        if i == len(self._days):
            raise self._no_session(day)
        return self._days[i]

    def on_or_before(self, day: date) -> date:
        """The last session that is not after `day`."""
        i = bisect_right(self._days, day) - 1
        if i < 0:
            raise self._no_session(day)
        return self._days[i]

    def opens_at(self, session: date) -> datetime:
        """When `session` opens, in UTC."""
        return self._opens[self.position(session)].item().replace(tzinfo=UTC)

    def closes_at(self, session: date) -> datetime:
        """When `session` closes, in UTC; early closes included."""
        return self._closes[self.position(session)].item().replace(tzinfo=UTC)

    def last_closed(self, now: datetime) -> date:
        """The last session that has closed at `now` (an aware time)."""
        instant = np.datetime64(now.astimezone(UTC).replace(tzinfo=None), "us")
        i = int(np.searchsorted(self._closes, instant, side="right")) - 1
        if i < 0:
            raise CalendarError(f"no session of {self.exchange} has closed by {now}: calendar.first_session is {self.first}")
        return self._days[i]

    def session_of(self, instants: pl.Series, *, stamp: str = "open") -> pl.Series:
        """The session that each instant belongs to; null where it lies outside every session's open to close.

        Parameters
        ----------
        instants
            Datetime series; naive values are UTC.
        stamp
            "open": an instant is the start of its bar, so it lies in [open, close); "close": its end, in (open, close].
        """
        utc = instants.dt.convert_time_zone("UTC").dt.replace_time_zone(None) if instants.dtype.time_zone else instants  # pyright: ignore[reportAttributeAccessIssue]
        known = utc.is_not_null().to_numpy()
        at = utc.cast(pl.Datetime("us")).to_physical().fill_null(0).to_numpy().astype("datetime64[us]")
        i = np.searchsorted(self._opens, at, side="right" if stamp == "open" else "left") - 1
        inside = known & (i >= 0)
        closes = self._closes[np.maximum(i, 0)]
        inside &= (at < closes) if stamp == "open" else (at <= closes)
        days = pl.Series(instants.name, self._days, dtype=pl.Date).gather(np.maximum(i, 0))
        return pl.select(pl.when(pl.Series(inside)).then(days)).to_series().alias(instants.name)

    def excluded_days(self) -> list[date]:
        """The days between the first and the last session that are not sessions."""
        days = (self.first + timedelta(days=i) for i in range((self.last - self.first).days + 1))
        return [day for day in days if day not in self._position]

    def _no_session(self, day: date) -> CalendarError:
        if not self.first <= day <= self.last:
            advice = "set calendar.first_session to an earlier day, or choose another" if day < self.first else "choose an earlier day"
            return CalendarError(
                f"{day} lies outside the sessions of {self.exchange} known here ({self.first} to {self.last}): {advice}{self._end(day > self.last)}"
            )
        return CalendarError(f"{day} ({day:%A}) is not a session of {self.exchange}: choose {self.on_or_after(day)}")

    def _end(self, beyond: bool) -> str:
        """Why the calendar ends where it does, for a message about what lies beyond."""
        return f"; {self.ends_because}" if beyond and self.ends_because else ""
