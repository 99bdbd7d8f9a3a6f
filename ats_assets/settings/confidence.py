"""How sure predictions are: intervals of the returns that follow."""

from typing import Literal

from pydantic import Field

from ats_assets.settings.section import Positive, Section, Share


class ConfidenceSettings(Section):
    """One table `[confidence]`, which may be empty; without it there are no intervals. The rules are in `ats_assets/intervals/`."""

    level: float = Field(default=0.9, gt=0, lt=1, description="share of the returns that intervals are to hold")
    scale_sessions: Positive = Field(
        default=63, description="sessions of known outcomes that the expected return and the scale of a symbol are estimated on"
    )
    min_scale_outcomes: Positive = Field(default=20, description="of a symbol; with fewer its scale is that of all symbols")
    calibration_sessions: Positive = Field(default=126, description="sessions of known outcomes that the intervals' widths are taken from")
    min_calibration_rows: Positive = Field(default=500, description="fewer outcomes than this: no interval")
    step: float = Field(
        default=0.02, gt=0, lt=1, description="how far the outcomes of one session move the level, which adapts; gamma of Gibbs and Candès"
    )
    restart: Literal["monthly", "quarterly"] = Field(
        default="quarterly", description="the level is followed from the first session of the period before the session's own"
    )
    check_sessions: Positive = Field(default=126, description="sessions of judged intervals whose coverage the check looks at")
    tolerance: Share = Field(
        default=0.02, description="that coverage may differ from the level by, whatever its standard error; beyond, by three of these"
    )

    def of_results(self) -> "ConfidenceSettings":
        """What intervals depend on: not what their check asks for."""
        fields = type(self).model_fields
        return self.model_copy(update={name: fields[name].default for name in ("check_sessions", "tolerance")})
