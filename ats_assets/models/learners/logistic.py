"""Logistic regression on the cross-section: whether the label is above the session's median, with a ridge penalty; a score is a log-odds. See `models.linear_learner`."""

from typing import Literal

from pydantic import Field

from ats_assets.models.linear_learner import LINEAR_SPACE, LinearLearner, LinearSettings
from ats_assets.plugins import Plugin


class LogisticSettings(LinearSettings):
    """Logistic regression."""

    objective: Literal["classification"] = "classification"
    penalties: tuple[float, ...] = Field(
        default=(25.0, 2.5, 0.25, 0.025, 0.0025),
        min_length=1,
        description="on squares of weights, in units of the mean loss, features in spreads: at 0.25 a feature that is alone has half of its weight",
    )


class Logistic(LinearLearner):
    """Logistic regression on the cross-section."""

    def __init__(self, settings: LogisticSettings) -> None:
        super().__init__(settings, settings.objective)


PLUGIN = Plugin(settings=LogisticSettings, make=Logistic, quick={"penalties": (0.25,)}, space=LINEAR_SPACE)
