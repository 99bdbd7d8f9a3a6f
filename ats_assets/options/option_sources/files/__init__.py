"""Files as a source of options."""

from pathlib import Path

from ats_assets.deployment import Deployment
from ats_assets.options.option_source import OptionSourcePlugin
from ats_assets.options.option_sources.files.chain_files import ChainFiles
from ats_assets.options.option_sources.files.settings import ChainFilesSettings


def open_chain_files(own: ChainFilesSettings, deployment: Deployment) -> ChainFiles:
    """The files that the settings name."""
    return ChainFiles(own, deployment.calendar, deployment.settings.options.underlyings)


def _anywhere(own: ChainFilesSettings) -> ChainFilesSettings:
    """Neither where files lie nor which vintage they are changes a row."""
    return own.model_copy(update={"path": Path("chains") if own.path else None, "vintage": None})


PLUGIN = OptionSourcePlugin(settings=ChainFilesSettings, make=open_chain_files, chains_follow=_anywhere)
