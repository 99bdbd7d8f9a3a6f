"""The volatility of a bar as it was known at its close: the exponentially weighted standard deviation of the returns of bars.

As `daily_volatility`, it is that of pandas' `ewm(span).std()` on a window that ends where the rest weighs 1e-8, and reaches back over so many sessions at most: the bits of a
bar are the same alone and in any range.
"""

import numpy as np

from ats_assets.expressions.averages import memory
from ats_assets.kernels.kernel import kernel
from ats_assets.labels.bar_paths import BarPaths, Floats, Places


def bar_volatility(paths: BarPaths, *, span_bars: int, min_bars: int, lookback_sessions: int) -> Floats:
    """The volatility of a bar, of shape (n_bars,); NaN where fewer than `min_bars` are known.

    Parameters
    ----------
    span_bars
        Span of the exponential weights: alpha = 2 / (span + 1).
    lookback_sessions
        Sessions of the exchange before the bar's own that are looked at.
    """
    window, decay = memory(span_bars)
    first = np.maximum(paths.begins(lookback_sessions), np.arange(len(paths.day)) - window + 1)
    found: Floats = _deviation.compiled(paths.returns(), first, decay ** np.arange(window), min_bars)
    return found


@kernel
def _deviation(values: Floats, first: Places, weights: Floats, least: int) -> Floats:
    """The mean first, then the squared distances from it, each added up from the newest to the oldest."""
    found = np.full(len(values), np.nan)
    for i in range(len(values)):
        total, mean, pairs, distances, count = 0.0, 0.0, 0.0, 0.0, 0
        for t in range(i, first[i] - 1, -1):
            value, weight = values[t], weights[i - t]
            if not np.isnan(value):
                count += 1
                pairs += weight * total  # products of two weights: (sum w)^2 - sum w^2, which is twice that, would cancel out
                total += weight
                mean += weight * value
        if count < max(least, 2):
            continue
        mean /= total
        for t in range(i, first[i] - 1, -1):
            value = values[t]
            if not np.isnan(value):
                distances += weights[i - t] * (value - mean) ** 2
        found[i] = np.sqrt(distances * total / (2.0 * pairs))
    return found
