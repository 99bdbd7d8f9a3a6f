"""The words of an order that all stages share: its side, how it is to be filled, what it is for, and where it stands."""

import hashlib
from enum import StrEnum

MAX_ID_LENGTH = 48
"""Of a client order id, in characters; all brokers take so many."""


class Side(StrEnum):
    """Of an order."""

    BUY = "buy"
    SELL = "sell"

    @property
    def sign(self) -> int:
        """+1 for buys, -1 for sells."""
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        """What takes back an order of this side."""
        return Side.SELL if self is Side.BUY else Side.BUY


class OrderKind(StrEnum):
    """How an order is to be filled, all for the next session."""

    MARKET_ON_OPEN = "market_on_open"
    """In the opening auction, at its price."""
    LIMIT = "limit"
    """At the limit price or better, until the close."""
    BRACKET = "bracket"
    """A limit order that, once filled, leaves a take-profit and a stop-loss, of which one cancels the other."""
    OCO = "oco"
    """A take-profit and a stop-loss for shares that are held: one cancels the other."""
    OPTION = "option"
    """Option contracts, all legs of a unit or none, at a net limit or at the market, for the day."""
    MARKET = "market"
    """At the market, at once, until the close."""
    MARKET_ON_CLOSE = "market_on_close"
    """In the closing auction, at its price."""
    LIMIT_ON_CLOSE = "limit_on_close"
    """In the closing auction, at its price if that is the limit price or better."""
    WORKED = "worked"
    """Never sent itself: an execution algorithm sends orders for parts of it, each an intent of its own."""


CLOSING = (OrderKind.MARKET_ON_CLOSE, OrderKind.LIMIT_ON_CLOSE)
"""What is filled in the closing auction alone."""


class Leg(StrEnum):
    """What an order is for. A change of side needs two orders, for no broker sells through zero in one."""

    CLOSE = "close"
    """Reduces a position, at most to zero."""
    OPEN = "open"
    """Enlarges a position, or makes one."""
    EXIT = "exit"
    """Leaves a position at a profit or a loss; it stands in for exits of a bracket that were cancelled. No plan has it: the executor gives it."""


class OrderStatus(StrEnum):
    """Of an order at the broker."""

    ACCEPTED = "accepted"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    """It is there, in a status that this program has no word for: nothing is sent in its place, and it is asked for again."""

    @property
    def final(self) -> bool:
        """Whether nothing more will happen to it."""
        return self not in (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED, OrderStatus.UNKNOWN)


def child_order_id(parent_id: str, number: int) -> str:
    """The id of an order for a part: the same part always has the same one, so that no broker takes it twice.

    Examples
    --------
    >>> child_order_id("main-20240301-AAPL-open", 3)
    'main-20240301-AAPL-open-03'
    >>> child_order_id("main-20240301-A_VERY_LONG_NAME_OF_A_COMPANY-close", 3)
    'main-20240301-038ad8b017595ce3'
    """
    readable = f"{parent_id}-{number:02d}"
    if len(readable) <= MAX_ID_LENGTH:
        return readable
    strategy, session, _ = parent_id.split("-", 2)
    return f"{strategy}-{session}-{hashlib.sha256(readable.encode()).hexdigest()[:16]}"
