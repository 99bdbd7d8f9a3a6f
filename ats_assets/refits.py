"""When a model is refitted: at the first session of each week, month or quarter, whatever the range that is computed.

A rule of dates, and not of places in the list of sessions: a session that vanishes from the calendar, or one that is added, moves no other refit session than the one
whose period began with it.
"""

from datetime import date, timedelta

from ats_assets.calendar import SessionCalendar
from ats_assets.settings import Refit


def last_refit(calendar: SessionCalendar, session: date, refit: Refit) -> date:
    """The newest refit session that is not after `session`: the first session of its period.

    Examples
    --------
    >>> from ats_assets.calendar import session_calendar
    >>> last_refit(session_calendar("XNYS", date(2021, 1, 1)), date(2022, 1, 20), "monthly")
    datetime.date(2022, 1, 3)
    """
    return calendar.on_or_after(_start(session, refit))


def is_refit_session(calendar: SessionCalendar, session: date, refit: Refit) -> bool:
    """Whether a model is fitted at `session`.

    Examples
    --------
    >>> from datetime import date
    >>> from ats_assets.calendar import SessionCalendar
    >>> from ats_assets.refits import is_refit_session
    >>> is_refit_session(SessionCalendar("XNYS", date(2024, 1, 2)), date(2024, 6, 3), "monthly")
    True
    """
    return last_refit(calendar, session, refit) == session


def _start(day: date, refit: Refit) -> date:
    """The first day of the period that a day lies in; weeks begin on Monday."""
    if refit == "weekly":
        return day - timedelta(days=day.weekday())
    if refit == "monthly":
        return day.replace(day=1)
    if refit == "quarterly":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    return day
