"""Several vendors as one source, in an order of preference: where the first can't be asked, or has no row, the next one's is taken, and each row says whose it is."""

from datetime import date
from typing import Any, cast

from pydantic import BaseModel

from ats_assets.calendar import SessionCalendar
from ats_assets.plugins import SOURCES
from ats_assets.settings import Settings
from ats_assets.sources.adapters.preferred.preferred_settings import PreferredSettings
from ats_assets.sources.adapters.preferred.source import PreferredSource
from ats_assets.sources.source import SourcePlugin

__all__ = ["PLUGIN", "PreferredSource"]

COMPARISON = "vendor_comparison"


def open_preferred(own: PreferredSettings, calendar: SessionCalendar, settings: Settings) -> PreferredSource:
    """Each vendor opened by its own table."""
    folder = settings.plugins.folder
    opened = {}
    for name in own.order:
        plugin = SOURCES.find(own.kind_of(name), folder, f"source.preferred.{name}.kind")
        checked = SOURCES.checked(own.kind_of(name), own.table_of(name), folder, f"source.preferred.{name}")
        opened[name] = cast("SourcePlugin[Any]", plugin).opened(checked, calendar, settings)
    return PreferredSource(own, opened)


def _of_packaged(own: PreferredSettings, name: str) -> tuple[Any, BaseModel] | None:
    """The plugin and the settings of a vendor that comes with the package; one's own is looked for where all settings are at hand."""
    kind = own.kind_of(name)
    if kind not in SOURCES.names():
        return None
    return SOURCES.find(kind), SOURCES.checked(kind, own.table_of(name), None, f"source.preferred.{name}")


def _followed(own: PreferredSettings, what: str) -> PreferredSettings:
    """What a partition depends on: the order, and of each vendor what its own partitions would."""
    vendors: dict[str, dict[str, Any]] = {}
    for name in own.order:
        found = _of_packaged(own, name)
        section = (
            dict(own.table_of(name)) if found is None else getattr(found[0], what)(found[1]).model_dump(mode="json", exclude_defaults=True)
        )
        vendors[name] = {"kind": own.kind_of(name), **section}
    return PreferredSettings(order=own.order, fill=own.fill, vendors=vendors)


def _tells_name_changes(own: PreferredSettings) -> bool:
    return any(found[0].tells_name_changes(found[1]) for found in (_of_packaged(own, name) for name in own.order) if found)


def _ends(own: PreferredSettings) -> date | None:
    """Where no vendor is fed by a market, the last session of any."""
    ends = [found[0].ends(found[1]) if found else None for found in (_of_packaged(own, name) for name in own.order)]
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
