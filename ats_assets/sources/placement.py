"""Which session a delivered row belongs to. Each row gets exactly one, however odd its date."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import CalendarError, SourceError
from ats_assets.sources.schema import RAW_BARS_SCHEMA

INTRADAY_SHARE = 0.01
"""Days of a symbol with two different stamps, beyond which a file is taken for intraday bars rather than for daily bars with a few repeats."""


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Rows with their session, in the order of delivery, and what there is to say about those placed by exception."""

    rows: pl.DataFrame
    n_delivered: int
    remarks: tuple[str, ...]


def place(rows: pl.DataFrame, calendar: SessionCalendar, vintage: date | None, where: str, *, running: date | None = None) -> Placement:
    """Give each row its session: its date; the next session where its date is none.

    The latest session that has a bar takes the rows that no later one can: those without a readable date, dated after the vintage, the session that is next to close or
    the calendar's end (all named in `defects`), and those whose next session is not there yet. Rows dated before the calendar's first session are left out, as no
    partition can hold them.

    Parameters
    ----------
    running
        The session that is next to close; its rows must not be among `rows`. None: every session has closed.

    Raises
    ------
    SourceError
        If no row is left.
    """
    day = pl.col("date")
    last = min(calendar.last, vintage or calendar.last, running - timedelta(days=1) if running else calendar.last)
    early = day < calendar.first
    kept = rows.filter(~early.fill_null(value=False))
    if kept.is_empty():
        raise SourceError(
            f"{where}: all {rows.height:,} rows are dated {rows['date'].min()} to {rows['date'].max()}, before the calendar's first session: "
            f"set calendar.first_session (now {calendar.first}) to {rows['date'].min()} or earlier"
        )
    days = _session_table(kept, calendar, last)
    if days.is_empty():
        raise SourceError(
            f"{where}: none of {kept.height:,} rows has a usable date from {calendar.first} to {last}: see the date column "
            f"({kept['defects'].drop_nulls().head(1).to_list()}), source.files.columns and source.files.vintage"
        )
    latest = days.filter(day == pl.col("session"))["session"].max() or days["session"].max()
    late_text = f"the last known session {calendar.last}"
    if running:
        late_text = f"the latest session that has closed, {calendar.before(running)}"
    if vintage == last:
        late_text = f"the vintage {vintage}"
    late = pl.concat_str(
        pl.col("defects"), pl.concat_str(pl.lit("date: "), day, pl.lit(f" is after {late_text}")), separator="; ", ignore_nulls=True
    )
    placed = kept.join(days, on="date", how="left", maintain_order="left").with_columns(
        session=pl.min_horizontal(pl.col("session"), pl.lit(latest)).fill_null(latest),
        defects=pl.when(day > last).then(late).otherwise("defects"),
    )
    return Placement(
        rows=placed.select(RAW_BARS_SCHEMA.names()),
        n_delivered=rows.height,
        remarks=_remarks(rows, placed, calendar, last),
    )


@dataclass(frozen=True, kw_only=True)
class Unfinished:
    """The session that was running when a file was read, or last written: its rows are no bars yet.

    Attributes
    ----------
    session
        None where the calendar has no such session.
    written
        Whether it has closed since the file was written: the file must be delivered again.
    """

    session: date | None
    written: bool


def unfinished(calendar: SessionCalendar, at: datetime, *, written: bool) -> Unfinished:
    """The first session that closes after an instant: a row that was written by then can't be all of its bar."""
    try:
        last_closed = calendar.last_closed(at)
    except CalendarError:
        return Unfinished(session=calendar.first, written=written)
    return Unfinished(session=None if last_closed == calendar.last else calendar.after(last_closed), written=written)


def without_unfinished(rows: pl.DataFrame, sessions: Sequence[Unfinished], where: str) -> tuple[pl.DataFrame, tuple[str, ...]]:
    """The rows but those of sessions that had not closed, and what there is to say about these."""
    remarks: list[str] = []
    for one in sessions:
        early = rows.filter(pl.col("date") == one.session).height if one.session else 0
        if early:
            rows = rows.filter(pl.col("date").ne_missing(pl.lit(one.session)))
            why = f"{where} was last written before it closed: deliver it again" if one.written else "which has not closed yet"
            remarks.append(f"{early:,} rows wait: of {one.session}, {why}")
    return rows, tuple(remarks)


def refuse_intraday(rows: pl.DataFrame, where: str) -> None:
    """Refuse intraday bars: several different stamps for a symbol and day.

    Raises
    ------
    SourceError
        If a symbol has three stamps on one day, or two on more than `INTRADAY_SHARE` of its days.
    """
    if rows["clock"].null_count() == rows.height:
        return
    counts = (
        rows.filter(pl.col("date").is_not_null()).group_by("symbol", "date").agg(pl.col("clock").drop_nulls().n_unique().alias("stamps"))
    )
    several = counts.filter(pl.col("stamps") > 1).sort("stamps", "symbol", "date", descending=[True, False, False])
    if several.is_empty() or (several["stamps"][0] < 3 and several.height <= INTRADAY_SHARE * counts.height):
        return
    symbol, day, stamps = several.row(0)
    raise SourceError(
        f"{where} has intraday bars ({symbol!r} has {stamps} different times on {day}), but only daily bars are read: "
        "name a file of daily bars, or select them with source.files.where"
    )


def _session_table(rows: pl.DataFrame, calendar: SessionCalendar, last: date) -> pl.DataFrame:
    """Date -> session, for the dates up to `last` that have one in the calendar."""
    days = [day for day in rows["date"].drop_nulls().unique().sort().to_list() if day <= last]
    return pl.DataFrame(
        {"date": days, "session": [calendar.on_or_after(day) for day in days]}, schema={"date": pl.Date, "session": pl.Date}
    )


def _remarks(rows: pl.DataFrame, placed: pl.DataFrame, calendar: SessionCalendar, last: date) -> tuple[str, ...]:
    """One line for each kind of row that was not placed by its date."""
    day = pl.col("date")
    early = rows.filter(day < calendar.first)
    elsewhere = placed.filter((day != pl.col("session")) & (day <= last))
    found = (
        (
            early.height,
            f"dated before {calendar.first}, not delivered: set calendar.first_session to {early['date'].min()} or earlier for them",
        ),
        (elsewhere.height, f"dated on days without a session ({elsewhere['date'].min()} the first), placed in the next one that has bars"),
        (placed.filter(day > last).height, f"dated after {last}, placed in the latest session"),
        (placed["date"].null_count(), "without a readable date, placed in the latest session"),
    )
    return tuple(f"{count:,} rows {text}" for count, text in found if count)
