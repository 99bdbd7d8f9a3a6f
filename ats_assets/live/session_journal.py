"""The journal: what was heard and decided in a session, written ahead of what is done, and read again after a restart and by the check after the close."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, Connection, Table, func, select, update

from ats_assets.live.intake import Intake
from ats_assets.live.step import LiveDecision, What
from ats_assets.live.stream import EventKind, StreamEvent
from ats_assets.trade_state.journal_tables import decisions, events
from ats_assets.trade_state.journal_text import of_text, to_text


@dataclass(frozen=True, kw_only=True)
class Heard:
    """An event, its number, and what became of it."""

    number: int
    event: StreamEvent
    verdict: Intake
    reason: str


@dataclass(frozen=True, kw_only=True)
class DecidedRow:
    """A decision, its number, and the event that it followed.

    Attributes
    ----------
    done
        Whether what it asks for has been done.
    """

    number: int
    after: int
    at: datetime
    decision: LiveDecision
    done: bool


@dataclass(frozen=True, kw_only=True)
class SessionJournal:
    """The journal of one session and strategy, in a connection's transaction."""

    session: date
    strategy: str

    def write(self, connection: Connection, heard: Sequence[Heard], decided: Sequence[DecidedRow]) -> None:
        """Write down events and decisions."""
        key = {"session": self.session, "strategy": self.strategy}
        if heard:
            connection.execute(events.insert(), [key | _event_row(one) for one in heard])
        if decided:
            connection.execute(decisions.insert(), [key | _decision_row(one) for one in decided])

    def done(self, connection: Connection, number: int) -> None:
        """What the decision asks for has been done."""
        connection.execute(update(decisions).where(*self._of(decisions), decisions.c.number == number).values(done=True))

    def heard(self, connection: Connection) -> list[Heard]:
        """All events, in their order."""
        rows = connection.execute(select(events).where(*self._of(events)).order_by(events.c.number))
        return [
            Heard(
                number=row.number,
                event=StreamEvent(
                    known_at=row.known_at, kind=EventKind(row.kind), symbol=row.symbol, fields=of_text(row.fields), sequence=row.sequence
                ),
                verdict=Intake(row.verdict),
                reason=row.reason or "",
            )
            for row in rows
        ]

    def decided(self, connection: Connection, *, since: int = 0) -> list[DecidedRow]:
        """All decisions after that number, in their order."""
        rows = connection.execute(select(decisions).where(*self._of(decisions), decisions.c.number > since).order_by(decisions.c.number))
        return [
            DecidedRow(
                number=row.number,
                after=row.event,
                at=row.decided_at,
                decision=LiveDecision(
                    what=What(row.what), subject=row.subject, symbol=row.symbol, reason=row.reason, fields=of_text(row.fields)
                ),
                done=row.done,
            )
            for row in rows
        ]

    def last_heard(self, connection: Connection) -> datetime | None:
        """When the newest event was heard; None where none was."""
        return connection.execute(select(func.max(events.c.known_at)).where(*self._of(events))).scalar_one_or_none()

    def _of(self, table: Table) -> tuple[ColumnElement[bool], ...]:
        return table.c.session == self.session, table.c.strategy == self.strategy


def newest_followed(connection: Connection, strategy: str) -> date | None:
    """The last session that anything was heard of."""
    return connection.execute(select(func.max(events.c.session)).where(events.c.strategy == strategy)).scalar_one_or_none()


def _event_row(one: Heard) -> dict[str, object]:
    event = one.event
    return {
        "number": one.number,
        "known_at": event.known_at,
        "kind": event.kind.value,
        "symbol": event.symbol,
        "sequence": event.sequence,
        "verdict": one.verdict.value,
        "reason": one.reason or None,
        "fields": to_text(event.fields),
    }


def _decision_row(one: DecidedRow) -> dict[str, object]:
    made = one.decision
    return {
        "number": one.number,
        "event": one.after,
        "decided_at": one.at,
        "what": made.what.value,
        "subject": made.subject,
        "symbol": made.symbol,
        "reason": made.reason,
        "fields": to_text(made.fields),
        "done": one.done,
    }
