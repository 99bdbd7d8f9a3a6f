"""Where additions of one's own lie."""

from pathlib import Path

from pydantic import Field

from ats_assets.settings.section import Section


class PluginsSettings(Section):
    """Additions of one's own: sources, models and so on (docs/add_your_own.md)."""

    folder: Path = Field(
        default=Path("plugins"), description="of a user's modules, such as learners/mine.py; relative to the folder of the settings file"
    )
