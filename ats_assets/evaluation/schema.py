"""The contracts of `skill`, `skill_estimate` and `drift`."""

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


class SkillEstimate(pa.DataFrameModel):
    """What is thought at a session of the rank IC of decisions whose outcome is not known yet, sorted by (session, decision_session)."""

    session: date = pa.Field(description="at whose close it is estimated")
    decision_session: date = pa.Field(description="session of the predictions")
    horizon_sessions: pl.Int32 = pa.Field(ge=1, description="sessions from entry to exit, of the rank IC that is estimated")
    known_horizon_sessions: pl.Int32 = pa.Field(ge=0, description="the longest shorter horizon whose outcome is known; 0: none")
    estimate: float = pa.Field(nullable=True, ge=-1, le=1, description="null where too few decisions have matured")
    standard_error: float = pa.Field(
        nullable=True, ge=0, description="root mean squared error of such estimates of decisions that have matured since"
    )
    error_of_mean: float = pa.Field(
        nullable=True, ge=0, description="the same of the mean of what was known then: what the estimate must be better than"
    )
    judged_decisions: pl.UInt32 = pa.Field(description="that these errors are of")

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "decision_session"]  # noqa: RUF012


class Drift(pa.DataFrameModel):
    """What each test says at a session of each model, in the order of models and tests."""

    session: date = pa.Field(description="at whose close it was known")
    model: str = pa.Field(description="name in the settings")
    of: str = pa.Field(isin=["features", "predictions", "skill", "regime"], description="what has drifted, or not")
    test: str = pa.Field(description="psi, ks, step, classifier, cusum, or the name of the regimes")
    figure: float = pa.Field(nullable=True, description="what is compared; null where there was nothing to make it of")
    threshold: float = pa.Field(nullable=True, description="above which it is an alarm; null where the past is too short to say")
    alarm: bool = pa.Field(description="whether the figure is above it")
    about: str = pa.Field(description="what the figure says, in words")
    past_first: date = pa.Field(nullable=True, description="first session of the past that it is compared with")
    past_last: date = pa.Field(nullable=True, description="the last one")

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "model", "of", "test"]  # noqa: RUF012


SKILL_ESTIMATE_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "decision_session": pl.Date,
        "horizon_sessions": pl.Int32,
        "known_horizon_sessions": pl.Int32,
        "estimate": pl.Float64,
        "standard_error": pl.Float64,
        "error_of_mean": pl.Float64,
        "judged_decisions": pl.UInt32,
    }
)
DRIFT_SCHEMA = pl.Schema(
    {
        "session": pl.Date,
        "model": pl.String,
        "of": pl.String,
        "test": pl.String,
        "figure": pl.Float64,
        "threshold": pl.Float64,
        "alarm": pl.Boolean,
        "about": pl.String,
        "past_first": pl.Date,
        "past_last": pl.Date,
    }
)
