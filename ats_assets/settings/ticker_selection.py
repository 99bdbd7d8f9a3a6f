"""Which tickers are worth watching and trading, and over which horizon each can be told."""

from typing import Literal, Self

from pydantic import Field, model_validator

from ats_assets.settings.section import NonNegative, Positive, Section


class TickerSelectionSettings(Section):
    """One table `[ticker_selection]`, which may be empty; without it there is no such asset, and the whole universe may be traded."""

    active: Positive = Field(default=150, description="tickers that may be active, at most; fewer where the universe has fewer")
    focus: Positive = Field(default=40, description="of them in focus, at most")
    band: NonNegative = Field(default=15, description="places: active is entered at rank active - band, and left below rank active")
    focus_band: NonNegative = Field(default=5, description="likewise of focus")
    memory_sessions: Positive = Field(
        default=60, description="who has not been of the rank that enters for so long is out, however narrowly it has kept within the band"
    )
    lookback_sessions: int = Field(default=60, ge=5, description="of dollar volume, spread and volatility")
    min_sessions: Positive = Field(default=20, description="of them with a bar; with fewer a ticker has no rank")
    spread: Literal["corwin_schultz", "abdi_ranaldo"] = Field(
        default="corwin_schultz", description="estimator of the spread from daily high, low and close"
    )
    skill_sessions: NonNegative = Field(
        default=126, description="sessions of known outcomes that the skill of scores in a ticker is estimated on; 0: skill does not count"
    )
    liquidity_weight: float = Field(default=1.0, ge=0, description="of the percentile of median dollar volume")
    spread_weight: float = Field(default=1.0, ge=0, description="of the percentile of the spread, the narrowest first")
    volatility_weight: float = Field(default=0.5, ge=0, description="of the percentile of volatility, the highest first: opportunity")
    skill_weight: float = Field(default=0.5, ge=0, description="of the percentile of the shrunk skill: opportunity")
    trade: Literal["all", "active", "focus"] = Field(
        default="all", description="what strategies may hold: members of the universe that are so"
    )

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.band >= self.active or self.focus_band >= self.focus:
            raise ValueError(
                f"a band must be narrower than its places: band {self.band} of {self.active}, focus_band {self.focus_band} of {self.focus}"
            )
        if self.focus > self.active - self.band:
            raise ValueError(
                f"focus ({self.focus}) must be at most active - band ({self.active - self.band}), so that what is in focus is active"
            )
        if self.min_sessions > self.lookback_sessions:
            raise ValueError(f"min_sessions ({self.min_sessions}) must be at most lookback_sessions ({self.lookback_sessions})")
        if not self.liquidity_weight + self.spread_weight + self.volatility_weight + self.skill_weight > 0:
            raise ValueError("all weights are 0, so that nothing ranks tickers: give one more than 0")
        return self

    def of_results(self) -> Self:
        """What the selection depends on: not what is done with it."""
        return self.model_copy(update={"trade": "all"})

    @property
    def tradable_states(self) -> tuple[str, ...]:
        """The states whose tickers strategies may hold; none where all members of the universe may be held."""
        return {"all": (), "active": ("focus", "active"), "focus": ("focus",)}[self.trade]


class TimeframeSelectionSettings(Section):
    """One table `[timeframe_selection]`, which may be empty; without it there is no such asset."""

    sessions: int = Field(default=252, ge=20, description="of known outcomes that skill is estimated on")
    min_sessions: int = Field(default=60, ge=10, description="of a ticker; with fewer its skill is that of all")
    confidence: float = Field(
        default=0.9, gt=0.5, lt=1, description="one-sided: the lower bound is one that skill exceeds with this probability"
    )
