"""When sensors and schedules act."""

from pydantic import Field

from ats_assets.settings.section import NonNegative, Positive, Section


class AutomationSettings(Section):
    """Sensors and schedules."""

    owner: str = Field(default="team:research", description="of every asset, in Dagster's form")
    retrain_at: str = Field(default="22:30", pattern=r"^\d\d:\d\d$", description="local time of the exchange")
    poll_seconds: Positive = 60
    ask_again_minutes: NonNegative = Field(
        default=240, description="a session that a server has delivered is asked for again after so long, for corrections. 0: never"
    )
    late_after_minutes: NonNegative = Field(
        default=300, description="after a session's close; then its missing bars are an alert, unless the source is synthetic. 0: never"
    )
