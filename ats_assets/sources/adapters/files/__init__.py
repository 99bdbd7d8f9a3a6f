"""Files as a source."""

from pathlib import Path

from ats_assets.calendar import SessionCalendar
from ats_assets.settings import FilesSettings, Settings
from ats_assets.sources.adapters.files.source import FileSource
from ats_assets.sources.source import SourcePlugin
from ats_assets.vendors.written_symbols import written_spelling


def open_files(own: FilesSettings, calendar: SessionCalendar, settings: Settings) -> FileSource:
    """The files that the settings name; what was read of them is kept in the data folder."""
    return FileSource(own, calendar, keep=settings.storage.data / "source_files")


def _bars_follow(own: FilesSettings) -> FilesSettings:
    """Neither where files lie nor which vintage they are is among it: the rows themselves are compared."""
    where = {column: value for column, value in own.where.items() if column != "vintage"}
    return own.model_copy(update={"path": None, "vintage": None, "where": where, "actions": own.actions and Path("actions")})


def files_at(path: Path, own: FilesSettings, calendar: SessionCalendar) -> FileSource:
    """The files at a path by the settings beside it; all are read, and nothing is kept."""
    return FileSource(own.model_copy(update={"path": path}), calendar)


PLUGIN = SourcePlugin(
    settings=FilesSettings,
    make=open_files,
    bars_follow=_bars_follow,
    actions_follow=_bars_follow,
    at=files_at,
    tells_name_changes=lambda own: own.actions is not None,
    spelling=written_spelling,
)
