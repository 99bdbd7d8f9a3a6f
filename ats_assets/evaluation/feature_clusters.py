"""Features that say the same, as clusters, and what they have in common with those of another time.

Features are put together by the correlation of their ranks, whatever its sign: one that is the other's negative says the same. They are merged by the mean distance
sqrt((1 - |correlation|) / 2), the nearest first, and of all numbers of clusters the one with the largest mean silhouette is taken (López de Prado, Machine Learning for Asset Managers,
2020, section 4.4.2, whose criterion is the silhouette, too).
"""

from collections.abc import Mapping, Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.evaluation.silhouette_groups import silhouette_groups

Floats = NDArray[np.float64]
CLUSTER_ROWS = 20_000
"""Of more rows of values every k-th counts."""


def feature_clusters(names: Sequence[str], ranks: Floats) -> dict[str, list[int]]:
    """The clusters: the name of each one's most typical feature -> the positions of its features.

    Parameters
    ----------
    names
        Of the columns.
    ranks
        ndarray of shape (n_rows, n_features): ranks or values, NaN = missing (it counts as the column's mean).

    Returns
    -------
    dict
        In the order of each cluster's first feature; the most typical one has the largest mean |correlation| with the others of its cluster.

    Examples
    --------
    >>> import numpy as np
    >>> a, b = np.random.default_rng(0).normal(size=(2, 100))
    >>> feature_clusters(["a", "b", "minus_a", "a_again"], np.column_stack([a, b, -a, a]))
    {'a': [0, 2, 3], 'b': [1]}
    """
    alike = np.abs(_correlations(ranks))
    best = silhouette_groups(np.sqrt(np.clip((1.0 - alike) / 2.0, 0.0, 1.0)))
    found: dict[str, list[int]] = {}
    for number in dict.fromkeys(best.tolist()):
        columns = np.flatnonzero(best == number)
        typical = int(columns[np.argmax(alike[np.ix_(columns, columns)].sum(axis=1))])
        found[names[typical]] = columns.tolist()
    return found


def clusters_of_values(rows: pl.DataFrame, names: Sequence[str]) -> dict[str, str]:
    """Feature -> the most typical feature of its cluster, by the correlation of ranks in each session (`feature_clusters`)."""
    kept = rows.filter(~pl.all_horizontal(pl.col(names).is_nan())).gather_every(max(1, rows.height // CLUSTER_ROWS))
    ranks = kept.select(
        pl.col(name).fill_nan(None).rank().over("session") / pl.col(name).fill_nan(None).count().over("session") for name in names
    )
    found = feature_clusters(names, ranks.to_numpy().astype(np.float64))
    return {names[place]: typical for typical, places in found.items() for place in places}


def importance_drift(before: Mapping[str, float], now: Mapping[str, float]) -> tuple[float, float]:
    """How much a model looks at other things than the one before it did.

    Parameters
    ----------
    before, now
        Feature -> importance, in any unit, never negative; a feature that one lacks counts as zero there.

    Returns
    -------
    rank_correlation : float
        Spearman's, of the importances; NaN where one of them is the same for all.
    moved : float
        The share of the importance that has moved to other features (total variation), 0 to 1; NaN where one adds up to nothing.

    Examples
    --------
    >>> importance_drift({"a": 3.0, "b": 1.0}, {"a": 6.0, "b": 2.0})[1]
    0.0
    >>> importance_drift({"a": 1.0}, {"b": 5.0})[1]
    1.0
    """
    names = sorted({*before, *now})
    one, other = (np.array([of.get(name, 0.0) for name in names]) for of in (before, now))
    moved = float(np.abs(one / one.sum() - other / other.sum()).sum() / 2.0) if one.sum() > 0 and other.sum() > 0 else float("nan")
    if len(np.unique(one)) < 2 or len(np.unique(other)) < 2:
        return float("nan"), moved
    return float(np.corrcoef(_average_ranks(one), _average_ranks(other))[0, 1]), moved


def _average_ranks(values: Floats) -> Floats:
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2.0)[inverse]


def _correlations(ranks: Floats) -> Floats:
    """Of each two columns, 0 where one does not move."""
    there = ~np.isnan(ranks)
    mean = np.divide(np.where(there, ranks, 0.0).sum(axis=0), there.sum(axis=0), out=np.zeros(ranks.shape[1]), where=there.any(axis=0))
    centred = np.where(there, ranks - mean, 0.0)
    size = np.sqrt((centred * centred).sum(axis=0))
    scaled = np.divide(centred, size, out=np.zeros_like(centred), where=size > 1e-12 * np.abs(mean) * np.sqrt(len(ranks)))
    found = scaled.T @ scaled
    np.fill_diagonal(found, 1.0)
    return np.clip(found, -1.0, 1.0)
