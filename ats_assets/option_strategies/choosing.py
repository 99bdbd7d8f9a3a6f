"""The strategies of options of a deployment: what `[option_strategies.<name>]` names, each with its own settings, underlyings and capital."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from pydantic import BaseModel

from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError
from ats_assets.option_strategies.option_strategy import OptionStrategy
from ats_assets.options.contract import ROOT_PATTERN
from ats_assets.plugins import OPTION_STRATEGIES
from ats_assets.settings import Section
from ats_assets.settings.strategies import option_capital

ALL_STRATEGIES: Final = "all"
"""All strategies together, in metrics and report."""
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
        If one names no such strategy or no underlying that has chains, has a setting that it does not know, or is called as the figures of all are.
    """
    settings, found = deployment.settings, {}
    capital = option_capital(settings.option_strategies)
    for name, values in settings.option_strategies.items():
        if name == ALL_STRATEGIES:
            raise SettingsError(f"option_strategies.{name}: {name!r} stands for all strategies together in figures: choose another name")
        own = {key: value for key, value in values.items() if key not in COMMON}
        chosen = OPTION_STRATEGIES.named(name, own, settings.plugins.folder, "option_strategies")
        underlyings = _underlyings(name, values, settings.options.underlyings)
        found[name] = NamedOptionStrategy(
            name=name, kind=chosen.kind, strategy=chosen.made(), underlyings=underlyings, capital=capital[name]
        )
    return MappingProxyType(found)


def _underlyings(name: str, values: Mapping[str, Any], delivered: tuple[str, ...]) -> tuple[str, ...]:
    """What a table names, sorted: roots of contracts, of those whose chains are taken where settings say so."""
    told = values.get("underlyings", ())
    if isinstance(told, str) or not told or not all(isinstance(one, str) and one for one in told):
        raise SettingsError(f'option_strategies.{name}.underlyings is {told!r}: name what it trades, such as ["AAPL"]')
    for one in told:
        where = f"option_strategies.{name}.underlyings names {one!r}"
        if not ROOT_PATTERN.fullmatch(one):
            raise SettingsError(
                f"{where}, which is no root of contracts: capital letters and digits alone, such as BRKB for BRK.B "
                '(and options.symbol_by_underlying = { BRKB = "BRK.B" })'
            )
        if delivered and one not in delivered:
            raise SettingsError(f"{where}, of which no chains are taken: add it to options.underlyings ({', '.join(delivered)})")
    return tuple(sorted(set(told)))
