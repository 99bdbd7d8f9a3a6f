"""What trades cost beyond fixed rates: models of spread and market impact."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ats_assets.settings.section import Name, Positive, Section


class ImpactSettings(Section):
    """How the price of a trade depends on its size and on its market, in backtests, on paper and in estimates before a trade."""

    model: Name = Field(
        default="fixed", description="fixed (backtest.spread_bps and slippage_bps alone), spread, square_root, almgren, or one of one's own"
    )
    options: dict[str, Any] = Field(default={}, description="the model's own settings")
    max_participation: float | None = Field(
        default=None, gt=0, le=1, description="share of a session's volume that an order is filled with at most; default: no bound"
    )
    volume_sessions: Positive = Field(default=21, description="a day's usual dollar volume is their median")
    volatility_sessions: int = Field(default=63, ge=2, description="of the daily standard deviation")
    spread_sessions: int = Field(default=21, ge=2, description="that the spread is estimated on")
    min_sessions: Positive = Field(default=10, description="with bars in these windows; of a symbol with fewer nothing is known")
    spread: Literal["quoted", "corwin_schultz", "abdi_ranaldo"] = Field(
        default="quoted",
        description="of stored quotes alone, or how it is estimated of daily bars where there are none: many times too high in liquid markets",
    )
    turnover_days: dict[str, Annotated[float, Field(gt=0)]] = Field(
        default={}, description="symbol -> shares outstanding over a day's volume, for models that ask for it"
    )
    fitted: bool = Field(default=False, description="scale the model to one's own fills, as `impact_fit` finds it before each session")
    fit_against: Literal["arrival", "decision"] = Field(
        default="arrival",
        description="price that realised slippage is measured from: arrival, or decision for orders in the opening auction",
    )
    fit_sessions: Positive = Field(default=504, description="whose fills are fitted")
    min_fills: int = Field(default=100, ge=10, description="with fewer the published parameters stay")
    prior_error: float = Field(default=0.5, gt=0, description="standard error of the published parameters, as a share of them")

    @model_validator(mode="after")
    def _windows_hold_enough(self) -> "ImpactSettings":
        shortest = min(self.volume_sessions, self.volatility_sessions, self.spread_sessions)
        if self.min_sessions > shortest:
            raise ValueError(f"min_sessions ({self.min_sessions}) must not be more than the shortest window ({shortest} sessions)")
        if self.fitted and self.model == "fixed":
            raise ValueError("fitted scales a model of impact, and fixed is none: choose another impact.model, or leave fitted out")
        return self

    @property
    def is_on(self) -> bool:
        """Whether costs depend on more than fixed rates."""
        return self.model != "fixed"

    @property
    def moves_prices(self) -> bool:
        """Whether larger trades cost a larger share, as by all models but two."""
        return self.model not in {"fixed", "spread"}

    @property
    def of_trading(self) -> tuple["ImpactSettings", ...]:
        """These, where they change what is traded: what is made with fixed rates and without a bound does not depend on them."""
        return (self,) if self.is_on or self.max_participation is not None else ()
