"""Flow of options: where it comes from, and how much of it may be faulty."""

from datetime import date
from typing import Any

from pydantic import Field

from ats_assets.settings.section import Section, Share


class FlowScreeningSettings(Section):
    """How much of a session's flow may be faulty."""

    max_rejected_share: Share


class OptionFlowSettings(Section):
    """Flow of options. Without `source` there is none, and no asset of it."""

    source: dict[str, Any] = Field(
        default_factory=dict,
        description="where flow comes from: `kind` says which source of flow, default: unusual_whales; the rest is its own",
    )
    first_session: date | None = Field(
        default=None, description="where the flow begins, if that is before the bars: partitions are offered from there on"
    )
    max_rejected_share: Share = Field(
        default=0.05,
        description="a larger share of faulty rows of a session blocks what comes after; cancelled and empty ones are no fault",
    )

    @property
    def has_flow(self) -> bool:
        """Whether there is flow at all."""
        return bool(self.source)

    @property
    def screened(self) -> FlowScreeningSettings:
        """What screening depends on, alone."""
        return FlowScreeningSettings(max_rejected_share=self.max_rejected_share)
