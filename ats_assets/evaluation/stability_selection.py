"""Features that are chosen again and again, whichever half of the past one looks at (Meinshausen and Bühlmann, Stability selection, 2010; Shah and Samworth, 2013, for complementary halves).

1. The rank IC of each feature in each session: how it orders the labels by itself.
2. Draw half of the blocks of neighbouring sessions, and take the half that is left as well.
3. In each half choose the features whose mean rank IC is largest, either way.
4. Keep those that are chosen in most halves.

A feature that tells something only beside another is not found so; one that is chosen by one lucky year is left out. What a model is stopped and judged by is never looked at.
"""

import numpy as np
import polars as pl
from numpy.typing import NDArray

Floats = NDArray[np.float64]
SEED = 2010


def feature_rank_ics(x: NDArray[np.float32], y: Floats, sizes: NDArray[np.int64]) -> Floats:
    """The Spearman correlation of each feature and the label in each session, shape (n_sessions, n_features).

    Rows whose feature is missing are left out; 0 where fewer than three are there, or either is constant.
    """
    session = np.repeat(np.arange(len(sizes)), sizes)
    found = np.zeros((len(sizes), x.shape[1]))
    for feature in range(x.shape[1]):
        rows = pl.DataFrame({"s": session, "x": x[:, feature].astype(np.float64), "y": y}).filter(
            pl.col("x").is_not_nan() & pl.col("y").is_not_nan()
        )
        ranked = rows.with_columns(pl.col("x", "y").rank("average").over("s"))
        ics = (
            ranked.group_by("s")
            .agg(pl.corr("x", "y").alias("ic"), pl.len().alias("n"))
            .filter((pl.col("n") >= 3) & pl.col("ic").is_finite())
        )
        found[ics["s"].to_numpy(), feature] = ics["ic"].to_numpy()
    return found


def chosen_shares(rank_ics: Floats, *, resamples: int, block_sessions: int, chosen_share: float) -> Floats:
    """In what share of the halves each feature is chosen, shape (n_features,).

    Parameters
    ----------
    rank_ics
        From `feature_rank_ics`, in the order of the sessions.
    resamples
        Halves that are drawn; with those that are left there are twice as many.
    block_sessions
        Neighbouring sessions that are drawn together.
    chosen_share
        Of the features, rounded up. A feature without any correlation is never chosen.

    Examples
    --------
    Of fewer than two blocks there are no halves, and nothing to choose by: all are chosen.

    >>> chosen_shares(np.array([[0.1, 0.0], [0.2, 0.0]]), resamples=10, block_sessions=21, chosen_share=0.5).tolist()
    [1.0, 1.0]
    """
    n_sessions, n_features = rank_ics.shape
    blocks = np.arange(n_sessions) // block_sessions
    n_blocks = int(blocks[-1]) + 1 if n_sessions else 0
    if n_blocks < 2:
        return np.ones(n_features)
    sums = np.zeros((n_blocks, n_features))
    np.add.at(sums, blocks, rank_ics)
    sizes = np.bincount(blocks).astype(np.float64)
    rng = np.random.Generator(np.random.Philox(SEED))
    count = int(np.ceil(chosen_share * n_features))
    chosen = np.zeros(n_features)
    for _ in range(resamples):
        half = rng.permutation(n_blocks) < n_blocks // 2
        for own in (half, ~half):
            strength = np.abs(sums[own].sum(axis=0) / sizes[own].sum())
            best = np.argsort(-strength, kind="stable")[:count]
            chosen[best[strength[best] > 0]] += 1.0
    return chosen / (2 * resamples)


def kept_features(shares: Floats, *, kept_share: float, least: int) -> NDArray[np.int64]:
    """The positions of the features that are kept, ascending.

    Examples
    --------
    >>> kept_features(np.array([0.2, 0.9, 0.5, 0.8]), kept_share=0.75, least=1).tolist()
    [1, 3]
    >>> kept_features(np.array([0.2, 0.9, 0.5, 0.8]), kept_share=0.95, least=2).tolist()
    [1, 3]
    """
    most = np.argsort(-shares, kind="stable")[:least]
    return np.union1d(np.flatnonzero(shares >= kept_share), most).astype(np.int64)
