"""What a stream of market data must be able to do, and what it tells.

A stream is one module of `live/streams/`, or one's own in `plugins/streams/`, with an object `PLUGIN`, whose `make` is called with its own settings (`[live.streams.<name>]`) and a
`StreamOpening`. It tells what it hears, as it hears it: lost and doubled events, gaps and disorder are judged by the loop (`ats_assets.live.intake`), the same for all streams.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Protocol

from ats_assets.deployment import Deployment
from ats_assets.execution.clock import Clock


class EventKind(StrEnum):
    """Of what is heard. A stream tells of the first six; the others are the loop's own."""

    BAR = "bar"
    """A minute bar has closed: `starts_at`, `open`, `high`, `low`, `close`, `volume`; `repaired` where it was asked for after a gap, `revised` where it replaces one."""
    QUOTE = "quote"
    """`at`, `bid`, `ask`, `bid_size`, `ask_size`."""
    TRADE = "trade"
    """`at`, `price`, `size`; where they are known `nanoseconds` (below a microsecond), `exchange`, `conditions`, `trade_id`, `tape`."""
    STATUS = "status"
    """Trading of the symbol is `halted`, or goes on: `at`, `code`, `message`."""
    LOST = "lost"
    """The connection: `reason`. What happens from now on is not heard."""
    RESUMED = "resumed"
    """It is there again; `gap` names the minutes that could not be repaired, `ticks_missing` the trades, if any."""
    ACCOUNT = "account"
    """What the broker holds: `cash`, `positions`."""
    ORDER = "order"
    """Where a child order stands: `parent`, `child`."""
    PLAN = "plan"
    """What is to be worked: `parents`, and what the session began with."""
    STOP = "stop"
    """Nothing may be sent, by a halt or the kill switch: `reason`; None: it may again."""
    TICK = "tick"
    """Time has passed, and nothing else."""


@dataclass(frozen=True, kw_only=True)
class StreamEvent:
    """One thing that was heard.

    Attributes
    ----------
    known_at
        When it was heard, UTC; by the machine's clock, or the simulated one of a replay.
    fields
        By kind, see `EventKind`. Times are aware, prices and sizes floats.
    sequence
        The stream's own number of it, where there is one: equal numbers of a symbol and kind are one event.
    """

    known_at: datetime
    kind: EventKind
    symbol: str | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)
    sequence: int | None = None


@dataclass(frozen=True, kw_only=True)
class StreamOpening:
    """What a stream is opened with.

    Attributes
    ----------
    session
        The session that is followed.
    symbols
        Whose data are wanted.
    kinds
        Bars always; quotes, trades and statuses where they are among these.
    since
        What is known already, after a restart: bars that closed after it are missing. None: from the open on.
    clock
        Whose time events are stamped with; a replay moves its own.
    stopped
        Whether the stream is to end.
    each_trade_of
        Symbols of which no trade may be missing: those that were not heard are asked for, and RESUMED says where they can't be had (`ticks_missing`).
    """

    deployment: Deployment
    session: date
    symbols: tuple[str, ...]
    kinds: frozenset[EventKind]
    since: datetime | None
    clock: Clock
    stopped: Callable[[], bool]
    each_trade_of: frozenset[str] = frozenset()


class Stream(Protocol):
    """Market data of one session."""

    @property
    def clock(self) -> Clock:
        """The time that its events are stamped with."""
        ...

    def waiting(self) -> bool:
        """Whether something was heard already that `events` has not given yet."""
        ...

    def events(self) -> AbstractContextManager[Iterator[StreamEvent | None]]:
        """What is heard, as long as the block is open; None where nothing was for a moment. It ends where the session's data do, or when it is stopped.

        `known_at` is not before the event is given: what has waited is known to the loop from then on.

        Raises
        ------
        AtsError
            What no repetition mends, such as keys that are refused.
        """
        ...
