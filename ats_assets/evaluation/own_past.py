"""When a figure of a window of sessions is unusual: beyond what windows of the same length showed in a past that is taken for sound.

Windows of a past are exchanged whole, as blocks: what is called recent in one of them keeps all its autocorrelation and all that symbols share, which a p-value of rows takes for evidence. So the
reference distribution is that of the same figure over each window of the past against the rest of it.

An alarm is looked for at each close, and windows of neighbouring sessions overlap: it is not the chance of one window that matters but that of any in a run as long as a window. Hence the largest
figures of such runs are collected, which are nearly independent, and the threshold is where a Gumbel distribution of theirs, as largest values have (Fisher and Tippett, 1928), is passed with the
wanted chance. Mean and deviation are estimated from few runs, and from fewer yet where a run is like the one before: so it lies farther out by as much as Student's quantile of a prediction for one more run
(Hahn and Meeker, Statistical Intervals, 1991, section 4.2) lies beyond the normal one.
"""

import numpy as np
from numpy.typing import NDArray

FEWEST_RUNS = 8
"""Fewer say nothing about a tail."""


def unusual_above(figures: NDArray[np.float64], run: int, chance: float) -> float:
    """The figure that a further run passes with this chance; infinity of fewer than `FEWEST_RUNS` runs, and NaN is left out.

    Parameters
    ----------
    figures
        Of the windows of the past in their order, one a session of their beginning, on a scale on which they are nearly normal (the logarithm of a distance).
    run
        Windows that overlap: the sessions of a window.
    chance
        That the largest figure of a run is above it, such as 0.1 a year * run / 252.

    Examples
    --------
    >>> steady = np.sin(np.arange(500.0))
    >>> bool(unusual_above(steady, 10, 0.01) > 1.0)
    True
    >>> float(unusual_above(steady[:20], 10, 0.01))
    inf
    """
    whole = figures[: len(figures) // run * run].reshape(-1, run)
    whole = whole[~np.isnan(whole).all(axis=1)]
    if len(whole) < FEWEST_RUNS:
        return float("inf")
    largest = np.nanmax(whole, axis=1)
    n = independent_runs(largest)
    deviation = largest.std() * np.sqrt(n / (n - 1.0))
    rare = min(chance, 0.25)
    beyond = student_quantile(1.0 - rare, n - 1.0) * np.sqrt(1.0 + 1.0 / n) / student_quantile(1.0 - rare, np.inf)
    return float(largest.mean() + gumbel_quantile(1.0 - chance) * beyond * deviation)


def gumbel_quantile(share: float) -> float:
    """The quantile of Gumbel's distribution with mean 0 and deviation 1.

    Examples
    --------
    >>> round(gumbel_quantile(0.999), 2)
    4.94
    """
    return float((-np.log(-np.log(share)) - np.euler_gamma) * np.sqrt(6.0) / np.pi)


def independent_runs(largest: NDArray[np.float64]) -> float:
    """How many independent values say as much of the mean: fewer where one is like the one before, as in a first-order autoregression; at least 3.

    Examples
    --------
    >>> independent_runs(np.array([1.0, -1.0, 1.0, -1.0, 1.0]))
    5.0
    """
    centred = largest - largest.mean()
    size = float((centred * centred).sum())
    alike = float((centred[1:] * centred[:-1]).sum()) / size if size > 0 else 0.0
    alike = min(max(alike, 0.0), 0.9)
    return max(3.0, len(largest) * (1.0 - alike) / (1.0 + alike))


def student_quantile(share: float, degrees: float) -> float:
    """The quantile of Student's t.

    Examples
    --------
    >>> round(student_quantile(0.975, 10), 3)
    2.228
    """
    from scipy.special import stdtrit  # noqa: PLC0415 - a tenth of a second that only an evaluation needs

    return float(stdtrit(degrees, share))
