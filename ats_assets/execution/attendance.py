"""Whether a process follows up on plans: the time of the last reconciliation by `ats orders watch` is stored, so that other processes and machines can see it."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from ats_assets.execution.state import Author
from ats_assets.trade_state import insert_missing
from ats_assets.trade_state.tables import looks


def attend(connection: Connection, author: Author, strategy: str) -> None:
    """Store that `ats orders watch` reconciles now."""
    values = {"at": author.now, "who": author.who}
    if not insert_missing(connection, looks, {"strategy": strategy} | values):
        connection.execute(update(looks).where(looks.c.strategy == strategy).values(**values))


def last_attended(connection: Connection, strategy: str) -> datetime | None:
    """When it last reconciled; None if it never has."""
    return connection.execute(select(looks.c.at).where(looks.c.strategy == strategy)).scalar_one_or_none()
