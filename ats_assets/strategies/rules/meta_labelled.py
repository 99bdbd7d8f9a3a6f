"""A primary strategy's signals, each as large as a model thinks it is right (López de Prado, Advances in Financial Machine Learning, 2018, sections 3.6 and 10.3).

The primary strategy says on which side to be. A model that learnt meta-labels of it says with what probability p that is right, and the bet is

    z = (p - 1/2) / sqrt(p (1 - p))        size = 2 Phi(z) - 1

of a full one, where Phi is the normal distribution function: nothing at p = 1/2 and below, nearly all near 1. The target weight is that of the primary strategy times the size, so
that what is not bet stays in cash. The score is the size, negative for a short side. Both are 0 where the primary strategy was flat, where there is no prediction, or where p is
below `min_probability`. Where the primary strategy has sides, and no symbol a prediction, nobody knows how large bets are: there are no scores.

Predictions are probabilities where models learn a meta-label as it is: `training.label_source` names one, and `training.label` is `raw`.
"""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import ArrayLike, NDArray
from pydantic import Field

from ats_assets.errors import SettingsError
from ats_assets.plugins import Needs, Plugin
from ats_assets.settings import Name, Section, TrainingSettings
from ats_assets.strategies.strategy import signals_of


class MetaLabelledSettings(Section):
    """Whose signals are followed, and from which probability on."""

    primary: Name = Field(
        default="momentum", description="the primary strategy: another one of [strategies.<name>], whose capital may be 0"
    )
    min_probability: float = Field(default=0.5, ge=0.5, lt=1, description="of being right; a signal that is less likely is not followed")


class MetaLabelled:
    """Follow a strategy as far as a model thinks that it is right."""

    def __init__(self, settings: MetaLabelledSettings) -> None:
        self.settings = settings

    @property
    def follows(self) -> str:
        """The strategy whose sides the predictions must judge."""
        return self.settings.primary

    def needs(self, training: TrainingSettings) -> tuple[Needs, ...]:
        """The primary strategy's signals, and the predictions.

        Raises
        ------
        SettingsError
            If the predictions are no probabilities.
        """
        if training.label != "raw":
            raise SettingsError(
                f"strategies of the kind meta_labelled take predictions for the probability that {self.settings.primary} is right, but training.label is "
                f"{training.label!r}: set it to 'raw', and training.label_source to a label of the kind meta_labels"
            )
        return Needs(asset=signals_of(self.settings.primary)), Needs(asset="predictions")

    def scores(
        self,
        frames: Mapping[str, pl.DataFrame],
        days: Sequence[date],  # noqa: ARG002 - a session needs no other
        sessions: Sequence[date],
        training: TrainingSettings,  # noqa: ARG002
    ) -> pl.DataFrame:
        """The signed size of each bet."""
        signals = frames[signals_of(self.settings.primary)].filter(pl.col("session").is_in(list(sessions)))
        predictions = frames["predictions"].select("symbol", "session", chance="score", fitted="model_session")
        rows = signals.select("symbol", "session", "direction", "target_weight").join(
            predictions, on=["symbol", "session"], how="left", maintain_order="left"
        )
        chance = rows["chance"].fill_null(0.0).fill_nan(0.0).to_numpy()
        size = np.where(chance >= self.settings.min_probability, bet_size(chance), 0.0)
        decided = pl.col("chance").is_finite().any() | (pl.col("target_weight") == 0.0).all()
        rows = rows.with_columns(size=pl.Series(size, dtype=pl.Float64)).filter(decided.over("session"))
        side = pl.when(pl.col("direction") == "long").then(1.0).when(pl.col("direction") == "short").then(-1.0).otherwise(0.0)
        sized = rows.with_columns(score=side * pl.col("size") + 0.0, target_weight=pl.col("target_weight") * pl.col("size") + 0.0)
        return sized.select("symbol", "session", "score", "target_weight", model_session="fitted")


def bet_size(probability: ArrayLike) -> NDArray[np.float64]:
    """The share of a full bet for the probability of being right, in [0, 1); 0 at a half and below.

    Examples
    --------
    >>> bet_size([0.4, 0.5, 0.6, 0.9, 1.0]).round(3).tolist()
    [0.0, 0.0, 0.162, 0.818, 1.0]
    """
    p = np.clip(np.asarray(probability, dtype=np.float64), 0.5, 1.0 - 1e-12)
    from scipy.special import ndtr  # noqa: PLC0415 - half a second to import

    return 2.0 * ndtr((p - 0.5) / np.sqrt(p * (1.0 - p))) - 1.0


PLUGIN = Plugin(settings=MetaLabelledSettings, make=MetaLabelled)
