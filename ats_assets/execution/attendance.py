"""Whether somebody follows a plan up: when a watch has looked last is kept in the database, so that it can be told from another process or machine."""

from datetime import datetime

from sqlalchemy import Connection, select, update

from ats_assets.execution.rows import insert_missing
from ats_assets.execution.state import Author
from ats_assets.trade_state.tables import looks


def attend(connection: Connection, author: Author, strategy: str) -> None:
    """Note that a watch looks now."""
    values = {"at": author.now, "who": author.who}
    if not insert_missing(connection, looks, {"strategy": strategy} | values):
        connection.execute(update(looks).where(looks.c.strategy == strategy).values(**values))


def last_attended(connection: Connection, strategy: str) -> datetime | None:
    """When one has looked last; None: never."""
    return connection.execute(select(looks.c.at).where(looks.c.strategy == strategy)).scalar_one_or_none()
