"""Limit orders that are sent whole, by daily bars. Backtests and paper orders use this code.

At the open such an order is traded as any other where the open does not exceed its limit with what all of it costs. Else it waits, and is filled at its limit where the range of the
session's bar touches it: there only the commission is beside the price. A bar does not tell how often the price was there, nor who was first in the queue.
"""

from typing import Final

from ats_assets.impact.impact_terms import ImpactTerms, slippage_bps_of
from ats_assets.portfolio.costs import to_cents

NOT_REACHED: Final = "limit_not_reached"
"""Why such an order is not filled where the market did not come to its limit."""


def is_within(limit: float, sign: int, quantity: float, price: float, at: int, terms: ImpactTerms) -> bool:  # noqa: PLR0917 - an order, and its market
    """Whether a price does not exceed a limit with what all of the order costs.

    Parameters
    ----------
    sign
        +1 for a buy, -1 for a sell.
    at
        The place of the symbol among the terms.

    Examples
    --------
    >>> from ats_assets.impact.impact_terms import fixed_terms
    >>> from ats_assets.settings import BacktestSettings
    >>> terms = fixed_terms(BacktestSettings(spread_bps=20.0, slippage_bps=0.0), 1)
    >>> is_within(100.0, 1, 10.0, 99.95, 0, terms), is_within(100.0, 1, 10.0, 99.85, 0, terms)  # ten basis points: half the spread
    (False, True)
    """
    notional = int(to_cents(quantity * price)) if price > 0.0 else 0
    adverse = float((terms.spread_bps[at] / 2 + slippage_bps_of(notional, at, terms)) / 1e4)
    return bool(sign * price * (1.0 + sign * adverse) <= sign * limit)


def is_touched(limit: float, sign: int, low: float, high: float) -> bool:
    """Whether the range of a bar reaches a limit.

    Examples
    --------
    >>> is_touched(100.0, 1, 99.0, 103.0), is_touched(100.0, -1, 97.0, 99.0)
    (True, False)
    """
    return bool(low <= limit if sign > 0 else high >= limit)
