"""Figures of features against loops over sessions with scipy, on panels with gaps, ties and columns that do not vary."""

from collections.abc import Callable

import numpy as np
import pytest
import scipy.stats as st
from hypothesis import given
from hypothesis import strategies as hs
from numpy.typing import NDArray

from ats_assets.evaluation.edge_test import newey_west_t
from ats_assets.evaluation.factor_panel import HorizonOutcomes, Outcomes
from ats_assets.evaluation.factor_skill import by_session, factor_skill
from ats_assets.evaluation.session_statistics import session_ranks
from ats_assets.evaluation.skill import quantile_of

Floats = NDArray[np.float64]
HORIZONS = (1, 3)


@hs.composite
def panels(draw: hs.DrawFn) -> tuple[Floats, dict[int, Floats]]:
    """A feature and its outcomes: few different values, so that there are ties; missing ones; no outcome at the end."""
    sessions, symbols = draw(hs.integers(1, 8)), draw(hs.integers(1, 12))
    random = np.random.default_rng(draw(hs.integers(0, 2**32 - 1)))
    levels, missing = draw(hs.sampled_from([1, 2, 4, 1_000])), draw(hs.sampled_from([0.0, 0.1, 0.6]))

    def matrix(scale: float) -> Floats:
        values = random.integers(0, levels, (sessions, symbols)) * scale - scale
        return np.where(random.random(values.shape) < missing, np.nan, values)

    outcomes = {}
    known = matrix(0.01)
    for horizon in HORIZONS:
        returns = known + horizon * 0.003 * random.integers(0, 3, known.shape)
        if draw(hs.booleans()):
            returns[random.random(known.shape) < 0.1] = np.nan  # other symbols than over the shortest horizon
        returns[max(0, sessions - horizon - 1) :] = np.nan
        outcomes[horizon] = returns
    return matrix(0.1), outcomes


def outcomes_of(returns: dict[int, Floats]) -> Outcomes:
    return Outcomes(horizons=[HorizonOutcomes(horizon_sessions=h, returns=one) for h, one in returns.items()])


def pearson(a: Floats, b: Floats) -> float:
    return float(st.pearsonr(a, b).statistic)


def spearman(a: Floats, b: Floats) -> float:
    return float(st.spearmanr(a, b).statistic)


def of_pairs(x: Floats, y: Floats, correlation: Callable[[Floats, Floats], float]) -> float:
    """The correlation over the symbols that have both; NaN where it is undefined."""
    both = ~np.isnan(x) & ~np.isnan(y)
    a, b = x[both], y[both]
    return float("nan") if len(a) < 3 or len(set(a)) == 1 or len(set(b)) == 1 else correlation(a, b)


@given(panels())
def test_figures_of_a_session_are_those_of_its_symbols_alone(panel: tuple[Floats, dict[int, Floats]]) -> None:
    values, returns = panel
    found = by_session(values, session_ranks(values), outcomes_of(returns))
    for figures, outcome in zip(found, returns.values(), strict=True):
        for t, (x, y) in enumerate(zip(values, outcome, strict=True)):
            assert figures.ic[t] == pytest.approx(of_pairs(x, y, pearson), abs=1e-9, nan_ok=True)
            assert figures.rank_ic[t] == pytest.approx(of_pairs(x, y, spearman), abs=1e-9, nan_ok=True)
            both = ~np.isnan(x) & ~np.isnan(y)
            quantiles = quantile_of(x[both]) if both.any() else np.zeros(0)
            for q in range(5):
                members = y[both][quantiles == q]
                expected = float(members.mean()) if len(members) else float("nan")
                assert figures.quantile_returns[t, q] == pytest.approx(expected, abs=1e-12, nan_ok=True)


@given(panels())
def test_what_a_feature_costs_to_follow_is_counted_name_by_name(panel: tuple[Floats, dict[int, Floats]]) -> None:
    values, returns = panel
    found = factor_skill("it", values, outcomes_of(returns), n_rows=values.size)
    assert found.coverage == pytest.approx(np.isfinite(values).mean())
    kept, new = [], []
    tops = []
    for row in values:
        there = np.flatnonzero(~np.isnan(row))
        quantiles = quantile_of(row[there]) if len(there) else np.zeros(0)
        tops.append(set(there[quantiles == 4].tolist()))
    for t in range(1, len(values)):
        ranks, before = (st.rankdata(row, nan_policy="omit") for row in (values[t], values[t - 1]))
        kept.append(of_pairs(ranks, before, pearson))
        if tops[t] and not np.isnan(values[t - 1]).all():
            new.append(len(tops[t] - tops[t - 1]) / len(tops[t]))
    defined = [value for value in kept if not np.isnan(value)]
    assert found.rank_autocorrelation == pytest.approx(np.mean(defined) if defined else None, abs=1e-9)
    assert found.turnover == pytest.approx(np.mean(new) if new else None)


def test_sums_over_sessions_are_those_of_the_report_on_skill() -> None:
    random = np.random.default_rng(3)
    values = random.normal(size=(200, 40))
    returns = {h: 0.02 * (0.1 * values + random.normal(size=values.shape)) for h in (1, 5)}
    for h, one in returns.items():
        one[200 - h - 1 :] = np.nan
    found = factor_skill("it", values, outcomes_of(returns), n_rows=values.size)
    for h, one in returns.items():
        ics = np.array([spearman(x, y) for x, y in zip(values, one, strict=True) if not np.isnan(y).any()])
        own = found.horizon(h)
        assert own.sessions == len(ics) == 200 - h - 1
        assert own.rank_ic == pytest.approx(ics.mean())
        assert own.rank_ic_t == pytest.approx(newey_west_t(ics, h))
        assert own.icir == pytest.approx(ics.mean() / ics.std(ddof=1))
        assert own.positive_share == pytest.approx((ics > 0).mean())
        assert own.quantile_returns[4] is not None
        assert own.quantile_returns[0] is not None
        assert own.spread == pytest.approx(own.quantile_returns[4] - own.quantile_returns[0])
        assert own.monotonicity == pytest.approx(1.0)


def test_the_opposite_feature_has_the_opposite_figures() -> None:
    random = np.random.default_rng(4)
    values, returns = random.normal(size=(100, 23)), {5: random.normal(size=(100, 23))}
    one, other = (factor_skill("it", sign * values, outcomes_of(returns), n_rows=values.size).horizon(5) for sign in (1, -1))
    assert one.rank_ic is not None
    assert one.rank_ic_t is not None
    assert other.rank_ic == pytest.approx(-one.rank_ic)
    assert other.rank_ic_t == pytest.approx(-one.rank_ic_t)


def test_a_feature_without_values_has_no_figures() -> None:
    found = factor_skill("it", np.full((30, 5), np.nan), outcomes_of({1: np.zeros((30, 5))}), n_rows=150)
    assert (found.coverage, found.rank_autocorrelation, found.turnover) == (0.0, None, None)
    assert (found.horizons[0].sessions, found.horizons[0].rank_ic, found.horizons[0].monotonicity) == (0, None, None)


@pytest.mark.parametrize("unit", [2.0**600, 2.0**-900, 2.0**1020])
def test_figures_do_not_depend_on_the_unit_of_a_feature(unit: float) -> None:
    """Squares of 1e200 are infinite, and had made an IC of 0; those of 1e-200 are zero, and had made none."""
    random = np.random.default_rng(5)
    values, returns = random.uniform(-1, 1, (6, 12)), random.normal(0, 0.01, (6, 12))
    returns[2, 3] = values[4, 1] = np.nan
    outcomes = outcomes_of({1: returns})
    figures, scaled = (factor_skill("f", x, outcomes, n_rows=72).horizon(1) for x in (values, values * unit))
    assert scaled.ic == pytest.approx(figures.ic, abs=1e-14)
    assert scaled.ic_t == pytest.approx(figures.ic_t, abs=1e-12)
    assert (scaled.rank_ic, scaled.quantile_returns) == (figures.rank_ic, figures.quantile_returns)
