"""What is decided inside a session, in the words of the journal."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class What(StrEnum):
    """What is decided."""

    SEND = "send"
    CANCEL = "cancel"
    WAIT = "wait"
    DONE = "done"
    HOLD = "hold"
    """The algorithm is not asked."""
    KEEP = "keep"
    """The risk is within its limits."""
    BREACH = "breach"
    EVENT = "event"
    """A bar has closed that is an event: what the model says of it, and whether its position is wanted."""
    UNWANTED = "unwanted"
    """The position that events want has ended, or is to be left."""
    ENTER = "enter"
    """An order for a position that an event wants."""
    LEAVE = "leave"
    """An order that closes it."""

    @property
    def acts(self) -> bool:
        """Whether something is to be done about it."""
        return self in (What.SEND, What.CANCEL, What.BREACH, What.ENTER, What.LEAVE)


@dataclass(frozen=True, kw_only=True)
class LiveDecision:
    """One decision.

    Attributes
    ----------
    subject
        The parent order, `portfolio`, or the model of events.
    fields
        Of an order its quantity, kind, limit; of the risk its figures; of an event the row of its prediction.
    """

    what: What
    subject: str
    symbol: str | None
    reason: str
    fields: Mapping[str, Any] = field(default_factory=dict)
