"""The elastic net on the cross-section (Zou and Hastie, Journal of the Royal Statistical Society B 67, 2005): few features, small weights. See `models.linear_learner`."""

from pydantic import Field

from ats_assets.models.linear_learner import LINEAR_SPACE, LinearLearner, LinearObjective, LinearSettings
from ats_assets.plugins import Plugin
from ats_assets.settings import SearchRange


class ElasticNetSettings(LinearSettings):
    """The elastic net."""

    objective: LinearObjective = Field(
        default="regression",
        description="squared error on the label, whether it is above the session's median, a quantile, or profit after costs",
    )
    penalties: tuple[float, ...] = Field(
        default=(0.5, 0.2, 0.1, 0.05, 0.02, 0.01),
        min_length=1,
        description="as shares of the one that leaves no feature a weight",
    )
    sizes_share: float = Field(
        default=0.5, gt=0, le=1, description="of the penalty, on sizes of weights; the rest is on their squares. 1: lasso"
    )


class ElasticNet(LinearLearner):
    """The elastic net on the cross-section."""

    def __init__(self, settings: ElasticNetSettings) -> None:
        super().__init__(settings, settings.objective, settings.sizes_share)


PLUGIN = Plugin(
    settings=ElasticNetSettings,
    make=ElasticNet,
    quick={"penalties": (0.1,)},
    space=LINEAR_SPACE | {"sizes_share": SearchRange(low=0.05, high=1.0)},
)
