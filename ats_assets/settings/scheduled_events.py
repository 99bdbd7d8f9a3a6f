"""Events of companies and markets whose day is known beforehand, such as earnings: where they come from."""

from typing import Any

from pydantic import Field

from ats_assets.settings.section import Section


class ScheduledEventsSettings(Section):
    """Scheduled events. Without `source` there are none, and no asset of them."""

    source: dict[str, Any] = Field(
        default_factory=dict,
        description="where scheduled events come from: `kind` says which source of events, default: files; the rest is its own",
    )

    @property
    def has_events(self) -> bool:
        """Whether there are scheduled events at all."""
        return bool(self.source)
