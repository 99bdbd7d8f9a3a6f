"""A linear model as a table: of each feature its centre, its spread and its weight, as JSON.

A feature counts in its distance from its median in units of its spread (1.4826 times the median distance from it, which is a deviation where values are normal, and the deviation itself
where more than half of the rows have one value), at most `clip_deviations` of them, and nothing where it is missing. Both are of the rows that were learnt from. Distances are whole
multiples of 2^-12, so that sums of their products are exact; see `linear_fit`.
"""

import json
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import ModelError

STEP: Final = 2.0**-12
"""Of the distances."""

OF_NORMAL: Final = 1.4826
"""A deviation in units of the median distance from the median, of normal values."""

Floats = NDArray[np.float64]


def feature_scales(x: NDArray[np.float32]) -> tuple[Floats, Floats]:
    """Centre and spread of each feature, of shape (n_features,); the spread is 0 of a feature that tells no two rows apart.

    Examples
    --------
    >>> feature_scales(np.array([[1, 5], [2, 5], [3, np.nan], [100, 5]], dtype=np.float32))[0].tolist()
    [2.5, 5.0]
    """
    centre, spread = np.zeros(x.shape[1]), np.zeros(x.shape[1])
    for at in range(x.shape[1]):
        known = x[np.isfinite(x[:, at]), at].astype(np.float64)
        if len(known):
            centre[at] = np.median(known)
            spread[at] = OF_NORMAL * np.median(np.abs(known - centre[at])) or known.std()
    return centre, spread


def distances(x: NDArray[np.float32], centre: Floats, spread: Floats, clip_deviations: float) -> NDArray[np.float32]:
    """How far features are from their centres, in spreads: float32 of the shape of `x`, finite; they have 16 bits, which float32 holds."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = (x.astype(np.float64) - centre) / np.where(spread > 0, spread, np.inf)
    found = np.clip(np.where(np.isfinite(x), found, 0.0), -clip_deviations, clip_deviations)
    return (np.round(np.nan_to_num(found) / STEP) * STEP).astype(np.float32)


class LinearScorer:
    """A loaded linear model.

    Parameters
    ----------
    table
        What `linear_text` wrote.
    """

    def __init__(self, table: dict[str, Any]) -> None:
        self._centre, self._spread, self._weight = (np.array(table[name], dtype=np.float64) for name in ("centre", "spread", "weight"))
        self._clip, self._intercept = float(table["clip_deviations"]), float(table["intercept"])

    def predict(self, x: NDArray[np.float32], *, threads: int = 1) -> Floats:
        """The sum of the contributions: float64 of shape (n_rows,)."""
        return self.contributions(x, threads=threads).sum(axis=1)

    def contributions(self, x: NDArray[np.float32], *, threads: int = 1) -> Floats:  # noqa: ARG002 - a product for each value
        """Each feature's distance times its weight, and last the intercept: float64 of shape (n_rows, n_features + 1)."""
        if x.shape[1] != len(self._weight):
            raise ModelError(f"the rows have {x.shape[1]} features, those of the model have {len(self._weight)}")
        found = np.empty((len(x), x.shape[1] + 1))
        found[:, :-1] = distances(x, self._centre, self._spread, self._clip) * self._weight
        found[:, -1] = self._intercept
        return found


def linear_text(
    features: Sequence[str], centre: Floats, spread: Floats, weight: Floats, *, intercept: float, clip_deviations: float
) -> bytes:
    """The model as JSON, one line a feature; numbers as Python writes them, which is exact."""
    columns = {"features": list(features), "centre": centre.tolist(), "spread": spread.tolist(), "weight": weight.tolist()}
    told = {"intercept": intercept, "clip_deviations": clip_deviations} | columns
    return (json.dumps(told, indent=0, allow_nan=False) + "\n").encode()


def linear_scorer(content: bytes) -> LinearScorer:
    """The model of such a JSON.

    Raises
    ------
    ModelError
        If it is none.
    """
    try:
        return LinearScorer(json.loads(content))
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"these bytes are no table of a linear model: {error}") from error
