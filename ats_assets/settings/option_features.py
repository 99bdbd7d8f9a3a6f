"""Features of option chains: over how many sessions they look back."""

from pydantic import Field

from ats_assets.settings.section import Section


class OptionFeaturesSettings(Section):
    """The family `option_features`, which is an asset where `features.families` or `training.families` names it."""

    rank_sessions: int = Field(default=252, ge=2, description="sessions, its own among them, within which an implied volatility is ranked")
    min_rank_sessions: int = Field(
        default=126, ge=2, description="with fewer of these in which there is an implied volatility, rank and percentile are missing"
    )
    flow_sessions: int = Field(default=20, ge=1, description="sessions before its own that a session's volume is compared with")
    realised_sessions: int = Field(default=21, ge=2, description="returns that the realised volatility is made of")
