"""How one graph is told from another."""

from pydantic import Field

from ats_assets.settings.section import Section


class GraphSettings(Section):
    """How this graph is told from another one in the same Dagster instance."""

    prefix: str = Field(
        default="",
        pattern=r"^([a-z][a-z0-9_]{0,31})?$",
        description="before the key of every asset, job, sensor and schedule; needed where one instance has several graphs",
    )
