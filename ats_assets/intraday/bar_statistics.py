"""What bars hold: one pass over their ticks, in order, with one running sum a bar: a bar's bits are those of its ticks alone."""

# ruff: noqa: PLR0917 - kernels take arrays by position

from typing import NamedTuple

import numpy as np

from ats_assets.intraday.bar_ends import EXTREME, PRICED, TRADED, Codes, Floats, Places
from ats_assets.kernels.kernel import kernel


class BarSums(NamedTuple):
    """Statistics of bars, each of shape (n_bars,); sizes in shares (or the unit of the ticks), `dollars` in price times size."""

    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    dollars: Floats
    bought: Floats
    sold: Floats


@kernel
def bar_sums(price: Floats, size: Floats, codes: Codes, sides: Codes, begins: Places, ends: Places, groups: Places) -> BarSums:
    """Open, high, low and close of the ticks whose price counts for it, sums of those whose size counts.

    A bar in which no price counts has the last one before it in its session. High and low hold open and close.

    Parameters
    ----------
    price, size, codes
        Of ticks, of shape (n_ticks,).
    sides
        1 where the buyer, -1 where the seller was the one who took; 0 where that is not known, which counts for neither.
    begins, ends, groups
        Of bars, of shape (n_bars,); see `BarEnds`.
    """
    n = len(ends)
    opens, highs, lows, closes = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    volumes, dollars, bought, sold = np.empty(n), np.empty(n), np.empty(n), np.empty(n)
    last, group = np.nan, -1
    for k in range(n):
        last = last if groups[k] == group else np.nan
        group = groups[k]
        first, high, low = np.nan, -np.inf, np.inf
        volume, traded, buys, sells = 0.0, 0.0, 0.0, 0.0
        for i in range(np.uint64(begins[k]), np.uint64(ends[k])):
            code, value = codes[i], price[i]
            if code & PRICED:
                first = value if first != first else first  # noqa: PLR0124 - NaN
                last = value
            if code & EXTREME:
                high = max(high, value)
                low = min(low, value)
            if code & TRADED:
                shares = size[i]
                volume += shares
                traded += value * shares
                buys += shares if sides[i] > 0 else 0.0
                sells += shares if sides[i] < 0 else 0.0
        opens[k], closes[k] = last if first != first else first, last  # noqa: PLR0124 - NaN
        highs[k], lows[k] = max(high, opens[k], last), min(low, opens[k], last)
        volumes[k], dollars[k], bought[k], sold[k] = volume, traded, buys, sells
    return BarSums(opens, highs, lows, closes, volumes, dollars, bought, sold)


@kernel
def means_of_bars(values: Floats, begins: Places, ends: Places) -> Floats:
    """The mean of the values of each bar's ticks; NaN are left out, and a bar without any other is NaN."""
    means = np.empty(len(ends))
    for k in range(len(ends)):
        total, n = 0.0, 0
        for i in range(begins[k], ends[k]):
            if values[i] == values[i]:
                total += values[i]
                n += 1
        means[k] = total / n if n else np.nan
    return means
