"""The contract of `skill`."""

from datetime import date
from typing import Annotated

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig

QUANTILES = 5
"""How many quantiles of the score the skill report compares."""


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
