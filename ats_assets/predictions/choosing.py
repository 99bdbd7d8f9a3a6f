"""The rule of the ensemble of a deployment: what `ensemble.rule` names."""

from pathlib import Path

from ats_assets.deployment import Deployment
from ats_assets.plugins import ENSEMBLES
from ats_assets.predictions.ensemble_rule import EnsembleRule
from ats_assets.settings import EnsembleSettings


def ensemble_rule(deployment: Deployment) -> EnsembleRule | None:
    """The rule, or None where there is no ensemble; use it as `deployment.of(ensemble_rule)`."""
    settings = deployment.settings
    return ensemble_rule_of(settings.ensemble, settings.plugins.folder) if settings.ensemble_models else None


def ensemble_rule_of(settings: EnsembleSettings, folder: Path | None = None) -> EnsembleRule:
    """The rule that the settings name, made of `[ensemble.options]`; one that has a setting `shrinkage` takes it from `[ensemble]`, unless the options give it.

    Parameters
    ----------
    folder
        The user's own additions, `plugins.folder`.

    Raises
    ------
    SettingsError
        If there is no such rule, or it does not know one of the options.

    Examples
    --------
    >>> ensemble_rule_of(EnsembleSettings(rule="skill", shrinkage=1.5)).settings
    SkillSettings(shrinkage=1.5)
    """
    return ENSEMBLES.made(settings.rule, settings.options, folder, "ensemble.rule", shared={"shrinkage": settings.shrinkage})
