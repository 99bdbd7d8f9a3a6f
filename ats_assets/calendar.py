"""Exchange sessions: which days exist, when they open and close, and which session an instant belongs to.

A session is a calendar date (the exchange's local date). Opening and closing times are UTC instants, so that daylight saving time and
early closes need no special case. Source of the sessions: the exchange_calendars library.
"""

from bisect import bisect_left, bisect_right
from datetime import UTC, date, datetime, timedelta
from functools import cached_property, lru_cache
from zoneinfo import ZoneInfo

import numpy as np
import polars as pl

from ats_assets.errors import CalendarError

HORIZON = timedelta(days=366)
"""How far beyond today sessions are known: the next session of a signal must exist, and holidays are announced about so far ahead."""


@lru_cache(maxsize=8)
def session_calendar(exchange: str, first_session: date) -> "SessionCalendar":
    """The calendar of `exchange` from `first_session` on; made once a process, since it takes a noticeable time."""
    return SessionCalendar(exchange, first_session)


class SessionCalendar:
    """The sessions of one exchange, from `first_session` to about a year ahead of today.

    Raises
    ------
    CalendarError
        If the exchange is unknown to exchange_calendars.
    """

    def __init__(self, exchange: str = "XNYS", first_session: date = date(2010, 1, 1)) -> None:
        import exchange_calendars  # noqa: PLC0415 - takes a second, and not every command asks for sessions
        from exchange_calendars.errors import InvalidCalendarName  # noqa: PLC0415

        end = datetime.now(UTC).date() + HORIZON
        try:
            calendar = exchange_calendars.get_calendar(exchange, start=first_session.isoformat(), end=end.isoformat())
        except InvalidCalendarName as error:
            raise CalendarError(
                f"calendar.exchange is {exchange!r}, which exchange_calendars does not know: use a name like XNYS, XLON or 24/7"
            ) from error
        except ValueError as error:
            raise CalendarError(f"calendar.first_session is {first_session}: {error}; choose a later day") from error
        self.exchange = exchange
        self.timezone = ZoneInfo(str(calendar.tz))
        self._days: list[date] = [day.date() for day in calendar.sessions]
        self._opens: np.ndarray = calendar.opens.dt.tz_convert(None).to_numpy().astype("datetime64[us]")
        self._closes: np.ndarray = calendar.closes.dt.tz_convert(None).to_numpy().astype("datetime64[us]")

    @property
    def first(self) -> date:
        """The first session."""
        return self._days[0]

    @property
    def last(self) -> date:
        """The last session known, about a year ahead."""
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
            raise CalendarError(f"there is no session {n:+d} from {session}: {self.exchange} is known from {self.first} to {self.last}")
        return self._days[i]

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
            return CalendarError(
                f"{day} lies outside the sessions of {self.exchange} known here ({self.first} to {self.last}): "
                "set calendar.first_session to an earlier day, or choose another"
            )
        return CalendarError(f"{day} ({day:%A}) is not a session of {self.exchange}: choose {self.on_or_after(day)}")
