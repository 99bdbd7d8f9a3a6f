"""What methods that weigh risk share: which symbols they choose among, the covariance, limits with names, and what is done where no weights keep them.

1. The candidates are the best by score, as many as `candidates` says; where more than that are all equal the scores say nothing, and the book is cash, with a remark.
2. A symbol with too few known returns is left out, and one whose price has not moved: nobody knows its risk, and it would seem to have none. So is one whose exposure to a limited factor is not known.
   A return that is missing is that of the others on that session. Where no symbol is left data are missing: there is no book, and the remark says what is known of how many.
3. The covariance of the returns a session, weighted and shrunk (`optimisation.covariance`).
4. The method's weights under the limits. They add up to 1, or to less where so few symbols can't be given as much.
5. Where limits conflict or no weights are found (a covariance is singular), there is no book and nothing is ordered, and the remark says why: the smallest set of limits that can't be kept together.
   Another fallback may be asked for; where that would break a limit too, nothing is ordered either.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from ats_assets.errors import PortfolioError
from ats_assets.portfolio.factor_limits import FactorLimit, expression_name, factor_rows
from ats_assets.portfolio.method import Candidates, WeighedBook, nothing_chosen
from ats_assets.portfolio.optimisation.covariance import Shrinkage, covariance, session_weights
from ats_assets.portfolio.optimisation.weight_ranges import WeightLimit, WeightRanges
from ats_assets.settings import Positive, Section, Share
from ats_assets.settings.symbol_groups import GroupLimit, groups_of_file

Floats = NDArray[np.float64]
RETURN: Final = "return"
HOLD: Final = "hold"
ROUNDING: Final = 1e-12


class OptimisedSettings(Section):
    """Candidates, covariance, limits and fallback."""

    candidates: Positive = Field(default=50, description="the best by score, among which weights are given")
    lookback_sessions: int = Field(default=252, ge=20, description="returns of the covariance")
    half_life_sessions: float | None = Field(
        default=None, gt=0, description="sessions after which a return counts half; default: all count the same"
    )
    shrinkage: Shrinkage = Field(default="constant_correlation", description="constant_correlation, identity, or none")
    min_known_share: float = Field(default=0.8, gt=0, le=1, description="of the returns that a symbol needs to be a candidate")
    max_weight: Share = Field(default=1.0, description="of one symbol; default: portfolio.max_weight")
    max_gross: float = Field(default=1.0, ge=0, le=10, description="which the shape is scaled to; default: portfolio.max_gross")
    groups: dict[str, GroupLimit] = Field(default_factory=dict, description="limits of groups of symbols, by name")
    groups_file: Path | None = Field(
        default=None,
        description="CSV with symbol and group, perhaps from, until and known_from, or TOML of groups as in [portfolio.options.groups]",
    )
    max_group: float | None = Field(default=None, gt=0, le=1, description="the most of each group of a CSV file")
    min_beta: float | None = Field(default=None, description="of the book, to the mean of the candidates' returns")
    max_beta: float | None = None
    max_momentum: float | None = Field(
        default=None, gt=0, description="of the book's momentum, in standard deviations of the candidates, either way"
    )
    max_volatility_exposure: float | None = Field(default=None, gt=0, description="likewise of their volatilities")
    factors: dict[str, FactorLimit] = Field(
        default_factory=dict, description="limits of the book's exposure to columns of features or to expressions, by name"
    )
    fallback: Literal["hold", "inverse_volatility", "equal", "cash"] = Field(
        default=HOLD,
        description="where no weights keep the limits: nothing is ordered, or a plain book, unless that would break one, too",
    )

    @model_validator(mode="before")
    @classmethod
    def _what_the_file_says(cls, values: Any) -> Any:
        return groups_of_file(values)


@dataclass(frozen=True, kw_only=True)
class RiskModel:
    """What is known of the candidates that are left: arrays of shape (n,), matrices of shape (n, n)."""

    symbols: tuple[str, ...]
    scores: Floats
    probabilities: Floats
    returns: Floats
    matrix: Floats
    limits: WeightRanges
    horizon_sessions: int
    values: Mapping[str, Floats]
    held: Floats | None

    @property
    def deviations(self) -> Floats:
        """Standard deviation of each symbol's return a session."""
        return np.sqrt(self.matrix.diagonal())


class OptimisedMethod(ABC):
    """A method that chooses weights by risk."""

    follows = False

    def __init__(self, settings: OptimisedSettings) -> None:
        self.settings = settings
        self.lookback_sessions = settings.lookback_sessions

    def expressions(self) -> Mapping[str, str]:
        """The total return of each session, none after one without a bar; and the factors that are expressions."""
        factors = {expression_name(i): limit.expression for i, (_, limit) in enumerate(sorted(self.settings.factors.items()))}
        return {RETURN: "$close / Ref($close, 1) - 1", **{name: text for name, text in factors.items() if text is not None}}

    @property
    def exposures(self) -> Mapping[str, tuple[str, str]]:
        """The factors that are columns of assets."""
        limits = sorted(self.settings.factors.items())
        return {name: (limit.asset, limit.column) for name, limit in limits if limit.asset is not None and limit.column is not None}

    @abstractmethod
    def solve(self, risk: RiskModel) -> Floats:
        """The weights of the candidates, of shape (n,).

        Raises
        ------
        PortfolioError
            If there are none.
        """

    def book(self, candidates: Candidates) -> WeighedBook:
        """The weights, or those of the fallback with the reason, or none and why."""
        weights = np.zeros(len(candidates.symbols))
        exposures = self._exposures(candidates)
        if lacking := self._lacking(candidates, exposures):
            remark = f"no symbol has a value of {lacking}, so no book is known to keep its limit"
            return WeighedBook(weights=weights, remark=remark, has_opinion=False)
        known = self._known(candidates)
        if not known.any():
            return WeighedBook(weights=weights, remark=self._why_unknown(candidates), has_opinion=False)
        chosen = self._chosen(candidates, known, exposures)
        if not len(chosen):
            return WeighedBook(weights=weights, remark=nothing_chosen(int(known.sum()), self.settings.candidates))
        if not self.settings.max_weight:
            return WeighedBook(weights=weights)
        returns = known_returns(candidates.values[RETURN][:, chosen])
        symbols = tuple(candidates.symbols[i] for i in chosen)
        limits = self._limits(symbols, returns, candidates.session, {name: values[chosen] for name, values in exposures.items()})
        try:
            matrix, _ = covariance(returns, session_weights(len(returns), self.settings.half_life_sessions), self.settings.shrinkage)
            risk = RiskModel(
                symbols=symbols,
                scores=candidates.scores[chosen],
                probabilities=candidates.probabilities[chosen],
                returns=returns,
                matrix=matrix,
                limits=limits,
                horizon_sessions=candidates.horizon_sessions,
                values={name: panel[:, chosen] for name, panel in candidates.values.items()},
                held=None if candidates.held is None else candidates.held[chosen],
            )
            weights[chosen] = self.solve(risk)
        except PortfolioError as error:
            return self._of_fallback(weights, chosen, returns, limits, str(error))
        weights[np.abs(weights) < ROUNDING] = 0.0
        return WeighedBook(weights=weights)

    def _of_fallback(self, weights: Floats, chosen: NDArray[np.intp], returns: Floats, limits: WeightRanges, why: str) -> WeighedBook:
        """The fallback where it keeps all limits but that of the sum, which cash makes up; cash is asked for, whatever limits say."""
        kind = self.settings.fallback
        if kind == HOLD:
            return WeighedBook(weights=weights, remark=why, has_opinion=False)
        weights[chosen] = fallback_weights(kind, returns, limits)
        broken = [] if kind == "cash" else limits.broken(weights[chosen])
        if broken:
            remark = f"{why}. The fallback, {kind}, does not keep these either: {'; '.join(broken)}"
            return WeighedBook(weights=np.zeros(len(weights)), remark=remark, has_opinion=False)
        weights[np.abs(weights) < ROUNDING] = 0.0
        return WeighedBook(weights=weights, remark=f"{why}. The book is the fallback, {kind}")

    def _exposures(self, candidates: Candidates) -> dict[str, Floats]:
        """Of each limited factor the symbols' values at the session, of shape (n_symbols,)."""
        found: dict[str, Floats] = {}
        for i, (name, limit) in enumerate(sorted(self.settings.factors.items())):
            found[name] = candidates.exposures[name] if limit.expression is None else candidates.values[expression_name(i)][-1]
        return found

    def _chosen(self, candidates: Candidates, known: NDArray[np.bool_], exposures: Mapping[str, Floats]) -> NDArray[np.intp]:
        """The places of the symbols that are weighed, ascending."""
        able = np.flatnonzero(np.logical_and.reduce([known, *map(np.isfinite, exposures.values())]))
        scores = candidates.scores[able]
        if len(able) > self.settings.candidates:
            if scores.min() == scores.max():
                return able[:0]
            able = able[np.sort(np.argsort(-scores, kind="stable")[: self.settings.candidates])]
        return able

    def _known(self, candidates: Candidates) -> NDArray[np.bool_]:
        """Which symbols have a score, enough returns, and one that is not zero."""
        returns = candidates.values[RETURN]
        finite = np.isfinite(returns)
        moved = (np.where(finite, returns, 0.0) != 0.0).any(axis=0)
        return np.isfinite(candidates.scores) & (finite.mean(axis=0) >= self.settings.min_known_share) & moved

    def _why_unknown(self, candidates: Candidates) -> str:
        """Why no symbol can be weighed."""
        finite, scored = np.isfinite(candidates.values[RETURN]), np.isfinite(candidates.scores)
        few = int((scored & (finite.mean(axis=0) < self.settings.min_known_share)).sum())
        still, least = int(scored.sum()) - few, f"{self.settings.min_known_share:.0%} of {self.lookback_sessions} returns"
        return f"of {len(scored)} symbols {len(scored) - int(scored.sum())} have no score, {few} fewer than {least}, and {still} have not moved"

    def _lacking(self, candidates: Candidates, exposures: Mapping[str, Floats]) -> str:
        """The factor of which no symbol that could be held has a value, or all of them where each symbol lacks one; empty where some symbol has all."""
        known = self._known(candidates)
        has = {name: np.isfinite(values[known]) for name, values in exposures.items()}
        if not has or not known.any() or np.logical_and.reduce(list(has.values())).any():
            return ""
        return next((f"the factor {name}" for name, values in has.items() if not values.any()), f"each of the factors {', '.join(has)}")

    def _limits(self, symbols: Sequence[str], returns: Floats, session: date, exposures: Mapping[str, Floats]) -> WeightRanges:
        own = self.settings
        upper = np.full(len(symbols), min(own.max_weight / own.max_gross if own.max_gross else 1.0, 1.0))
        rows = [
            WeightLimit(
                name=_in_words(name, group),
                coefficients=np.isin(list(symbols), sorted(group.members(session))).astype(np.float64),
                low=group.least or -np.inf,
                high=group.most,
            )
            for name, group in sorted(own.groups.items())
            if group.least > 0.0 or group.most < 1.0
        ]
        market = returns.mean(axis=1)
        if own.min_beta is not None or own.max_beta is not None:
            centred = market - market.mean()
            betas = (centred[:, None] * returns).sum(axis=0) / max(float((centred * centred).sum()), 1e-300)
            low, high = -np.inf if own.min_beta is None else own.min_beta, np.inf if own.max_beta is None else own.max_beta
            rows.append(WeightLimit(name=f"beta from {low:g} to {high:g}", coefficients=betas, low=low, high=high))
        styles = {
            "momentum": (own.max_momentum, returns.sum(axis=0)),
            "volatility": (own.max_volatility_exposure, np.log(returns.std(axis=0) + 1e-9)),
        }
        for name, (most, style) in styles.items():
            if most is not None and style.std() > 0.0:
                exposure = (style - style.mean()) / style.std()
                rows.append(WeightLimit(name=f"{name} within {most:g} deviations", coefficients=exposure, low=-most, high=most))
        rows += factor_rows(own.factors, exposures)
        return WeightRanges(lower=np.zeros(len(symbols)), upper=upper, budget=min(1.0, float(upper.sum())), rows=rows)


def known_returns(returns: Floats) -> Floats:
    """Returns without gaps: of a symbol that has none in a session the mean of the others; where nobody has any, 0.

    Examples
    --------
    >>> known_returns(np.array([[0.1, np.nan, 0.3], [np.nan, np.nan, np.nan]])).tolist()
    [[0.1, 0.2, 0.3], [0.0, 0.0, 0.0]]
    """
    known = np.isfinite(returns)
    total, many = np.where(known, returns, 0.0).sum(axis=1), known.sum(axis=1)
    return np.where(known, returns, (total / np.maximum(many, 1))[:, None])


def fallback_weights(kind: str, returns: Floats, limits: WeightRanges) -> Floats:
    """A plain book: equal, or as one over the volatilities, within the limits from above; those from below may be missed, which `WeightRanges.broken` tells.

    Examples
    --------
    >>> fallback_weights("equal", np.zeros((3, 2)), WeightRanges(lower=np.zeros(2), upper=np.full(2, 0.6))).tolist()
    [0.5, 0.5]
    """
    shape = np.zeros(returns.shape[1]) if kind == "cash" else np.ones(returns.shape[1])
    if kind == "inverse_volatility":
        shape = 1.0 / np.maximum(returns.std(axis=0), 1e-6)
    return cut_to_limits(shape * (limits.budget / max(float(shape.sum()), 1e-300)), limits)


def cut_to_limits(weights: Floats, limits: WeightRanges) -> Floats:
    """Long weights, those of a group that has too much made smaller in proportion; what is cut stays in cash.

    Examples
    --------
    >>> limits = WeightRanges(lower=np.zeros(2), upper=np.full(2, 0.6), rows=(WeightLimit(name="a", coefficients=np.array([1.0, 0.0]), high=0.2),))
    >>> cut_to_limits(np.array([0.3, 0.7]), limits).tolist()
    [0.2, 0.6]
    """
    weights = np.minimum(weights, limits.upper)
    for _ in range(20):  # a cut for one limit may help or hurt another
        for row in limits.rows:
            for coefficients, most in ((row.coefficients, row.high), (-row.coefficients, -row.low)):
                adds = coefficients > 0.0
                above, below = float((weights * coefficients)[adds].sum()), float((weights * coefficients)[~adds].sum())
                if above + below > most + ROUNDING and above > 0.0:
                    weights[adds] *= min(max((most - below) / above, 0.0), 1.0)
    return weights


def _in_words(name: str, group: GroupLimit) -> str:
    parts = [f"at least {group.least:.4g}"] if group.least > 0.0 else []
    parts += [f"at most {group.most:.4g}"] if group.most < 1.0 else []
    return f"{name} {' and '.join(parts)}"
