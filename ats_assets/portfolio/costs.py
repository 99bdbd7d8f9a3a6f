"""What a trade costs: commission, half of the spread, slippage. Money is int64 cents, so that accounts add up exactly.

A trade of `shares` at the reference price p (the open) has the notional |shares| * p. Its costs are
    commission = max(min_commission, notional * commission_bps / 10^4)
    spread     = notional * (spread_bps / 2) / 10^4
    slippage   = notional * slippage_bps / 10^4
each rounded to the cent (ties to even). Spread and slippage make the price worse, commission is charged beside it; all three leave the account
as cash. Backtests and paper orders use these functions.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ats_assets.settings import BacktestSettings

Cents = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class TradeCosts:
    """Costs of n trades, each an int64 array of cents of shape (n,)."""

    commission: Cents
    spread: Cents
    slippage: Cents

    @property
    def total(self) -> Cents:
        """The three together."""
        return self.commission + self.spread + self.slippage


def to_cents(amount: ArrayLike) -> Cents:
    """Currency to cents, to the nearest, ties to even."""
    return np.rint(np.asarray(amount, dtype=np.float64) * 100.0).astype(np.int64)


def notional_cents(shares: ArrayLike, price: ArrayLike) -> Cents:
    """|shares| * price in cents."""
    return to_cents(np.abs(np.asarray(shares, dtype=np.float64)) * np.asarray(price, dtype=np.float64))


def trade_costs(notional: Cents, settings: BacktestSettings) -> TradeCosts:
    """The costs of trades of the given notionals (cents, not negative); a notional of zero is no trade and costs nothing."""
    proportional = np.rint(notional * settings.commission_bps / 1e4).astype(np.int64)
    least = to_cents(settings.min_commission)
    return TradeCosts(
        commission=np.where(notional > 0, np.maximum(proportional, least), 0),
        spread=np.rint(notional * settings.spread_bps / 2e4).astype(np.int64),
        slippage=np.rint(notional * settings.slippage_bps / 1e4).astype(np.int64),
    )


def fill_price(price: ArrayLike, buy: ArrayLike, settings: BacktestSettings) -> NDArray[np.float64]:
    """The price paid or received for one share: the reference price, worse by half the spread and the slippage."""
    adverse = (settings.spread_bps / 2 + settings.slippage_bps) / 1e4
    return np.asarray(price, dtype=np.float64) * np.where(buy, 1.0 + adverse, 1.0 - adverse)
