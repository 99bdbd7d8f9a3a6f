"""How the returns are distributed: moments, tails, histogram."""

import math
from dataclasses import dataclass

import numpy as np

from ats_assets.backtests.metrics.ratios import NO_VARIANCE
from ats_assets.backtests.metrics.returns import Floats

TAIL = 0.05
"""Share of the returns that the value at risk leaves below it."""
_WIDTHS = (1.0, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """Counts between edges: `edges` has one more than `counts`; zero is an edge."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]


def skewness(returns: Floats) -> float | None:
    """The adjusted Fisher-Pearson coefficient G1 = sqrt(n (n - 1)) / (n - 2) * m3 / m2^1.5 (Joanes and Gill 1998), as pandas' and QuantStats' `skew`.

    Parameters
    ----------
    returns
        ndarray of shape (n_returns,); None for fewer than three, or without variance.

    Examples
    --------
    >>> round(skewness(np.array([-0.03, 0.01, 0.01, 0.01])), 3)  # rare large losses
    -2.0
    """
    n = len(returns)
    if n < 3 or not _varies(returns):
        return None
    m2, m3, _ = _moments(returns)
    return math.sqrt(n * (n - 1)) / (n - 2) * m3 / m2**1.5


def excess_kurtosis(returns: Floats) -> float | None:
    """G2 = (n - 1) / ((n - 2) (n - 3)) * ((n + 1) (m4 / m2^2 - 3) + 6) (Joanes and Gill 1998), as pandas' and QuantStats' `kurtosis`; zero for normal returns.

    Parameters
    ----------
    returns
        ndarray of shape (n_returns,); None for fewer than four, or without variance.

    Examples
    --------
    >>> round(excess_kurtosis(np.array([-0.05, 0.0, 0.0, 0.0, 0.0, 0.05])), 3)
    2.5
    """
    n = len(returns)
    if n < 4 or not _varies(returns):
        return None
    m2, _, m4 = _moments(returns)
    return (n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (m4 / m2**2 - 3.0) + 6.0)


def value_at_risk(returns: Floats, tail: float = TAIL) -> float | None:
    """The historical value at risk: the quantile of the returns at `tail`, with linear interpolation, as empyrical's `value_at_risk`.

    QuantStats' `value_at_risk` is the quantile of a normal distribution with the same mean and deviation instead, which understates fat tails.

    Parameters
    ----------
    returns
        ndarray of shape (n_returns,).

    Returns
    -------
    float or None
        A return, negative for a loss; None without returns.

    Examples
    --------
    >>> returns = np.arange(-0.05, 0.051, 0.001)
    >>> round(value_at_risk(returns, tail=0.05), 4), round(conditional_value_at_risk(returns, tail=0.05), 4)
    (-0.045, -0.0475)
    """
    known = returns[np.isfinite(returns)]
    return float(np.quantile(known, tail)) if len(known) else None


def conditional_value_at_risk(returns: Floats, tail: float = TAIL) -> float | None:
    """The expected shortfall: the mean of the returns that are not above the value at risk, as empyrical's `conditional_value_at_risk`.

    Parameters
    ----------
    returns
        ndarray of shape (n_returns,); None without returns.

    Examples
    --------
    >>> round(conditional_value_at_risk(np.array([-0.04, -0.02, 0.01, 0.03]), tail=0.5), 4)
    -0.03
    """
    known = returns[np.isfinite(returns)]
    at_risk = value_at_risk(known, tail)
    return None if at_risk is None else float(known[known <= max(at_risk, known.min())].mean())


def histogram(returns: Floats, most: int = 60) -> Histogram:
    """Counts in bins of a round width with zero as an edge, about as many as Freedman and Diaconis (1981) ask for: width 2 IQR / n^(1/3), at most `most` bins.

    Parameters
    ----------
    returns
        ndarray of shape (n_returns,); what is not finite is left out.

    Examples
    --------
    >>> found = histogram(np.array([-0.011, -0.004, 0.002, 0.003, 0.004, 0.012]))
    >>> [round(edge, 3) for edge in found.edges], found.counts
    ([-0.016, -0.008, 0.0, 0.008, 0.016], (1, 1, 3, 1))
    """
    known = returns[np.isfinite(returns)]
    if not len(known) or not _varies(known):
        return Histogram(edges=(), counts=())
    span = float(known.max() - known.min())
    low, high = np.quantile(known, [0.25, 0.75])
    width = _round_up(max(2.0 * float(high - low) / len(known) ** (1 / 3), span / (most - 1)))
    first, last = math.floor(float(known.min()) / width), math.floor(float(known.max()) / width) + 1
    places = np.clip(np.floor(known / width).astype(np.int64) - first, 0, last - first - 1)
    counts = np.bincount(places, minlength=last - first)
    return Histogram(edges=tuple(place * width for place in range(first, last + 1)), counts=tuple(counts.tolist()))


def _round_up(width: float) -> float:
    power = 10.0 ** math.floor(math.log10(width))
    return next(step * power for step in _WIDTHS if step * power >= width * (1 - 1e-9))


def _moments(returns: Floats) -> tuple[float, float, float]:
    centred = returns - returns.mean()
    return float((centred**2).mean()), float((centred**3).mean()), float((centred**4).mean())


def _varies(returns: Floats) -> bool:
    return bool(np.isfinite(returns).all() and returns.std() > NO_VARIANCE)
