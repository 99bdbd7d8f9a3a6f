"""When a position is left, whoever entered it: the settings that the risk rule `stops` and the strategy `peak_exits` share."""

from typing import Literal

from pydantic import Field

from ats_assets.risk.average_range import RangeUnit
from ats_assets.settings import Positive, Section


class ExitSettings(Section):
    """When a position is left. A figure that is not given does not end a position; of a distance in ranges and one in per cent the nearer counts."""

    unit: RangeUnit = Field(default="atr", description="of a range: average true range (Wilder's), or deviation of returns")
    max_sessions: Positive = Field(default=60, description="a position is left after so many sessions")
    atr_sessions: Positive = Field(default=14, description="of the average true range, or of the deviation")
    peak_atr: float | None = Field(default=3.0, gt=0, description="ranges below the highest price since the entry")
    peak_percent: float | None = Field(default=None, gt=0, lt=100, description="per cent below the highest price since the entry")
    peak_of: Literal["close", "high"] = Field(
        default="close", description="the highest price since the entry: of closes, or of highs (the chandelier exit as LeBeau has it)"
    )
    least_rise_atr: float = Field(
        default=0.0, ge=0, description="ranges that the highest price must be above the entry, for it to be a peak"
    )
    stop_atr: float | None = Field(default=None, gt=0, description="ranges below the entry's close")
    stop_percent: float | None = Field(default=None, gt=0, lt=100, description="per cent below the entry's close")
    target_atr: float | None = Field(default=None, gt=0, description="ranges above it")
    target_percent: float | None = Field(default=None, gt=0, description="per cent above it")
    range_of: Literal["session", "entry"] = Field(
        default="session",
        description="whose range stop and target are of: each session's, so that they widen when markets do, or the entry's, so that their levels stand",
    )
    secure_atr: float | None = Field(default=None, gt=0, description="ranges above the entry from which on the stop is at the entry")
    tighten_per_session: float = Field(
        default=0.0, ge=0, lt=1, description="share of their distance by which peak, stop and target come nearer"
    )
    least_share: float = Field(default=0.25, gt=0, le=1, description="of their distance that stays")
    stale_sessions: Positive | None = Field(default=None, description="sessions without a new highest price")
