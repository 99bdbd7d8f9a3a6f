"""What is gained beside what it hurts: Omega, tail ratio, Kelly fraction, Ulcer index. A figure that the data do not define is None."""

import numpy as np

from ats_assets.backtests.metrics.drawdowns import drawdowns
from ats_assets.backtests.metrics.ratios import NO_VARIANCE
from ats_assets.backtests.metrics.returns import Floats


def omega_ratio(excess: Floats) -> float | None:
    """Gains over losses of the returns beyond the risk-free one: sum(max(excess, 0)) / sum(max(-excess, 0)) (Keating and Shadwick 2002, at that threshold).

    Examples
    --------
    >>> omega_ratio(np.array([0.02, -0.01, 0.01, -0.005]))
    2.0
    """
    if not np.isfinite(excess).all():
        return None
    lost = -float(np.minimum(excess, 0.0).sum())
    return float(np.maximum(excess, 0.0).sum()) / lost if lost > 0 else None


def tail_ratio(returns: Floats) -> float | None:
    """|95% quantile| / |5% quantile| of the returns, interpolated, as QuantStats' `tail_ratio`: above one where the good tail is the longer.

    Examples
    --------
    >>> round(tail_ratio(np.linspace(-0.01, 0.02, 301)), 3)
    2.176
    """
    if len(returns) < 20 or not np.isfinite(returns).all():
        return None
    low, high = (float(value) for value in np.quantile(returns, [0.05, 0.95]))
    return abs(high / low) if low != 0 else None


def kelly_fraction(excess: Floats) -> float | None:
    """The leverage at which the expected growth is the highest, were the returns what they were: mean(excess) / var(excess) (Thorp 2006, section 7.1). As uncertain as the mean is.

    Examples
    --------
    >>> round(kelly_fraction(np.tile([0.011, -0.009], 126)), 2)
    9.96
    """
    if len(excess) < 2 or not np.isfinite(excess).all():
        return None
    variance = float(excess.var(ddof=1))
    return float(excess.mean()) / variance if variance > NO_VARIANCE**2 else None


def ulcer_index(values: Floats) -> float | None:
    """The root of the mean squared drawdown, of all sessions (Martin and McCann 1989), as a fraction.

    Examples
    --------
    >>> ulcer_index(np.array([100.0, 120.0, 90.0, 120.0]))
    0.125
    """
    if len(values) < 2 or not np.isfinite(values).all():
        return None
    return float(np.sqrt(np.mean(drawdowns(values) ** 2)))
