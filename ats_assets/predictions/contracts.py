"""The contracts of `predictions`, `model_skill`, `champion` and `ensemble_weights`."""

from datetime import date

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig


class Predictions(pa.DataFrameModel):
    """A score for each symbol that is tradable at the session, sorted by (session, symbol). No active model: no rows."""

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


class Champion(pa.DataFrameModel):
    """What is known at the session of each model, and whose predictions are traded, in the order of the settings."""

    session: date = pa.Field(description="session from which on the choice holds")
    model: str = pa.Field(description="name of the model in the settings")
    judged_sessions: pl.UInt32 = pa.Field(description="decision sessions of the window whose outcomes were known at the last refit session")
    rank_ic: float = pa.Field(nullable=True, ge=-1, le=1, description="mean rank IC over them at the training horizon; null without any")
    is_champion: bool = pa.Field(description="whether its predictions are traded")
    reason: str = pa.Field(description="why it is, or is not")

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "model"]  # noqa: RUF012


class EnsembleWeights(pa.DataFrameModel):
    """How much each model counts in the ensemble at the session, in the order of `ensemble.models`. The weights of a session add up to 1, or are 0 where no model has scores."""

    session: date = pa.Field(description="session whose scores are combined")
    model: str = pa.Field(description="name of the model in the settings")
    weight: float = pa.Field(ge=0, le=1, description="share in the ensemble's score; 0 where the model has none")
    judged_sessions: pl.UInt32 = pa.Field(description="decision sessions of the window whose outcomes were known at the last refit session")
    rank_ic: float = pa.Field(nullable=True, ge=-1, le=1, description="mean rank IC over them at the training horizon; null without any")
    standard_error: float = pa.Field(
        nullable=True, ge=0, description="of that mean, for the overlap of outcomes; null where it is undefined"
    )
    reason: str = pa.Field(description="why the weight is what it is")

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["session", "model"]  # noqa: RUF012


class ModelSkill(pa.DataFrameModel):
    """How well each candidate ordered the returns that became known at the session, over the training horizon, on the symbols that all of them scored."""

    session: date = pa.Field(description="at whose close the outcome was known")
    decision_session: date = pa.Field(description="at whose close the scores were known")
    model: str = pa.Field(description="name of the candidate")
    n_symbols: pl.UInt32 = pa.Field(ge=1, description="scored by all candidates that scored any, and with an outcome")
    rank_ic: float = pa.Field(nullable=True, ge=-1, le=1, description="Spearman correlation of score and return; null for fewer than 3")

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True
        unique = ["decision_session", "model"]  # noqa: RUF012
