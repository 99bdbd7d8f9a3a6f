"""Frames to store, and the sessions that they are of."""

from datetime import UTC, date, datetime

import polars as pl
from polars.testing.parametric import dataframes

DAY = date(2023, 1, 3)
DAYS = [date(2023, 1, 3), date(2023, 1, 4), date(2023, 1, 5)]
NOON = datetime(2023, 1, 3, 12, tzinfo=UTC)


def frame(day: date = DAY, *, rows: int = 3, close: float = 1.0) -> pl.DataFrame:
    """Every type that an asset has: strings, days, floats with NaN and null, integers, booleans, lists."""
    return pl.DataFrame(
        {
            "symbol": [f"S{i}" for i in range(rows)],
            "session": [day] * rows,
            "close": [close + i for i in range(rows)],
            "vwap": [None, float("nan"), 2.0][:rows],
            "reasons": [["a", "b"], [], None][:rows],
            "rank": range(rows),
            "focus": [True, None, False][:rows],
        },
        schema={
            "symbol": pl.String, "session": pl.Date, "close": pl.Float64, "vwap": pl.Float32, "reasons": pl.List(pl.String), "rank": pl.UInt32, "focus": pl.Boolean,
        },
    )  # fmt: skip


FRAMES = dataframes(
    allowed_dtypes=[
        pl.Boolean,
        pl.Int32,
        pl.UInt32,
        pl.Int64,
        pl.Float32,
        pl.Float64,
        pl.Date,
        pl.String,
        pl.List(pl.String),
        pl.List(pl.Float64),
    ],
    min_cols=1,
    max_cols=5,
    max_size=12,
)
