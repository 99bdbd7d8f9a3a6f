"""The strategies of a deployment: what `[strategies.<name>]` names, each with its own settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from ats_assets.deployment import Deployment
from ats_assets.plugins import STRATEGIES
from ats_assets.strategies.strategy import Strategy, signals_of


@dataclass(frozen=True, kw_only=True)
class NamedStrategy:
    """A strategy that is an asset: its name in the settings, its kind, and the strategy."""

    name: str
    kind: str
    strategy: Strategy


def called_signals(deployment: Deployment) -> Mapping[str, str]:
    """What a strategy calls the signals of each other one -> their asset; use it as `deployment.of(called_signals)`."""
    return MappingProxyType({signals_of(name): asset for name, asset in deployment.signals.items()})


def strategies(deployment: Deployment) -> Mapping[str, NamedStrategy]:
    """The strategies by the name of their asset, in the order of the settings; use it as `deployment.of(strategies)`.

    Raises
    ------
    SettingsError
        If one names no strategy, or has a setting that it does not know.
    """
    found = {}
    for name, values in deployment.settings.strategies.items():
        own = {key: value for key, value in values.items() if key != "capital"}  # which is of `targets`
        chosen = STRATEGIES.named(name, own, deployment.settings.plugins.folder, "strategies")
        found[deployment.signals[name]] = NamedStrategy(name=name, kind=chosen.kind, strategy=chosen.made())
    return MappingProxyType(found)
