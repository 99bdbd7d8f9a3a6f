"""The brake: exposure falls with the account's own losses, in backtests, on paper and live by one function.

1. A session's return is the change of equity over the equity before, deposits and withdrawals left out.
2. The drawdown is how far these returns have taken the account below its highest point of the last `peak_sessions`. Up to `brake_from` exposure is whole, at `max_drawdown` it is `floor`, between
   them on a line. The window lets an account that was stopped begin again, when its old peak leaves it.
3. After a session that lost `max_session_loss` or more, exposure is at most `after_loss` for `cooldown_sessions` sessions.

All target weights are multiplied by the smaller of both; turnover limit and no-trade band then hold as ever.
"""

import numpy as np
from numpy.typing import NDArray

from ats_assets.kernels.kernel import kernel
from ats_assets.portfolio.kernel_settings import BrakeRules

Floats = NDArray[np.float64]
ROUNDING = 1e-12


@kernel
def exposure_factor(equity: Floats, paid_in: Floats, rules: BrakeRules) -> float:
    """How much of the targets is held after the newest session.

    Parameters
    ----------
    equity
        ndarray of shape (n_sessions,), at each close up to the newest; older ones than the rules look at do not matter.
    paid_in
        Deposits less withdrawals of each session, of shape (n_sessions,).

    Examples
    --------
    >>> from ats_assets.portfolio.kernel_settings import brake_rules
    >>> from ats_assets.settings import BrakeSettings
    >>> rules = brake_rules(BrakeSettings(brake_from=0.05, max_drawdown=0.15))
    >>> round(float(exposure_factor(np.array([100.0, 110.0, 99.0]), np.zeros(3), rules)), 3)  # 10 % below the peak: halfway
    0.5
    """
    n = len(equity)
    first = max(0, n - rules.peak_sessions)
    level, peak, factor = 1.0, 1.0, 1.0
    for t in range(first + 1, n):
        earned = (equity[t] - paid_in[t]) / equity[t - 1] - 1.0 if equity[t - 1] > 0.0 else 0.0
        level *= 1.0 + earned
        peak = max(peak, level)
        if earned <= -rules.max_session_loss and t >= n - rules.cooldown_sessions:
            factor = min(factor, rules.after_loss)
    drawdown = 1.0 - level / peak
    if drawdown >= rules.max_drawdown * (1.0 - ROUNDING):  # else what is left at just that drawdown is a rounding
        return min(factor, rules.floor)
    if drawdown > rules.brake_from:
        share = (drawdown - rules.brake_from) / (rules.max_drawdown - rules.brake_from)
        factor = min(factor, 1.0 - share * (1.0 - rules.floor))
    return factor
