"""Stability selection: rank ICs as SciPy's, features that tell something are kept, those that do not are left out."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from ats_assets.evaluation.stability_selection import chosen_shares, feature_rank_ics, kept_features

SESSIONS, SYMBOLS = 252, 20
HOW = {"resamples": 50, "block_sessions": 21, "chosen_share": 0.3}


def test_rank_ics_are_those_of_scipy_with_ties_and_what_is_missing_left_out() -> None:
    rng = np.random.default_rng(0)
    x = np.round(rng.standard_normal((60, 3)), 1).astype(np.float32)
    x[rng.random(x.shape) < 0.2] = np.nan
    x[20:40, 2] = 1.0
    y = np.round(rng.standard_normal(60), 1)
    found = feature_rank_ics(x, y, np.array([20, 20, 20]))
    for session in range(3):
        rows = slice(20 * session, 20 * session + 20)
        for feature in range(3):
            there = ~np.isnan(x[rows, feature])
            constant = len(np.unique(x[rows, feature][there])) < 2
            expected = 0.0 if constant else spearmanr(x[rows, feature][there], y[rows][there])[0]
            assert found[session, feature] == pytest.approx(expected, abs=1e-9)


def test_what_tells_something_is_kept_and_a_lucky_block_is_not_enough() -> None:
    rng = np.random.default_rng(1)
    ics = rng.normal(0.0, 0.2, (SESSIONS, 20))
    ics[:, :3] += 0.1
    ics[:, 3] -= 0.1  # either way
    ics[:21, 4] += 0.6  # one month, half of the mean of the others over the year
    shares = chosen_shares(ics, **HOW)
    assert kept_features(shares, kept_share=0.9, least=1).tolist() == [0, 1, 2, 3]
    assert 0.3 < shares[4] < 0.9
    assert shares.sum() == pytest.approx(0.3 * 20)


def test_features_that_tell_nothing_are_seldom_kept() -> None:
    kept = 0
    for seed in range(30):
        shares = chosen_shares(np.random.default_rng(seed).normal(0.0, 0.2, (SESSIONS, 20)), **HOW)
        kept += int((shares >= 0.9).sum())
    # Meinshausen and Bühlmann's bound of the expected number: q^2 / ((2 * 0.9 - 1) p), here 6 * 6 / (0.8 * 20) = 2.25 a time
    assert kept / 30 < 2.25
    assert kept / 30 < 0.1 * 20


def test_of_too_few_sessions_all_are_kept_and_without_correlation_none_is_chosen() -> None:
    """Of fewer than two blocks none was chosen, so that the first features by their order were kept, whatever they tell."""
    few = chosen_shares(np.ones((20, 4)), **HOW)
    assert kept_features(few, kept_share=0.75, least=1).tolist() == [0, 1, 2, 3]
    assert chosen_shares(np.zeros((SESSIONS, 4)), **HOW).tolist() == [0.0] * 4
    assert kept_features(np.zeros(4), kept_share=0.75, least=2).tolist() == [0, 1]
