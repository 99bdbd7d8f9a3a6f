"""Sources of daily bars and corporate actions: the `BarSource` protocol, a synthetic market, files."""

from ats_assets.calendar import SessionCalendar
from ats_assets.settings import SourceSettings
from ats_assets.sources.files import FileSource
from ats_assets.sources.schema import (
    ACTION_KINDS,
    MEASURES,
    PRICES,
    RAW_ACTIONS,
    RAW_ACTIONS_SCHEMA,
    RAW_BARS,
    RAW_BARS_SCHEMA,
    RawActions,
    RawBars,
)
from ats_assets.sources.source import BarSource, Capabilities
from ats_assets.sources.synthetic import SyntheticSource, planted_characteristic

__all__ = [
    "ACTION_KINDS",
    "MEASURES",
    "PRICES",
    "RAW_ACTIONS",
    "RAW_ACTIONS_SCHEMA",
    "RAW_BARS",
    "RAW_BARS_SCHEMA",
    "BarSource",
    "Capabilities",
    "FileSource",
    "RawActions",
    "RawBars",
    "SyntheticSource",
    "open_source",
    "planted_characteristic",
]


def open_source(settings: SourceSettings, calendar: SessionCalendar) -> BarSource:
    """The source that the settings name. Nothing is read or simulated before its first use."""
    if settings.kind == "synthetic":
        return SyntheticSource(settings.synthetic, calendar)
    return FileSource(settings.files.model_copy(update={"path": settings.files.path or settings.path}), calendar)
