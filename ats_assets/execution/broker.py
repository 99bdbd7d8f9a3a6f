"""What a broker is, and how it says no.

Four ways in which sending an order can fail must never be mistaken for one another: the broker refused it (`OrderRejectedError`), it was not sent at all
(`NotSentError`), the broker has an order of this id already (`DuplicateOrderError`), and nobody knows (`OutcomeUnknownError`: an answer that is lost, late, or
makes no sense). After the last two, only `find` can tell.

That a broker takes a client order id once, for all time, is the last guard of exactly-once: a request that was delayed on its way, and arrives after the
same order was sent again, meets it. A broker without it can't be used here.

A broker is one module of `brokers/`, or one's own, with an object `PLUGIN` of the class `BrokerPlugin`, whose `make` is called with its own settings (`[brokers.<name>]`) and
a `BrokerOpening`.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol, TypeVar, runtime_checkable

from pydantic import BaseModel

from ats_assets.alerts import AlertSink
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.execution.clock import Clock
from ats_assets.execution.order import AccountEntry, AccountState, BrokerOrder, Fill, ForeignOrder, Instrument, OrderIntent, Position
from ats_assets.option_strategies.book import OptionBook
from ats_assets.plugins import Plugin
from ats_assets.settings import Settings
from ats_assets.trade_state import TradeState

S = TypeVar("S", bound=BaseModel)


class BrokerError(AtsError):
    """The broker can't be asked, or says no."""


class KeysRefusedError(BrokerError):
    """The broker does not know us: no repetition helps, other keys do."""


class OrderRejectedError(BrokerError):
    """The broker has refused the order, for good."""


class NotSentError(BrokerError):
    """The broker has certainly not got the order: nothing was connected, or it was turned away before it was read (rate limit)."""


class DuplicateOrderError(BrokerError):
    """The broker has an order of this client order id already, and has made no second one."""


class OutcomeUnknownError(BrokerError):
    """The broker may or may not have the order."""


class SessionClosedError(BrokerError):
    """The broker's calendar has no such session, but later ones: the exchange was closed, and our calendar did not know."""


class Broker(Protocol):
    """Where orders go. Each method raises `BrokerError` where the broker can't be asked."""

    @property
    def name(self) -> str:
        """A short name: paper, alpaca."""
        ...

    @property
    def live(self) -> bool:
        """Whether its orders cost real money."""
        ...

    @property
    def reserves_shares(self) -> bool:
        """Whether it refuses to reduce a position by shares that open exits are for; else it fits the exits to what is left by itself."""
        ...

    @property
    def fee_in_kind(self) -> Decimal:
        """The highest fee on a pair (BTC/USD) that it takes out of what a trade brings in and books later, as a share of that; 0: none."""
        ...

    def account(self) -> AccountState:
        """The account as it is now."""
        ...

    def positions(self) -> list[Position]:
        """What is held, by symbol."""
        ...

    def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """What can be traded. A symbol that the broker does not know is not tradable, with the reason."""
        ...

    def may_send(self, session: date, *, late: bool = False) -> str | None:
        """Why orders decided at the close of `session` can't be sent now; None where they can.

        Parameters
        ----------
        late
            They may also be sent while the session that they are for is open: exits, and what had to wait for the end of exits.
        """
        ...

    def cancels_at_once(self) -> bool:
        """Whether what is cancelled now ends now; else it may stay pending until the next open."""
        ...

    def submit(self, intent: OrderIntent) -> BrokerOrder:
        """Send an order, once: never repeated in here.

        Raises
        ------
        OrderRejectedError, NotSentError, DuplicateOrderError, OutcomeUnknownError
        """
        ...

    def find(self, client_order_id: str) -> BrokerOrder | ForeignOrder | None:
        """The order of that id; None where the broker says that it has none. One that has not the form of ours is described."""
        ...

    def open_orders(self) -> Sequence[BrokerOrder | ForeignOrder]:
        """All orders of the account that are not final, those that are not ours and the legs of brackets among them; what has another form is described."""
        ...

    def cancel(self, broker_order_id: str) -> None:
        """Ask for an order to be cancelled; one that is final already is left as it is."""
        ...

    def fills(self, since: datetime) -> list[Fill]:
        """The executions since then, in order, those of orders that are not ours among them."""
        ...

    def entries(self, since: datetime) -> list[AccountEntry]:
        """The changes of the account since then that no fill made, in order."""
        ...

    def settle(self, session: date) -> str | None:
        """Bring orders for the open of `session` to their end, as far as they can be. None where they are, else what is still waited for."""
        ...


@runtime_checkable
class OptionBroker(Broker, Protocol):
    """A broker that takes orders for option contracts: intents with `legs`."""

    def option_refusals(self, intents: Sequence[OrderIntent]) -> Mapping[str, str]:
        """Why orders would be refused, as far as can be told before they are sent, by client order id; those that come first are counted as filled for those that follow."""
        ...


@runtime_checkable
class KeepsOptionBooks(Protocol):
    """A broker that keeps the books of strategies of options apart; those of any other follow from the records of executions and entries."""

    def option_books(self) -> Mapping[str, OptionBook]:
        """By strategy, as they stand."""
        ...


@runtime_checkable
class WorksOrders(Protocol):
    """A broker that works orders in parts itself, once it has the session's bars: they are sent to it as they are, and it tells the parts as their legs."""

    works_orders: bool


class BrokerCalendar(Protocol):
    """The broker's own calendar: it knows first that an exchange stays closed."""

    timezone: str
    """Of the exchange; another exchange's calendar is not compared with it."""

    def now(self) -> datetime:
        """The broker's time."""
        ...

    def days(self, first: date, last: date) -> Mapping[date, tuple[datetime, datetime]]:
        """Its sessions from `first` to `last`, ascending, with open and close in UTC."""
        ...


class OrderUpdates(Protocol):
    """Word of what happens to orders, while a block is open. Events may be lost: only that something happened is told."""

    def check(self) -> None:
        """Raise what has ended it, where no repetition helps."""
        ...


@dataclass(frozen=True, kw_only=True)
class BrokerOpening:
    """What a broker is opened with, beside its own settings.

    Parameters
    ----------
    deployment
        The settings, the calendar and the warehouse.
    state
        The database of the trade state, for a broker that keeps its books in it.
    alert
        Whom to tell, loudly, that real money is traded.
    clock
        None: the machine's.
    """

    deployment: Deployment
    state: TradeState
    alert: AlertSink
    clock: Clock | None = None


@dataclass(frozen=True, kw_only=True)
class BrokerPlugin(Plugin[S, Broker]):
    """A broker, and what is known of it before it is opened.

    Parameters
    ----------
    embedded
        It has no market of its own, but fills orders by the stored bars: there is nothing to watch or to follow up, and it lets no order cross a split by itself.
    is_live
        Its settings and all settings -> whether its orders cost real money.
    calendar
        Likewise -> its own calendar. None: it has none.
    updates
        Likewise, and what to call with an event's name -> a block with its stream of order events. None: it is asked at intervals only.
    auction_minutes
        Before the close, from when on it takes no order for the closing auction. 0: it takes them until the close.
    """

    embedded: bool = False
    auction_minutes: int = 0
    is_live: Callable[[S, Settings], bool] = lambda _own, _settings: False
    calendar: Callable[[S, Settings], BrokerCalendar] | None = None
    updates: Callable[[S, Settings, Callable[[str | None], None]], AbstractContextManager[OrderUpdates]] | None = None
