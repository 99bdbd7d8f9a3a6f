"""The bots' own database: SQLite by default, PostgreSQL by its address. What a person was asked and has confirmed, who was revoked, which updates were taken.

Each transaction is on the disk before it ends; on SQLite it takes the write lock at its start, so that of two presses of one button one finds it pressed.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Engine, create_engine, event, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from ats_assets.bots import tables
from ats_assets.errors import BotError
from ats_assets.secrecy import redacted

BUSY_SECONDS = 10
"""How long one process waits for another that writes: then the person is told to try again."""


class BotStore:
    """The database.

    Parameters
    ----------
    address
        `sqlite:///path` or `postgresql://user@host/database`; no message repeats it with its password.

    Raises
    ------
    BotError
        If it can't be opened.
    """

    def __init__(self, address: str) -> None:
        self._engine = _engine(address)
        self.description = _described(self._engine.url)
        try:
            with self.begin() as connection:
                tables.metadata.create_all(connection)
        except BaseException:  # also where it is interrupted: no connection is left behind
            self.close()
            raise

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction: committed where the block ends, rolled back where it raises.

        Raises
        ------
        BotError
            If the database fails, or is locked for longer than a person waits.
        """
        try:
            with self._engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            raise BotError(f"the bots' database {self.description} fails ({type(error.orig).__name__}): try again in a minute") from None

    def close(self) -> None:
        """Close all connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def insert_new(self, connection: Connection, table: Any, values: Mapping[str, object]) -> bool:
        """Insert a row unless there is one of its key; whether it was inserted."""
        dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
        insert = dialect.insert(table).values(**values).on_conflict_do_nothing()
        return (
            connection.execute(insert.returning(*table.primary_key.columns)).first() is not None
        )  # a count of rows PostgreSQL does not give

    def is_revoked(self, person: str) -> bool:
        """Whether somebody's role was taken away."""
        with self.begin() as connection:
            return connection.execute(select(tables.revoked.c.person).where(tables.revoked.c.person == person)).first() is not None

    def revoke(self, person: str, *, by: str, now: datetime) -> bool:
        """Take a role away; False if it was before."""
        with self.begin() as connection:
            new = self.insert_new(connection, tables.revoked, {"person": person, "by": by, "at": now})
            if new:
                add_to_audit(connection, now, by, "", what="revoked", text=person)
            return new

    def restore(self, person: str, *, by: str, now: datetime) -> bool:
        """Give a role back that was taken away; False if it was not."""
        with self.begin() as connection:
            gone = connection.execute(tables.revoked.delete().where(tables.revoked.c.person == person)).rowcount == 1
            if gone:
                add_to_audit(connection, now, by, "", what="restored", text=person)
            return gone

    def audited(self, limit: int) -> list[dict[str, Any]]:
        """The newest lines of the audit trail, the newest first."""
        with self.begin() as connection:
            rows = connection.execute(select(tables.audit).order_by(tables.audit.c.id.desc()).limit(limit)).mappings().all()
        return [dict(row) | {"at": in_utc(row["at"])} for row in rows]

    def note(self, now: datetime, person: str, place: str, what: str, text: str = "") -> None:
        """Add a line to the audit trail."""
        with self.begin() as connection:
            add_to_audit(connection, now, person, place, what=what, text=text)

    def preference(self, person: str, name: str) -> str | None:
        """What somebody has chosen."""
        table = tables.preferences.c
        with self.begin() as connection:
            return connection.execute(select(table.value).where(table.person == person, table.name == name)).scalar()

    def prefer(self, person: str, name: str, value: str) -> None:
        """Keep what somebody has chosen."""
        table = tables.preferences
        with self.begin() as connection:
            connection.execute(table.delete().where(table.c.person == person, table.c.name == name))
            connection.execute(table.insert().values(person=person, name=name, value=value))

    def preferring(self, name: str) -> dict[str, str]:
        """Person -> value, for those who have chosen."""
        table = tables.preferences.c
        with self.begin() as connection:
            return {row.person: row.value for row in connection.execute(select(table.person, table.value).where(table.name == name))}

    def mark(self, name: str) -> Any:
        """What was kept under a name; None if nothing was."""
        with self.begin() as connection:
            found = connection.execute(select(tables.marks.c.value).where(tables.marks.c.name == name)).scalar()
        return None if found is None else json.loads(found)

    def set_mark(self, name: str, value: object) -> None:
        """Keep a value that JSON can say under a name."""
        with self.begin() as connection:
            connection.execute(tables.marks.delete().where(tables.marks.c.name == name))
            connection.execute(tables.marks.insert().values(name=name, value=json.dumps(value)))

    def was_told(self, person: str, key: str) -> bool:
        """Whether somebody was told of an alert."""
        table = tables.notices.c
        with self.begin() as connection:
            return connection.execute(select(table.at).where(table.person == person, table.key == key)).first() is not None

    def told(self, person: str, key: str, now: datetime) -> None:
        """Keep that somebody was told of an alert."""
        with self.begin() as connection:
            self.insert_new(connection, tables.notices, {"person": person, "key": key, "at": now})


def add_to_audit(connection: Connection, now: datetime, person: str, place: str, *, what: str, text: str) -> None:
    """Add a line to the audit trail in the transaction of what it tells, without the secrets in it."""
    values = {"at": now, "person": person, "place": place, "what": what, "text": redacted(text)[:2000]}
    connection.execute(tables.audit.insert().values(**values))


def in_utc(moment: datetime) -> datetime:
    """A stored time with its zone, which SQLite leaves out."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _engine(address: str) -> Engine:
    wrong = BotError("the address of the bots' database is none: use sqlite:///path or postgresql://user@host/database")
    try:
        url = make_url(address)
        if url.get_backend_name() in {"postgresql", "postgres"}:
            return create_engine(url.set(drivername="postgresql+psycopg"), pool_pre_ping=True, hide_parameters=True)
    except ArgumentError:
        raise wrong from None
    except ImportError:
        raise BotError("PostgreSQL needs a library that is not installed: pip install 'ats-assets[postgresql]'") from None
    if url.get_backend_name() != "sqlite" or not url.database or url.database == ":memory:":
        raise wrong
    engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})
    Path(url.database).absolute().parent.mkdir(parents=True, exist_ok=True)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine


def _prepare(connection: Any, _entry: object) -> None:
    connection.isolation_level = None  # the module begins no transaction of its own: BEGIN IMMEDIATE does
    for pragma in (f"busy_timeout={BUSY_SECONDS * 1000}", "journal_mode=WAL", "synchronous=FULL"):
        connection.execute(f"PRAGMA {pragma}")


def _described(url: URL) -> str:
    return str(url.database) if url.get_backend_name() == "sqlite" else f"{url.database} on {url.host or 'the local socket'}"
