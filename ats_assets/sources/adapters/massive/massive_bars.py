"""Daily bars: from the wire, or from a flat file, to `raw_bars`.

Massive's daily bar of a stock is of all trades of a day of New York that may set its prices, as traded. Per ticker it is stamped by the day's first instant, of all stocks together by
its close, in flat files by the first instant in nanoseconds: so a bar is of the day of New York that its stamp lies in, whichever way it came. A bar of another day than the session
that it was asked for with is in that session, named in `defects`.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import Any, Final

import polars as pl

from ats_assets.sources.schema import MEASURES, RAW_BARS_SCHEMA
from ats_assets.sources.wire_frames import WireColumn, to_frame, unread, without_repeats

NEW_YORK: Final = "America/New_York"
_KEYS: Final = ("o", "h", "l", "c", "v", "vw")
_COLUMNS: Final = (
    WireColumn(name="symbol", key="T", dtype=pl.String),
    WireColumn(name="stamp", key="t", dtype=pl.Int64),
    *(WireColumn(name=name, key=key, dtype=pl.Float64) for name, key in zip(MEASURES, _KEYS, strict=True)),
)
AGGREGATE_COLUMNS: Final = ("ticker", "volume", "open", "close", "high", "low", "window_start")
"""Of a flat file; `transactions` is there too."""
_FEWEST_YEAR, _LATEST_YEAR = date(1990, 1, 1), date(2100, 1, 1)


def bars_of_rows(rows: Iterable[Mapping[str, Any]], session: date | None, last: date) -> pl.DataFrame:
    """The bars of some aggregates, each with `T`, as raw bars in their order.

    Parameters
    ----------
    session
        The one that all were asked for with; None: each is of the session of its day, which the caller finds.
    last
        The last session that is known, for what is stamped after it.
    """
    frame = without_repeats(to_frame({"": list(rows)}, _COLUMNS, label="asked"))
    at = pl.from_epoch(pl.when(pl.col("stamp").is_between(_millis(_FEWEST_YEAR), _millis(_LATEST_YEAR))).then("stamp"), time_unit="ms")
    return _raw(frame.with_columns(date=_day(at)), session, last)


def bars_of_file(cells: pl.DataFrame, session: date, last: date) -> pl.DataFrame:
    """The bars of some rows of a flat file likewise; there is no average price in it.

    Parameters
    ----------
    cells
        `AGGREGATE_COLUMNS` as they are written, and `defects`.
    """
    numbers = {name: pl.col(name).cast(pl.Float64, strict=False) for name in ("open", "high", "low", "close", "volume")}
    stamp = pl.col("window_start").cast(pl.Int64, strict=False)
    at = pl.from_epoch(pl.when(stamp.is_between(_millis(_FEWEST_YEAR) * 10**6, _millis(_LATEST_YEAR) * 10**6)).then(stamp), time_unit="ns")
    faults = [unread(pl.col(name), number, name) for name, number in numbers.items()]
    defects = pl.concat_str("defects", *faults, separator="; ", ignore_nulls=True)
    made = cells.select(symbol="ticker", date=_day(at), defects=pl.when(defects != "").then(defects), **numbers)
    return _raw(made.with_columns(vwap=pl.lit(None, pl.Float64)), session, last)


def with_ticker(ticker: str, rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Aggregates of one ticker as those of all: with `T`."""
    return [{**row, "T": ticker} for row in rows]


def _raw(rows: pl.DataFrame, session: date | None, last: date) -> pl.DataFrame:
    """With their session, a defect for each day that is not one, and an average price only where there was a trade."""
    day = pl.col("date")
    faults = [pl.when(day.is_null()).then(pl.lit("date: no time that can be read"))]
    if session is not None:
        faults.append(
            pl.when(day != session).then(
                pl.concat_str(pl.lit("date: the bar is of "), day.cast(pl.String), pl.lit(f", asked for with {session}"))
            )
        )
    faults.append(
        pl.when(day > last).then(pl.concat_str(pl.lit("date: "), day.cast(pl.String), pl.lit(f" is after the last known session {last}")))
    )
    joined = pl.concat_str("defects", *faults, separator="; ", ignore_nulls=True)
    untraded = ((pl.col("volume") == 0) & (pl.col("vwap") == 0)).fill_null(value=False)
    return rows.with_columns(
        defects=pl.when(joined != "").then(joined), session=pl.lit(session, pl.Date), vwap=pl.when(~untraded).then("vwap")
    ).select(RAW_BARS_SCHEMA.names())


def _day(at: pl.Expr) -> pl.Expr:
    return at.dt.replace_time_zone("UTC").dt.convert_time_zone(NEW_YORK).dt.date()


def _millis(day: date) -> int:
    return (day - date(1970, 1, 1)).days * 86_400_000
