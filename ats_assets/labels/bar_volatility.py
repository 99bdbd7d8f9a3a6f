"""The volatility of a bar as it was known at its close: the exponentially weighted standard deviation of the returns of bars.

It is that of pandas' `ewm(span).std()` over the bars of the bar's own session and of so many before it. Weighted sums run from the first of these bars on, anew for each session:
a step a bar, and the same bits alone and in any range. A bar without a return has no weight, but ages the others.
"""

import numpy as np

from ats_assets.expressions.averages import memory
from ats_assets.kernels.kernel import kernel
from ats_assets.labels.bar_paths import BarPaths, Floats, Places


def bar_volatility(paths: BarPaths, *, span_bars: int, min_bars: int, lookback_sessions: int) -> Floats:
    """The volatility of a bar, of shape (n_bars,); NaN where fewer than `min_bars` are known, or two.

    Parameters
    ----------
    span_bars
        Span of the exponential weights: alpha = 2 / (span + 1).
    lookback_sessions
        Sessions of the exchange before the bar's own that are looked at.
    """
    _, decay = memory(span_bars)
    found: Floats = _deviation.compiled(paths.returns(), paths.begins(), paths.begins(lookback_sessions), decay, max(min_bars, 2))
    return found


@kernel
def _deviation(values: Floats, session: Places, first: Places, decay: float, least: int) -> Floats:
    """Means and squared distances as they change from value to value (West, Communications of the ACM 22, 1979), and the sum of products of two weights.

    Parameters
    ----------
    session, first
        The first bar of each bar's session, and the first one that is looked at, both of shape (n_bars,).
    """
    found = np.full(len(values), np.nan)
    weight, pairs, mean, distances, count = 0.0, 0.0, 0.0, 0.0, 0
    for i in range(len(values)):
        begin = i
        if session[i] == i:
            weight, pairs, mean, distances, count = 0.0, 0.0, 0.0, 0.0, 0
            begin = first[i]
        for t in range(begin, i + 1):
            value = values[t]
            weight *= decay
            pairs *= decay * decay
            distances *= decay
            if not np.isnan(value):
                count += 1
                pairs += weight  # the new value's weight is 1; (sum w)^2 - sum w^2, which is twice the pairs, would cancel out
                weight += 1.0
                off = value - mean
                mean += off / weight
                distances += off * (value - mean)
        if count >= least:
            found[i] = np.sqrt(distances * weight / (2.0 * pairs))
    return found
