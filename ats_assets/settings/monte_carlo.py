"""What a backtest could have come to: its returns drawn again, tail risk, stress and capacity."""

from datetime import date
from typing import Annotated, Literal

from pydantic import Field, model_validator

from ats_assets.settings.section import Name, NonNegative, Positive, Section

DrawnAgain = Literal["stationary", "blocks", "independent", "by_state", "trades_shuffled", "trades_drawn"]


class MonteCarloSettings(Section):
    """One table `[monte_carlo]`, which may be empty; without it there is no such asset."""

    ways: tuple[DrawnAgain, ...] = Field(
        default=("stationary", "trades_shuffled", "trades_drawn"),
        min_length=1,
        description="how returns of sessions are drawn again (stationary, blocks, independent, by_state), or closing trades (shuffled, drawn)",
    )
    paths: int = Field(default=10_000, ge=10, le=1_000_000)
    horizon_sessions: Positive | None = Field(
        default=None, description="of a path; default: as many as the backtest has from its first trade on"
    )
    block_length: float | None = Field(
        default=None, ge=1, description="mean length of blocks, in sessions; default: from the data (Politis and White)"
    )
    ruin_share: float = Field(
        default=0.5, gt=0, lt=1, description="a path is ruined once it has no more than this share of its first value"
    )
    seed: NonNegative = 1
    threads: Positive = Field(default=2, description="the results are the same with any number")
    tails: tuple[Annotated[float, Field(gt=0, lt=0.5)], ...] = Field(
        default=(0.05, 0.01), min_length=1, description="of value at risk and expected shortfall: 0.05 is a level of 95 %"
    )
    regimes: Name | None = Field(default=None, description="of by_state: an asset of regimes of the market, such as regimes")
    crises: dict[str, tuple[date, date]] = Field(
        default={}, description="name -> first and last day, beside those that come with the package"
    )
    market_shocks: tuple[Annotated[float, Field(ge=-1, lt=0)], ...] = Field(
        default=(-0.1, -0.2, -0.35), description="of the benchmark, at once"
    )
    impact: float = Field(
        default=1.0, ge=0, description="market impact is so many daily deviations times the root of the share of a session's dollar volume"
    )
    capital_multiples: tuple[Annotated[float, Field(gt=0)], ...] = Field(
        default=(1.0, 3.0, 10.0, 30.0, 100.0), description="of backtest.initial_cash, at which the impact is told"
    )

    @model_validator(mode="after")
    def _states_come_from_regimes(self) -> "MonteCarloSettings":
        if ("by_state" in self.ways) != (self.regimes is not None):
            raise ValueError('by_state draws by the states of an asset of regimes: set regimes = "regimes" beside it, or leave both out')
        wrong = [name for name, (first, last) in self.crises.items() if first >= last]
        if wrong:
            raise ValueError(f"crises.{wrong[0]} ends before it begins: write its first day, then its last")
        return self

    def of_results(self) -> "MonteCarloSettings":
        """What results depend on."""
        return self.model_copy(update={"threads": 1})
