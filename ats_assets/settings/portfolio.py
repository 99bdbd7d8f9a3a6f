"""Scores to target weights, and what borrowing costs."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from ats_assets.settings.section import Name, Positive, Section, Share


class PortfolioSettings(Section):
    """Scores to target weights, and the limits on them. Weights are shares of equity."""

    method: Name = Field(
        default="top_k_long",
        description="top_k_long, long_short_quantiles, score_proportional, minimum_variance, mean_variance, risk_parity, hierarchical_risk_parity, maximum_diversification, minimum_tail_risk, black_litterman, kelly, fixed_risk, or one's own",
    )
    top_k: Positive = Field(default=10, description="of methods that have such a setting")
    quantile: float = Field(default=0.2, gt=0, le=0.5, description="of methods that have such a setting")
    options: dict[str, Any] = Field(
        default={}, description="the method's own settings, top_k and quantile among them if they are not given above"
    )
    holding_sessions: Positive | Literal["optimised"] | None = Field(
        default=None,
        description="a target is the mean of what the strategies wanted in so many sessions, so that positions last about as long; 1: what they want now; default: "
        "`training.horizon_sessions`; optimised: what `holding_period` recommends for each strategy",
    )
    without_signals_sessions: int = Field(
        default=63,
        ge=1,
        le=2520,
        description="for which what a strategy without signals holds stays; its capital is in cash after that, and a check of targets warns for 21 sessions before",
    )
    max_weight: Share = 0.15
    max_gross: float = Field(default=1.0, ge=0, le=10)
    max_net: float = Field(default=1.0, ge=0, le=10)
    max_turnover: float = Field(default=0.5, gt=0, le=4, description="sum of |change of weight| a session")
    no_trade_band: Share = Field(
        default=0.02, description="a smaller change of weight is not traded, exits excepted; at most a quarter of the target counts"
    )


class MarginSettings(Section):
    """What borrowing shares and cash costs, and how much of it an account may bear; the rules are in `ats_assets/portfolio/margin.py`."""

    borrow_bps_a_year: float = Field(default=50.0, ge=0, description="of a short position's value, each calendar day on a year of 360")
    borrow_bps_by_symbol: dict[str, Annotated[float, Field(ge=0)]] = Field(
        default_factory=dict, description="symbol -> its own borrow_bps_a_year, for what is hard to borrow"
    )
    debit_bps_a_year: float = Field(default=800.0, ge=0, description="interest on cash below zero, which only short positions can cause")
    initial_share: float = Field(default=0.5, gt=0, le=1, description="equity over the sum of |value| that a position may be opened with")
    maintenance_share_long: Share = Field(
        default=0.25, description="of the longs' value; with less equity than both need, positions are cut"
    )
    maintenance_share_short: Share = Field(default=0.3, description="of the shorts' value")

    @model_validator(mode="after")
    def _cutting_helps(self) -> "MarginSettings":
        for name in ("maintenance_share_long", "maintenance_share_short"):
            if getattr(self, name) > self.initial_share:
                raise ValueError(
                    f"{name} is {getattr(self, name)}, above initial_share ({self.initial_share}): a call could not be met by cutting"
                )
        return self
