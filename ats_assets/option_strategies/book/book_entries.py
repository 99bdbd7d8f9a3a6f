"""What is in the book of a strategy of options: rows of cash flows, positions, shares, and what ended; money in decimal numbers."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Final

from ats_assets.option_strategies.fills import CENT, ZERO
from ats_assets.options.contract import OptionContract, Right

CASH_FLOW_KINDS: Final = {
    "deposit": "the capital that the strategy begins with",
    "premium": "paid or received for contracts",
    "shares": "paid or received for shares",
    "fee": "of contracts that were traded, assigned or exercised",
    "assignment": "short contracts were assigned: shares change hands at the strike",
    "exercise": "long contracts were exercised: shares change hands at the strike",
    "expiry": "contracts expired: worthless, or settled in cash",
    "dividend": "paid for the shares that were held over the close before; paid by whoever was short of them",
    "split": "shares and contracts as they are after a corporate action",
    "in_lieu": "cash for a fraction of a share",
    "adjusted": "contracts whose deliverable a corporate action changes and that nobody quoted: closed at what they were worth exercised",
    "interest": "on cash below zero",
    "borrow": "for shares that are short",
}
"""What a row of the book can be."""


def to_cent(value: Decimal) -> Decimal:
    """To the nearest cent, half a cent away from zero.

    Examples
    --------
    >>> to_cent(Decimal("1.005")), to_cent(Decimal("-1.005"))
    (Decimal('1.01'), Decimal('-1.01'))
    """
    return value.quantize(CENT, ROUND_HALF_UP)


def intrinsic_value(contract: OptionContract, spot: Decimal) -> Decimal:
    """What a contract is worth exercised at once, for one share.

    Examples
    --------
    >>> from ats_assets.options.contract import contract_of
    >>> intrinsic_value(contract_of("AAPL140621C00093570"), Decimal("94.25"))
    Decimal('0.68')
    """
    value = spot - contract.strike if contract.right is Right.CALL else contract.strike - spot
    return max(value, ZERO)


@dataclass(frozen=True, kw_only=True)
class CashFlow:
    """A row of the book.

    Attributes
    ----------
    contract
        Symbol; None for a row without one.
    quantity
        Change of the contracts held.
    shares
        Change of the shares held of the underlying.
    price
        For one share; the strike of an assignment.
    cash, balance
        What the account received, negative where it paid, and the cash after it.
    detail
        What there is to say in words.
    """

    session: date
    strategy: str
    kind: str
    underlying: str | None
    contract: str | None
    quantity: int
    shares: Decimal
    price: Decimal | None
    cash: Decimal
    balance: Decimal
    detail: str


@dataclass(kw_only=True)
class OptionPosition:
    """A position as the book carries it; `mark` and `spot` are the last ones known, for one share."""

    contract: OptionContract
    underlying: str
    quantity: int
    multiplier: int
    style: str
    opened_session: date
    average_price: Decimal
    tag: str
    mark: Decimal
    spot: Decimal | None = None
    unquoted_sessions: int = 0

    @property
    def value(self) -> Decimal:
        """At the last mark, to the cent; negative for short."""
        return to_cent(self.quantity * self.multiplier * self.mark)


@dataclass(kw_only=True)
class ShareHolding:
    """Shares of an underlying: their number, what was paid for them (received, where short), and the last close known."""

    quantity: Decimal
    cost: Decimal
    spot: Decimal

    @property
    def value(self) -> Decimal:
        """At the last close, to the cent."""
        return to_cent(self.quantity * self.spot)


@dataclass(frozen=True, kw_only=True)
class ClosedPosition:
    """Contracts that are held no more.

    Attributes
    ----------
    quantity
        As they were held: negative for short.
    how
        "traded", "assigned", "exercised", "expired" or "adjusted".
    close_price
        For one share: what was traded at; what it was worth exercised, where it was assigned, exercised or expired.
    pnl
        To the cent, fees left out.
    """

    session: date
    strategy: str
    underlying: str
    contract: str
    quantity: int
    multiplier: int
    opened_session: date
    open_price: Decimal
    close_price: Decimal
    how: str
    tag: str
    pnl: Decimal
