"""What the loop knows of a session. It is made of the journal's events alone, by `step`: after a restart, and by the check after the close, it is made of them again."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from types import MappingProxyType

from ats_assets.algorithms.algorithm import ChildRecord, Parent
from ats_assets.live.at_events.lane_state import LaneState
from ats_assets.live.market_state import SymbolState


@dataclass(frozen=True, kw_only=True)
class AccountView:
    """The account as the broker has last told of it: cash, signed shares by symbol, and why no position may be opened, if so."""

    cash: float
    positions: Mapping[str, float]
    no_opening: str | None = None


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What the session began with.

    Attributes
    ----------
    equities, paid_in
        At the closes before, the newest last, and what was paid in or out in each of these sessions: what the brake looks at.
    closes
        The last known close of each symbol: its price until the market has shown one.
    """

    equities: tuple[float, ...] = ()
    paid_in: tuple[float, ...] = ()
    closes: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class LiveState:
    """A session as far as it is known.

    Attributes
    ----------
    now
        When the newest event was heard.
    connected
        Whether the stream is heard; before its first event it is not.
    forward
        Whether its newest event was no step back in time.
    parents, work, children
        The orders that are worked, how each is, as it is recorded, and the orders sent for parts of them.
    due
        The parents whose algorithm is to be asked.
    told
        What each algorithm answered last, where that was to wait or to end.
    waits
        Until when each waits, by its last answer.
    held_up
        Why nothing may be sent: a halt, or the kill switch.
    breached
        The limit that was broken; nothing is decided any more.
    judged
        The minute that the risk was last written down for.
    lane, lane_moment
        Of what is traded at events, and when that is to be looked at next; None where nothing is.
    """

    session: date
    opens_at: datetime
    closes_at: datetime
    now: datetime
    symbols: Mapping[str, SymbolState] = field(default_factory=dict)
    connected: bool = False
    forward: bool = True
    account: AccountView | None = None
    begun: Begun = Begun()
    parents: tuple[Parent, ...] = ()
    work: Mapping[str, str] = field(default_factory=dict)
    children: Mapping[str, tuple[ChildRecord, ...]] = field(default_factory=dict)
    due: frozenset[str] = frozenset()
    told: Mapping[str, str] = field(default_factory=dict)
    waits: Mapping[str, datetime] = field(default_factory=dict)
    held_up: str | None = None
    breached: str | None = None
    judged: datetime | None = None
    lane: LaneState | None = None
    lane_moment: datetime | None = None

    def of(self, symbol: str) -> SymbolState:
        """What is known of a symbol."""
        return self.symbols.get(symbol) or SymbolState()

    def with_symbol(self, symbol: str, known: SymbolState) -> "LiveState":
        """With what is known of one symbol."""
        return replace(self, symbols=MappingProxyType({**self.symbols, symbol: known}))

    def price_of(self, symbol: str) -> float | None:
        """What a share is valued at: the newest price of the session, else the last close; None where none is known."""
        known = self.of(symbol).last
        return self.begun.closes.get(symbol) if known is None else known.price

    def children_of(self, parent: Parent) -> tuple[ChildRecord, ...]:
        """Orders sent for parts of it, by number."""
        return self.children.get(parent.client_order_id, ())

    @property
    def next_moment(self) -> datetime | None:
        """When an algorithm is to be asked next, or an order ends, without anything else happening."""
        ends = [
            child.expires_at
            for children in self.children.values()
            for child in children
            if child.pending and child.cancel_asked_at is None and child.expires_at is not None
        ]
        return min([*self.waits.values(), *ends, *filter(None, [self.lane_moment])], default=None)

    @property
    def is_open(self) -> bool:
        """Whether the session goes on."""
        return self.opens_at <= self.now < self.closes_at
