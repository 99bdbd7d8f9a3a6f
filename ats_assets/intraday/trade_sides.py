"""Who took: whether a trade was bought or sold by the one who did not wait.

- **Tick rule**: bought where the price is above the last other price, sold where it is below.
- **Quote rule and tick rule** (Lee and Ready, Inferring trade direction from intraday data, Journal of Finance 46, 1991): bought above the midpoint of the
  quotes that stood before the trade, sold below it, at the midpoint the tick rule.
- **Bulk volume classification** (Easley, López de Prado and O'Hara, Flow toxicity and liquidity in a high-frequency world, Review of Financial Studies 25, 2012):
  of a bar's volume the share Phi(change of price / its standard deviation) was bought.
"""

import math

import numpy as np

from ats_assets.intraday.bar_ends import PRICED, Codes, Floats, Places
from ats_assets.kernels.kernel import kernel


@kernel
def tick_rule(price: Floats, codes: Codes, starts: Places) -> Codes:
    """1 for bought, -1 for sold, 0 before the first change of price in a group; a tick whose price does not count has the side before it.

    Parameters
    ----------
    price, codes
        Of ticks, of shape (n_ticks,).
    starts
        Of groups, of shape (n_groups + 1,).
    """
    sides = np.zeros(len(price), np.int8)
    for group in range(len(starts) - 1):
        last, side = np.nan, 0
        for i in range(starts[group], starts[group + 1]):
            if codes[i] & PRICED:
                value = price[i]
                side = 1 if value > last else (-1 if value < last else side)
                last = value
            sides[i] = side
    return sides


@kernel
def quote_rule(price: Floats, mid: Floats, otherwise: Codes) -> Codes:
    """1 above the midpoint, -1 below it, elsewhere (at the midpoint, or where there is none) what is given, all of shape (n_ticks,)."""
    sides = otherwise.copy()
    for i in range(len(price)):
        if price[i] > mid[i]:
            sides[i] = 1
        elif price[i] < mid[i]:
            sides[i] = -1
    return sides


@kernel
def bulk_shares(opens: Floats, closes: Floats, groups: Places, window: int, fewest: int) -> Floats:
    """The share of each bar's volume that was bought: Phi of its change of price over the root mean square of the last `window` changes, its own included.

    A change is counted from the close before, of a session's first bar from its own open. NaN where there are fewer than `fewest` bars of the session. Where no price
    has moved the share is a half.
    """
    shares = np.full(len(closes), np.nan)
    changes = np.empty(len(closes))
    first = 0
    for k in range(len(closes)):
        if k == 0 or groups[k] != groups[k - 1]:
            first = k
        changes[k] = closes[k] - (opens[k] if k == first else closes[k - 1])
        begin = max(first, k + 1 - window)
        if k + 1 - first >= fewest:
            squares = 0.0
            for j in range(begin, k + 1):
                squares += changes[j] * changes[j]
            deviation = math.sqrt(squares / (k + 1 - begin))
            shares[k] = 0.5 * math.erfc(-changes[k] / deviation / math.sqrt(2.0)) if deviation > 0.0 else 0.5
    return shares
