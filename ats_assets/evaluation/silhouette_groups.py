"""Items put into groups by how far they are from each other, as many groups as tell them apart best: of trials of a strategy, and of features."""

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]
Groups = NDArray[np.int64]


def silhouette_groups(distances: Matrix, *, least: float = -1.0) -> Groups:
    """The grouping with the largest mean silhouette (Rousseeuw 1987), of all numbers of groups from 2 to one less than there are items.

    Parameters
    ----------
    distances
        ndarray of shape (n_items, n_items), symmetric, zero on the diagonal. The nearest are merged first, by the mean distance of their members.
    least
        Where no silhouette is above it each item is alone, as it is where there are fewer than three.

    Returns
    -------
    ndarray of int64 of shape (n_items,)
        The place of one of its members, for each group.

    Examples
    --------
    >>> places = np.array([0.0, 0.1, 5.0, 5.2])
    >>> silhouette_groups(np.abs(places[:, None] - places[None, :])).tolist()
    [0, 0, 2, 2]
    """
    n = len(distances)
    best, groups = least, np.arange(n)
    if n < 3:
        return groups
    member, alive = np.arange(n), np.ones(n, dtype=np.bool_)
    totals, sizes = distances.copy(), np.ones(n, dtype=np.int64)  # of each item to each group; a group has the place of one of its members
    places = [*range(n)]  # of the groups in the order in which they came to be
    from scipy.cluster.hierarchy import linkage  # noqa: PLC0415 - half a second to import
    from scipy.spatial.distance import squareform  # noqa: PLC0415 - half a second to import

    for one, other in linkage(squareform(distances, checks=False), "average")[: n - 2, :2].astype(np.int64):
        into, gone = places[one], places[other]
        places.append(into)
        member[member == gone] = into
        totals[:, into] += totals[:, gone]
        sizes[into] += sizes[gone]
        alive[gone] = False
        if (silhouette := _silhouette(totals, sizes, member, alive)) > best:
            best, groups = silhouette, member.copy()
    return groups


def _silhouette(totals: Matrix, sizes: Groups, member: Groups, alive: NDArray[np.bool_]) -> float:
    """The mean over all items of (b - a) / max(a, b): a is the mean distance to its own group, b to the nearest other; 0 for one that is alone."""
    own = sizes[member]
    inside = np.take_along_axis(totals, member[:, None], axis=1)[:, 0] / np.maximum(own - 1, 1)
    groups = np.flatnonzero(alive)
    means = totals[:, groups] / sizes[groups]
    means[np.arange(len(member)), np.searchsorted(groups, member)] = np.inf
    nearest = means.min(axis=1)
    largest = np.maximum(inside, nearest)
    return float(np.divide(nearest - inside, largest, out=np.zeros_like(inside), where=(own > 1) & (largest > 0)).mean())
