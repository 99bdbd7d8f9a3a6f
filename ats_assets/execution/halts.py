"""Halts: all trading stops until a person resumes it. A halt is stored in the database, so a restart does not clear it."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from ats_assets.alerts import Alert, AlertSink, Severity
from ats_assets.execution.outcome import Halt
from ats_assets.requests.taking_up import asked_halts, finish_request
from ats_assets.trade_state import TradeState, record
from ats_assets.trade_state.tables import fills, halts


def open_halt(state: TradeState) -> Halt | None:
    """The first halt that nobody has cleared."""
    with state.begin() as connection:
        return read_halt(connection)


def read_halt(connection: Connection, *, but: str | None = None) -> Halt | None:
    """As `open_halt`, in a transaction; one of the reason `but` is passed over."""
    query = select(halts).where(halts.c.cleared_at.is_(None)).order_by(halts.c.id).limit(1)
    row = connection.execute(query if but is None else query.where(halts.c.reason != but)).one_or_none()
    return None if row is None else Halt(halt_id=row.id, at=row.at, reason=row.reason)


def halt(connection: Connection, now: datetime, who: str, reason: str, *, since: datetime | None = None) -> bool:
    """Halt trading; returns whether this is new. The same reason makes no second halt.

    Parameters
    ----------
    since
        When a person has asked for it, from which on it counts; one that stands already counts from the newest such time.
    """
    same = halts.c.cleared_at.is_(None) & (halts.c.reason == reason)
    if connection.execute(select(func.count()).where(same)).scalar_one():
        if since is not None:  # who asks for a resume before that has not seen this one
            connection.execute(update(halts).where(same, halts.c.at < since).values(at=since))
        return False
    connection.execute(halts.insert().values(at=since or now, reason=reason))
    record(connection, now, who, "halted", texts={"reason": reason})
    return True


def enact_halts(connection: Connection, now: datetime, who: str) -> list[str]:
    """Halt trading where a person has asked for it, in the caller's transaction: that of each write-ahead, so that no order passes a request. Gives the reasons."""
    reasons = []
    for request in asked_halts(connection):
        reason = f"{request.who} has asked for it: {request.body['reason']}"
        halt(connection, now, request.who, reason, since=request.asked_at)
        finish_request(connection, now, who, request, {"halted": True})
        reasons.append(reason)
    return reasons


def tell_halts(alert: AlertSink, now: datetime, reasons: Sequence[str]) -> None:
    """Alert people to halts that others have asked for."""
    for reason in reasons:
        alert(
            Alert(
                key=f"halt:{reason}",
                severity=Severity.CRITICAL,
                title="Trading stops",
                text=f"{reason}. Until somebody resumes it.",
                at=now,
            )
        )


def clear_halts(connection: Connection, now: datetime, who: str, note: str, *, until: datetime | None = None) -> int:
    """Allow trading again, and acknowledge the known foreign fills; returns the number of halts.

    Parameters
    ----------
    until
        Only what was there then: who has asked for it has seen no later one.
    """
    standing, foreign = halts.c.cleared_at.is_(None), fills.c.intent_id.is_(None) & fills.c.acknowledged_at.is_(None)
    if until is not None:
        standing, foreign = standing & (halts.c.at <= until), foreign & (fills.c.recorded_at <= until)
    cleared = connection.execute(update(halts).where(standing).values(cleared_at=now, cleared_by=who[:64], note=note)).rowcount
    connection.execute(update(fills).where(foreign).values(acknowledged_at=now))
    record(connection, now, who, "resumed", details={"halts": cleared}, texts={"note": note})
    return cleared
