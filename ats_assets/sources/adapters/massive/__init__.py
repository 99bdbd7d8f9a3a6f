"""Massive (formerly Polygon.io) as a source."""

from ats_assets.calendar import SessionCalendar
from ats_assets.settings import Settings
from ats_assets.sources.adapters.massive.massive_settings import MassiveSourceSettings
from ats_assets.sources.adapters.massive.source import MassiveSource
from ats_assets.sources.source import SourcePlugin
from ats_assets.vendors.massive.massive_symbols import massive_spelling

__all__ = ["PLUGIN", "MassiveSource", "MassiveSourceSettings"]

_BESIDE = frozenset({"first_session", "collect", "option_underlyings"})
"""Settings that no daily bar and no corporate action depends on."""
_OF_BARS = frozenset({"through", "include_otc"})
_OF_ACTIONS = frozenset({"ticker_changes", "corporate_actions"})


def open_massive(own: MassiveSourceSettings, calendar: SessionCalendar, settings: Settings) -> MassiveSource:
    """What the settings name, over the connection of the section `massive`."""
    return MassiveSource(own, calendar, settings)


def _left_out(own: MassiveSourceSettings, names: frozenset[str]) -> MassiveSourceSettings:
    unset = MassiveSourceSettings()
    return own.model_copy(update={name: getattr(unset, name) for name in names})


PLUGIN = SourcePlugin(
    settings=MassiveSourceSettings,
    make=open_massive,
    bars_follow=lambda own: _left_out(own, _BESIDE | _OF_ACTIONS),
    actions_follow=lambda own: _left_out(own, _BESIDE | _OF_BARS),
    tells_name_changes=lambda own: own.corporate_actions and own.ticker_changes and bool(own.symbols),
    collects=lambda own: tuple(f"massive_{name}" for name in dict.fromkeys(own.collect)),
    collecting="ats_assets.sources.adapters.massive.assets",
    spelling=massive_spelling,
)
