"""The source of options that the settings name."""

from typing import Any, cast

from pydantic import BaseModel

from ats_assets.deployment import Deployment
from ats_assets.options.option_source import OptionSource, OptionSourcePlugin
from ats_assets.plugins import OPTION_SOURCES


def option_plugin(deployment: Deployment) -> tuple[OptionSourcePlugin[Any], BaseModel]:
    """The source of options that `options.chains` names, and its own settings.

    Raises
    ------
    SettingsError
        If there is none of that name, or it refuses one of the settings.
    """
    settings = deployment.settings
    chosen = OPTION_SOURCES.in_table("files", settings.options.chains, settings.plugins.folder, "options.chains")
    return cast("OptionSourcePlugin[Any]", chosen.plugin), chosen.settings


def option_source(deployment: Deployment) -> OptionSource:
    """Where chains come from, opened anew: its first use reads files or the warehouse."""
    plugin, own = option_plugin(deployment)
    return plugin.make(own, deployment)
