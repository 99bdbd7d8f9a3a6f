"""What a broker is, and how it says no.

Three ways in which sending an order can fail must never be mistaken for one another: the broker refused it (`OrderRejectedError`), it was not sent at all
(`NotSentError`), and nobody knows (`OutcomeUnknownError`: an answer that is lost, late, or makes no sense). After the last, only `find` can tell.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from ats_assets.errors import AtsError
from ats_assets.orders.order import AccountState, BrokerOrder, Fill, Instrument, OrderIntent, Position


class BrokerError(AtsError):
    """The broker can't be asked, or says no."""


class OrderRejectedError(BrokerError):
    """The broker has refused the order, for good."""


class NotSentError(BrokerError):
    """The broker has certainly not got the order: nothing was connected, or it was turned away before it was read (rate limit)."""


class OutcomeUnknownError(BrokerError):
    """The broker may or may not have the order."""


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

    def account(self) -> AccountState:
        """The account as it is now."""
        ...

    def positions(self) -> list[Position]:
        """What is held, by symbol."""
        ...

    def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """What can be traded. A symbol that the broker does not know is not tradable, with the reason."""
        ...

    def may_send(self, session: date) -> str | None:
        """Why orders decided at the close of `session` can't be sent now; None where they can."""
        ...

    def submit(self, intent: OrderIntent) -> BrokerOrder:
        """Send an order, once: never repeated in here.

        Raises
        ------
        OrderRejectedError, NotSentError, OutcomeUnknownError
        """
        ...

    def find(self, client_order_id: str) -> BrokerOrder | None:
        """The order of that id; None where the broker says that it has none."""
        ...

    def cancel(self, broker_order_id: str) -> None:
        """Ask for an order to be cancelled; one that is final already is left as it is."""
        ...

    def fills(self, since: datetime) -> list[Fill]:
        """The executions since then, in order, those of orders that are not ours among them."""
        ...

    def settle(self, session: date) -> str | None:
        """Bring orders for the open of `session` to their end, as far as they can be. None where they are, else what is still waited for."""
        ...
