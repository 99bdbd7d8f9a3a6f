"""The contract of the Alpha158 frame."""

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from ats_assets.features.alpha158 import ALPHA158

ALPHA158_SCHEMA = pl.Schema({"symbol": pl.String(), "session": pl.Date()} | dict.fromkeys(ALPHA158, pl.Float32()))


def _has_no_null(data: PolarsData) -> pl.LazyFrame:
    return data.lazyframe.select(pl.all_horizontal(pl.col(*ALPHA158).is_not_null()))


ALPHA158_CONTRACT = pa.DataFrameSchema(
    {
        "symbol": pa.Column(pl.String, pa.Check.str_length(min_value=1), description="symbol as the source names it"),
        "session": pa.Column(pl.Date, description="exchange session whose close the factors are known at: its partition"),
        **{
            name: pa.Column(pl.Float32, nullable=True, description=f"{expression} (NaN = missing)") for name, expression in ALPHA158.items()
        },
    },
    checks=pa.Check(_has_no_null, name="missing values are NaN, not null"),
    name="alpha158",
    description="Alpha158: 158 factors of the bars up to the session, one row a symbol",
    strict=True,
    ordered=True,
    unique=["session", "symbol"],
)
