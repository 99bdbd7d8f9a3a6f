"""What the executor tells: what became of each intent, what differs from the broker, and where a session has ended."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from ats_assets.errors import AtsError
from ats_assets.execution.order import AccountEntry, AccountState, BrokerOrder, Fill, OrderIntent, Position


class IntentState(StrEnum):
    """Where an intent stands. From `sending` on, only the broker's word moves it."""

    PLANNED = "planned"
    """Certainly not at the broker; it may be sent."""
    SENDING = "sending"
    """Written before the request; until the broker has been asked, it may be there or not."""
    WORKING = "working"
    """An algorithm sends orders for parts of it; `filled` or `expired` once it is done."""
    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    """The broker has an order under its id that can't be understood: it is not sent again."""
    WITHDRAWN = "withdrawn"
    """Not sent, and no longer part of its plan."""
    MISSED = "missed"
    """Not sent, and its session is over."""

    @property
    def final(self) -> bool:
        """Whether the executor does nothing more about it."""
        return self not in (
            IntentState.PLANNED,
            IntentState.SENDING,
            IntentState.WORKING,
            IntentState.ACCEPTED,
            IntentState.PARTIALLY_FILLED,
            IntentState.UNKNOWN,
        )


@dataclass(frozen=True, kw_only=True)
class OrderOutcome:
    """What became of an intent. `intent` is what was sent, or will be; `attempts` counts the requests that may have been made."""

    intent: OrderIntent
    state: IntentState
    order: BrokerOrder | None
    reason: str | None
    attempts: int


@dataclass(frozen=True, kw_only=True)
class Execution:
    """The outcomes of a plan, in the order in which they are sent, and of the exits given after it.

    Attributes
    ----------
    outcomes
        Those of the plan's intents, and of the parts of worked ones.
    stopped
        Why the plan stopped at an order that could be sent later; None: it was gone through to its end.
    waiting
        The orders that were passed over, by client order id, since the shares that they are for are held back; they are taken up again at the open.
    """

    session: date
    outcomes: tuple[OrderOutcome, ...]
    stopped: str | None
    waiting: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Obstacle:
    """Why an order can't be sent now. `stops`: nor can any other."""

    reason: str
    stops: bool


class DifferenceKind(StrEnum):
    """Of a difference between our records and the broker's."""

    POSITION = "position"
    CASH = "cash"
    FOREIGN_FILL = "foreign_fill"
    """A fill of an order that is not ours."""
    FOREIGN_ORDER = "foreign_order"
    """An open order that is not ours."""
    ORDER = "order"
    """An order under our id that is not what was intended, or that the broker no longer has."""
    FILLS = "fills"
    """An order's filled quantity and the sum of its fills."""


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One difference; it halts trading until a person resolves it."""

    kind: DifferenceKind
    subject: str
    """A symbol, an order id, or the currency's word: cash."""
    ours: Decimal | None
    theirs: Decimal | None
    message: str


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """Where the account stands once the orders for the open of `session` are through.

    Attributes
    ----------
    orders
        Ours that were sent for this session, as the broker has them.
    fills, entries
        Those of the session's day, in the broker's order.
    waiting
        What is still waited for; None: all orders are final, their fills are here, and the snapshot is stored.
    closed
        The broker knows that it was no session: nothing is stored of it, its orders belong to the next one, and that is to be settled.
    """

    session: date
    orders: tuple[BrokerOrder, ...]
    fills: tuple[Fill, ...]
    entries: tuple[AccountEntry, ...]
    positions: tuple[Position, ...]
    account: AccountState
    differences: tuple[Difference, ...]
    waiting: str | None
    closed: bool = False


@dataclass(frozen=True, kw_only=True)
class Halt:
    """Trading is stopped until a person says otherwise."""

    halt_id: int
    at: datetime
    reason: str

    @property
    def message(self) -> str:
        """The message for callers that can't send."""
        return f"trading is halted: {self.reason}"


class ExecutorBusyError(AtsError):
    """Another executor works on the same trade state."""


class LeaseLostError(AtsError):
    """Another executor has taken over; this one may write and send nothing more."""


class AccountMismatchError(AtsError):
    """The trade state belongs to another account than the broker's."""
