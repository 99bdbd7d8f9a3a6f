"""The contract of `prediction_intervals`."""

from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig


class PredictionIntervals(pa.DataFrameModel):
    """How far the return after each prediction may lie from what is expected, sorted by (session, symbol). What too few outcomes tell is null."""

    symbol: str = pa.Field(description="ticker, as in the predictions")
    session: date = pa.Field(description="session at whose close the interval was known")
    expected_return: float = pa.Field(
        nullable=True, description="from the next open over training.horizon_sessions, by past scores and returns"
    )
    lower: float = pa.Field(
        nullable=True, ge=-1, description="null where no finite interval would hold enough (adapted_level of 1 or more)"
    )
    upper: float = pa.Field(nullable=True, description="as `lower`")
    level: float = pa.Field(gt=0, lt=1, description="share of the returns that intervals are to hold")
    adapted_level: float = pa.Field(
        nullable=True, description="the level at which this one was made, so that those before it would have held that share"
    )
    width: float = pa.Field(nullable=True, ge=0, description="upper - lower")
    confidence: float = pa.Field(
        nullable=True, ge=0, le=1, description="share of past errors with which the return has the sign of expected_return"
    )

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "symbol"]  # noqa: RUF012

    @pa.dataframe_check
    def _holds_what_is_expected(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805
        held = (pl.col("lower") <= pl.col("expected_return")) & (pl.col("expected_return") <= pl.col("upper"))
        return data.lazyframe.select(held.fill_null(value=True) & (pl.col("lower").is_null() == pl.col("upper").is_null()))
