"""The source of events that the settings name."""

from typing import Any, cast

from pydantic import BaseModel

from ats_assets.deployment import Deployment
from ats_assets.plugins import EVENT_SOURCES
from ats_assets.scheduled_events.event_source import EventSource, EventSourcePlugin


def event_plugin(deployment: Deployment) -> tuple[EventSourcePlugin[Any], BaseModel]:
    """The source of events that `scheduled_events.source` names, and its own settings.

    Raises
    ------
    SettingsError
        If there is none of that name, or it refuses one of the settings.
    """
    settings = deployment.settings
    chosen = EVENT_SOURCES.in_table("files", settings.scheduled_events.source, settings.plugins.folder, "scheduled_events.source")
    return cast("EventSourcePlugin[Any]", chosen.plugin), chosen.settings


def event_source(deployment: Deployment) -> EventSource:
    """Where scheduled events come from, opened anew."""
    plugin, own = event_plugin(deployment)
    return plugin.make(own, deployment)
