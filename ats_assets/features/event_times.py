"""Which session each event of one's own knows: the newest one whose partition was known when the event happened."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.deployment import Deployment
from ats_assets.errors import FeatureError

SYMBOL, TIME, SESSION = "symbol", "time", "session"
NEVER = -1
"""The position of what is known to an event before history, or without a time."""


@dataclass(frozen=True, kw_only=True)
class EventSessions:
    """The sessions of a history, and where events lie in them.

    Attributes
    ----------
    days
        All sessions of the calendar from the first one that is stored, ascending.
    known_at
        From when each is known, UTC, Datetime("us").
    positions
        Of each event, the position of its session in `days`; `NEVER` where it knows none.
    """

    days: list[date]
    known_at: pl.Series
    positions: NDArray[np.int64]


def event_sessions(deployment: Deployment, events: pl.DataFrame, first: date, delay: timedelta) -> EventSessions:
    """Find the session that each event knows.

    An event with a time knows a session from its close on, plus `knowledge.grace_hours` (until the next open at most) and `delay`. One with a session alone is taken to
    happen once that session's partition is known; on a day without one it is that of the session before.

    Parameters
    ----------
    first
        The first stored session.

    Raises
    ------
    FeatureError
        If there is neither a column `time` of times with a time zone nor a column `session` of dates, or a delay is negative.
    """
    if delay < timedelta(0):
        raise FeatureError(f"delay is {delay}: it can only be longer until features are used, never shorter; give none or more")
    days = deployment.calendar.sessions(first, deployment.calendar.last)
    known_at = pl.Series([deployment.knowledge.deadline(day) + delay for day in days], dtype=pl.Datetime("us", "UTC"))
    if TIME in events.columns:
        asked, bounds = _times(events[TIME]), known_at
    else:
        asked, bounds = _days(events), pl.Series(days, dtype=pl.Date)
    there = asked.is_not_null().to_numpy()
    at = asked.to_physical().fill_null(0).to_numpy().astype(np.int64)
    positions = np.searchsorted(bounds.to_physical().to_numpy().astype(np.int64), at, side="right") - 1
    return EventSessions(days=days, known_at=known_at, positions=np.where(there, positions, NEVER))


def _times(times: pl.Series) -> pl.Series:
    dtype = times.dtype
    if not isinstance(dtype, pl.Datetime):
        raise FeatureError(
            f"the column time is of type {dtype}: give times with a time zone, such as "
            "events.with_columns(pl.col('time').str.to_datetime(time_zone='UTC')), or name a column of dates session"
        )
    if dtype.time_zone is None:
        raise FeatureError(
            "the column time has no time zone, so that nobody can say what was known then: say which it is of, such as "
            "events.with_columns(pl.col('time').dt.replace_time_zone('UTC')), or 'America/New_York' where it is the time of that city"
        )
    return times.dt.convert_time_zone("UTC").dt.cast_time_unit("us")


def _days(events: pl.DataFrame) -> pl.Series:
    if SESSION not in events.columns:
        raise FeatureError(
            f"events have neither a column time nor a column session, but {', '.join(events.columns) or 'none at all'}: name one of "
            "times with a time zone time, or one of dates session"
        )
    if events.schema[SESSION] != pl.Date:
        raise FeatureError(
            f"the column session is of type {events.schema[SESSION]}: give dates, such as events.with_columns(pl.col('session').cast(pl.Date))"
        )
    return events[SESSION]
