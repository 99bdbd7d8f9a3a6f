"""Which other feature a feature resembles most: what adds nothing to those that are there.

The correlation of two features is the mean, over sessions, of the correlation of their ranks; a missing value counts as the middle of its session. Ranks change little from day
to day, so that some sessions, evenly spaced, tell it as well as all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ats_assets.evaluation.session_statistics import Matrix, centred, session_ranks

SESSIONS = 126
"""That are looked at, at most."""


@dataclass(frozen=True, kw_only=True)
class Resemblance:
    """The feature that another resembles most, and the mean rank correlation of the two."""

    family: str
    feature: str
    rank_correlation: float


@dataclass(frozen=True, kw_only=True)
class Standardised:
    """Ranks of features: float32 of shape (n_features, n_sessions * n_series), of length 1 in each session; `defined`, of shape (n_features, n_sessions), says where they are."""

    names: Sequence[tuple[str, str]]
    """Family and feature."""
    values: NDArray[np.float32]
    defined: NDArray[np.float32]


def evenly_spaced(n: int, most: int = SESSIONS) -> NDArray[np.int64]:
    """The places of so many of `n` sessions at most, the last among them.

    Examples
    --------
    >>> evenly_spaced(10, 3)
    array([3, 6, 9])
    >>> evenly_spaced(2, 3)
    array([0, 1])
    """
    count = min(n, most)
    return n - 1 - (np.arange(count)[::-1] * n) // count if count else np.zeros(0, np.int64)


def standardised_ranks(matrices: Mapping[tuple[str, str], Matrix]) -> Standardised:
    """The ranks of features, by family and name, each of shape (n_sessions, n_series) with NaN for missing."""
    values, defined = [], []
    for matrix in matrices.values():
        ranks = centred(session_ranks(matrix))
        there = ~np.isnan(ranks.norm)
        scale = np.divide(1.0, ranks.norm, out=np.zeros(len(there)), where=there)
        values.append((ranks.values * scale[:, None]).astype(np.float32).reshape(-1))
        defined.append(there.astype(np.float32))
    return Standardised(names=list(matrices), values=np.array(values), defined=np.array(defined))


def closest(features: Standardised, others: Standardised) -> list[Resemblance | None]:
    """For each of the features the one of the others, itself left out, whose correlation is largest in size; None where there is none."""
    if not len(others.names):
        return [None] * len(features.names)
    sessions = features.defined @ others.defined.T
    rho = np.divide(features.values @ others.values.T, sessions, out=np.zeros(sessions.shape, np.float32), where=sessions > 0)
    found: list[Resemblance | None] = []
    for name, row, count in zip(features.names, rho, sessions, strict=True):
        size = np.array([-1.0 if other == name or not n else abs(r) for other, r, n in zip(others.names, row, count, strict=True)])
        best = int(size.argmax())
        family, feature = others.names[best]
        found.append(
            Resemblance(family=family, feature=feature, rank_correlation=float(np.clip(row[best], -1.0, 1.0))) if size[best] >= 0 else None
        )
    return found
