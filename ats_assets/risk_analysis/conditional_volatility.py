"""The volatility of the next session, given those before it: exponential weights, and GARCH(1,1) by quasi maximum likelihood.

Each forecast is made of earlier returns alone. The parameters of GARCH are those of the whole sample: a figure of a report on it, not a signal.
"""

import math
from dataclasses import dataclass

import numpy as np

from ats_assets.risk_analysis.resampling import Floats

DECAY = 0.94
"""Of daily variances: RiskMetrics Technical Document, 1996."""


@dataclass(frozen=True, kw_only=True)
class Garch:
    """variance[t+1] = constant + shock * (r[t] - mean)^2 + kept * variance[t].

    Attributes
    ----------
    volatility
        Of shape (n_returns + 1,): the forecast of each return, and of the next.
    """

    mean: float
    constant: float
    shock: float
    kept: float
    volatility: Floats


def ewma_volatility(returns: Floats, decay: float = DECAY) -> Floats:
    """sqrt(v), v[t+1] = decay v[t] + (1 - decay) r[t]^2, begun from the first square; of shape (n_returns + 1,), the last is the forecast of the next return.

    Parameters
    ----------
    returns
        float64 of shape (n_returns,), at least one.

    Examples
    --------
    >>> ewma_volatility(np.array([0.01, 0.02, 0.0]), decay=0.5).round(5).tolist()
    [0.01, 0.01, 0.01581, 0.01118]
    """
    return _recursion(returns**2, 0.0, 1.0 - decay, decay, float(returns[0] ** 2))


def fitted_garch(returns: Floats) -> Garch | None:
    """Bollerslev's GARCH(1,1) (Journal of Econometrics 31, 1986) with a constant mean, by the normal likelihood; None where nothing varies or no optimum is found.

    Parameters
    ----------
    returns
        float64 of shape (n_returns,), finite.
    """
    mean, deviation = float(returns.mean()), float(returns.std())
    if deviation <= 1e-12 * max(1.0, float(np.abs(returns).max())):
        return None
    squares = ((returns - mean) / deviation) ** 2

    def parameters(free: Floats) -> tuple[float, float, float]:
        """Of any three numbers: a constant above 0, and shock + kept below 1."""
        persistence, share = 1.0 / (1.0 + math.exp(-free[1])), 1.0 / (1.0 + math.exp(-free[2]))
        return math.exp(free[0]), 0.9999 * persistence * share, 0.9999 * persistence * (1.0 - share)

    def loss(free: Floats) -> float:
        constant, shock, kept = parameters(np.clip(free, -30.0, 30.0))
        variance = _recursion(squares, constant, shock, kept, 1.0)[:-1] ** 2
        return float((np.log(variance) + squares / variance).mean()) / 2.0

    begun = [
        (math.log((1.0 - p) * 1.0), math.log(p / (1.0 - p)), math.log(s / (1.0 - s))) for p, s in ((0.98, 0.05), (0.9, 0.15), (0.6, 0.3))
    ]
    from scipy.optimize import minimize  # noqa: PLC0415 - half a second to import

    found = [minimize(loss, np.array(one), method="Nelder-Mead", options={"maxiter": 2000, "xatol": 1e-6, "fatol": 1e-10}) for one in begun]
    best = min(found, key=lambda one: float(one.fun))
    if not math.isfinite(float(best.fun)):
        return None
    constant, shock, kept = parameters(np.clip(best.x, -30.0, 30.0))
    volatility = deviation * _recursion(squares, constant, shock, kept, 1.0)
    return Garch(mean=mean, constant=constant * deviation**2, shock=shock, kept=kept, volatility=volatility)


def _recursion(squares: Floats, constant: float, shock: float, kept: float, first: float) -> Floats:
    """sqrt(v) of v[0] = first, v[t+1] = constant + shock squares[t] + kept v[t]."""
    from scipy.signal import lfilter  # noqa: PLC0415 - half a second to import

    found, _ = lfilter([1.0], [1.0, -kept], constant + shock * squares, zi=[kept * first])
    return np.sqrt(np.append(first, found))
