"""The predictions of the models that were due, beside those of the active models: what drift is looked for in, so that it does not depend on what it asks for."""

from collections.abc import Mapping
from types import MappingProxyType

from ats_assets.deployment import Deployment


def scheduled_predictions(deployment: Deployment) -> Mapping[str, str]:
    """Model (its name in the settings) -> the asset of the predictions that its due refits make; use it as `deployment.of(scheduled_predictions)`."""
    names = deployment.settings.models
    if deployment.drift_refits:
        return MappingProxyType({name: f"{name}_scheduled_predictions" for name in names})
    return MappingProxyType({name: "predictions" if len(names) == 1 else f"{name}_predictions" for name in names})
