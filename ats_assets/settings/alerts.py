"""Alert routes and repetition."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from ats_assets.settings.section import Name, Positive, Section


class RouteSettings(Section):
    """One route. A text alone is its severity; what is beside `kind` and `severity` are the notifier's own settings, which its class checks."""

    kind: Name = Field(default="apprise", description="a notifier: apprise, json_lines, or one of one's own (docs/add_your_own.md)")
    severity: Literal["info", "warning", "critical"] = Field(default="info", description="the least that it gets")
    own: dict[str, Any] = Field(default_factory=dict, description="the notifier's own settings")

    @model_validator(mode="before")
    @classmethod
    def _the_rest_is_the_notifiers(cls, values: Any) -> Any:
        if isinstance(values, str):
            return {"severity": values}
        if not isinstance(values, Mapping):
            return values
        own = {name: value for name, value in values.items() if name not in cls.model_fields}
        return {name: value for name, value in values.items() if name not in own} | {"own": dict(values.get("own", {})) | own}


class AlertsSettings(Section):
    """Alert routes and repetition. Route addresses are secrets: they come from environment variables, which these settings name."""

    routes: dict[str, RouteSettings] = Field(
        default_factory=dict,
        description="name -> the least severity that the route gets, or a table with its kind, severity and settings; of kind apprise "
        "the name is that of the environment variable with the address",
    )
    repeat_after_seconds: Positive = Field(default=3600, description="the same alert is not sent again before")
    max_per_hour: Positive = Field(
        default=30, description="of each route; what is more is counted and told in one message; critical ones always go"
    )
