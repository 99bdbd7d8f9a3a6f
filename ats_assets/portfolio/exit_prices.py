"""The exits of a bracket, a take-profit and a stop-loss, by daily bars. Backtests and paper orders use this code.

At the open an exit is traded as any other order: a stop-loss that the open is at or beyond, at the open, however far the gap goes, and a take-profit that it is within. Within the session each is
filled at its own price where the bar's range touches it. A bar does not tell what came first: where it touches both, the stop-loss is taken to have come first, and a take-profit is not judged in a
session within which its position was made.
"""

from decimal import Decimal
from typing import Final, NamedTuple

from ats_assets.algorithms.price_grid import on_grid, price_step
from ats_assets.portfolio.limit_orders import is_touched

POSITION_GONE: Final = "position_gone"
"""Why an order that reduces a position is not filled where an exit has ended it before."""


class ExitPrices(NamedTuple):
    """Of one position; `sign` is that of the exits: -1 sells what is held, +1 covers a short."""

    sign: int
    take_profit: float
    stop_loss: float


class BarRange(NamedTuple):
    """Of one symbol in one session."""

    open: float
    low: float
    high: float


def stops_at_open(exits: ExitPrices, mark: float) -> bool:
    """Whether an open is at or beyond the stop-loss.

    Examples
    --------
    >>> exits = ExitPrices(sign=-1, take_profit=110.0, stop_loss=95.0)
    >>> stops_at_open(exits, 95.0), stops_at_open(exits, 95.01)
    (True, False)
    """
    return bool(exits.sign * mark >= exits.sign * exits.stop_loss)


def exit_within(exits: ExitPrices, bar: BarRange, *, entered_within: bool) -> tuple[float, bool] | None:
    """The price at which an exit is filled within a session, and whether it is the stop-loss; None where neither is touched.

    Parameters
    ----------
    entered_within
        Whether the position was made within this session, not at its open or before.

    Examples
    --------
    >>> exits = ExitPrices(sign=-1, take_profit=110.0, stop_loss=95.0)
    >>> exit_within(exits, BarRange(open=100.0, low=94.0, high=111.0), entered_within=False)  # both: the stop-loss
    (95.0, True)
    >>> exit_within(exits, BarRange(open=100.0, low=99.0, high=111.0), entered_within=False)
    (110.0, False)
    >>> exit_within(exits, BarRange(open=90.0, low=89.0, high=92.0), entered_within=False)  # made at an open beyond it: the market was never at 95
    (90.0, True)
    """
    sign, stop = exits.sign, exits.stop_loss
    if bar.low <= stop if sign < 0 else bar.high >= stop:
        return bar.open if sign * bar.open > sign * stop else stop, True
    if not entered_within and is_touched(exits.take_profit, sign, bar.low, bar.high):
        return exits.take_profit, False
    return None


def price_in_new_shares(symbol: str, price: Decimal, ratio: Decimal, *, sells: bool) -> Decimal:
    """An exit's price after a split, on the grid: one that sells is rounded up, one that buys down, as where it is sent to a broker.

    Examples
    --------
    >>> price_in_new_shares("AAA", Decimal("100.10"), Decimal(3), sells=True)
    Decimal('33.37')
    """
    exactly = price / ratio
    return on_grid(exactly, price_step(symbol, exactly), up=sells)
