"""Ridge regression on the cross-section (Hoerl and Kennard, Technometrics 12, 1970): all features, small weights. See `models.linear_learner`."""

from pydantic import Field

from ats_assets.models.linear_learner import LINEAR_SPACE, LinearLearner, LinearObjective, LinearSettings
from ats_assets.plugins import Plugin


class RidgeSettings(LinearSettings):
    """Ridge regression."""

    objective: LinearObjective = Field(
        default="regression",
        description="squared error on the label, whether it is above the session's median, a quantile, or profit after costs",
    )
    penalties: tuple[float, ...] = Field(
        default=(100.0, 10.0, 1.0, 0.1, 0.01),
        min_length=1,
        description="on squares of weights, in units of the mean loss, features in spreads: at 1 a feature that is alone has half of its weight",
    )


class Ridge(LinearLearner):
    """Ridge regression on the cross-section."""

    def __init__(self, settings: RidgeSettings) -> None:
        super().__init__(settings, settings.objective)


PLUGIN = Plugin(settings=RidgeSettings, make=Ridge, quick={"penalties": (1.0,)}, space=LINEAR_SPACE)
