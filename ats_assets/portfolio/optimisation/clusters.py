"""Hierarchical risk parity: risk is divided between clusters that move together, then within them, without inverting a covariance.

López de Prado, "Building diversified portfolios that outperform out of sample", Journal of Portfolio Management 42, 2016: the distance of two symbols is sqrt((1 - correlation) / 2), their
clusters come from single linkage of the distances between columns of distances, symbols are put in the order of the tree, and each half of that order gets the share of the other's variance.
"""

import numpy as np
from numpy.typing import NDArray

from ats_assets.portfolio.optimisation.cholesky import product

Floats = NDArray[np.float64]


def hierarchical_weights(matrix: Floats) -> Floats:
    """The weights, positive and adding up to 1; of shape (n,).

    Parameters
    ----------
    matrix
        Covariance of shape (n, n), with positive variances.

    Examples
    --------
    >>> hierarchical_weights(np.diag([0.04, 0.01, 0.01])).round(4).tolist()
    [0.1111, 0.4444, 0.4444]
    """
    weights, parts = np.ones(len(matrix)), [tree_order(matrix)]
    while parts:
        halves = [(part[: len(part) // 2], part[len(part) // 2 :]) for part in parts if len(part) > 1]
        for left, right in halves:
            of_left, of_right = _cluster_variance(matrix, left), _cluster_variance(matrix, right)
            share = of_right / (of_left + of_right)
            weights[left] *= share
            weights[right] *= 1.0 - share
        parts = [half for pair in halves for half in pair]
    return weights / weights.sum()


def tree_order(matrix: Floats) -> NDArray[np.int64]:
    """The symbols in the order of the tree of their clusters, so that those that move together are neighbours; of shape (n,).

    Examples
    --------
    >>> tree_order(np.array([[1.0, 0.0, 0.9], [0.0, 1.0, 0.1], [0.9, 0.1, 1.0]])).tolist()
    [1, 0, 2]
    """
    from scipy.cluster.hierarchy import leaves_list, linkage  # noqa: PLC0415
    from scipy.spatial.distance import pdist  # noqa: PLC0415

    if len(matrix) < 2:
        return np.arange(len(matrix))
    deviations = np.sqrt(matrix.diagonal())
    correlations = np.clip(matrix / (deviations[:, None] * deviations), -1.0, 1.0)
    return leaves_list(linkage(pdist(np.sqrt(0.5 * (1.0 - correlations))), "single")).astype(np.int64)


def _cluster_variance(matrix: Floats, which: NDArray[np.int64]) -> float:
    """Of a cluster whose weights are as one over their variances."""
    inner = matrix[np.ix_(which, which)]
    weights = 1.0 / inner.diagonal()
    weights /= weights.sum()
    return float((weights * product(inner, weights)).sum())
