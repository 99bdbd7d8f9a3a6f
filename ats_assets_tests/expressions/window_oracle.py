"""The window operators computed naively in float64: one window at a time, by NumPy, from the definitions."""

from collections.abc import Callable
from functools import partial

import numpy as np

NAN = float("nan")


def is_flat(values: np.ndarray, *, qlib: bool) -> bool:
    """Whether known values hardly move: by qlib's absolute threshold, or by their mean."""
    deviation = np.std(values, ddof=1)
    return bool(deviation <= 2e-5 if qlib else deviation <= 2.0**-23 * abs(values.mean()))


def _line(values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    times = np.flatnonzero(~np.isnan(values))
    slope, intercept = np.polyfit(times, values[times], 1)
    return slope, intercept, times


def slope(values: np.ndarray) -> float:
    return float(_line(values)[0]) if np.count_nonzero(~np.isnan(values)) > 1 else NAN


def rsquare(values: np.ndarray, *, qlib: bool = False) -> float:
    known = ~np.isnan(values)
    if known.sum() < 2 or is_flat(values[known], qlib=qlib):
        return NAN
    return float(np.corrcoef(np.flatnonzero(known), values[known])[0, 1] ** 2)


def residual(values: np.ndarray) -> float:
    if np.count_nonzero(~np.isnan(values)) < 2 or np.isnan(values[-1]):
        return NAN
    gradient, intercept, _ = _line(values)
    return float(values[-1] - (gradient * (len(values) - 1) + intercept))


def rank(values: np.ndarray) -> float:
    known, newest = values[~np.isnan(values)], values[-1]
    return float(((known < newest).sum() + ((known == newest).sum() + 1) / 2) / known.size) if newest == newest else NAN


def _hardly_varies(values: np.ndarray, variance: float, *, qlib: bool) -> bool:
    return variance <= (1e-14 if qlib else 2.0**-46 * values.mean() ** 2)


def skewness(values: np.ndarray, *, qlib: bool = False) -> float:
    """The adjusted Fisher-Pearson coefficient."""
    n, gaps = values.size, values - values.mean()
    variance = np.mean(gaps**2)
    if np.ptp(values) == 0 or _hardly_varies(values, float(variance), qlib=qlib):
        return 0.0 if np.ptp(values) == 0 else NAN
    return float(np.sqrt(n * (n - 1)) / (n - 2) * np.mean(gaps**3) / variance**1.5)


def kurtosis(values: np.ndarray, *, qlib: bool = False) -> float:
    """Excess kurtosis by the unbiased cumulants."""
    n, gaps = values.size, values - values.mean()
    variance = np.mean(gaps**2)
    if np.ptp(values) == 0 or _hardly_varies(values, float(variance), qlib=qlib):
        return -3.0 if np.ptp(values) == 0 else NAN
    return float((n - 1) / ((n - 2) * (n - 3)) * ((n + 1) * (np.mean(gaps**4) / variance**2 - 3) + 6))


def wma(values: np.ndarray) -> float:
    """qlib's: the weights 1, 2, … add up to 1, and the products are averaged instead of added."""
    weights = np.arange(1, values.size + 1) / (values.size * (values.size + 1) / 2)
    return float(np.nanmean(weights * values)) if not np.isnan(values).all() else NAN


def ema(decay: float) -> Callable[[np.ndarray], float]:
    """Weights that shrink by `decay` each row."""

    def average(values: np.ndarray) -> float:
        known = np.flatnonzero(~np.isnan(values))
        if not known.size:
            return NAN
        weights = decay ** (known[-1] - known).astype(float)
        return float((weights * values[known]).sum() / weights.sum())

    return average


def of_known(function: Callable[[np.ndarray], float], least: int = 1) -> Callable[[np.ndarray], float]:
    """A statistic of the values that are not missing, itself missing where they are fewer than `least`."""

    def statistic(values: np.ndarray) -> float:
        known = values[~np.isnan(values)]
        return float(function(known)) if known.size >= least else NAN

    return statistic


def place(argument: Callable[[np.ndarray], int]) -> Callable[[np.ndarray], float]:
    return lambda values: float(argument(values) + 1) if not np.isnan(values).all() else NAN


ORACLE: dict[str, Callable[[np.ndarray], float]] = {
    "Sum($x, {n})": of_known(np.sum),
    "Mean($x, {n})": of_known(np.mean),
    "Count($x, {n})": lambda values: float(np.count_nonzero(~np.isnan(values))),
    "Var($x, {n})": of_known(lambda known: np.var(known, ddof=1), 2),
    "Std($x, {n})": of_known(lambda known: np.std(known, ddof=1), 2),
    "Max($x, {n})": of_known(np.max),
    "Min($x, {n})": of_known(np.min),
    "IdxMax($x, {n})": place(np.argmax),
    "IdxMin($x, {n})": place(np.argmin),
    "Med($x, {n})": of_known(np.median),
    "Quantile($x, {n}, 0.2)": of_known(lambda known: np.quantile(known, 0.2)),
    "Quantile($x, {n}, 0.8)": of_known(lambda known: np.quantile(known, 0.8)),
    "Rank($x, {n})": rank,
    "Skew($x, {n})": of_known(skewness, 3),
    "Kurt($x, {n})": of_known(kurtosis, 4),
    "Mad($x, {n})": of_known(lambda known: np.mean(np.abs(known - known.mean()))),
    "WMA($x, {n})": wma,
    "Slope($x, {n})": slope,
    "Rsquare($x, {n})": rsquare,
    "Resi($x, {n})": residual,
}
"""Expression to the statistic of a window's values, oldest first, NaN = missing."""

QLIB_ORACLE = ORACLE | {
    "Rsquare($x, {n})": partial(rsquare, qlib=True),
    "Skew($x, {n})": of_known(partial(skewness, qlib=True), 3),
    "Kurt($x, {n})": of_known(partial(kurtosis, qlib=True), 4),
}
"""The same with qlib's rule of flat windows."""

SHORTEST = {"Skew($x, {n})": 3, "Kurt($x, {n})": 4}
"""Rows of the shortest window, where that is more than 1."""


def pair_statistic(x: np.ndarray, y: np.ndarray, *, correlation: bool, qlib: bool = False) -> float:
    """Correlation or covariance of the rows where both are known."""
    both = ~np.isnan(x) & ~np.isnan(y)
    if both.sum() < 2:
        return NAN
    if not correlation:
        return float(np.cov(x[both], y[both])[0, 1])
    flat = any(is_flat(values[~np.isnan(values) if qlib else both], qlib=qlib) for values in (x, y))
    return NAN if flat or np.ptp(x[both]) == 0 or np.ptp(y[both]) == 0 else float(np.corrcoef(x[both], y[both])[0, 1])


def windows(values: np.ndarray, present: np.ndarray, n: int) -> list[np.ndarray]:
    """The window of each present row, from its first present row on."""
    result = []
    for row in np.flatnonzero(present):
        rows = np.arange(max(0, row - n + 1), row + 1)
        result.append(values[rows[np.argmax(present[rows])] : row + 1])
    return result
