"""Whether what is stored is all there: against the symbols of the session before, and against the calendar."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from ats_assets.calendar import SessionCalendar


@dataclass(frozen=True, kw_only=True)
class Completeness:
    """A session's symbols compared with those of the session before.

    Attributes
    ----------
    present_share
        Share of the previous session's symbols that are here again; 1 where there were none.
    missing
        Symbols of the previous session that are not here, sorted.
    new
        Symbols that the previous session did not have, sorted.
    """

    present_share: float
    missing: tuple[str, ...]
    new: tuple[str, ...]


def completeness(previous_symbols: Collection[str], symbols: Collection[str]) -> Completeness:
    """Compare the symbols of two consecutive sessions.

    Examples
    --------
    >>> completeness(["AAA", "BBB", "CCC", "DDD"], ["AAA", "CCC", "DDD", "NEW"])
    Completeness(present_share=0.75, missing=('BBB',), new=('NEW',))
    """
    previous, current = set(previous_symbols), set(symbols)
    share = len(previous & current) / len(previous) if previous else 1.0
    return Completeness(present_share=share, missing=tuple(sorted(previous - current)), new=tuple(sorted(current - previous)))


@dataclass(frozen=True, kw_only=True)
class Freshness:
    """The stored partitions compared with the calendar.

    Attributes
    ----------
    newest
        The newest stored session; None where nothing is stored.
    due
        The newest session that must be there by now; None before the first one is due.
    late
        Sessions after `newest` that are due, in order: all due ones where nothing is stored.
    gaps
        Sessions between the oldest and the newest stored one that are not stored, in order.
    """

    newest: date | None
    due: date | None
    late: tuple[date, ...]
    gaps: tuple[date, ...]

    @property
    def is_fresh(self) -> bool:
        """Whether all that is due is there, from the oldest stored session on."""
        return not self.late and not self.gaps


def freshness(
    stored: Collection[date], now: datetime, *, calendar: SessionCalendar, max_late_sessions: int, first: date | None = None
) -> Freshness:
    """Which sessions should be stored at `now` and are not.

    A session is due as soon as the `max_late_sessions`-th session after it has closed (0: as soon as it has closed itself), so that weekends,
    holidays and early closes need no special case.

    Parameters
    ----------
    stored
        The sessions that are stored, in any order; a day that is no session any more counts for nothing.
    now
        The time of the question, aware of its zone.
    calendar
        The exchange's sessions.
    max_late_sessions
        Sessions after its close by which a partition must be there.
    first
        Where nothing is stored, the session from which on sessions are expected; the calendar's first by default.

    Examples
    --------
    >>> from datetime import UTC
    >>> from ats_assets.calendar import session_calendar
    >>> xnys = session_calendar("XNYS", date(2024, 1, 2))
    >>> found = freshness([date(2024, 1, 2), date(2024, 1, 4)], datetime(2024, 1, 8, 22, tzinfo=UTC), calendar=xnys, max_late_sessions=1)
    >>> found.due.isoformat(), [str(day) for day in found.late], [str(day) for day in found.gaps]  # the Friday is due, the Monday not yet
    ('2024-01-05', ['2024-01-05'], ['2024-01-03'])
    """
    known = {day for day in stored if calendar.is_session(day)}
    newest = max(known, default=None)
    due = _due(now, calendar, max_late_sessions)
    gaps = () if newest is None else tuple(day for day in calendar.sessions(min(known), newest) if day not in known)
    if due is None:
        return Freshness(newest=newest, due=None, late=(), gaps=gaps)
    expected = calendar.sessions(newest or first or calendar.first, due)
    return Freshness(newest=newest, due=due, late=tuple(day for day in expected if day != newest), gaps=gaps)


def _due(now: datetime, calendar: SessionCalendar, max_late_sessions: int) -> date | None:
    if now < calendar.closes_at(calendar.first):
        return None
    position = calendar.position(calendar.last_closed(now)) - max_late_sessions
    return calendar.offset(calendar.first, position) if position >= 0 else None
