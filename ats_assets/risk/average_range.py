"""How far a price moves in a session, as sizing and exits measure it: one definition, so that a position is as large as the stop that ends it allows.

The true range of a session is its highest price less its lowest, the close before counted among both. The average true range is Wilder's (New Concepts in Technical Trading Systems, 1978): of n
sessions, the one before times (n - 1) / n plus the session's true range times 1 / n. Its memory ends where a weight no longer counts (decision 12).
"""

from typing import Literal

RangeUnit = Literal["atr", "volatility"]


def average_true_range(sessions: int) -> str:
    """The expression of Wilder's average true range, in the quote currency.

    Examples
    --------
    >>> average_true_range(2)
    'EMA(If(Ref($close, 1) > 0, Greater($high, Ref($close, 1)) - Less($low, Ref($close, 1)), $high - $low), 3)'
    """
    before = "Ref($close, 1)"
    true_range = f"If({before} > 0, Greater($high, {before}) - Less($low, {before}), $high - $low)"
    return f"EMA({true_range}, {2 * sessions - 1})"


def range_expression(unit: RangeUnit, sessions: int) -> str:
    """The expression of a range in the quote currency: the average true range, or the standard deviation of the returns times the close.

    Examples
    --------
    >>> range_expression("volatility", 20)
    'Std($close / Ref($close, 1) - 1, 20) * $close'
    """
    return average_true_range(sessions) if unit == "atr" else f"Std($close / Ref($close, 1) - 1, {sessions}) * $close"
