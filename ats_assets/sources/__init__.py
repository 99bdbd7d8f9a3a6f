"""Sources of daily bars: the `BarSource` protocol, a synthetic market, files."""

from ats_assets.calendar import SessionCalendar
from ats_assets.settings import SourceSettings
from ats_assets.sources.files import FileSource
from ats_assets.sources.schema import MEASURES, PRICES, RAW_BARS, RAW_BARS_SCHEMA, RawBars
from ats_assets.sources.source import BarSource, Capabilities
from ats_assets.sources.synthetic import SyntheticSource, planted_characteristic

__all__ = [
    "MEASURES",
    "PRICES",
    "RAW_BARS",
    "RAW_BARS_SCHEMA",
    "BarSource",
    "Capabilities",
    "FileSource",
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
