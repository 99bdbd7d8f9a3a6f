"""How good single features are, as alphalens has it: information coefficients by horizon, returns by quantile, coverage, turnover.

A feature's figures of a session are made of the symbols that have both a value and an outcome; a figure over many sessions is the mean over them. t-statistics are those of
`newey_west_t`, which allow for the overlap of the outcomes of neighbouring sessions.

Most sessions have the same symbols over each horizon, and a value for each of them. So:

1. A feature is ranked once, over all its values, and again in the sessions in which one of these has no outcome over the shortest horizon.
2. One product of matrices, (its ranks, its values, the members of its quantiles) x (ranked returns, returns), gives the figures of all horizons.
3. Sessions in which a horizon has other symbols, or the feature lacks a value where there is a return, are ranked anew, one horizon at a time.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ats_assets.evaluation.edge_test import newey_west_t
from ats_assets.evaluation.factor_panel import HorizonOutcomes, Outcomes
from ats_assets.evaluation.schema import QUANTILES
from ats_assets.evaluation.session_statistics import (
    Centred,
    Mask,
    Matrix,
    centred,
    means_by_quantile,
    quotient,
    session_quantiles,
    session_ranks,
)
from ats_assets.evaluation.skill import correlation


@dataclass(frozen=True, kw_only=True)
class FactorHorizon:
    """One feature over one horizon: means over the sessions that have a figure, None where none has. Returns are for the whole horizon, in shares of one."""

    horizon_sessions: int
    sessions: int
    """That have a rank IC."""
    ic: float | None
    ic_t: float | None
    rank_ic: float | None
    rank_ic_t: float | None
    icir: float | None
    """Mean of the rank IC over its standard deviation, for one session (not annualised)."""
    positive_share: float | None
    """Sessions with a rank IC above zero."""
    quantile_returns: tuple[float | None, ...]
    """Lowest values first."""
    spread: float | None
    """Return of the top quantile less that of the bottom one, where a session has both."""
    spread_t: float | None
    monotonicity: float | None
    """Spearman correlation of the quantiles' numbers and mean returns: 1 where each returns more than the one below."""


@dataclass(frozen=True, kw_only=True)
class FactorSkill:
    """One feature: its skill over each horizon, and what it would take to trade it."""

    feature: str
    coverage: float
    """Share of the rows that have a finite value."""
    rank_autocorrelation: float | None
    """Mean correlation of the ranks of a session and of the session before, over the series that have both."""
    turnover: float | None
    """Mean share of the top quantile that was not in it at the session before."""
    horizons: tuple[FactorHorizon, ...]

    def horizon(self, sessions: int) -> FactorHorizon:
        """The skill over one horizon."""
        return next(one for one in self.horizons if one.horizon_sessions == sessions)


@dataclass(frozen=True, kw_only=True)
class _BySession:
    """The figures of each session over one horizon: of shape (n_sessions,), NaN where undefined, and (n_sessions, 5)."""

    ic: Matrix
    rank_ic: Matrix
    quantile_returns: Matrix


def factor_skill(feature: str, values: Matrix, outcomes: Outcomes, *, n_rows: int) -> FactorSkill:
    """The figures of a feature.

    Parameters
    ----------
    values
        Of shape (n_sessions, n_series), NaN where missing; the sessions follow each other on the exchange.
    outcomes
        Of the same shape.
    n_rows
        Rows that could have a value.
    """
    ranks = session_ranks(values)
    own = ~np.isnan(values)
    kept, turnover = _stability(ranks, own)
    return FactorSkill(
        feature=feature,
        coverage=float(own.sum()) / n_rows if n_rows else 0.0,
        rank_autocorrelation=_mean(kept),
        turnover=_mean(turnover),
        horizons=tuple(
            _summed_up(one.horizon_sessions, figures)
            for one, figures in zip(outcomes.horizons, by_session(values, ranks, outcomes), strict=True)
        ),
    )


def by_session(values: Matrix, ranks: Matrix, outcomes: Outcomes) -> list[_BySession]:
    """The figures of each session, by horizon, in the three steps above; `ranks` are those of all values."""
    own = ~np.isnan(values)
    shared = own & outcomes.horizons[0].there
    ranks = _ranked_again(ranks, values, shared, own)
    of_values, of_ranks = centred(np.where(shared, values, np.nan)), centred(ranks)
    quantiles = session_quantiles(ranks)
    factors = np.empty((len(values), 2 + QUANTILES, values.shape[1]))
    factors[:, 0], factors[:, 1] = of_ranks.values, of_values.values
    for q in range(QUANTILES):
        np.equal(quantiles, q, out=factors[:, 2 + q], casting="unsafe")
    products = factors @ outcomes.products  # (n_sessions, 2 + quantiles, 4 of each horizon)
    found = []
    for i, one in enumerate(outcomes.horizons):
        with np.errstate(invalid="ignore"):
            rank_ic = np.clip(products[:, 0, 4 * i] / (of_ranks.norm * one.ranked.norm), -1.0, 1.0)
            ic = np.clip(products[:, 1, 4 * i + 1] / (of_values.norm * one.own.norm), -1.0, 1.0)
        means = quotient(products[:, 2:, 4 * i + 2], np.round(products[:, 2:, 4 * i + 3]))
        other = (shared != one.there).any(axis=1) | (shared & ~one.there).any(axis=1)
        _again(np.flatnonzero(other), values, own, one, _BySession(ic=ic, rank_ic=rank_ic, quantile_returns=means))
        found.append(_BySession(ic=ic, rank_ic=rank_ic, quantile_returns=means))
    return found


def _ranked_again(ranks: Matrix, values: Matrix, wanted: Mask, ranked: Mask) -> Matrix:
    """The ranks over `wanted`, recomputed in the sessions in which others were ranked, too."""
    rows = np.flatnonzero((wanted != ranked).any(axis=1))
    if not len(rows):
        return ranks
    ranks = ranks.copy()
    ranks[rows] = session_ranks(np.where(wanted[rows], values[rows], np.nan))
    return ranks


def _again(rows: np.ndarray, values: Matrix, own: Mask, outcomes: HorizonOutcomes, figures: _BySession) -> None:
    """Make the figures of some sessions anew, of the symbols that have both a value and a return."""
    if not len(rows):
        return
    both = own[rows] & outcomes.there[rows]
    x, y = np.where(both, values[rows], np.nan), np.where(both, outcomes.returns[rows], np.nan)
    ranks = session_ranks(x)
    figures.ic[rows] = centred(x).correlation(centred(y))
    figures.rank_ic[rows] = centred(ranks).correlation(centred(session_ranks(y)))
    figures.quantile_returns[rows] = means_by_quantile(session_quantiles(ranks), y)


def _stability(ranks: Matrix, own: Mask) -> tuple[Matrix, Matrix]:
    """Of each session but the first, the correlation with the ranks before, and the share of the top quantile that is new in it."""
    whole = centred(ranks)
    before = Centred(values=whole.values[:-1], norm=whole.norm[:-1])
    kept = Centred(values=whole.values[1:], norm=whole.norm[1:]).correlation(before)
    rows = np.flatnonzero((own[1:] != own[:-1]).any(axis=1))
    if len(rows):
        both = own[1:][rows] & own[:-1][rows]
        kept[rows] = centred(np.where(both, ranks[1:][rows], np.nan)).correlation(centred(np.where(both, ranks[:-1][rows], np.nan)))
    top = session_quantiles(ranks) == QUANTILES - 1
    new = quotient((top[1:] & ~top[:-1]).sum(axis=1), top[1:].sum(axis=1))
    return kept, np.where(own[:-1].any(axis=1), new, np.nan)


def _summed_up(horizon: int, figures: _BySession) -> FactorHorizon:
    rank_ics, ics = _defined(figures.rank_ic), _defined(figures.ic)
    spreads = _defined(figures.quantile_returns[:, -1] - figures.quantile_returns[:, 0])
    quantiles = tuple(_mean(figures.quantile_returns[:, q]) for q in range(QUANTILES))
    deviation = float(rank_ics.std(ddof=1)) if len(rank_ics) > 1 else 0.0
    mean = _mean(rank_ics)
    return FactorHorizon(
        horizon_sessions=horizon,
        sessions=len(rank_ics),
        ic=_mean(ics),
        ic_t=newey_west_t(ics, horizon),
        rank_ic=mean,
        rank_ic_t=newey_west_t(rank_ics, horizon),
        icir=mean / deviation if mean is not None and deviation > 0 else None,
        positive_share=float((rank_ics > 0).mean()) if len(rank_ics) else None,
        quantile_returns=quantiles,
        spread=_mean(spreads),
        spread_t=newey_west_t(spreads, horizon),
        monotonicity=_monotonicity(quantiles),
    )


def _monotonicity(quantiles: Sequence[float | None]) -> float | None:
    there = [(q, value) for q, value in enumerate(quantiles) if value is not None]
    if not there:
        return None
    numbers, means = (session_ranks(np.array([column], dtype=np.float64))[0] for column in zip(*there, strict=True))
    return correlation(numbers, means)


def _defined(values: Matrix) -> Matrix:
    return values[~np.isnan(values)]


def _mean(values: Matrix) -> float | None:
    found = _defined(values)
    return float(found.mean()) if len(found) else None
