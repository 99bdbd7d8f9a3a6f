"""Files as a source of scheduled events."""

from pathlib import Path

from pydantic import Field

from ats_assets.deployment import Deployment
from ats_assets.scheduled_events.event_source import EventSourcePlugin
from ats_assets.scheduled_events.event_sources.files.schedule_files import ScheduleFiles
from ats_assets.settings import Section


class ScheduleFilesSettings(Section):
    """Where the files lie."""

    path: Path = Field(
        description="a CSV or Parquet file, or a folder of such, with the columns symbol, date, kind and perhaps known_from, timing, event, status; relative to the current folder"
    )


def open_schedule_files(own: ScheduleFilesSettings, deployment: Deployment) -> ScheduleFiles:
    """The files that the settings name."""
    return ScheduleFiles(own.path.expanduser().absolute(), deployment.calendar)


def _wherever(own: ScheduleFilesSettings) -> ScheduleFilesSettings:
    """Where files lie changes no row."""
    return own.model_copy(update={"path": Path("events")})


PLUGIN = EventSourcePlugin(settings=ScheduleFilesSettings, make=open_schedule_files, events_follow=_wherever)
