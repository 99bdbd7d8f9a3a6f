"""Dagster partitions: one for each exchange session, and the mappings for windows of them."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import dagster as dg

from ats_assets.calendar import SessionCalendar
from ats_assets.deployment import Deployment
from ats_assets.orchestration.offered import offered


@dataclass(frozen=True, kw_only=True)
class Reads:
    """The partitions of an upstream asset that partition D reads: sessions D-back to D-lag, both included.

    Parameters
    ----------
    asset
        The upstream asset.
    back, lag
        In sessions; 0 is D itself.
    columns
        Those that are read, where they are not all: what memory a window takes is told by them.
    """

    asset: str
    back: int = 0
    lag: int = 0
    columns: tuple[str, ...] = ()

    def mapping(self) -> dg.TimeWindowPartitionMapping:
        """The same as a Dagster partition mapping."""
        return dg.TimeWindowPartitionMapping(start_offset=-self.back, end_offset=-self.lag)

    def sessions_read(self, calendar: SessionCalendar, session: date) -> list[date]:
        """The sessions read by `session`; fewer at the start of the calendar."""
        if calendar.position(session) < self.lag:
            return []
        return calendar.window(calendar.offset(session, -self.lag), self.back - self.lag + 1)


def partitions_of(deployment: Deployment) -> dg.DailyPartitionsDefinition:
    """The partitions of every asset and check with sessions: those of the calendar that are offered."""
    what = deployment.of(offered)
    return session_partitions(deployment.calendar, what.first, what.last)


@functools.lru_cache(maxsize=8)
def session_partitions(calendar: SessionCalendar, first: date | None = None, last: date | None = None) -> dg.DailyPartitionsDefinition:
    """Exchange sessions as Dagster partitions, keyed by date; one object for a calendar, since every asset and check asks for it.

    A partition exists from midnight UTC after its session's date, when every exchange has closed (New York does at 20:00 or 21:00 UTC).

    Parameters
    ----------
    first, last
        Only the sessions from one day to another, which need be none themselves; default: all.
    """
    first = calendar.first if first is None else max(first, calendar.first)
    excluded = [day for day in calendar.excluded_days() if first <= day and (last is None or day <= last)]
    weekend = [day for day in range(7) if all(day != when.isoweekday() % 7 for when in calendar.sessions(calendar.first, calendar.last))]
    weekly = {(day - 1) % 7 for day in weekend}  # cron counts from Sunday, date.weekday() from Monday
    exclusions: list[str | datetime] = [datetime(day.year, day.month, day.day) for day in excluded if day.weekday() not in weekly]  # noqa: DTZ001
    if weekend:
        exclusions.insert(0, f"0 0 * * {','.join(map(str, weekend))}")
    # beyond the end of a calendar that is known for this year only, no day is a session; of others the end moves with the day, and the partitions must not
    if calendar.ends_because:
        last = calendar.last if last is None else min(last, calendar.last)
    end = None if last is None else (last + timedelta(days=1)).isoformat()
    return dg.DailyPartitionsDefinition(start_date=first.isoformat(), end_date=end, timezone="UTC", exclusions=exclusions or None)


def sessions_of(keys: Sequence[str]) -> list[date]:
    """Partition keys as sessions."""
    return [date.fromisoformat(key) for key in keys]
