"""The source of flow that the settings name."""

from typing import Any, cast

from pydantic import BaseModel

from ats_assets.deployment import Deployment
from ats_assets.options.flow.flow_source import FlowSource, FlowSourcePlugin
from ats_assets.plugins import FLOW_SOURCES


def flow_plugin(deployment: Deployment) -> tuple[FlowSourcePlugin[Any], BaseModel]:
    """The source of flow that `option_flow.source` names, and its own settings.

    Raises
    ------
    SettingsError
        If there is none of that name, or it refuses one of the settings.
    """
    settings = deployment.settings
    chosen = FLOW_SOURCES.in_table("unusual_whales", settings.option_flow.source, settings.plugins.folder, "option_flow.source")
    return cast("FlowSourcePlugin[Any]", chosen.plugin), chosen.settings


def flow_source(deployment: Deployment) -> FlowSource:
    """Where flow comes from, opened anew: its first use asks a server."""
    plugin, own = flow_plugin(deployment)
    return plugin.make(own, deployment)
