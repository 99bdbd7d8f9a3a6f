"""How long scores stay what they are: the rank correlation of a session's scores with those of sessions before."""

import numpy as np
import polars as pl

from ats_assets.evaluation.session_statistics import Matrix, session_ranks


def score_persistence(predictions: pl.DataFrame, lags: int) -> list[float]:
    """The mean rank autocorrelation of scores over the sessions, from lag 0 to `lags`; 0 from the first lag on at which there is none.

    Parameters
    ----------
    predictions
        symbol, session, score; neighbouring sessions that are there count as neighbours.

    Examples
    --------
    >>> from datetime import date
    >>> days, symbols = [date(2024, 1, day) for day in (2, 3, 4)], ["a", "b", "c", "d"]
    >>> same = {"symbol": symbols * 3, "session": [day for day in days for _ in symbols], "score": [1.0, 2.0, 3.0, 4.0] * 3}
    >>> score_persistence(pl.DataFrame(same), 3)
    [1.0, 1.0, 1.0, 0.0]
    """
    wide = predictions.pivot(on="symbol", index="session", values="score").sort("session").drop("session")
    ranks = session_ranks(wide.cast(pl.Float64).fill_null(float("nan")).to_numpy().reshape(wide.height, wide.width))
    return [1.0, *(_at_lag(ranks, lag) for lag in range(1, lags + 1))]


def _at_lag(ranks: Matrix, lag: int) -> float:
    """Over the symbols that both sessions have; sessions whose ranks are all equal do not count."""
    if lag >= len(ranks):
        return 0.0
    later, earlier = ranks[lag:], ranks[:-lag]
    both = ~np.isnan(later) & ~np.isnan(earlier)
    count = np.maximum(both.sum(axis=1, keepdims=True), 1)
    a, b = (np.where(both, side, 0.0) for side in (later, earlier))
    a, b = (np.where(both, side - side.sum(axis=1, keepdims=True) / count, 0.0) for side in (a, b))
    size = np.sqrt((a * a).sum(axis=1) * (b * b).sum(axis=1))
    known = size > 0
    return float(((a * b).sum(axis=1)[known] / size[known]).mean()) if known.any() else 0.0
