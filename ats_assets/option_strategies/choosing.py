"""The strategies of options of a deployment: what `[option_strategies.<name>]` names, each with its own settings, underlyings and capital."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from pydantic import BaseModel

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.option_strategies.option_strategy import OptionStrategy
from ats_assets.plugins import OPTION_STRATEGIES
from ats_assets.settings import Section
from ats_assets.settings.strategies import option_capital

COMMON = ("capital", "underlyings")
"""What every table `[option_strategies.<name>]` may say beside `kind` and the strategy's own settings."""


@dataclass(frozen=True, kw_only=True)
class NamedOptionStrategy:
    """A strategy of options: its name in the settings, its kind, what it trades, and its share of the equity."""

    name: str
    kind: str
    strategy: OptionStrategy
    underlyings: tuple[str, ...]
    capital: float


class StrategyShare(Section):
    """What a strategy is beside its own settings: among the settings of each asset that trades it."""

    name: str
    kind: str
    underlyings: tuple[str, ...]
    capital: float


def settings_of_strategies(strategies: Mapping[str, NamedOptionStrategy]) -> tuple[BaseModel, ...]:
    """All that settings say of the strategies: their own settings, names, underlyings and capital."""
    shares = [StrategyShare(name=one.name, kind=one.kind, underlyings=one.underlyings, capital=one.capital) for one in strategies.values()]
    return (*shares, *(one.strategy.settings for one in strategies.values()))


def option_strategies(deployment: Deployment) -> Mapping[str, NamedOptionStrategy]:
    """The strategies of options by name, in the order of the settings; use it as `deployment.of(option_strategies)`.

    Raises
    ------
    SettingsError
        If one names no such strategy or no underlying, or has a setting that it does not know.
    """
    settings, found = deployment.settings, {}
    capital = option_capital(settings.option_strategies)
    for name, values in settings.option_strategies.items():
        own = {key: value for key, value in values.items() if key not in COMMON}
        chosen = OPTION_STRATEGIES.named(name, own, settings.plugins.folder, "option_strategies")
        underlyings = _underlyings(name, values)
        found[name] = NamedOptionStrategy(
            name=name, kind=chosen.kind, strategy=chosen.made(), underlyings=underlyings, capital=capital[name]
        )
    return MappingProxyType(found)


def _underlyings(name: str, values: Mapping[str, Any]) -> tuple[str, ...]:
    """What a table names, sorted."""
    told = values.get("underlyings", ())
    if isinstance(told, str) or not told or not all(isinstance(one, str) and one for one in told):
        raise SettingsError(f'option_strategies.{name}.underlyings is {told!r}: name what it trades, such as ["AAPL"]')
    return tuple(sorted(set(told)))
