"""Clusters of features against planted ones and scikit-learn's silhouette, and drift by hand."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from scipy.stats import spearmanr
from sklearn.metrics import silhouette_score

from ats_assets.evaluation.feature_clusters import clusters_of_values, feature_clusters, importance_drift


def planted(n_clusters: int, size: int, seed: int) -> np.ndarray:
    random = np.random.default_rng(seed)
    common = np.repeat(random.normal(size=(400, n_clusters)), size, axis=1)
    signs = random.choice([-1.0, 1.0], n_clusters * size)
    return signs * (common + 0.4 * random.normal(size=common.shape))


@pytest.mark.parametrize(("n_clusters", "size"), [(2, 3), (4, 5), (7, 2)])
def test_planted_clusters_are_found_whatever_the_signs(n_clusters: int, size: int) -> None:
    ranks = planted(n_clusters, size, seed=n_clusters)
    names = [f"f{i}" for i in range(n_clusters * size)]
    found = feature_clusters(names, ranks)
    assert sorted(found.values()) == [[*range(first, first + size)] for first in range(0, n_clusters * size, size)]
    assert all(names.index(name) in columns for name, columns in found.items())


def test_the_number_of_clusters_is_that_of_the_largest_silhouette() -> None:
    ranks = np.random.default_rng(1).normal(size=(60, 12))
    distance = np.sqrt(np.clip((1 - np.abs(np.corrcoef(ranks, rowvar=False))) / 2, 0, 1))
    np.fill_diagonal(distance, 0.0)
    tree = linkage(squareform(distance, checks=False), "average")
    scores = {n: silhouette_score(distance, fcluster(tree, n, "maxclust"), metric="precomputed") for n in range(2, 12)}
    assert len(feature_clusters([*"abcdefghijkl"], ranks)) == max(scores, key=scores.__getitem__)


def test_features_that_do_not_move_or_are_missing_are_clusters_of_their_own() -> None:
    a = np.sin(np.arange(50.0))
    ranks = np.column_stack([a, np.full(50, 7.0), a + 1e-3, np.full(50, np.nan)])
    assert feature_clusters(["a", "constant", "again", "missing"], ranks) == {"a": [0, 2], "constant": [1], "missing": [3]}
    assert feature_clusters(["one"], ranks[:, :1]) == {"one": [0]}
    assert feature_clusters([], ranks[:, :0]) == {}


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=2, max_size=8))
def test_drift_is_spearmans_correlation_and_the_share_that_moved(pairs: list[tuple[int, int]]) -> None:
    before, now = ({f"f{i}": float(pair[side]) for i, pair in enumerate(pairs)} for side in (0, 1))
    correlation, moved = importance_drift(before, now)
    one, other = np.array([*before.values()]), np.array([*now.values()])
    if one.sum() and other.sum():
        assert moved == pytest.approx(np.abs(one / one.sum() - other / other.sum()).sum() / 2)
    else:
        assert np.isnan(moved)
    if np.ptp(one) and np.ptp(other):
        assert correlation == pytest.approx(spearmanr(one, other).statistic)
    else:
        assert np.isnan(correlation)


def test_features_that_say_the_same_are_in_one_cluster() -> None:
    random = np.random.default_rng(3)
    days = np.repeat([date(2024, 1, 1) + timedelta(days=i) for i in range(10)], 20)
    a, b = random.standard_normal((2, 200)).astype(np.float32)
    a[::7] = np.nan
    frame = pl.DataFrame({"session": days.tolist(), "a": a, "b": b, "minus": -a, "cubed": a**3, "tripled": 3 * b})
    assert clusters_of_values(frame, ["a", "b", "minus", "cubed", "tripled"]) == {
        "a": "a",
        "minus": "a",
        "cubed": "a",
        "b": "b",
        "tripled": "b",
    }
