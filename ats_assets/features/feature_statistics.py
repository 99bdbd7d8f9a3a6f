"""What the values of stored features look like over the newest sessions, and how far the newest of these lie from the others."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.features.value_bins import BINS, bin_edges, population_stability

QUANTILES: Final = (0.01, 0.25, 0.5, 0.75, 0.99)
NEWEST_SESSIONS: Final = 5
"""Whose values are compared with those of the sessions before them."""
Matrix = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class FeatureStatistics:
    """Figures of one feature over the rows of some sessions; None where there are too few values.

    Attributes
    ----------
    missing_share
        Of the rows, those without a finite value.
    deviation
        The standard deviation, by n - 1.
    quantiles
        At `QUANTILES`.
    psi
        The population stability index of the newest `NEWEST_SESSIONS` sessions against those before them, in bins that are the tenths of these; what is missing is one more bin.
    """

    name: str
    rows: int
    missing_share: float | None
    mean: float | None
    deviation: float | None
    quantiles: tuple[float, ...] | None
    psi: float | None


def feature_statistics(rows: pl.DataFrame, names: Sequence[str]) -> list[FeatureStatistics]:
    """The figures of features.

    Parameters
    ----------
    rows
        symbol, session, and a column for each of `names`; NaN = missing.

    Examples
    --------
    >>> from datetime import date
    >>> rows = pl.DataFrame({"session": [date(2024, 3, 1)] * 4, "x": [1.0, 2.0, 3.0, float("nan")]})
    >>> (one,) = feature_statistics(rows, ["x"])
    >>> one.rows, one.missing_share, one.mean, one.deviation, one.psi
    (4, 0.25, 2.0, 1.0, None)
    """
    days = rows["session"].unique().sort()
    newest = rows["session"].is_in(days.tail(NEWEST_SESSIONS).implode()).to_numpy()
    x = rows.select(pl.col(names).cast(pl.Float32)).to_numpy()
    stability = _stability(x, newest) if len(days) >= 2 * NEWEST_SESSIONS else None
    return [_of_feature(name, x[:, j], None if stability is None else float(stability[j])) for j, name in enumerate(names)]


def _of_feature(name: str, column: Matrix, psi: float | None) -> FeatureStatistics:
    values = column[np.isfinite(column)].astype(np.float64)
    n, rows = len(values), len(column)
    return FeatureStatistics(
        name=name,
        rows=rows,
        missing_share=1.0 - n / rows if rows else None,
        mean=float(values.mean()) if n else None,
        deviation=float(values.std(ddof=1)) if n > 1 else None,
        quantiles=tuple(np.quantile(values, QUANTILES).tolist()) if n else None,
        psi=psi,
    )


def _stability(x: Matrix, newest: NDArray[np.bool_]) -> NDArray[np.float64]:
    finite = np.where(np.isfinite(x), x, np.float32(np.nan))
    before, now = finite[~newest], finite[newest]
    edges = bin_edges(before)
    return population_stability(_counts(before, edges), _counts(now, edges))


def _counts(x: Matrix, edges: Matrix) -> NDArray[np.int64]:
    """Values of each feature by bin, (n_features, BINS + 1); what is missing is in the last."""
    found = np.zeros((x.shape[1], BINS + 1), np.int64)
    for j in range(x.shape[1]):
        there = x[~np.isnan(x[:, j]), j]
        found[j, :BINS] = np.bincount(np.searchsorted(edges[j], there, side="right"), minlength=BINS)
        found[j, BINS] = len(x) - len(there)
    return found
