"""Gaps of ticks by name: no instrument is silent without a row that says so, and whose ticks fill the silence, or that nobody's do."""

from collections.abc import Iterable
from datetime import date
from typing import Any

import pandera.polars as pa
import polars as pl
from pandera.api.polars.container import DataFrameSchema

from ats_assets.intraday.schema import NANOSECONDS, TICK_GAPS_SCHEMA
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.stitching import holes_of
from ats_assets.intraday.tick_rules import NO_FAULT

QUARANTINED, NO_TICK, FILLED = "quarantined", "no tick", "filled"
_SAID = {
    "session": "in whose hours nothing of the vendor that is asked first, or of any, is accepted",
    "symbol": "the instrument",
    "what": "trades or quotes",
    "starts_at": "the last tick before it, or the start of the hours; of what is filled the first tick that fills it",
    "ends_at": "the first tick after it, or the end of the hours; of what is filled the last tick that fills it",
    "reason": "filled: by the ticks of another vendor; no tick: of nobody; quarantined: some were delivered, and are rejected",
    "vendor": "whose ticks fill it; null where none do",
    "ticks": "how many fill it, or are rejected in it",
    "details": "what each vendor before it did, or the rules that the rejected ones broke",
}
TICK_GAPS: DataFrameSchema = DataFrameSchema(
    {
        name: pa.Column(
            dtype,
            checks=pa.Check.isin([QUARANTINED, NO_TICK, FILLED]) if name == "reason" else None,
            nullable=name in {"vendor", "details"},
            description=_SAID[name],
        )
        for name, dtype in TICK_GAPS_SCHEMA.items()
    },
    name="tick_gaps",
    strict=True,
    ordered=True,
)


def tick_gaps(
    what: str,
    session: date,
    hours: SessionHours,
    ticks: pl.DataFrame,
    rejected: pl.DataFrame,
    *,
    before: Iterable[str] = (),
    raw: pl.DataFrame | None = None,
    seconds: int | None = None,
) -> pl.DataFrame:
    """The gaps of one session.

    Parameters
    ----------
    what
        "trades" or "quotes".
    ticks, rejected, raw
        Of the session: accepted ones (symbol, at); rejected ones (symbol, at, reasons); those that a source of several vendors delivered
        (symbol, at, vendor, vendor_reason), None of any other.
    before
        The symbols that had ticks in the sessions that are looked back at.
    seconds
        The longest silence of a symbol within its hours that is no gap; None: silences are none.

    Returns
    -------
    DataFrame of `TICK_GAPS_SCHEMA`, sorted by symbol and time.

    Examples
    --------
    >>> from ats_assets.calendar import SessionCalendar
    >>> at = pl.Series([], dtype=NANOSECONDS)
    >>> nothing = pl.DataFrame({"symbol": pl.Series([], dtype=pl.String), "at": at, "reasons": pl.Series([], dtype=pl.List(pl.String))})
    >>> found = tick_gaps("trades", date(2024, 3, 4), SessionHours(SessionCalendar(), {}), nothing, nothing, before=["A"])
    >>> found.select("symbol", "reason", pl.col("ends_at").dt.hour()).rows()
    [('A', 'no tick', 21)]
    """
    there = {symbol: rows["at"] for (symbol,), rows in ticks.select("symbol", "at").partition_by("symbol", as_dict=True).items()}
    broken = rejected.filter(pl.col("symbol").is_not_null(), pl.col("reasons").list.set_difference(list(NO_FAULT)).list.len() > 0)
    faults = broken.select("symbol", "at", "reasons").partition_by("symbol", as_dict=True)
    rows: list[tuple[Any, ...]] = []
    for symbol in sorted({*before, *there}):
        times = there.get(symbol)
        if times is not None and seconds is None:
            continue
        start, end = (int(one.timestamp()) * 10**9 for one in hours.of(symbol, session))
        longest = -1 if times is None else (seconds or 0) * 10**9
        known = pl.Series([], dtype=NANOSECONDS) if times is None else times
        holes = holes_of(known.to_physical().to_numpy(), start, end, longest)
        rows += [(symbol, hole.start, hole.end, *_fault(faults.get((symbol,)), hole.start, hole.end)) for hole in holes]
    found = pl.DataFrame(
        rows,
        schema={
            "symbol": pl.String,
            "starts_at": pl.Int64,
            "ends_at": pl.Int64,
            "reason": pl.String,
            "ticks": pl.Int64,
            "details": pl.String,
        },
        orient="row",
    ).with_columns(pl.col("starts_at", "ends_at").cast(NANOSECONDS), vendor=pl.lit(None, pl.String))
    both = pl.concat([found, _filled(raw)], how="diagonal") if raw is not None else found
    named = both.with_columns(session=pl.lit(session, pl.Date), what=pl.lit(what))
    return named.select(pl.col(name).cast(dtype) for name, dtype in TICK_GAPS_SCHEMA.items()).sort(
        "symbol", "starts_at", "ends_at", "reason"
    )


def _fault(broken: pl.DataFrame | None, start: int, end: int) -> tuple[str, int, str | None]:
    """Why nothing is accepted in a hole: reason, number of rejected ticks, the rules that they broke."""
    if broken is None:
        return NO_TICK, 0, None
    at = pl.col("at").to_physical()
    inside = broken.filter((at >= start) & (at <= end) | pl.col("at").is_null())
    if inside.is_empty():
        return NO_TICK, 0, None
    return QUARANTINED, inside.height, ", ".join(inside["reasons"].explode().unique().sort())


def _filled(raw: pl.DataFrame) -> pl.DataFrame:
    """Each run of ticks of a vendor that is not the first: whose, and why."""
    other = raw.filter(pl.col("vendor_reason").is_not_null(), pl.col("symbol").is_not_null(), pl.col("at").is_not_null())
    return other.group_by("symbol", "vendor", details="vendor_reason").agg(
        starts_at=pl.col("at").min(), ends_at=pl.col("at").max(), ticks=pl.len().cast(pl.Int64), reason=pl.lit(FILLED)
    )
