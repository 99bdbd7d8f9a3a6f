"""The contracts of `forward_returns` and `sample_weights`."""

from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig


class ForwardReturns(pa.DataFrameModel):
    """Outcomes of decisions, stored under the session at whose close they became known, sorted by (session, horizon_sessions, symbol)."""

    symbol: str = pa.Field(description="ticker, as in the bars")
    session: date = pa.Field(description="session at whose close the return was known: that of the exit")
    decision_session: date = pa.Field(description="session after whose close the position is decided on; the entry is the next open")
    horizon_sessions: pl.Int32 = pa.Field(ge=1, description="sessions from the open of the entry to the open of the exit")
    forward_return: float = pa.Field(gt=-1, description="exit / entry - 1, in shares of one")
    rank: float = pa.Field(
        gt=0, le=1, description="percentile of the return within its session and horizon, in (0, 1]; ties share their mean"
    )
    exit: str = pa.Field(
        isin=["open", "last_close"],
        description="price of the exit; last_close: no bar with volume at the exit, so the last close since the entry",
    )

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "horizon_sessions", "symbol"]  # noqa: RUF012

    @pa.dataframe_check
    def _decided_before_known(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805
        return data.lazyframe.select(pl.col("decision_session") < pl.col("session"))


class SampleWeights(pa.DataFrameModel):
    """Weights of labels, stored under the session from which they are known, sorted by (session, symbol)."""

    symbol: str = pa.Field(description="ticker at the decision, as in the label")
    session: date = pa.Field(description="session at whose close all labels that overlap this one were known")
    decision_session: date = pa.Field(description="session of the decision that the label judges")
    uniqueness: float = pa.Field(gt=0, le=1, description="mean over the label's span of 1 / labels that hold the session")
    weight: float = pa.Field(ge=0, description="what the row counts, beside others: its uniqueness, or the return it is given credit for")

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "symbol"]  # noqa: RUF012

    @pa.dataframe_check
    def _decided_before_known(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805
        return data.lazyframe.select(pl.col("decision_session") < pl.col("session"))
