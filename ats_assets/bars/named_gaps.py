"""Gaps by name: no symbol goes without a bar in silence. Each one that had a bar shortly before has a row, which says whose row fills the gap, or why nothing does."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.container import DataFrameSchema

QUARANTINED, NO_ROW, FILLED = "quarantined", "no row", "filled"
BAR_GAPS_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "symbol": pl.String,
        "last_session": pl.Date,
        "reason": pl.String,
        "vendor": pl.String,
        "details": pl.String,
    }
)
_SAID = {
    "session": "without a bar of the vendor that is asked first, or of any",
    "symbol": "that had one shortly before",
    "last_session": "its last bar before; null where it had none in the sessions that are looked at",
    "reason": "filled: by the row of another vendor; no row: of nobody; quarantined: it was delivered, and is in rejected_bars",
    "vendor": "whose row fills the gap; null where none does",
    "details": "what each vendor before it did, or the rules that the row broke",
}
BAR_GAPS: DataFrameSchema = DataFrameSchema(
    {
        name: pa.Column(
            dtype,
            checks=pa.Check.isin([QUARANTINED, NO_ROW, FILLED]) if name == "reason" else None,
            nullable=name in {"last_session", "vendor", "details"},
            description=_SAID[name],
        )
        for name, dtype in BAR_GAPS_SCHEMA.items()
    },
    name="bar_gaps",
    strict=True,
    ordered=True,
    unique=["session", "symbol"],
)


def _nobody(_day: date) -> Mapping[str, str]:
    return {}


def bar_gaps(
    windows: Mapping[date, Sequence[date]],
    bars: pl.DataFrame,
    rejected: pl.DataFrame,
    raw: pl.DataFrame | None = None,
    renamed: Callable[[date], Mapping[str, str]] = _nobody,
) -> pl.DataFrame:
    """The gaps of some sessions.

    Parameters
    ----------
    windows
        Session -> the sessions that are looked at, ascending, itself the last. A symbol without a bar in any of the others is no gap: it has ended, or not begun.
    bars, rejected
        `bars` of all of them, and `rejected_bars` of the sessions themselves.
    raw
        `raw_bars` of the sessions, of a source of several vendors; None of any other.
    renamed
        Session -> old ticker -> the one that whoever bore it has from its open on. A change of name is no gap, and hides none.

    Returns
    -------
    DataFrame of `BAR_GAPS_SCHEMA`, sorted by session and symbol.

    Examples
    --------
    >>> days = [date(2024, 3, 1), date(2024, 3, 4)]
    >>> bars = pl.DataFrame({"session": [days[0], days[0], days[1]], "symbol": ["A", "B", "A"]})
    >>> rejected = pl.DataFrame(schema={"session": pl.Date, "symbol": pl.String, "reasons": pl.List(pl.String)})
    >>> bar_gaps({days[1]: days}, bars, rejected).select("symbol", "reason").rows()
    [('B', 'no row')]
    """
    return pl.concat(
        [
            BAR_GAPS_SCHEMA.to_frame(),
            *(_of_session(day, _last_bars(bars, window, renamed), bars, rejected, raw) for day, window in windows.items()),
        ]
    )


def _last_bars(bars: pl.DataFrame, window: Sequence[date], renamed: Callable[[date], Mapping[str, str]]) -> pl.DataFrame:
    """Of who had a bar before the last session of a window: its ticker in that session, and the session of its last bar."""
    before = bars.filter(pl.col("session").is_in(list(window[:-1]))).select("symbol", "session")
    for changed in window[1:]:
        if names := renamed(changed):
            now = pl.when(pl.col("session") < changed).then(pl.col("symbol").replace(dict(names))).otherwise("symbol")
            before = before.with_columns(symbol=now)
    return before.group_by("symbol").agg(last_session=pl.col("session").max())


def _of_session(day: date, last: pl.DataFrame, bars: pl.DataFrame, rejected: pl.DataFrame, raw: pl.DataFrame | None) -> pl.DataFrame:
    there = bars.filter(pl.col("session") == day).select("symbol").unique()
    broken = (
        rejected.filter(pl.col("session") == day, pl.col("symbol").is_not_null())
        .group_by("symbol")
        .agg(details=pl.col("reasons").explode().unique().sort().str.join(", "))
    )
    missing = (
        last.join(there, on="symbol", how="anti")
        .join(broken, on="symbol", how="left")
        .with_columns(
            reason=pl.when(pl.col("details").is_null()).then(pl.lit(NO_ROW)).otherwise(pl.lit(QUARANTINED)), vendor=pl.lit(None, pl.String)
        )
    )
    parts = [missing]
    if raw is not None:
        other = raw.filter(pl.col("session") == day, pl.col("vendor_reason").is_not_null(), pl.col("symbol").is_not_null())
        filled = (
            other.unique("symbol", keep="first", maintain_order=True)
            .join(there, on="symbol", how="semi")
            .join(last, on="symbol", how="left")
        )
        parts.append(filled.select("symbol", "last_session", details="vendor_reason", reason=pl.lit(FILLED), vendor="vendor"))
    found = pl.concat(parts, how="diagonal").with_columns(session=pl.lit(day, pl.Date))
    return found.select(pl.col(name).cast(dtype) for name, dtype in BAR_GAPS_SCHEMA.items()).sort("session", "symbol")
