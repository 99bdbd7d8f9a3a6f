"""The schedule of events as it stood at the close of a session.

1. A row was known at a session if it was so by the session's close plus the grace of `knowledge`, as all that is delivered; a row that says no time was always known.
2. An event with a name of its own (`event`) has its newest row alone: a day that moved, or was cancelled, replaces the one before. Rows without such a name stand beside each other.
   A row that can't be read replaces nothing.
3. Events from `BEHIND_DAYS` before the session to `AHEAD_DAYS` after it, and rows without a day that can be read.
4. Of several vendors the events of a kind of a symbol are those of the first that has one which can be read; rows that can't be are there of each.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Final

import polars as pl

from ats_assets.scheduled_events.schema import RAW_SCHEDULED_EVENTS_SCHEMA, TOLD_EVENTS_SCHEMA
from ats_assets.sources.schema import VENDOR_SCHEMA

BEHIND_DAYS: Final = 31
AHEAD_DAYS: Final = 366
_ORDER: Final = ("date", "symbol", "kind", "event", "timing", "status", "known_at", "defects")


def schedule_at(told: pl.DataFrame, session: date, until: datetime) -> pl.DataFrame:
    """The partition of one session.

    Parameters
    ----------
    told
        `TOLD_EVENTS_SCHEMA`: all that a source tells of events within the days; of several vendors with the columns of `VENDOR_SCHEMA`, in their order of preference.
    until
        The UTC time up to which the session knows.

    Returns
    -------
    polars.DataFrame
        `RAW_SCHEDULED_EVENTS_SCHEMA`, and what it has of `VENDOR_SCHEMA`, sorted by what it says, so that the order of delivery decides nothing.

    Examples
    --------
    >>> from datetime import UTC
    >>> rows = [
    ...     {"symbol": "A", "kind": "earnings", "date": date(2024, 5, day), "event": "2024Q1", "known_at": datetime(2024, 4, day, tzinfo=UTC)}
    ...     for day in (2, 9)
    ... ]
    >>> told = pl.DataFrame(rows, schema=TOLD_EVENTS_SCHEMA)
    >>> [schedule_at(told, date(2024, 4, day), datetime(2024, 4, day, 21, tzinfo=UTC))["date"].to_list() for day in (1, 8, 9)]
    [[], [datetime.date(2024, 5, 2)], [datetime.date(2024, 5, 9)]]
    """
    known = told.filter(pl.col("known_at").is_null() | (pl.col("known_at") <= until))
    readable = pl.col("date").is_not_null() & pl.col("defects").is_null()
    since = pl.when(readable).then(pl.col("known_at").dt.epoch("us").fill_null(-(2**62)))
    vendors = [name for name in VENDOR_SCHEMA if name in told.columns]
    newest = since.max().over("symbol", "kind", "event", *vendors[:1])
    known = known.filter(pl.col("event").is_null() | ~readable | (since == newest))
    near = pl.col("date").is_between(session - timedelta(days=BEHIND_DAYS), session + timedelta(days=AHEAD_DAYS))
    found = known.filter(pl.col("date").is_null() | near).with_columns(session=pl.lit(session))
    if vendors:
        found = found.filter(
            ~readable | (_place(told["vendor"]) == pl.when(readable).then(_place(told["vendor"])).min().over("symbol", "kind"))
        )
    return found.select(*RAW_SCHEDULED_EVENTS_SCHEMA.names(), *vendors).sort(*_ORDER, *vendors, nulls_last=True)


def _place(vendors: pl.Series) -> pl.Expr:
    """Of a row's vendor in the order of preference."""
    return pl.col("vendor").cast(pl.Enum(vendors.unique(maintain_order=True))).to_physical()


def days_asked(sessions: Sequence[date]) -> tuple[date, date]:
    """The first and last day of events that some sessions look at."""
    return min(sessions) - timedelta(days=BEHIND_DAYS), max(sessions) + timedelta(days=AHEAD_DAYS)


def schedule_known(rows: pl.DataFrame, closes: datetime) -> datetime:
    """The time from which a session's schedule was known, in UTC: its close, or when the last of its rows became so.

    Parameters
    ----------
    rows
        A partition.
    closes
        The session's close.
    """
    newest = rows["known_at"].max()
    return max(closes, newest) if isinstance(newest, datetime) else closes


def told_frame(rows: Sequence[dict[str, object]]) -> pl.DataFrame:
    """Rows as a source has read them as its frame; what a row leaves out is null."""
    return pl.DataFrame(list(rows), schema=TOLD_EVENTS_SCHEMA) if rows else TOLD_EVENTS_SCHEMA.to_frame()
