"""Alpaca as a source."""

from ats_assets.calendar import SessionCalendar
from ats_assets.settings import AlpacaSourceSettings, Settings
from ats_assets.sources.adapters.alpaca.collected_names import collected_asset
from ats_assets.sources.adapters.alpaca.source import AlpacaSource
from ats_assets.sources.source import SourcePlugin

__all__ = ["PLUGIN", "AlpacaSource"]

_OF_ACTIONS = frozenset({"actions_before_days", "actions_after_days"})
"""Settings that only corporate actions depend on."""
_BESIDE = frozenset({"first_session", "collect", "option_underlyings", "option_feed"})
"""Settings that no daily bar and no corporate action depends on."""


def open_alpaca(_own: AlpacaSourceSettings, calendar: SessionCalendar, settings: Settings) -> AlpacaSource:
    """What the settings name, over the connection of the section `alpaca`."""
    return AlpacaSource(settings, calendar)


def _without(own: AlpacaSourceSettings, names: frozenset[str]) -> AlpacaSourceSettings:
    unset = AlpacaSourceSettings()
    return own.model_copy(update={name: getattr(unset, name) for name in names})


PLUGIN = SourcePlugin(
    settings=AlpacaSourceSettings,
    make=open_alpaca,
    bars_follow=lambda own: _without(own, _BESIDE | _OF_ACTIONS),
    actions_follow=lambda own: _without(own, _BESIDE),
    tells_name_changes=lambda own: own.asset_class == "us_equity",
    collects=lambda own: tuple(collected_asset(name) for name in dict.fromkeys(own.collect)),
    collecting="ats_assets.sources.adapters.alpaca.assets",
)
