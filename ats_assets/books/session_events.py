"""What an account went through in a session, in whole cents and whole units of shares, whoever kept it: a backtest, the paper broker or a live one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from ats_assets.portfolio import SHARE_DECIMALS

UNITS: Final = 10**SHARE_DECIMALS
"""Units of a share: the finest part that brokers take."""


def share_units(shares: float) -> int:
    """Shares as a whole number of units.

    Examples
    --------
    >>> share_units(-2.5)
    -2500000000
    """
    return round(shares * UNITS)


def cents_exactly(money: float) -> int:
    """Money that is a whole number of cents, as such.

    Examples
    --------
    >>> cents_exactly(-0.29)
    -29
    """
    return round(money * 100)


@dataclass(frozen=True, kw_only=True)
class AccountFill:
    """What was traded of an instrument in one go, on one side.

    Attributes
    ----------
    shares
        Units, negative for a sale.
    notional, commission, spread, slippage
        Cents, none negative; the price at which strategies trade with each other is notional over shares.
    delisted
        The instrument has ceased to trade: nobody holds any of it afterwards.
    """

    instrument: str
    shares: int
    notional: int
    commission: int = 0
    spread: int = 0
    slippage: int = 0
    delisted: bool = False

    @property
    def cash_flow(self) -> int:
        """What the account received, in cents."""
        return (-self.notional if self.shares > 0 else self.notional) - self.commission - self.spread - self.slippage


@dataclass(frozen=True, kw_only=True)
class Action:
    """What a corporate action made of an instrument before the open.

    Attributes
    ----------
    ratio
        New shares for an old one.
    payment
        Currency for an old share.
    price
        Of a new share, in currency: what a fraction was paid with; NaN where it is not known.
    """

    ratio: float = 1.0
    payment: float = 0.0
    price: float = float("nan")


@dataclass(frozen=True, kw_only=True)
class SessionEvents:
    """A session of an account, in the order of the attributes. All maps are by instrument.

    Attributes
    ----------
    borrowed
        Cents paid for shares that are short.
    interest
        Cents paid for a debit.
    actions
        Of instruments that have some.
    income
        Cents that they brought; negative where a short position paid.
    kept
        Units that the account held after them, before anything was traded; of every instrument of which it held any before or after.
    fills
        In order.
    quoted
        Price at the open of what could be traded there: at it, strategies trade with each other what the account does not trade.
    gone
        Price of what ceases to trade: what strategies hold of it against each other they close there.
    wanted
        Units that each strategy wants to hold, in the order of strategies, as decided at the close before, in shares of that time; None of one that holds what it has, and altogether where nobody had an opinion.
    only_smaller
        Instruments of which no strategy buys, and none sells short: a rule makes smaller what is held without signals.
    weight
        Of one unit in the equity, when it was decided: what the no-trade band is measured with.
    values
        Cents that the account's positions are worth at the close.
    prices
        At the close, in currency, of whatever a strategy may hold.
    cash
        The account's, in cents, at the close.
    symbols
        Tickers.
    """

    session: date
    borrowed: Mapping[str, int] = field(default_factory=dict)
    interest: int = 0
    actions: Mapping[str, Action] = field(default_factory=dict)
    income: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
    fills: Sequence[AccountFill] = ()
    quoted: Mapping[str, float] = field(default_factory=dict)
    gone: Mapping[str, float] = field(default_factory=dict)
    wanted: Mapping[str, Sequence[int | None]] | None = None
    only_smaller: Collection[str] = ()
    weight: Mapping[str, float] = field(default_factory=dict)
    values: Mapping[str, int]
    prices: Mapping[str, float]
    cash: int
    symbols: Mapping[str, str]
