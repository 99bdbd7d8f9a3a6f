"""The contracts of `predictions`, `skill` and `signals`."""

from datetime import date
from typing import Annotated

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig

QUANTILES = 5
"""How many quantiles of the score the skill report compares."""


class Predictions(pa.DataFrameModel):
    """A score for each symbol that is tradable at the session, sorted by (session, symbol). No model in force: no rows."""

    symbol: str = pa.Field(description="ticker, as in the bars")
    session: date = pa.Field(description="session at whose close the score was known")
    score: float = pa.Field(description="of the model; a higher one is a better expected return. Its scale is the model's own")
    model_session: date = pa.Field(description="session at which the model behind the score was fitted; before `session`")

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "symbol"]  # noqa: RUF012

    @pa.dataframe_check
    def _fitted_before(cls, data: pa.PolarsData) -> pl.LazyFrame:  # noqa: N805
        return data.lazyframe.select(pl.col("model_session") < pl.col("session"))


class Skill(pa.DataFrameModel):
    """How good the predictions of one decision session were over one horizon, sorted by (session, horizon_sessions)."""

    session: date = pa.Field(description="session at whose close the outcome was known")
    decision_session: date = pa.Field(description="session of the predictions that are judged")
    horizon_sessions: pl.Int32 = pa.Field(ge=1, description="sessions from entry to exit")
    model_session: date = pa.Field(description="session at which the model was fitted")
    n_symbols: pl.UInt32 = pa.Field(ge=1, description="symbols with a prediction and an outcome")
    ic: float = pa.Field(nullable=True, ge=-1, le=1, description="Pearson correlation of score and forward return; null where undefined")
    rank_ic: float = pa.Field(
        nullable=True, ge=-1, le=1, description="Spearman correlation of score and forward return; null where undefined"
    )
    quantile_returns: Annotated[pl.List, pl.Float64] = pa.Field(
        description=f"mean forward return by quantile of the score, lowest first ({QUANTILES}); null where a quantile is empty"
    )
    turnover: float = pa.Field(
        nullable=True,
        ge=0,
        le=1,
        description="share of the top quantile that was not in it at the previous session; null without predictions there",
    )

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "horizon_sessions"]  # noqa: RUF012


class Signals(pa.DataFrameModel):
    """What to hold after the session's close, sorted by (session, symbol)."""

    symbol: str = pa.Field(description="ticker, as in the bars")
    session: date = pa.Field(description="session at whose close the signal was known; it is traded at the next open")
    rank: pl.UInt32 = pa.Field(ge=1, description="1 = the highest score; equal scores share a rank")
    score: float = pa.Field(description="of the model")
    direction: str = pa.Field(isin=["long", "short", "flat"], description="sign of the target weight")
    probability: float = pa.Field(
        nullable=True,
        ge=0,
        le=1,
        description="of beating the session's median over the model's horizon; calibrated on out-of-sample predictions only",
    )
    target_weight: float = pa.Field(
        description="ideal share of equity from the scores alone; turnover limit and no-trade band come in trading"
    )
    model_session: date = pa.Field(description="session at which the model was fitted")

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "symbol"]  # noqa: RUF012


PREDICTIONS_SCHEMA = pl.Schema({"symbol": pl.String, "session": pl.Date, "score": pl.Float64, "model_session": pl.Date})
SKILL_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "decision_session": pl.Date,
        "horizon_sessions": pl.Int32,
        "model_session": pl.Date,
        "n_symbols": pl.UInt32,
        "ic": pl.Float64,
        "rank_ic": pl.Float64,
        "quantile_returns": pl.List(pl.Float64),
        "turnover": pl.Float64,
    }
)
SIGNALS_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "rank": pl.UInt32,
        "score": pl.Float64,
        "direction": pl.String,
        "probability": pl.Float64,
        "target_weight": pl.Float64,
        "model_session": pl.Date,
    }
)
