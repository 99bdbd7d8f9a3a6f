"""Sources of daily bars and corporate actions: the `BarSource` protocol, a synthetic market, files, Alpaca."""

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError
from ats_assets.settings import Settings, SourceSettings
from ats_assets.sources.adapters.files.source import FileSource
from ats_assets.sources.adapters.synthetic.source import SyntheticSource, planted_characteristic
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
from ats_assets.sources.source import BarSource, Capabilities, clock_remark, state_of, upcoming_actions

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
    "clock_remark",
    "open_source",
    "planted_characteristic",
    "state_of",
    "upcoming_actions",
]


def open_source(settings: SourceSettings, calendar: SessionCalendar, everything: Settings | None = None) -> BarSource:
    """The source that the settings name. Nothing is read, asked or simulated before its first use.

    Parameters
    ----------
    everything
        All settings, for a source that has to connect, or may keep what it has read.
    """
    if settings.kind == "synthetic":
        return SyntheticSource(settings.synthetic, calendar)
    if settings.kind == "files":
        keep = everything.storage.data / "source_files" if everything else None
        return FileSource(settings.files.model_copy(update={"path": settings.files.path or settings.path}), calendar, keep=keep)
    if everything is None:
        raise SourceError("source.kind is alpaca, which needs all settings to connect: open it with them")
    from ats_assets.sources.adapters.alpaca import AlpacaSource  # noqa: PLC0415 - few runs need it

    return AlpacaSource(everything.model_copy(update={"source": settings}), calendar)
