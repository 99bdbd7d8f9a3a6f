"""When a contract can be traded last, and how far that is.

- It is the session of the expiry, or the last one before it: until January 2015 monthly options expired on the Saturday after their last session.
- Options that are settled by the morning's prices are traded until the session before.
- The calendar is asked for `KNOWN_DAYS` ahead only, since it reaches about a year further than the day on which it was made: what a session knows of its chains must not depend on
  when it is asked. Beyond, Mondays to Fridays count as sessions.
"""

from datetime import date, timedelta
from typing import Final

import numpy as np
import polars as pl

from ats_assets.calendar import SessionCalendar

KNOWN_DAYS: Final = 300
FRIDAYS_SINCE: Final = date(2015, 2, 1)
"""From here on no contract expires on a Saturday."""
SATURDAY: Final = 5


def last_sessions(pairs: pl.DataFrame, calendar: SessionCalendar) -> pl.DataFrame:
    """What is known of each pair of session and expiry.

    Parameters
    ----------
    pairs
        session, expiry, morning (whether it is settled by the morning's prices); without nulls.

    Returns
    -------
    DataFrame
        The pairs, with last_session, sessions_left (Int32, 0 where it has expired) and is_session: whether a contract can expire on that day at all.
    """
    found = [_of(session, expiry, morning, calendar) for session, expiry, morning in pairs.iter_rows()]
    schema = {"last_session": pl.Date, "sessions_left": pl.Int32, "is_session": pl.Boolean}
    return pl.concat([pairs, pl.DataFrame(found, schema=schema, orient="row")], how="horizontal")


def _of(session: date, expiry: date, morning: bool, calendar: SessionCalendar) -> tuple[date, int, bool]:
    if expiry < session:
        return expiry, 0, True
    if expiry <= min(session + timedelta(days=KNOWN_DAYS), calendar.last):
        last = calendar.on_or_before(expiry)
        valid = last == expiry or _is_old_saturday(expiry)
        last = calendar.before(last) if morning else last
        return last, max(calendar.count(session, last), 0), valid
    weekday = min(expiry.weekday(), SATURDAY - 1)
    last = expiry - timedelta(days=expiry.weekday() - weekday)
    valid = last == expiry or _is_old_saturday(expiry)
    last -= timedelta(days=(3 if last.weekday() == 0 else 1) if morning else 0)
    return last, int(np.busday_count(session, last)), valid


def _is_old_saturday(expiry: date) -> bool:
    return expiry.weekday() == SATURDAY and expiry < FRIDAYS_SINCE
