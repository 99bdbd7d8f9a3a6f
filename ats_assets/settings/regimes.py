"""Regimes: which states a market or a symbol can be in, what tells them apart, and when they are estimated."""

from typing import Any, Literal

from pydantic import Field, model_validator

from ats_assets.settings.models import Refit
from ats_assets.settings.section import NonNegative, Positive, Section

RegimeKind = Literal["hmm", "mixture", "markov_switching"]
Observed = Literal["return", "volatility", "breadth"]


class RegimeSettings(Section):
    """One table `[regimes.<name>]`."""

    kind: RegimeKind = Field(
        default="hmm",
        description="hmm: Gaussian states with memory; mixture: Gaussian states without; markov_switching: mean, variance and lags differ by state",
    )
    form: Literal["macro", "micro"] = Field(default="macro", description="one regime for the market, or one for each symbol")
    symbols: tuple[str, ...] = Field(
        default=(),
        description="what the regime is of: these alone are observed and estimated on, and others have none; default: the universe. Of one symbol: form micro",
    )
    observations: tuple[Observed, ...] = Field(
        default=("return", "volatility"),
        min_length=1,
        description="of the universe's session, or of the symbol's: return in per cent, log of the daily range, and (macro) breadth; markov_switching takes one",
    )
    min_states: Positive = Field(default=2, le=8, description="fewest states; 1 lets the criterion say that there are no regimes")
    max_states: Positive = Field(default=3, le=8, description="most states; there are columns for so many")
    criterion: Literal["bic", "icl"] = Field(default="bic", description="the number of states with the lowest; icl also wants them apart")
    covariance: Literal["full", "diagonal"] = "full"
    lags: NonNegative = Field(default=1, le=20, description="of the return, in the mean of a state: markov_switching alone")
    starts: Positive = Field(default=4, description="starting points of each estimation, of which the best likelihood counts")
    seed: NonNegative = 1
    max_iterations: Positive = 200
    tolerance: float = Field(default=1e-2, gt=0, description="gain of the log-likelihood below which an estimation has converged")
    min_state_share: float = Field(default=0.02, gt=0, lt=0.5, description="of the rows: an estimation with a smaller state is none")
    train_sessions: int = Field(default=504, ge=20, description="that an estimation looks at, its own session included")
    min_train_sessions: int = Field(default=126, ge=10, description="fewer sessions with observations: no regimes yet")
    refit: Refit = Field(default="monthly", description="estimated at the first session of each month (week, quarter), or at every session")
    match_refits: NonNegative = Field(default=6, le=24, description="earlier estimations that states are matched through; 0: none")
    filter_sessions: int = Field(default=126, ge=2, description="that the probabilities of a session are filtered over, itself included")
    scale_sessions: int = Field(default=252, ge=10, description="before a session, whose deviation and mean scale its micro observations")

    @model_validator(mode="before")
    @classmethod
    def _a_switching_mean_is_of_the_return(cls, values: Any) -> Any:
        """`observations` left out is the return alone where only one can be taken."""
        if isinstance(values, dict) and values.get("kind") == "markov_switching" and "observations" not in values:
            return {**values, "observations": ("return",)}
        return values

    @model_validator(mode="after")
    def _they_fit_together(self) -> "RegimeSettings":
        if self.min_states > self.max_states:
            raise ValueError(f"min_states ({self.min_states}) must be at most max_states ({self.max_states})")
        if len(set(self.observations)) < len(self.observations):
            raise ValueError(f"observations names one twice: {', '.join(self.observations)}")
        if len(set(self.symbols)) < len(self.symbols):
            raise ValueError(f"symbols names one twice: {', '.join(self.symbols)}")
        if self.form == "macro" and len(self.symbols) == 1:
            raise ValueError(f'one symbol ({self.symbols[0]}) is no market: set form = "micro", or name more')
        if self.form == "micro" and "breadth" in self.observations:
            raise ValueError('breadth is of a whole market: leave it out of observations, or set form = "macro"')
        if self.kind == "markov_switching" and len(self.observations) != 1:
            raise ValueError('markov_switching takes one observation: set observations = ["return"]')
        if self.min_train_sessions > self.train_sessions:
            raise ValueError(f"min_train_sessions ({self.min_train_sessions}) must be at most train_sessions ({self.train_sessions})")
        return self

    def of_observations(self) -> "RegimeSettings":
        """What the observations themselves depend on: all else as by default."""
        return RegimeSettings(form=self.form, symbols=self.symbols, scale_sessions=self.scale_sessions)

    @property
    def lags_of_mean(self) -> int:
        """Earlier observations in the mean of a state."""
        return self.lags if self.kind == "markov_switching" else 0


def regime_columns(name: str, settings: RegimeSettings) -> dict[str, str]:
    """The features of an entry `[regimes.<name>]`, and what each says.

    Examples
    --------
    >>> list(regime_columns("market", RegimeSettings(max_states=2)))
    ['market_p0', 'market_p1', 'market_entropy', 'market_state', 'market_sessions_in_state']
    """
    states = range(settings.max_states)
    return {
        **{f"{name}_p{k}": f"filtered probability of state {k}; states are in order of their variance, the calmest first" for k in states},
        f"{name}_entropy": "entropy of these probabilities: 0 is certain, 1 nothing known",
        f"{name}_state": "the most likely state",
        f"{name}_sessions_in_state": f"sessions in a row for which it has been that, of the last {settings.filter_sessions}",
    }
