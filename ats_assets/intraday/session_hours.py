"""Which session a tick belongs to, and whether it lies in the hours in which its instrument is traded.

1. The hours of session D are the half-open time [start, end). `end` is on D's own date; `start` is on the same date or, where it is not before `end`, on the day before: with
   17:00 to 17:00 in New York the session of Monday begins on Sunday evening. What is not set is the exchange's opening and close of that session.
2. A session never begins before the one before it has ended. With `weekend`, the first session after a weekend begins where the one before it ended.
3. A tick belongs to the first session that ends after it. Before that session's start it is outside of the hours: delivered with that session, since it was known by then, and
   rejected. So each tick has one session, and none is known before it happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property

import numpy as np
import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SettingsError
from ats_assets.intraday.schema import NANOSECONDS
from ats_assets.settings import HoursSettings

DEFAULT = "default"
"""The entry of `[intraday.sessions]` for all instruments that have none of their own."""
OUTSIDE = "outside_hours"
_FRIDAY, _SATURDAY = 5, 6


@dataclass(frozen=True, kw_only=True)
class InstrumentHours:
    """The hours of every session of a calendar.

    Attributes
    ----------
    starts, ends
        Nanoseconds since 1970 in UTC (int64), of the shape of the calendar's sessions; start <= end, and both ascend.
    """

    starts: np.ndarray
    ends: np.ndarray

    def position(self, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For times in nanoseconds: the place of the session that each belongs to (that of the calendar's last session for later ones), and whether it is inside of its hours."""
        found = np.searchsorted(self.ends, at, side="right")
        place = np.minimum(found, len(self.ends) - 1)
        return place, (found < len(self.ends)) & (at >= self.starts[place])


class SessionHours:
    """The hours of all instruments.

    Parameters
    ----------
    calendar
        The exchange's sessions.
    settings
        Symbol -> its hours, `intraday.sessions`; `default` are those of all others.

    Examples
    --------
    >>> from datetime import date, datetime, UTC
    >>> fx = HoursSettings(start="17:00", end="17:00", timezone="America/New_York")
    >>> hours = SessionHours(SessionCalendar("24/5", date(2014, 1, 1)), {"NZDUSD": fx})
    >>> [str(when) for when in hours.of("NZDUSD", date(2014, 5, 5))]  # a Monday
    ['2014-05-04 21:00:00+00:00', '2014-05-05 21:00:00+00:00']
    """

    def __init__(self, calendar: SessionCalendar, settings: Mapping[str, HoursSettings]) -> None:
        self.calendar = calendar
        self.settings = dict(settings)
        self._made: dict[str, InstrumentHours] = {}

    def of(self, symbol: str, session: date) -> tuple[datetime, datetime]:
        """Start and end of a session of an instrument, in UTC.

        Raises
        ------
        CalendarError
            If the day is no session.
        """
        hours, i = self.hours_of(symbol), self.calendar.position(session)
        start, end = (datetime.fromtimestamp(int(one[i]) // 10**9, UTC) for one in (hours.starts, hours.ends))
        return start, end

    def hours_of(self, symbol: str | None) -> InstrumentHours:
        """The hours of an instrument in all sessions."""
        return self._hours(self._settings_of(symbol))

    def known_at(self, session: date) -> datetime:
        """From when all ticks of a session are known, in UTC: the exchange's close, or the latest end of any instrument's hours."""
        i = self.calendar.position(session)
        ends = max(int(kind.ends[i]) for kind in self._kinds)
        return max(self.calendar.closes_at(session), datetime.fromtimestamp(ends / 10**9, UTC))

    def span(self, session: date) -> tuple[int, int]:
        """The nanoseconds in UTC within which the ticks of a session lie, whatever their symbol: from the earliest end of the session before to its own latest end, half-open.

        What happened before the hours of the calendar's first session is in none.
        """
        i = self.calendar.position(session)
        first = min(int(kind.ends[i - 1]) for kind in self._kinds) if i else self._begins
        last = max(int(kind.ends[i]) for kind in self._kinds) if i + 1 < len(self._days) else np.iinfo(np.int64).max
        return int(first), int(last)

    def sessions_between(self, first: int, last: int) -> list[date]:
        """The sessions that ticks from one time to another, both included and in nanoseconds, can belong to."""
        if last < self._begins:
            return []
        places = [kind.position(np.array([first, last]))[0] for kind in self._kinds]
        return list(self._days[min(int(place[0]) for place in places) : max(int(place[1]) for place in places) + 1])

    def placed(self, ticks: pl.DataFrame) -> pl.DataFrame:
        """The same rows with `session` and `inside`, by `symbol` and `at`; both are null where there is no time.

        Parameters
        ----------
        ticks
            With columns symbol and at (nanoseconds, UTC).
        """
        at = ticks["at"].cast(NANOSECONDS).to_physical()
        known = at.is_not_null().to_numpy()
        times = at.fill_null(0).to_numpy()
        place, inside = np.zeros(ticks.height, dtype=np.int64), np.zeros(ticks.height, dtype=bool)
        for kind, rows in self._rows_by_kind(ticks["symbol"]):
            some = slice(None) if rows is None else rows
            place[some], inside[some] = self._hours(kind).position(times[some])
        days = pl.Series(self._days, dtype=pl.Date).gather(place)
        is_known = pl.Series(known)
        return ticks.with_columns(
            session=pl.select(pl.when(is_known).then(days)).to_series(),
            inside=pl.select(pl.when(is_known).then(pl.Series(inside))).to_series(),
        )

    def _rows_by_kind(self, symbols: pl.Series) -> list[tuple[HoursSettings, np.ndarray | None]]:
        """Each of the different hours, and the rows that have them; None: all."""
        default = self._settings_of(None)
        kinds = {symbol: kind for symbol, kind in self.settings.items() if symbol != DEFAULT and kind != default}
        if not kinds:
            return [(default, None)]
        found: list[tuple[HoursSettings, np.ndarray | None]] = []
        others = np.ones(len(symbols), dtype=bool)
        for kind in {one.model_dump_json(): one for one in kinds.values()}.values():
            names = [symbol for symbol, one in kinds.items() if one == kind]
            rows = symbols.is_in(names).fill_null(value=False).to_numpy()
            others &= ~rows
            found.append((kind, np.flatnonzero(rows)))
        return [*found, (default, np.flatnonzero(others))]

    def _settings_of(self, symbol: str | None) -> HoursSettings:
        default = self.settings.get(DEFAULT, HoursSettings())
        return default if symbol is None or symbol == DEFAULT else self.settings.get(symbol, default)

    @property
    def _begins(self) -> int:
        return min(int(kind.starts[0]) for kind in self._kinds)

    @cached_property
    def _days(self) -> list[date]:
        return self.calendar.sessions(self.calendar.first, self.calendar.last)

    def _hours(self, kind: HoursSettings) -> InstrumentHours:
        key = kind.model_dump_json()
        if key not in self._made:
            self._made[key] = _made(self.calendar, self._days, kind)
        return self._made[key]

    @cached_property
    def _kinds(self) -> list[InstrumentHours]:
        """All different hours that an instrument may have."""
        kinds = [self.settings.get(DEFAULT, HoursSettings()), *self.settings.values()]
        return [self._hours(kind) for kind in {kind.model_dump_json(): kind for kind in kinds}.values()]


def _made(calendar: SessionCalendar, days: list[date], kind: HoursSettings) -> InstrumentHours:
    weekdays = np.array([day.isoweekday() for day in days])
    if kind.start is None or kind.end is None:
        starts = np.array([_nanoseconds(calendar.opens_at(day)) for day in days])
        ends = np.array([_nanoseconds(calendar.closes_at(day)) for day in days])
    else:
        zone = kind.timezone or str(calendar.timezone)
        before = kind.start >= kind.end
        starts = _instants([day - timedelta(days=1) if before else day for day in days], kind.start, zone)
        ends = _instants(days, kind.end, zone)
        if kind.friday_end is not None:
            ends = np.where(weekdays == _FRIDAY, _instants(days, kind.friday_end, zone), ends)
    if (ends[1:] <= ends[:-1]).any() or (starts > ends).any():
        raise SettingsError(
            f"intraday.sessions: hours from {kind.start} to {kind.end} (friday_end {kind.friday_end}) end before they start, or after the next session's: correct them"
        )
    previous = np.concatenate([starts[:1], ends[:-1]])
    if kind.weekend:
        numbers = np.array(days, dtype="datetime64[D]").astype(np.int64)
        gaps = np.concatenate([[1], np.diff(numbers)])
        after_weekend = np.concatenate([[False], (weekdays[:-1] + gaps[1:] > _SATURDAY)])
        starts = np.where(after_weekend, previous, starts)
    return InstrumentHours(starts=np.maximum(starts, previous), ends=ends)


def _instants(days: list[date], at: time, zone: str) -> np.ndarray:
    """A time of day in a zone on each of the days; one that the clock skips means the next that it shows, one that comes twice the later."""
    local = pl.Series([datetime.combine(day, at) for day in days], dtype=pl.Datetime("ns"))
    placed = local.dt.replace_time_zone(zone, ambiguous="latest", non_existent="null")
    skipped = (local + timedelta(hours=1)).dt.replace_time_zone(zone, ambiguous="latest", non_existent="null")
    return pl.select(pl.coalesce(placed, skipped)).to_series().cast(NANOSECONDS).to_physical().to_numpy()


def _nanoseconds(instant: datetime) -> int:
    return (instant - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1_000
