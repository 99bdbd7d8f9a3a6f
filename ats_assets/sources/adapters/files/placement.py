"""Which session a delivered row belongs to. Each row gets exactly one, however odd its date."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import CalendarError, SourceError, how_many
from ats_assets.sources.schema import RAW_BARS_SCHEMA


@dataclass(frozen=True, kw_only=True)
class Placement:
    """Which session the rows of each day as delivered belong to, and what there is to say about those placed by exception.

    Attributes
    ----------
    days
        date, rows, session: of each date as delivered, null included, that is in a session.
    last
        The last day whose rows are placed by their date.
    late_text
        What a later one is after, for `defects`.
    remarks
        A line for each kind of row that was not placed by its date.
    """

    days: pl.DataFrame
    last: date
    late_text: str
    remarks: tuple[str, ...]

    @property
    def sessions_with_rows(self) -> list[date]:
        """Those that have a row, ascending."""
        return self.days["session"].unique().sort().to_list()

    def dates(self, sessions: Sequence[date]) -> list[date | None]:
        """The dates as delivered whose rows are in these sessions."""
        return self.days.filter(pl.col("session").is_in(list(sessions)))["date"].to_list()

    def placed(self, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows with their session, in their order, with the columns of `RAW_BARS_SCHEMA`; those of other days are left out."""
        day = pl.col("date")
        late = pl.concat_str(
            pl.col("defects"),
            pl.concat_str(pl.lit("date: "), day, pl.lit(f" is after {self.late_text}")),
            separator="; ",
            ignore_nulls=True,
        )
        found = rows.join(self.days.select("date", "session"), on="date", how="inner", nulls_equal=True, maintain_order="left")
        return found.with_columns(defects=pl.when(day > self.last).then(late).otherwise("defects")).select(RAW_BARS_SCHEMA.names())


def place(days: pl.DataFrame, calendar: SessionCalendar, vintage: date | None, where: str, *, running: date | None = None) -> Placement:
    """Give the rows of each day their session: that day; the next session where it is none.

    The latest session that has a bar takes the rows that no later one can: those without a readable date, dated after the vintage, the session that is next to close or
    the calendar's end (all named in `defects`), and those whose next session is not there yet. Rows dated before the calendar's first session are left out, as no
    partition can hold them.

    Parameters
    ----------
    days
        date, rows, complaint: how many rows there are of each date as delivered, null included, and what is wrong with one of them.
    running
        The session that is next to close; its rows must not be among them. None: every session has closed.

    Raises
    ------
    SourceError
        If no row is left.
    """
    day = pl.col("date")
    last = min(calendar.last, vintage or calendar.last, running - timedelta(days=1) if running else calendar.last)
    kept = days.select("date", "rows").filter(~(day < calendar.first).fill_null(value=False)).sort("date")
    if kept.is_empty():
        raise SourceError(
            f"{where}: all {days['rows'].sum():,} rows are dated {days['date'].min()} to {days['date'].max()}, before the calendar's first session: "
            f"set calendar.first_session (now {calendar.first}) to {days['date'].min()} or earlier"
        )
    table = _session_table(kept, calendar, last)
    if table.is_empty():
        raise SourceError(
            f"{where}: none of {how_many(int(kept['rows'].sum()), 'row')} has a usable date from {calendar.first} to {last}: {_dated(kept, days)}; "
            "see source.files.columns and source.files.vintage"
        )
    latest = table.filter(day == pl.col("session"))["session"].max() or table["session"].max()
    late_text = f"the last known session {calendar.last}"
    if running:
        late_text = f"the latest session that has closed, {calendar.before(running)}"
    if vintage == last:
        late_text = f"the vintage {vintage}"
    placed = kept.join(table, on="date", how="left", maintain_order="left").with_columns(
        session=pl.min_horizontal(pl.col("session"), pl.lit(latest)).fill_null(latest)
    )
    return Placement(days=placed, last=last, late_text=late_text, remarks=_remarks(days, placed, calendar, last))


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


def _session_table(days: pl.DataFrame, calendar: SessionCalendar, last: date) -> pl.DataFrame:
    """Date -> session, for the dates up to `last` that have one in the calendar."""
    known = [day for day in days["date"].drop_nulls().to_list() if day <= last]
    return pl.DataFrame(
        {"date": known, "session": [calendar.on_or_after(day) for day in known]}, schema={"date": pl.Date, "session": pl.Date}
    )


def _remarks(days: pl.DataFrame, placed: pl.DataFrame, calendar: SessionCalendar, last: date) -> tuple[str, ...]:
    """One line for each kind of row that was not placed by its date."""
    day = pl.col("date")
    early = days.filter(day < calendar.first)
    elsewhere = placed.filter((day != pl.col("session")) & (day <= last))
    found = (
        (
            early,
            f"dated before {calendar.first}, not delivered: set calendar.first_session to {early['date'].min()} or earlier for them",
        ),
        (elsewhere, f"dated on days without a session ({elsewhere['date'].min()} the first), placed in the next one that has bars"),
        (placed.filter(day > last), f"dated after {last}, placed in the latest session"),
        (placed.filter(day.is_null()), "without a readable date, placed in the latest session"),
    )
    return tuple(f"{count:,} rows {text}" for some, text in found if (count := some["rows"].sum()))


def _dated(kept: pl.DataFrame, days: pl.DataFrame) -> str:
    """What the dates are that can't be used."""
    complaint = days.sort("date")["complaint"].drop_nulls()
    if len(complaint):
        return f"the date column has {complaint[0]}"
    return f"they are dated {kept['date'].min()} to {kept['date'].max()}"
