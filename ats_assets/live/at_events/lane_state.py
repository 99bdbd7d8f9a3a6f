"""What is known of a session's events: the trades of each symbol that were heard, and the position that its events want. Made of the journal's events alone, as all that is known."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from ats_assets.live.at_events.bar_closings import Forming
from ats_assets.live.at_events.tick_tape import TickTape


class WantedPosition(NamedTuple):
    """A position that events of a symbol want.

    Attributes
    ----------
    number
        Of the symbol in this session, from 1.
    side
        1 long, -1 short.
    at
        When its bar was known, in nanoseconds since 1970.
    price
        The close of that bar.
    leaving
        Why it is to be left; None while it is not.
    """

    number: int
    side: int
    at: int
    price: float
    leaving: str | None = None


class LaneOrder(NamedTuple):
    """An order for such a position.

    Attributes
    ----------
    position
        Its number.
    sign
        +1 buys, -1 sells.
    """

    client_order_id: str
    position: int
    opens: bool
    sign: int
    at: datetime


class LaneNote(NamedTuple):
    """What a bar has told: of an event, or of the end of what was wanted."""

    symbol: str
    is_event: bool
    reason: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class SymbolLane:
    """Of one symbol.

    Attributes
    ----------
    pending
        The time, in nanoseconds since 1970, of what may have closed a bar since the last look; None where nothing may.
    heard_at
        When its newest trade was heard, in nanoseconds.
    looked_at
        When its rows were made last, in nanoseconds.
    decided
        When the newest bar that was decided about was known. What is known for a bar before it, by a trade that came late, is decided no more.
    entries
        Positions that were wanted so far.
    orders
        Those that were decided for it, in their order.
    told
        Whether a person was told that what is held can't be left.
    """

    tape: TickTape = field(default_factory=TickTape)
    forming: Forming = field(default_factory=Forming)
    pending: int | None = None
    heard_at: int = 0
    looked_at: int | None = None
    decided: int = 0
    wanted: WantedPosition | None = None
    entries: int = 0
    orders: tuple[LaneOrder, ...] = ()
    told: bool = False


@dataclass(frozen=True, kw_only=True)
class LaneState:
    """Of all symbols that are traded at events.

    Attributes
    ----------
    broken
        Why nothing is decided at events any more in this session; what is held is left.
    """

    symbols: Mapping[str, SymbolLane] = field(default_factory=dict)
    broken: str | None = None

    def of(self, symbol: str) -> SymbolLane:
        """What is known of a symbol."""
        return self.symbols.get(symbol) or SymbolLane()

    def with_symbol(self, symbol: str, one: SymbolLane) -> "LaneState":
        """With what is known of one."""
        return replace(self, symbols=MappingProxyType({**self.symbols, symbol: one}))
