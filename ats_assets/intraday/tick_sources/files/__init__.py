"""Files as a source of ticks."""

from pathlib import Path

from ats_assets.deployment import Deployment
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.tick_source import TickSourcePlugin, What
from ats_assets.intraday.tick_sources.files.settings import TickFilesSettings
from ats_assets.intraday.tick_sources.files.tick_files import TickFiles
from ats_assets.vendors.written_symbols import written_spelling


def open_tick_files(own: TickFilesSettings, what: What, hours: SessionHours, deployment: Deployment) -> TickFiles:
    """The files that the settings name; what was read of texts is kept in the data folder."""
    return TickFiles(own, what, hours, deployment.settings.storage.data / "tick_files")


def _without_place(own: TickFilesSettings) -> TickFilesSettings:
    """Neither where files lie nor which vintage they are changes a tick."""
    return own.model_copy(update={"path": Path("ticks") if own.path else None, "vintage": None})


PLUGIN = TickSourcePlugin(settings=TickFilesSettings, make=open_tick_files, ticks_follow=_without_place, spelling=written_spelling)
