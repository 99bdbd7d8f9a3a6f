"""The strategies of a deployment: what `[strategies.<name>]` names, each with its own settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ats_assets.deployment import Deployment
from ats_assets.plugins import STRATEGIES
from ats_assets.strategies.strategy import Strategy


@dataclass(frozen=True, kw_only=True)
class NamedStrategy:
    """A strategy that is an asset: its name in the settings, its kind, and the strategy."""

    name: str
    kind: str
    strategy: Strategy


def strategies(deployment: Deployment) -> Mapping[str, NamedStrategy]:
    """The strategies by the name of their asset, in the order of the settings; use it as `deployment.of(strategies)`.

    Raises
    ------
    SettingsError
        If one names no strategy, or has a setting that it does not know.
    """
    found = {}
    for name, values in deployment.settings.strategies.items():
        own = dict(values)
        kind = str(own.pop("kind", name))
        own.pop("capital", None)  # of `targets`
        made = STRATEGIES.made(kind, own, deployment.settings.plugins.folder, f"strategies.{name}")
        found[deployment.signals[name]] = NamedStrategy(name=name, kind=kind, strategy=made)
    return MappingProxyType(found)
