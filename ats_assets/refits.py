"""When a model is refitted: at the first session of each week, month, quarter or year, whatever the range that is computed.

A rule of dates, and not of places in the list of sessions: a session that vanishes from the calendar, or one that is added, moves no other refit session than the one
whose period began with it.
"""

from collections.abc import Collection
from datetime import date, timedelta

from ats_assets.calendar import SessionCalendar
from ats_assets.settings import Period, Refit

ASKED_FOR_EACH: Refit = "weekly"
"""When it is decided whether drift asks for a refit: at the first session of each week."""


def last_refit(calendar: SessionCalendar, session: date, refit: Period) -> date:
    """The newest refit session that is not after `session`: the first session of its period.

    Examples
    --------
    >>> from ats_assets.calendar import session_calendar
    >>> last_refit(session_calendar("XNYS", date(2021, 1, 1)), date(2022, 1, 20), "monthly")
    datetime.date(2022, 1, 3)
    """
    return calendar.on_or_after(_start(session, refit))


def is_refit_session(calendar: SessionCalendar, session: date, refit: Period) -> bool:
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


def _start(day: date, refit: Period) -> date:
    """The first day of the period that a day lies in; weeks begin on Monday."""
    if refit == "weekly":
        return day - timedelta(days=day.weekday())
    if refit == "monthly":
        return day.replace(day=1)
    if refit == "quarterly":
        return day.replace(month=(day.month - 1) // 3 * 3 + 1, day=1)
    if refit == "yearly":
        return day.replace(month=1, day=1)
    return day


def refits_by_drift(
    calendar: SessionCalendar, alarms: Collection[date], session: date, *, refit: Refit, most: int, apart: int
) -> dict[date, date]:
    """The sessions up to `session`, in its year, at which models are fitted because drift asked for it -> the newest alarm behind each.

    A function of the alarms since the year began, and of the calendar: so it can be told of any session by itself. It goes from week to week. An alarm since the week before asks for a refit at the
    first session of the week, unless the model is fitted there anyway, fewer than `apart` sessions have passed since the last fit, or `most` were asked for already this year.

    Parameters
    ----------
    alarms
        Sessions with an alarm, in any order; those before the year and after `session` count for nothing.
    refit
        When models are fitted anyway.
    most
        Refits a year that drift may ask for.
    apart
        Sessions from any refit to the next that drift may ask for.

    Examples
    --------
    >>> from ats_assets.calendar import session_calendar
    >>> xnys, drifting = session_calendar("XNYS", date(2021, 1, 1)), [date(2024, 5, day) for day in (14, 15, 16, 21)]
    >>> refits_by_drift(xnys, drifting, date(2024, 5, 31), refit="monthly", most=4, apart=10)
    {datetime.date(2024, 5, 20): datetime.date(2024, 5, 16)}
    """
    first = calendar.on_or_after(date(session.year, 1, 1))
    last = before = first
    found: dict[date, date] = {}
    for day in calendar.sessions(first, session):
        if is_refit_session(calendar, day, refit):
            last = day
        if not is_refit_session(calendar, day, ASKED_FOR_EACH):
            continue
        asking = [one for one in alarms if before < one <= day]
        before = day
        if asking and last != day and len(found) < most and calendar.count(last, day) >= apart:
            found[day] = max(asking)
            last = day
    return found
