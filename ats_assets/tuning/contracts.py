"""The contracts of the assets `<name>_tuning` and `tuning_worth`."""

from datetime import date
from typing import Annotated

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig

STATES = ["complete", "pruned", "failed", "carried", "unavailable"]


class TuningTrials(pa.DataFrameModel):
    """What was tried at a tuning session, in the order in which it was asked for; at other sessions, the trial that is used. One row is the chosen one."""

    session: date
    tuned_session: date = pa.Field(description="session of the tuning; another than `session` where it is carried forward")
    trial: pl.Int32 = pa.Field(nullable=True, ge=0, description="0 is the model's own settings; null where nothing could be tried")
    generation: pl.Int32 = pa.Field(nullable=True, ge=0, description="trials of one were asked for together")
    state: str = pa.Field(
        isin=STATES, description="pruned: ended after its first folds; failed: with a reason; carried: from the tuning session"
    )
    parameters: str = pa.Field(description="JSON: in place of the model's own settings")
    rank_ic: float = pa.Field(nullable=True, ge=-1, le=1, description="mean over the folds that were judged")
    standard_error: float = pa.Field(nullable=True, ge=0, description="of that mean, from how the folds differ")
    value: float = pa.Field(
        nullable=True, description="what is made as large as can be: rank_ic less tuning.penalty standard errors; of complete trials"
    )
    fold_rank_ics: Annotated[pl.List, pl.Float64] = pa.Field(description="mean rank IC of each fold that was judged")
    fits: pl.Int32 = pa.Field(ge=0, description="that were made for it")
    is_chosen: bool = pa.Field(description="whether the model is fitted with these parameters")
    reason: str = pa.Field(nullable=True, description="why it ended, or why it was chosen")
    made_with: str = pa.Field(description="the versions of the libraries")

    class Config(BaseConfig):
        """Columns are exactly these."""

        strict = True
        ordered = True


class TuningWorth(pa.DataFrameModel):
    """Rank ICs of decisions by a fit with tuned parameters and by one with the model's own settings, both of the same tuning session and neither of which had seen them."""

    model: str
    tuned_session: date = pa.Field(description="session of the tuning and of both fits")
    session: date = pa.Field(description="of the decision, after it and up to the next tuning")
    tuned: float = pa.Field(ge=-1, le=1, description="rank IC with the parameters that tuning chose")
    own: float = pa.Field(ge=-1, le=1, description="rank IC with the model's own settings")

    class Config(BaseConfig):
        """A row for each decision session that both scored."""

        strict = True
        ordered = True
        unique = ["model", "session"]  # noqa: RUF012
