"""What can be champion: whatever predicts each symbol of the universe, by the name that settings and `champion` call it."""

from collections.abc import Mapping
from types import MappingProxyType

from ats_assets.deployment import Deployment


def candidates(deployment: Deployment) -> Mapping[str, str]:
    """Name -> the asset of its predictions, in the order of the settings; none where there is one model, which is traded.

    Use it as `deployment.of(candidates)`. Whatever else is to compete for `champion` is one more entry here.
    """
    settings = deployment.settings
    return MappingProxyType({name: f"{name}_predictions" for name in settings.candidates} if len(settings.models) > 1 else {})
