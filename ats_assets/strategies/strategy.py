"""What a strategy must be able to do.

It says which windows of which assets it reads, and makes of them one score for each symbol of each session. What is done with scores (ranks, weights by the portfolio's method,
limits, orders) is the same for all. It is handed data that end at the session, as they were known at its close, and so it can't look ahead.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Protocol

import polars as pl
from pydantic import BaseModel

from ats_assets.plugins import Needs
from ats_assets.settings import TrainingSettings

SCORES_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "session": pl.Date,
        "score": pl.Float64,
        "probability": pl.Float64,
        "model_session": pl.Date,
        "target_weight": pl.Float64,
        "reason": pl.String,
    }
)
"""What `scores` gives; the last four columns may be left out."""


def signals_of(strategy: str) -> str:
    """What a strategy calls the signals of another one among what it needs, whatever the asset is called in the graph."""
    return f"{strategy}_signals"


class Strategy(Protocol):
    """One kind of strategy, with its settings."""

    settings: BaseModel

    def needs(self, training: TrainingSettings) -> tuple[Needs, ...]:
        """The windows that the scores of a session are made from."""
        ...

    def scores(
        self, frames: Mapping[str, pl.DataFrame], days: Sequence[date], sessions: Sequence[date], training: TrainingSettings
    ) -> pl.DataFrame:
        """The scores of sessions, each of its own windows alone.

        Parameters
        ----------
        frames
            By the name of each asset that is read, the rows of the windows of all the sessions together.
        days
            Every session of the exchange from the beginning of the first window to the last of the sessions.
        sessions
            Those that are wanted, ascending.
        training
            What models share, the horizon of their predictions among it.

        Returns
        -------
        polars.DataFrame
            `SCORES_SCHEMA`: symbol, session, score (higher is better), and where there are such, probability (of beating the session's median) and model_session. A strategy that sizes
            its bets itself gives target_weight, a share of equity, instead of having the portfolio's method make it of the score; limits hold all the same. One whose class has
            `gives_reasons = True` may give a reason for a weight, such as an exit, which the signals and the targets tell.
        """
        ...
