"""What borrowing costs, and how much of it an account may bear. Backtests, paper orders and the plan use this code.

Shares sold short are borrowed, and pay a fee; cash below zero (a debit) is borrowed, and pays interest. Both accrue each calendar day on what stood at the close
before, as brokers reckon them, on a year of 360 days:

    fee = |value| * borrow_bps_a_year / 10^4 * days / 360        interest = debit * debit_bps_a_year / 10^4 * days / 360

Cash is never borrowed to open a position. A debit comes only of a short position: its cover, its delisting or a payment that it owes took more than there was.
Covers are never refused for want of cash, for they take risk away.

A position may be opened while the sum of |value| stays within equity / initial_share. An account is called for margin at a close where

    equity < maintenance_share_long * (value of longs) + maintenance_share_short * |value of shorts|

Then nothing is opened at the next open, and what is held is cut, all alike, until the sum of |value| is within equity / initial_share again; where equity is not
positive, everything is closed. What can't be traded stays, and counts; of what had no bar, or no volume, a cut is ordered that is made if it trades again.
"""

from collections.abc import Sequence

import numpy as np

from ats_assets.kernels.kernel import kernel
from ats_assets.kernels.sums import nearest
from ats_assets.kernels.weight_limits import Booleans, Floats, gross_limited, same_side
from ats_assets.portfolio.costs import Cents
from ats_assets.portfolio.kernel_settings import MarginRules
from ats_assets.settings import MarginSettings

DAYS_A_YEAR = 360
"""Of fees and interest: the convention of the money market."""


def borrow_rates(symbols: Sequence[str], settings: MarginSettings) -> Floats:
    """What borrowing each symbol costs in basis points a year, ndarray of shape (n_symbols,).

    Examples
    --------
    >>> from ats_assets.portfolio import borrow_rates
    >>> from ats_assets.settings import MarginSettings
    >>> borrow_rates(["AAPL", "GME"], MarginSettings(borrow_bps_by_symbol={"GME": 2500.0}))
    array([  50., 2500.])
    """
    own = settings.borrow_bps_by_symbol
    return np.array([own.get(symbol, settings.borrow_bps_a_year) for symbol in symbols], dtype=np.float64)


def borrow_fees(values: Cents, rates: Floats, days: int) -> Cents:
    """What the short ones among positions worth `values` cost over so many calendar days.

    Parameters
    ----------
    values
        ndarray of shape (n_symbols,): what the positions were worth at the close before, in cents, negative for short.
    rates
        ndarray of shape (n_symbols,), in basis points a year.
    days
        Calendar days since that close.

    Returns
    -------
    ndarray of shape (n_symbols,)
        In cents, not negative.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.portfolio import borrow_fees
    >>> borrow_fees(np.array([-3_600_000, 500_000]), np.array([50.0, 50.0]), days=3)
    array([150,   0])
    """
    return np.array([borrow_fee(int(value), rate, days) for value, rate in zip(values, rates.tolist(), strict=True)], dtype=np.int64)


@kernel
def borrow_fee(value: int, rate: float, days: int) -> int:
    """What one position costs; see `borrow_fees`."""
    return int(nearest(max(-value, 0) * (rate * days / (1e4 * DAYS_A_YEAR))))


@kernel
def debit_interest(cash_cents: int, settings: MarginSettings | MarginRules, days: int) -> int:
    """What cash below zero costs over so many calendar days, in cents.

    Examples
    --------
    >>> debit_interest(-1_000_000, MarginSettings(debit_bps_a_year=720.0), days=3)  # 10,000 borrowed over a weekend
    600
    """
    return int(nearest(max(0, -cash_cents) * (settings.debit_bps_a_year * days / (1e4 * DAYS_A_YEAR))))


@kernel
def called_for_margin(values: Cents, equity_cents: int, settings: MarginSettings | MarginRules) -> bool:
    """Whether the equity is less than positions worth `values` (cents, negative for short) need.

    Examples
    --------
    >>> margin = MarginSettings(maintenance_share_long=0.25, maintenance_share_short=0.3)
    >>> [called_for_margin(np.array([100_000, -100_000]), equity, margin) for equity in (56_000, 54_000)]
    [False, True]
    """
    longs, shorts = 0, 0
    for value in values:
        longs += max(value, 0)
        shorts += max(-value, 0)
    return bool(longs + shorts > 0 and equity_cents < settings.maintenance_share_long * longs + settings.maintenance_share_short * shorts)


@kernel
def weights_after_call(current: Floats, target: Floats, settings: MarginSettings | MarginRules, tradable: Booleans) -> Floats:
    """What to hold of what is held when called for margin: no more than wanted, and within the initial margin.

    Parameters
    ----------
    current, target
        ndarrays of shape (n_symbols,): weights held and wanted, negative for short.
    tradable
        ndarray of shape (n_symbols,): what can be sold or covered.
    """
    less = np.zeros(len(current))
    for i in range(len(current)):
        if not tradable[i]:
            less[i] = current[i]
        elif same_side(current[i], target[i]):
            less[i] = current[i] if abs(current[i]) <= abs(target[i]) else target[i]
    return gross_limited(less, 1.0 / settings.initial_share, tradable)
