"""Alert routes and repetition."""

from typing import Literal

from pydantic import Field

from ats_assets.settings.section import Positive, Section


class AlertsSettings(Section):
    """Alert routes and repetition. Route addresses are secrets: they come from environment variables, which these settings name."""

    routes: dict[str, Literal["info", "warning", "critical"]] = Field(
        default_factory=dict, description="name of an environment variable with an Apprise address -> the least severity that it gets"
    )
    repeat_after_seconds: Positive = Field(default=3600, description="the same alert is not sent again before")
    max_per_hour: Positive = Field(
        default=30, description="of each route; what is more is counted and told in one message; critical ones always go"
    )
