"""Planted groups are found, independent trials stay apart, and the silhouette is scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import silhouette_score

from ats_assets.errors import EvaluationError
from ats_assets.evaluation.trial_clusters import distinct, shared_correlations, trial_clusters
from ats_assets_tests.rounds import rounds


def planted(seed: int, n_sessions: int, bets: int, ways: int, noise: float) -> np.ndarray:
    random = np.random.default_rng(seed)
    return np.repeat(random.normal(0, 0.01, (n_sessions, bets)), ways, axis=1) + random.normal(0, noise * 0.01, (n_sessions, bets * ways))


@pytest.mark.parametrize(
    ("n_sessions", "bets", "ways", "noise"), [(60, 3, 4, 0.5), (250, 10, 10, 1.0), (250, 25, 4, 0.7), (250, 2, 10, 0.5)]
)
def test_planted_groups_are_found(n_sessions: int, bets: int, ways: int, noise: float) -> None:
    for seed in range(rounds(3, 50)):
        groups = trial_clusters(planted(seed, n_sessions, bets, ways, noise))
        assert groups.tolist() == np.repeat(np.arange(bets), ways).tolist()


@pytest.mark.parametrize("n_trials", [1, 2, 5, 60])
def test_independent_trials_each_count(n_trials: int) -> None:
    for seed in range(rounds(3, 50)):
        assert trial_clusters(planted(seed, 250, n_trials, 1, 0.0)).max() + 1 == n_trials


def test_trials_that_share_one_move_each_count_in_doubt() -> None:
    """Their common move makes the variance of their ratios as much smaller, so the deflated ratio is right for all of them."""
    assert trial_clusters(planted(0, 500, 1, 30, 0.5)).max() + 1 == 30


def test_the_same_under_other_names_counts_once_in_any_order() -> None:
    random = np.random.default_rng(0)
    bets = random.normal(0, 0.01, (300, 5))
    copies = np.tile(bets, 4) * np.repeat([1.0, 2.0, 0.5, 1.0], 5)
    groups = trial_clusters(copies)
    assert groups.tolist() == list(range(5)) * 4
    assert distinct(copies).tolist() == list(range(5))
    order = random.permutation(20)
    assert trial_clusters(copies[:, order]).max() == 4


def test_the_grouping_has_the_largest_silhouette_of_scikit_learn() -> None:
    series = planted(3, 120, 6, 5, 0.9)
    distances = np.sqrt(np.clip((1 - shared_correlations(series)) / 2, 0, 1))
    np.fill_diagonal(distances, 0.0)
    found = trial_clusters(series)
    best = silhouette_score(distances, found, metric="precomputed")
    other = np.where(found == found.max(), 0, found)
    assert best > silhouette_score(distances, other, metric="precomputed")
    assert best > 0.25


def test_correlations_are_numpys_over_the_sessions_that_both_have() -> None:
    random = np.random.default_rng(1)
    series = random.normal(1e6, 1.0, (90, 4))
    series[:40, 1] = np.nan
    series[30:, 2] = np.nan
    series[:, 3] = 5.0
    found = shared_correlations(series)
    assert found[0, 1] == pytest.approx(np.corrcoef(series[40:, 0], series[40:, 1])[0, 1], abs=1e-6)
    assert found[0, 2] == pytest.approx(np.corrcoef(series[:30, 0], series[:30, 2])[0, 1], abs=1e-6)
    assert found[1, 2] == 0.0  # no session in common
    assert found[3].tolist() == [0.0, 0.0, 0.0, 1.0]  # one that does not move resembles none


def test_what_can_not_be_grouped() -> None:
    assert trial_clusters(np.empty((0, 0))).tolist() == []
    assert trial_clusters(np.full((30, 3), np.nan)).tolist() == [0, 1, 2]
    with pytest.raises(EvaluationError, match="not those of trials"):
        trial_clusters(np.zeros(5))
