"""The sessions in use, stored in the warehouse like data: `<warehouse>/calendar/<exchange> known=<UTC>.parquet`.

What is stored is what counts. The first vintage holds what exchange_calendars knew when something was first stored. Three voices can change it: another version of that library,
`calendar.closed` of the settings, and the broker's own calendar, which knows of a day of mourning first. Each change becomes a new vintage, known from the time at which it was
first seen here; the older ones stay. A calendar that only goes on (a later end, an earlier beginning) is no change, and takes the newest vintage's place. Where the voices differ a
closing of the settings comes before the broker's word, and that before the library's.

    day, opens, closes, source      a session, with its UTC instants; a day without instants is one that `source` says is closed
    exchange, timezone, library, asked_from, asked_until, ends_because      of all rows: what was asked of which version of the library
"""

import itertools
import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from ats_assets.calendar import HORIZON, SessionCalendar, Sessions, library_sessions, library_version
from ats_assets.errors import CorruptPartitionError, StoreDeniedError
from ats_assets.settings import CalendarSettings
from ats_assets.storage.knowledge import stamp_of, time_of
from ats_assets.storage.warehouse import Warehouse

ASSET = "calendar"
GROWS_AT = HORIZON - timedelta(days=35)
"""A calendar that goes on for less than this is asked for again."""
FROM_THE_START = datetime(1970, 1, 1, tzinfo=UTC)
"""From when the first vintage was known."""
LIBRARY, SETTINGS, BROKER = "library", "settings", "broker"
Times = tuple[datetime, datetime]
"""Open and close, UTC without a zone."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Change:
    """A day on which a vintage differs from the one before.

    Attributes
    ----------
    known
        Since when.
    source
        Who says so: library, settings, broker.
    """

    day: date
    kind: Literal["closed", "opened", "times"]
    source: str
    known: datetime

    def __str__(self) -> str:
        what = {"closed": "is no session any more", "opened": "is a session now", "times": "has other times"}[self.kind]
        return f"{self.day} {what} (by the {self.source}, known {self.known:%Y-%m-%d %H:%M} UTC)"


@dataclass(frozen=True, kw_only=True)
class _Vintage:
    """What one file holds: day -> open and close, or None where it is closed; and who says so."""

    exchange: str
    timezone: str
    days: Mapping[date, Times | None]
    sources: Mapping[date, str]
    library: str
    asked_from: date
    asked_until: date
    ends_because: str

    @property
    def span(self) -> tuple[date, date]:
        """The first and the last session."""
        days = [day for day, times in self.days.items() if times is not None]
        return min(days), max(days)

    def sessions(self, first: date) -> Sessions:
        open_days = {day: times for day, times in sorted(self.days.items()) if times is not None and day >= first}
        instants = [np.array([times[k] for times in open_days.values()], dtype="datetime64[us]") for k in (0, 1)]
        return Sessions(
            exchange=self.exchange,
            timezone=self.timezone,
            days=tuple(open_days),
            opens=instants[0],
            closes=instants[1],
            ends_because=self.ends_because,
        )

    def differences(self, older: "_Vintage", known: datetime) -> list[Change]:
        """The days that both cover and on which they differ."""
        spans = [one.span for one in (self, older)]
        first, last = max(span[0] for span in spans), min(span[1] for span in spans)
        changes: list[Change] = []
        for day in sorted(day for day in self.days.keys() | older.days.keys() if first <= day <= last):
            was, now = older.days.get(day), self.days.get(day)
            if was != now:
                kind = "closed" if now is None else "opened" if was is None else "times"
                source = self.sources.get(day) or LIBRARY
                changes.append(Change(day=day, kind=kind, source=source, known=known))
        return changes

    def frame(self) -> pl.DataFrame:
        days = sorted(self.days)
        times = [self.days[day] or (None, None) for day in days]
        return pl.DataFrame(
            {"day": days, "opens": [t[0] for t in times], "closes": [t[1] for t in times], "source": [self.sources[day] for day in days]},
            schema={"day": pl.Date, "opens": pl.Datetime("us"), "closes": pl.Datetime("us"), "source": pl.String},
        ).with_columns(
            exchange=pl.lit(self.exchange),
            timezone=pl.lit(self.timezone),
            library=pl.lit(self.library),
            asked_from=pl.lit(self.asked_from),
            asked_until=pl.lit(self.asked_until),
            ends_because=pl.lit(self.ends_because),
        )

    @classmethod
    def of(cls, frame: pl.DataFrame) -> "_Vintage":
        rows = frame.select("day", "opens", "closes", "source").rows()
        of_all = frame.select("exchange", "timezone", "library", "asked_from", "asked_until", "ends_because").row(0, named=True)
        return cls(
            days={day: None if opens is None else (opens, closes) for day, opens, closes, _ in rows},
            sources={day: source for day, _, _, source in rows},
            **of_all,
        )


class CalendarStore:
    """The stored calendar of one exchange.

    Parameters
    ----------
    warehouse
        Where it lies.
    settings
        Exchange, first session, closings.
    """

    def __init__(self, warehouse: Warehouse, settings: CalendarSettings) -> None:
        self._warehouse = warehouse
        self._settings = settings
        self._unsaved: tuple[datetime, _Vintage] | None = None
        self.adopted: list[Change] = []
        """What has changed by opening, since it was last stored by another process or an earlier version."""

    @property
    def stamp(self) -> tuple[str, int] | None:
        """Of the newest vintage's file: another one is another calendar, or the same that goes on for longer."""
        newest = max(self._files(), default=None)
        return None if newest is None else (str(self._files()[newest]), self._files()[newest].stat().st_mtime_ns)

    def open(self, now: datetime | None = None) -> SessionCalendar:
        """The calendar in use: what is stored, brought up to date with the library's version and the settings where these are others than they were.

        Raises
        ------
        CalendarError
            If the exchange is unknown, or its first session too early.
        """
        now = now or datetime.now(UTC)
        stored = self._newest()
        if stored is not None and self._is_current(stored, now.date()):
            return self._calendar(stored)
        made = self._made(stored, now.date())
        self._adopt(stored, made, now)
        return self._calendar(made)

    def keep(self) -> None:
        """Store what `open` found where nothing could be stored yet: called when the first partition is written."""
        if self._unsaved is not None and not self._files():
            self._save(*self._unsaved, begin=True)
        self._unsaved = None

    def learn(self, theirs: Mapping[date, Times], now: datetime | None = None) -> list[Change]:
        """Take the broker's calendar over a stretch of days; what differs is stored, and valid from the next opening on.

        Parameters
        ----------
        theirs
            Session -> open and close (UTC, aware), each session from the first of them to the last: what lies between two sessions and is none itself is closed.
            A calendar that ends early, or is empty, closes nothing.
        """
        now = now or datetime.now(UTC)
        stored = self._newest() or self._made(None, now.date())
        if not theirs:
            return []
        told = {
            day: (opens.astimezone(UTC).replace(tzinfo=None), closes.astimezone(UTC).replace(tzinfo=None))
            for day, (opens, closes) in theirs.items()
        }
        between = [day for day, times in stored.days.items() if times and min(told) < day < max(told) and day not in told]
        wanted: dict[date, Times | None] = dict.fromkeys(between)
        wanted |= {day: times for day, times in told.items() if stored.days.get(day) != times and day not in self._settings.closed}
        first, last = stored.span
        wanted = {day: times for day, times in wanted.items() if first <= day <= last}
        if not wanted:
            return []
        made = _with(stored, wanted, BROKER)
        self._adopt(stored, made, now, begin=True)
        return made.differences(stored, now)

    def close(self, day: date, now: datetime | None = None) -> None:
        """Take it from the broker that a session is none; valid from the next opening on."""
        now = now or datetime.now(UTC)
        stored = self._newest() or self._made(None, now.date())
        if stored.days.get(day) is not None:
            self._adopt(stored, _with(stored, {day: None}, BROKER), now, begin=True)

    def changes(self) -> list[Change]:
        """All changes from vintage to vintage, the oldest first."""
        files = sorted(self._files().items())
        if len(files) < 2:
            return []
        vintages = [(known, self._read(path)) for known, path in files]
        return [change for (_, older), (known, newer) in itertools.pairwise(vintages) for change in newer.differences(older, known)]

    def _calendar(self, vintage: _Vintage) -> SessionCalendar:
        return SessionCalendar(
            self._settings.exchange, self._settings.first_session, sessions=vintage.sessions(self._settings.first_session)
        )

    def _is_current(self, stored: _Vintage, today: date) -> bool:
        closed = {day for day, source in stored.sources.items() if source == SETTINGS}
        covers = stored.asked_from <= self._settings.first_session and stored.asked_until >= today + GROWS_AT
        return covers and stored.library == library_version() and closed == set(self._settings.closed)

    def _made(self, stored: _Vintage | None, today: date) -> _Vintage:
        """What the library knows now, under what the broker has said and what the settings say."""
        first = self._settings.first_session if stored is None else min(stored.asked_from, self._settings.first_session)
        default = "first_session" not in self._settings.model_fields_set
        known = library_sessions(self._settings.exchange, first, from_where_known=default)
        pairs = zip(known.opens.tolist(), known.closes.tolist(), strict=True)
        made = _Vintage(
            exchange=known.exchange,
            timezone=known.timezone,
            days=dict(zip(known.days, pairs, strict=True)),
            sources=dict.fromkeys(known.days, LIBRARY),
            library=library_version(),
            asked_from=first,
            asked_until=today + HORIZON,
            ends_because=known.ends_because,
        )
        told = {day: stored.days[day] for day, source in stored.sources.items() if source == BROKER} if stored else {}
        return _with(_with(made, told, BROKER), dict.fromkeys(self._settings.closed), SETTINGS)

    def _adopt(self, stored: _Vintage | None, made: _Vintage, now: datetime, *, begin: bool = False) -> None:
        newest = max(self._files(), default=FROM_THE_START)
        changes = made.differences(stored, now) if stored else []
        if changes:
            self.adopted += changes
            for change in changes:
                _log.warning("the calendar of %s changes: %s%s", made.exchange, change, self._touched(change.day))
        self._save(max(now, newest + timedelta(microseconds=1)) if changes else newest, made, begin=begin)

    def _touched(self, day: date) -> str:
        stored = [asset for asset in self._warehouse.assets() if self._warehouse.exists(asset, day)]
        return f"; stored of it, and not read any more: {', '.join(stored)}" if stored else ""

    def _save(self, known: datetime, vintage: _Vintage, *, begin: bool = False) -> None:
        if not begin and not self._warehouse.root.is_dir():
            self._unsaved = (known, vintage)
            return
        name = f"{_file_name(vintage.exchange)} known={stamp_of(known)}"
        try:
            self._warehouse.write_part(ASSET, name, vintage.frame(), code_version=vintage.library)
        except (OSError, StoreDeniedError):  # a warehouse that may only be read: the same is found again at the next opening
            return
        self._unsaved = None

    def _files(self) -> dict[datetime, Path]:
        prefix = f"{_file_name(self._settings.exchange)} known="
        self._warehouse.root_folder.look()
        folder = self._warehouse.root / ASSET
        found = folder.glob(f"{prefix}*.parquet") if folder.is_dir() else ()
        return {time_of(file.stem.removeprefix(prefix)): file for file in found}

    def _newest(self) -> _Vintage | None:
        files = self._files()
        if files:
            return self._read(files[max(files)])
        return None if self._unsaved is None else self._unsaved[1]

    def _read(self, path: Path) -> _Vintage:
        if fault := self._warehouse.fault(path):
            raise CorruptPartitionError(
                f"{path}, the calendar in use, is damaged ({fault}): take it from a backup, or delete it: the calendar is then rebuilt from "
                "exchange_calendars and calendar.closed, without what the broker had said"
            )
        return _Vintage.of(self._warehouse.read_part(ASSET, path.stem))


def calendar_files(warehouse: Warehouse) -> Sequence[Path]:
    """Every vintage, to be copied to where partitions are rebuilt."""
    folder = warehouse.root / ASSET
    return sorted(folder.glob("* known=*.parquet")) if folder.is_dir() else []


def former_sessions(changes: Iterable[Change], calendar: SessionCalendar) -> dict[date, Change]:
    """The days that were sessions and are none any more -> how that came to be known."""
    return {change.day: change for change in changes if change.kind == "closed" and not calendar.is_session(change.day)}


def _with(vintage: _Vintage, days: Mapping[date, Times | None], source: str) -> _Vintage:
    merged = {**vars(vintage), "days": {**vintage.days, **days}, "sources": {**vintage.sources, **dict.fromkeys(days, source)}}
    return _Vintage(**merged)


def _file_name(exchange: str) -> str:
    return exchange.replace("/", "-")
