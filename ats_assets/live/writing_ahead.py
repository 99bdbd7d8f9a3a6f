"""What was heard and decided, until it is written down: in order, numbered, and in one transaction with what is done about it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from ats_assets.execution.clock import Clock
from ats_assets.live.at_events.session_lane import SessionLane
from ats_assets.live.lane_step import is_followed
from ats_assets.live.loop_claim import Claim
from ats_assets.live.session_journal import DecidedRow, Heard, SessionJournal
from ats_assets.live.session_state import LiveState
from ats_assets.live.step import LiveDecision, Step
from ats_assets.live.stream import EventKind, StreamEvent

_MOST = 500
"""Events that are written down together, at most, where nothing is decided of them."""
_REPLACED = (EventKind.QUOTE, EventKind.TRADE)
"""Of which the newest says it all, unless a session's events are decided by each one."""


@dataclass(kw_only=True)
class WritingAhead:
    """The writing side of a journal.

    Parameters
    ----------
    heard, decided
        The numbers of the newest event and decision that are written down.
    """

    journal: SessionJournal
    claim: Claim
    clock: Clock
    lane: SessionLane | None = None
    heard: int = 0
    decided: int = 0
    through: set[int] = field(default_factory=set)
    """Decisions that have been carried out, which is written down with what comes next."""
    _kept: dict[Any, Heard] = field(default_factory=dict)
    _noted: frozenset[int] = frozenset()
    """Of `through`, what the transaction under way writes down: what is carried out after that waits for the next one."""

    @property
    def is_full(self) -> bool:
        """Whether it is time to write."""
        return len(self._kept) >= _MOST

    def keep(self, before: LiveState, event: StreamEvent, made: Step) -> None:
        """Remember an event until it is written down: of quotes and trades the newest of each symbol, but of trades that events are decided by each one, of ticks those that change something."""
        after = made.state
        moved = before.lane is not after.lane or (before.due, before.waits, before.told) != (after.due, after.waits, after.told)
        if not made.decisions and (made.verdict.ignored or (event.kind is EventKind.TICK and not moved)):
            return
        each = made.verdict.refused or (self.lane is not None and is_followed(event, self.lane))
        key: Any = (event.kind, event.symbol) if event.kind in _REPLACED and not each else object()
        self._kept.pop(key, None)
        self._kept[key] = Heard(number=0, event=event, verdict=made.verdict, reason=made.reason)

    def rows(self, decisions: Sequence[LiveDecision], at: datetime) -> tuple[list[Heard], list[DecidedRow]]:
        """What is kept, and what was decided of the newest of it, with their numbers."""
        heard = [replace(one, number=self.heard + i) for i, one in enumerate(self._kept.values(), 1)]
        newest = heard[-1].number if heard else self.heard
        return heard, [
            DecidedRow(number=self.decided + i, after=newest, at=at, decision=one, done=not one.what.acts)
            for i, one in enumerate(decisions, 1)
        ]

    def write(self, connection: Connection, heard: Sequence[Heard], decided: Sequence[DecidedRow]) -> None:
        """Write rows down, if no other loop has taken over; `wrote` follows once the transaction is through."""
        self.claim.confirm(connection, self.clock.now())
        self.journal.write(connection, heard, decided)
        self._noted = frozenset(self.through)
        for number in sorted(self._noted):
            self.journal.done(connection, number)

    def is_through(self, connection: Connection, decided: Sequence[DecidedRow]) -> bool:
        """Whether the transaction that wrote these decisions down has been committed."""
        return bool(self.journal.decided(connection, since=decided[0].number - 1))

    def wrote(self, heard: Sequence[Heard], decided: Sequence[DecidedRow]) -> None:
        """They are written down."""
        self._kept.clear()
        self.through -= self._noted
        self.heard, self.decided = self.heard + len(heard), self.decided + len(decided)
