"""When Massive has a session: by the plan for its API, and by its schedule for flat files."""

from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from ats_assets.calendar import SessionCalendar

Delivery = Literal["end_of_day", "delayed", "real_time", "flat_files"]
NEW_YORK: Final = ZoneInfo("America/New_York")
_SETTLING: Final = {"real_time": timedelta(minutes=15), "delayed": timedelta(minutes=30)}
"""After the close: late prints are in, and of delayed data their delay is over."""
FILES_AT: Final = time(11)
"""About when the files of the day before are up."""


def delivered_at(calendar: SessionCalendar, session: date, delivery: Delivery) -> datetime:
    """From when a session is delivered, in UTC.

    Examples
    --------
    >>> calendar = SessionCalendar("XNYS", date(2024, 1, 2))
    >>> [f"{delivered_at(calendar, date(2024, 3, 7), how):%d %H:%M}" for how in ("real_time", "delayed", "end_of_day", "flat_files")]
    ['07 21:15', '07 21:30', '08 05:00', '08 16:00']
    """
    if delivery in _SETTLING:
        return calendar.closes_at(session) + _SETTLING[delivery]
    at = datetime.combine(session + timedelta(days=1), FILES_AT if delivery == "flat_files" else time(), NEW_YORK).astimezone(UTC)
    return max(at, calendar.closes_at(session))


def latest_delivered(calendar: SessionCalendar, now: datetime, delivery: Delivery) -> date:
    """The latest session that is delivered by a time.

    Raises
    ------
    CalendarError
        If none is.
    """
    session = calendar.last_closed(now)
    while delivered_at(calendar, session, delivery) > now:
        session = calendar.offset(session, -1)
    return session
