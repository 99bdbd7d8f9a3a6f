"""Figures within each session: ranks, standard scores, correlations. Sums run over the rows of a session in their order, so that they are the same everywhere."""

import numpy as np
import polars as pl

from ats_assets.models.training_set import CrossSections


def rank_ic_by_session(rows: CrossSections, scores: np.ndarray) -> pl.DataFrame:
    """Spearman correlation of `scores` and labels: decision_session, rank_ic (null where either is constant)."""
    ranked = standardised(ranks(scores, rows.sizes), rows.sizes)
    ics = mean_product(ranked, standardised(ranks(rows.y, rows.sizes), rows.sizes), rows.sizes)
    defined = mean_product(ranked, ranked, rows.sizes) > 0
    return pl.DataFrame({"decision_session": rows.decision_sessions, "rank_ic": ics}).with_columns(
        pl.when(pl.Series(defined)).then("rank_ic").alias("rank_ic")
    )


def ranks(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Average ranks (from 1) within each session."""
    frame = pl.DataFrame({"v": values, "s": np.repeat(np.arange(len(sizes)), sizes)})
    return frame.select(pl.col("v").rank("average").over("s")).to_series().to_numpy()


def standardised(values: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """Mean 0 and deviation 1 within each session; 0 where constant. Sums run over the sorted rows of a session, in one order."""
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    centred = values - np.repeat(np.add.reduceat(values, starts) / sizes, sizes)
    deviation = np.sqrt(np.add.reduceat(centred * centred, starts) / sizes)
    scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=deviation > 1e-12)
    return centred * np.repeat(scale, sizes)


def mean_product(a: np.ndarray, b: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The mean of a * b within each session."""
    return np.add.reduceat(a * b, np.concatenate([[0], np.cumsum(sizes)[:-1]])) / sizes
