"""What a trade costs: commission, half of the spread, slippage. Money is int64 cents, so that accounts add up exactly.

A trade of `shares` at the reference price p (the open) has the notional |shares| * p. Its costs are
    commission = max(min_commission, notional * commission_bps / 10^4)
    spread     = notional * (spread_bps / 2) / 10^4
    slippage   = notional * slippage_bps / 10^4
each rounded to the cent (ties to even). Spread and slippage make the price worse, commission is charged beside it; all three leave the account
as cash. Their rates are the fixed ones of the settings, or those of a model of market impact, whose slippage depends on the notional
(`ats_assets.impact.impact_terms`). Backtests and paper orders use these functions.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ats_assets.impact.impact_terms import ImpactTerms, fixed_terms, slippage_bps_of
from ats_assets.kernels.kernel import kernel
from ats_assets.kernels.sums import nearest
from ats_assets.portfolio.kernel_settings import CostRules
from ats_assets.settings import BacktestSettings

Cents = NDArray[np.int64]


class TradeCosts(NamedTuple):
    """Costs of n trades, each an int64 array of cents of shape (n,)."""

    commission: Cents
    spread: Cents
    slippage: Cents

    @property
    def total(self) -> Cents:
        """The three together."""
        return self.commission + self.spread + self.slippage


@kernel
def cents(amount: NDArray[np.float64]) -> Cents:
    """Currency to cents, to the nearest, ties to even."""
    return np.rint(amount * 100.0).astype(np.int64)


def to_cents(amount: ArrayLike) -> Cents:
    """Currency to cents, to the nearest, ties to even; of anything that numpy takes for an array, or one number.

    Examples
    --------
    >>> from ats_assets.portfolio import to_cents
    >>> to_cents([1.005, 2.5])
    array([100, 250])
    """
    return cents(np.asarray(amount, dtype=np.float64))


def notional_cents(shares: ArrayLike, price: ArrayLike) -> Cents:
    """|shares| * price in cents.

    Examples
    --------
    >>> from ats_assets.portfolio import notional_cents
    >>> notional_cents([-10, 3], [12.5, 0.333])
    array([12500,   100])
    """
    return to_cents(np.abs(np.asarray(shares, dtype=np.float64)) * np.asarray(price, dtype=np.float64))


@kernel
def cents_of(amount: float) -> int:
    """One amount of currency in cents."""
    return int(nearest(amount * 100.0))


@kernel
def costs_of(notional: int, at: int, settings: BacktestSettings | CostRules, terms: ImpactTerms) -> tuple[int, int, int]:
    """Commission, spread and slippage of one trade in the symbol `at`, in cents; see `trade_costs`."""
    if notional == 0:
        return 0, 0, 0
    return (
        max(int(nearest(notional * settings.commission_bps / 1e4)), cents_of(settings.min_commission)),
        int(nearest(notional * terms.spread_bps[at] / 2e4)),
        int(nearest(notional * slippage_bps_of(notional, at, terms) / 1e4)),
    )


@kernel
def cost_of(notional: int, at: int, settings: BacktestSettings | CostRules, terms: ImpactTerms) -> int:
    """The three together."""
    commission, spread, slippage = costs_of(notional, at, settings, terms)
    return commission + spread + slippage


def trade_costs(notional: Cents, settings: BacktestSettings, terms: ImpactTerms | None = None) -> TradeCosts:
    """The costs of trades of the given notionals (cents, not negative); a notional of zero is no trade and costs nothing.

    Parameters
    ----------
    terms
        Of the symbol of each, arrays of the notionals' shape; None for the fixed rates.

    Examples
    --------
    >>> import numpy as np
    >>> from ats_assets.portfolio import trade_costs
    >>> from ats_assets.settings import BacktestSettings
    >>> settings = BacktestSettings(commission_bps=1.0, min_commission=1.0, spread_bps=4.0, slippage_bps=5.0)
    >>> costs = trade_costs(np.array([1_000_000]), settings)  # 10,000.00 in cents
    >>> costs.commission, costs.spread, costs.slippage
    (array([100]), array([200]), array([500]))
    >>> costs.total
    array([800])
    """
    terms = fixed_terms(settings, len(notional)) if terms is None else terms
    costs = np.array([costs_of(int(one), i, settings, terms) for i, one in enumerate(notional)], dtype=np.int64).reshape(-1, 3)
    return TradeCosts(*costs.T)


def fill_price(price: ArrayLike, buy: ArrayLike, settings: BacktestSettings) -> NDArray[np.float64]:
    """The price paid or received for one share: the reference price, worse by half the spread and the slippage.

    Examples
    --------
    >>> from ats_assets.portfolio import fill_price
    >>> from ats_assets.settings import BacktestSettings
    >>> settings = BacktestSettings(spread_bps=10.0, slippage_bps=5.0)
    >>> fill_price([100.0, 100.0], [True, False], settings)
    array([100.1,  99.9])
    """
    adverse = (settings.spread_bps / 2 + settings.slippage_bps) / 1e4
    return np.asarray(price, dtype=np.float64) * np.where(buy, 1.0 + adverse, 1.0 - adverse)
