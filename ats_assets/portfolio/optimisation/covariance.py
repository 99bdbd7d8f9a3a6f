"""Covariance of returns: exponential weights, and shrinkage towards what is estimated well.

The sample covariance of many symbols over few sessions makes of luck a low risk, and an optimiser looks for just that. So it is shrunk towards a simple target by as much as the estimated
loss is smallest:

- `constant_correlation`: each pair has the mean correlation (Ledoit and Wolf, "Honey, I shrunk the sample covariance matrix", Journal of Portfolio Management 30, 2004);
- `identity`: each variance is the mean variance, without correlation (Ledoit and Wolf, Journal of Multivariate Analysis 88, 2004).

With exponential weights w the sums over sessions are weighted, and 1 / T, by which the error of a mean falls, becomes the sum of w². All sums are added up in the order of the sessions,
so that the same returns give the same bits on any number of threads.
"""

# ruff: noqa: C901 - kernels are plain loops

from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import PortfolioError
from ats_assets.kernels.kernel import kernel

Floats = NDArray[np.float64]
Shrinkage = Literal["constant_correlation", "identity", "none"]
LEAST_VARIANCE: Final = 1e-12
"""Of a return a session: below it, a price that does not move would seem to be free of risk."""


def session_weights(sessions: int, half_life: float | None = None) -> Floats:
    """The weight of each session, ascending, that add up to 1.

    Parameters
    ----------
    half_life
        Sessions after which a weight is half as large; default: all are equal.

    Examples
    --------
    >>> session_weights(3, half_life=1).tolist()
    [0.14285714285714285, 0.2857142857142857, 0.5714285714285714]
    """
    if half_life is None:
        return np.full(sessions, 1.0 / sessions)
    weights = 0.5 ** (np.arange(sessions - 1, -1, -1) / half_life)
    return weights / weights.sum()


def covariance(returns: Floats, weights: Floats | None = None, shrinkage: Shrinkage = "constant_correlation") -> tuple[Floats, float]:
    """The covariance of returns a session.

    Parameters
    ----------
    returns
        ndarray of shape (n_sessions, n_symbols), finite, at least two sessions.
    weights
        Of shape (n_sessions,), that add up to 1; default: equal ones.

    Returns
    -------
    ndarray of shape (n_symbols, n_symbols), float
        The matrix, and the share of the target in it. Variances are those of the population (divided by T, as Ledoit and Wolf do).

    Raises
    ------
    PortfolioError
        If a return is not finite, or there are fewer than two sessions.

    Examples
    --------
    >>> matrix, share = covariance(np.array([[0.01, 0.02], [-0.01, 0.0], [0.03, -0.02]]), shrinkage="none")
    >>> (matrix * 1e4).round(2).tolist(), share
    ([[2.67, -1.33], [-1.33, 2.67]], 0.0)
    """
    returns = np.ascontiguousarray(returns, np.float64)
    if returns.ndim != 2 or len(returns) < 2 or not np.isfinite(returns).all():
        raise PortfolioError(
            f"a covariance needs finite returns of at least two sessions; got {returns.shape}, {int((~np.isfinite(returns)).sum())} of them not finite"
        )
    weights = session_weights(len(returns)) if weights is None else np.ascontiguousarray(weights, np.float64)
    if shrinkage == "none":
        sample, error, of_target = _sample.compiled(_centred.compiled(returns, weights), weights), 0.0, 0.0
    else:
        sample, error, of_target = _moments.compiled(_centred.compiled(returns, weights), weights, shrinkage == "constant_correlation")
    np.fill_diagonal(sample, np.maximum(sample.diagonal(), LEAST_VARIANCE))
    if shrinkage == "none" or len(sample) < 2:
        return sample, 0.0
    target = (
        constant_correlation(sample) if shrinkage == "constant_correlation" else np.diag(np.full(len(sample), sample.diagonal().mean()))
    )
    distance = float(((target - sample) ** 2).sum())
    share = (error - of_target) * float((weights**2).sum()) / distance if distance > 0.0 else 1.0
    share = min(max(share, 0.0), 1.0)
    return sample + share * (target - sample), share


def constant_correlation(sample: Floats) -> Floats:
    """The variances of a covariance matrix, and for each pair the mean correlation.

    Examples
    --------
    >>> constant_correlation(np.array([[1.0, 0.5, 0.1], [0.5, 1.0, 0.0], [0.1, 0.0, 4.0]])).round(3).tolist()
    [[1.0, 0.183, 0.367], [0.183, 1.0, 0.367], [0.367, 0.367, 4.0]]
    """
    n, deviations = len(sample), np.sqrt(sample.diagonal())
    scale = deviations[:, None] * deviations
    mean = float((sample / scale).sum() - n) / (n * (n - 1))
    target = mean * scale
    np.fill_diagonal(target, sample.diagonal())
    return target


@kernel
def _centred(returns: Floats, weights: Floats) -> Floats:
    """The returns less their weighted mean."""
    sessions, n = returns.shape
    mean = np.zeros(n)
    for t in range(sessions):
        for i in range(n):
            mean[i] += weights[t] * returns[t, i]
    return returns - mean


@kernel
def _sample(centred: Floats, weights: Floats) -> Floats:
    """The weighted covariance alone."""
    sessions, n = centred.shape
    sample, whole = np.zeros((n, n)), sessions - sessions % 4
    for i in range(n):
        row = sample[i, i:]  # views, and four sessions at once: then the loop is vectorised and reads the row seldom
        for t in range(0, whole, 4):
            a, b, c, d = weights[t : t + 4] * centred[t : t + 4, i]
            first, second, third, fourth = centred[t, i:], centred[t + 1, i:], centred[t + 2, i:], centred[t + 3, i:]
            for j in range(n - i):
                row[j] += (a * first[j] + b * second[j]) + (c * third[j] + d * fourth[j])
        for t in range(whole, sessions):
            once, others = weights[t] * centred[t, i], centred[t, i:]
            for j in range(n - i):
                row[j] += once * others[j]
        for j in range(i):
            sample[i, j] = sample[j, i]
    return sample


@kernel
def _moments(centred: Floats, weights: Floats, correlated: bool) -> tuple[Floats, float, float]:
    """The weighted covariance, the sum of the variances of its entries (of one session), and of these the part that the target shares with it.

    The second is Ledoit and Wolf's π; the third is ρ of a target of constant correlation, or π's own diagonal for a target whose entries are all estimated from many (there it is 0).
    """
    sessions, n = centred.shape
    sample, fourth, third = np.zeros((n, n)), np.zeros((n, n)), np.zeros((n, n))
    for i in range(n):
        first, second, last = sample[i], fourth[i], third[i]
        for t in range(sessions):
            a, others = centred[t, i], centred[t]
            once = weights[t] * a
            twice, thrice = once * a, once * a * a
            for j in range(n):
                x = others[j]
                first[j] += once * x
                second[j] += twice * (x * x)
                last[j] += thrice * x
    error = of_target = 0.0
    for i in range(n):
        for j in range(n):
            error += fourth[i, j] - sample[i, j] * sample[i, j]
    if not correlated or n < 2:
        return sample, error, of_target
    correlations = 0.0
    for i in range(n):
        for j in range(n):
            if i != j:
                correlations += sample[i, j] / np.sqrt(max(sample[i, i] * sample[j, j], 1e-300))
    mean_correlation = correlations / (n * (n - 1))
    for i in range(n):
        of_target += fourth[i, i] - sample[i, i] * sample[i, i]
        for j in range(n):
            if i != j and sample[i, i] > 0.0:
                ratio = np.sqrt(sample[j, j] / sample[i, i])
                of_target += mean_correlation * ratio * (third[i, j] - sample[i, i] * sample[i, j])
    return sample, error, of_target
