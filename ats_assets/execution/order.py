"""What is sent to a broker, and what comes back: intents, orders, fills, positions, accounts. Quantities and prices are decimals, never binary fractions."""

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from ats_assets.algorithms.order_words import MAX_ID_LENGTH, Leg, OrderKind, OrderStatus, Side
from ats_assets.algorithms.price_grid import exact as exact  # noqa: PLC0414 - what reads and writes orders finds it here
from ats_assets.execution.contract_legs import ContractLeg
from ats_assets.execution.worked_intents import AT_EVENTS, OrderPart, WorkPlan
from ats_assets.requests.request_rows import MANUAL


@dataclass(frozen=True, kw_only=True)
class OrderIntent:
    """An order as it was decided, before any broker knows of it.

    Attributes
    ----------
    session
        The session at whose close it was decided; it is for the open of the next one.
    quantity
        Shares, positive; of option contracts the units of `legs`.
    decision_price
        The close that it was decided at.
    instrument
        What `symbol` stood for at that close (`ats_assets.corporate_actions.identity`), as known then; None for what was decided before that was written down.
    legs, book, rule, place
        Of an order for option contracts (`ats_assets.execution.option_intents`): what one unit is, the strategy of options that has decided it, by which of its
        rules, and as which of its decisions. Of an order in shares that a person has asked for, `book` is `MANUAL`.
    work
        Of a `worked` order: how; it is never sent to a broker that has a market of its own, parts of it are.
    part
        Of such a part: of which order.
    """

    client_order_id: str
    session: date
    strategy: str
    symbol: str
    side: Side
    leg: Leg
    quantity: Decimal
    kind: OrderKind
    decision_price: Decimal
    limit_price: Decimal | None = None
    take_profit: Decimal | None = None
    stop_loss: Decimal | None = None
    instrument: str | None = None
    legs: tuple[ContractLeg, ...] = ()
    book: str | None = None
    rule: str | None = None
    place: int | None = None
    work: WorkPlan | None = None
    part: OrderPart | None = None

    @property
    def by_person(self) -> bool:
        """Whether a person has asked for it: it is of no plan, and plans leave alone what it buys."""
        return self.book == MANUAL and not self.legs

    @property
    def at_event(self) -> bool:
        """Whether it was decided inside the session: a plan that is recorded meanwhile does not withdraw it."""
        return self.work is not None and self.work.why == AT_EVENTS


def client_order_id(session: date, strategy: str, symbol: str, leg: Leg, number: int = 1) -> str:
    """The id under which an order is known everywhere: the same decision always has the same one, so that no broker takes it twice.

    Parameters
    ----------
    number
        Of exits that are given several times in a session, which one; a plan has one order for each leg.

    Examples
    --------
    >>> client_order_id(date(2024, 3, 4), "main", "AAPL", Leg.OPEN)
    'main-20240304-AAPL-open'
    >>> client_order_id(date(2024, 3, 4), "main", "AAPL", Leg.CLOSE, number=2)
    'main-20240304-AAPL-close-2'
    >>> client_order_id(date(2024, 3, 4), "main", "BTC/USD", Leg.OPEN)  # no id may hold a slash
    'main-20240304-89ff61cf268b9d29'
    """
    what = f"{symbol}-{leg}" if number == 1 else f"{symbol}-{leg}-{number}"
    readable = f"{strategy}-{session:%Y%m%d}-{what}"
    if len(readable) <= MAX_ID_LENGTH and all(c.isascii() and (c.isalnum() or c in "-_.") for c in readable):
        return readable
    return f"{strategy}-{session:%Y%m%d}-{hashlib.sha256(what.encode()).hexdigest()[:16]}"


@dataclass(frozen=True, kw_only=True)
class BrokerOrder:
    """An order as the broker has it."""

    broker_order_id: str
    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    status: OrderStatus
    filled_quantity: Decimal
    filled_average_price: Decimal | None
    submitted_at: datetime
    updated_at: datetime
    reason: str | None = None
    """Why it was rejected, canceled or left unfilled."""
    legs: tuple["BrokerOrder", ...] = ()
    """Of a bracket: the take-profit and the stop-loss, orders of their own under client order ids that the broker has made, and those that replace them. Of a package: its legs."""
    replaced_by: str | None = None
    """The broker's id of the order that stands in for this one."""
    kind: OrderKind | None = None
    limit_price: Decimal | None = None
    """Of a part that a broker has made of a worked order itself."""


@dataclass(frozen=True, kw_only=True)
class ForeignOrder:
    """An order that can't be one of ours by its form: for an amount of money, of several legs, without a side or a symbol, or not to be read."""

    broker_order_id: str
    client_order_id: str
    description: str


@dataclass(frozen=True, kw_only=True)
class Fill:
    """One execution. `price` is what was paid or received for one share; `commission` and other fees are beside it, in currency.

    `quantity` counts contracts where `symbol` is one, each for `multiplier` shares.
    """

    fill_id: str
    broker_order_id: str
    client_order_id: str
    symbol: str
    side: Side
    quantity: Decimal
    price: Decimal
    fees: Decimal
    at: datetime
    multiplier: Decimal = Decimal(1)

    @property
    def cash_flow(self) -> Decimal:
        """What the account received for it, to the cent, fees deducted; negative for a buy."""
        return -self.side.sign * (self.quantity * self.price * self.multiplier).quantize(Decimal("0.01")) - self.fees


@dataclass(frozen=True, kw_only=True)
class Position:
    """Shares held of a symbol, negative for short. `cost` is what the account paid for them in all, negative for what a short sale brought in; None where it is not in dollars.

    Of an option it counts contracts, each for `multiplier` shares; `price` is for one share.
    """

    symbol: str
    quantity: Decimal
    cost: Decimal | None
    price: Decimal | None
    """That it is valued at; None where the broker has none, or none in dollars."""
    multiplier: Decimal = Decimal(1)

    @property
    def value(self) -> Decimal | None:
        """To the cent."""
        return None if self.price is None else (self.quantity * self.price * self.multiplier).quantize(Decimal("0.01"))


class EntryKind(StrEnum):
    """Of what changes an account besides fills."""

    TRANSFER = "transfer"
    DIVIDEND = "dividend"
    INTEREST = "interest"
    FEE = "fee"
    SPLIT = "split"
    CORPORATE_ACTION = "corporate_action"
    """A merger, spin-off, change of name, …"""
    ASSIGNMENT = "assignment"
    """Contracts that were sold are exercised by their holders; the shares are an entry of their own (`option_shares`)."""
    EXERCISE = "exercise"
    """Contracts that were bought are exercised."""
    EXPIRY = "expiry"
    """Contracts that have expired without being exercised."""
    OPTION_SHARES = "option_shares"
    """Shares, and the strike paid for them, of an assignment or an exercise."""
    OPTION_CASH = "option_cash"
    """What contracts that deliver no shares are settled with."""
    OTHER = "other"


@dataclass(frozen=True, kw_only=True)
class AccountEntry:
    """A change of the account that no fill made: a dividend, a split, a fee, a deposit.

    Attributes
    ----------
    quantity
        Change of the position in `symbol`: shares that a split added.
    cash
        Change of the cash.
    """

    entry_id: str
    kind: EntryKind
    at: datetime
    symbol: str | None
    quantity: Decimal
    cash: Decimal
    description: str


@dataclass(frozen=True, kw_only=True)
class AccountState:
    """The account at the broker, in its currency."""

    account_id: str
    at: datetime
    cash: Decimal
    equity: Decimal
    buying_power: Decimal
    trading_blocked: bool = False


@dataclass(frozen=True, kw_only=True)
class Instrument:
    """What the broker says of a symbol."""

    symbol: str
    tradable: bool
    fractionable: bool
    shortable: bool
    reason: str | None = None
    """Why it is not tradable, or not openable."""
    openable: bool = True
    """Whether a position may be opened or enlarged."""
    margin_factor: Decimal = Decimal(1)
    """How much buying power one unit of currency of it takes."""
    price_increment: Decimal | None = None
    """Of the prices that an order may name; None: by the rule of its market (`ats_assets.algorithms.price_grid`)."""
    quantity_increment: Decimal | None = None
    min_quantity: Decimal | None = None
