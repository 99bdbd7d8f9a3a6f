"""The model of market impact that settings name."""

from ats_assets.deployment import Deployment
from ats_assets.impact.impact_model import ImpactModel
from ats_assets.plugins import IMPACT_MODELS


def chosen_impact(deployment: Deployment) -> ImpactModel:
    """The model of `[impact]`; use it as `deployment.of(chosen_impact)`.

    Raises
    ------
    SettingsError
        If there is no such model, or it does not know one of the options.
    """
    settings = deployment.settings
    return IMPACT_MODELS.made(settings.impact.model, settings.impact.options, settings.plugins.folder, "impact.model")


def impact_code(deployment: Deployment) -> tuple[type, ...]:
    """The class of the model, for the versions of what reaches it by name; none while costs are fixed rates."""
    return (type(deployment.of(chosen_impact)),) if deployment.settings.impact.is_on else ()


def model_named(name: str, **options: float) -> ImpactModel:
    """A model that comes with the package, or is installed.

    Examples
    --------
    >>> model_named("almgren").settings.gamma
    0.314
    """
    return IMPACT_MODELS.made(name, options)
