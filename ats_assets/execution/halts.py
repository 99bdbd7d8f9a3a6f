"""Halts: all trading stops until a person resumes it. A halt is stored in the database, so a restart does not clear it."""

from datetime import datetime

from sqlalchemy import Connection, func, select, update

from ats_assets.execution.outcome import Halt
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


def halt(connection: Connection, now: datetime, who: str, reason: str) -> bool:
    """Halt trading; returns whether this is new. The same reason makes no second halt."""
    known = connection.execute(select(func.count()).where(halts.c.cleared_at.is_(None), halts.c.reason == reason)).scalar_one()
    if known:
        return False
    connection.execute(halts.insert().values(at=now, reason=reason))
    record(connection, now, who, "halted", texts={"reason": reason})
    return True


def clear_halts(connection: Connection, now: datetime, who: str, note: str) -> int:
    """Allow trading again, and acknowledge the known foreign fills; returns the number of halts."""
    cleared = connection.execute(
        update(halts).where(halts.c.cleared_at.is_(None)).values(cleared_at=now, cleared_by=who[:64], note=note)
    ).rowcount
    foreign = fills.c.intent_id.is_(None) & fills.c.acknowledged_at.is_(None)
    connection.execute(update(fills).where(foreign).values(acknowledged_at=now))
    record(connection, now, who, "resumed", details={"halts": cleared}, texts={"note": note})
    return cleared
