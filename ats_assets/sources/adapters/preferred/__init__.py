"""Several vendors as one source, in an order of preference: where the first can't be asked, or has no row, the next one's is taken, and each row says whose it is."""

from datetime import date
from typing import Any, cast

from ats_assets.calendar import SessionCalendar
from ats_assets.plugins import SOURCES, Chosen
from ats_assets.settings import Settings
from ats_assets.sources.adapters.preferred.preferred_settings import PreferredSettings
from ats_assets.sources.adapters.preferred.source import PreferredSource
from ats_assets.sources.source import SourcePlugin
from ats_assets.sources.vendors_in_order import followed_vendors, packaged_vendor

__all__ = ["PLUGIN", "PreferredSource"]

COMPARISON = "vendor_comparison"
_SECTION = "source.preferred"


def open_preferred(own: PreferredSettings, calendar: SessionCalendar, settings: Settings) -> PreferredSource:
    """Each vendor opened by its own table."""
    folder = settings.plugins.folder
    opened = {}
    for name in own.order:
        plugin = SOURCES.find(own.kind_of(name), folder, f"source.preferred.{name}.kind")
        checked = SOURCES.checked(own.kind_of(name), own.table_of(name), folder, f"source.preferred.{name}")
        opened[name] = cast("SourcePlugin[Any]", plugin).opened(checked, calendar, settings)
    return PreferredSource(own, opened)


def _followed(own: PreferredSettings, what: str) -> PreferredSettings:
    """What a partition depends on: the order, and of each vendor what its own partitions would."""
    vendors = followed_vendors(own, SOURCES, _SECTION, lambda plugin, settings: getattr(plugin, what)(settings))
    return PreferredSettings(order=own.order, fill=own.fill, vendors=vendors)


def _packaged(own: PreferredSettings) -> list[Chosen[Any] | None]:
    return [packaged_vendor(own, name, SOURCES, _SECTION) for name in own.order]


def _tells_name_changes(own: PreferredSettings) -> bool:
    return any(cast("SourcePlugin[Any]", one.plugin).tells_name_changes(one.settings) for one in _packaged(own) if one)


def _ends(own: PreferredSettings) -> date | None:
    """Where no vendor is fed by a market, the last session of any."""
    ends = [cast("SourcePlugin[Any]", one.plugin).ends(one.settings) if one else None for one in _packaged(own)]
    known = [end for end in ends if end is not None]
    return max(known) if len(known) == len(ends) else None


PLUGIN = SourcePlugin(
    settings=PreferredSettings,
    make=open_preferred,
    bars_follow=lambda own: _followed(own, "bars_follow"),
    actions_follow=lambda own: _followed(own, "actions_follow"),
    tells_name_changes=_tells_name_changes,
    ends=_ends,
    collects=lambda own: (COMPARISON,) if own.compare else (),
    collecting="ats_assets.sources.adapters.preferred.assets",
    names_vendors=True,
)
