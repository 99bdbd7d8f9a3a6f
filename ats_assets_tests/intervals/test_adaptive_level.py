"""The exact finite-sample rank, against counting and against crepes; and the hard bound of adaptive conformal inference, whatever the data do."""

from fractions import Fraction
from math import ceil, inf, isinf

import numpy as np
import pytest
from crepes import ConformalRegressor
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.intervals.adaptive_level import conformal_radius, followed_alphas, share_outside

LEVELS = ("0.5", "0.8", "0.9", "0.95", "0.99")


@pytest.mark.parametrize("level", LEVELS)
def test_the_rank_is_the_exact_one_and_the_next_score_is_inside_as_often_as_the_level_says(level: str) -> None:
    alpha = 1.0 - float(level)
    for n in range(1, 400):
        rank = ceil((n + 1) * Fraction(level))
        radius = conformal_radius(np.arange(1.0, n + 1.0), alpha)
        assert radius == (rank if rank <= n else inf), n
        # of n + 1 exchangeable scores each is equally likely to be the last: it is inside if it is among the `rank` smallest
        inside = Fraction(min(rank, n + 1), n + 1)
        assert Fraction(level) <= inside <= Fraction(level) + Fraction(1, n + 1), "not more than one rank too wide"


def test_crepes_agrees_but_where_it_takes_one_rank_too_many() -> None:
    differing = []
    for n in range(10, 60):
        residuals = np.arange(1.0, n + 1.0)
        theirs = ConformalRegressor().fit(residuals).predict_int(np.zeros(1), confidence=0.9)[0, 1]
        ours = conformal_radius(residuals, 0.1)
        assert theirs in {ours, ours + 1}
        differing += [n] if theirs != ours else []
    assert differing == [19, 29, 39, 49, 59], "where (n + 1) * 0.9 is whole, crepes is no oracle"


def test_edges_have_no_finite_radius() -> None:
    scores = np.arange(1.0, 10.0)
    assert isinf(conformal_radius(scores, 0.0))
    assert isinf(conformal_radius(scores, -0.3))
    assert conformal_radius(scores, 1.0) == conformal_radius(scores, 1.7) == -inf
    assert share_outside(scores, inf) == 0.0
    assert share_outside(scores, -inf) == 1.0
    assert share_outside(scores, 3.0) == pytest.approx(6 / 9)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.floats(0.0, 1.0), min_size=1, max_size=300),
    st.floats(0.01, 0.99),
    st.floats(0.001, 0.5),
    st.integers(1, 12),
    st.sampled_from(["drawn", "worst", "best", "by_level"]),
)
def test_the_hard_bound_holds_whatever_the_errors_are(shares: list[float], target: float, step: float, delay: int, how: str) -> None:
    """|mean error - target| <= (max(target, 1 - target) + delay * step) / (step * T); with a delay of 1 that of Gibbs and Candès."""
    errors: list[float] = []

    def judge(t: int, alpha: float) -> float:
        chosen = {"drawn": shares[t], "worst": 1.0, "best": 0.0, "by_level": float(alpha > shares[t])}[how]
        errors.append(0.0 if alpha <= 0.0 else 1.0 if alpha >= 1.0 else chosen)
        return errors[-1]

    known = [[t - delay] if t >= delay else [] for t in range(len(shares))]
    alphas = followed_alphas(judge, known, target=target, step=step)
    bound = (max(target, 1.0 - target) + delay * step) / (step * len(errors))
    assert abs(np.mean(errors) - target) <= bound + 1e-9
    assert -delay * step - 1e-9 <= alphas.min() <= alphas.max() <= 1.0 + delay * step + 1e-9
    assert alphas[0] == target


def test_a_session_that_nobody_can_judge_moves_nothing() -> None:
    alphas = followed_alphas(lambda t, alpha: None if t == 1 else 1.0, [[], [0], [1], [2]], target=0.5, step=0.1)
    assert alphas.tolist() == pytest.approx([0.5, 0.45, 0.45, 0.40])
