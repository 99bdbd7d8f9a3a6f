"""Validation of bars, and the universe."""

from pydantic import Field, model_validator

from ats_assets.settings.section import NonNegative, Positive, Section, Share


class SuspicionSettings(Section):
    """Thresholds of the rules that warn about accepted bars; each rule is documented in `ats_assets/bars/suspicion_rules.py`."""

    lookback_sessions: Positive = 21
    split_tolerance: Share = Field(
        default=0.05, description="relative distance of previous close/open from a simple ratio: the market moves too"
    )
    split_volume_factor: float = Field(
        default=4.0, ge=1, description="dollar volume within this factor of its median: a crash trades far more"
    )
    stale_sessions: Positive = Field(default=5, description="identical closes in a row")
    spike_sigmas: float = Field(default=8.0, gt=0, description="size of a move that reverts, in robust standard deviations")
    spike_reversal: Share = Field(default=0.8, description="share of the move that the next session takes back")
    twin_sessions: Positive = Field(default=15, description="sessions of equal closes that make two symbols twins")
    vwap_tolerance: Share = Field(default=0.001, description="relative distance of vwap beyond low or high")

    @model_validator(mode="after")
    def _fits_in_lookback(self) -> "SuspicionSettings":
        for name in ("stale_sessions", "twin_sessions"):
            if getattr(self, name) > self.lookback_sessions + 1:
                raise ValueError(
                    f"{name} is {getattr(self, name)}, more than lookback_sessions + 1: raise lookback_sessions ({self.lookback_sessions})"
                )
        return self


class BarsSettings(Section):
    """Validation of bars."""

    max_rejected_share: Share = Field(default=0.01, description="a larger share of rejected rows blocks what comes after")
    min_present_share: Share = Field(default=0.9, description="of yesterday's symbols; fewer is a warning")
    max_late_sessions: NonNegative = Field(default=1, description="sessions after its close by which a partition must be there")
    gap_sessions: NonNegative = Field(
        default=0, description="above 0 an asset, bar_gaps, names each symbol that had a bar within so many sessions before and has none"
    )
    profile: bool = Field(default=True, description="profile deliveries with Great Expectations and keep its Data Docs")
    suspicions: SuspicionSettings = SuspicionSettings()


class UniverseSettings(Section):
    """Which symbols are tradable at a session, with that session's knowledge only."""

    size: Positive = 500
    min_price: float = Field(default=1.0, ge=0, description="in the currency of the quotes")
    min_history_sessions: Positive = 20
    lookback_sessions: Positive = 60
    focus: tuple[str, ...] = Field(default=(), description="symbols that are always members while they have a bar")
