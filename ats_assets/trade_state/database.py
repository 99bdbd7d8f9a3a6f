"""The connection to the trade state: SQLite by default, PostgreSQL through psycopg; the same transactions on both.

Each transaction is written through to the disk before it returns (SQLite: WAL with synchronous=FULL). On SQLite it takes the write lock at its start
(BEGIN IMMEDIATE), so that writers wait for one another instead of failing midway; on PostgreSQL rows are locked where they are changed.
"""

import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from sqlalchemy import Connection, Engine, Table, create_engine, event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry

from ats_assets.errors import TradeStateError
from ats_assets.secrecy import redacted
from ats_assets.settings import Settings
from ats_assets.trade_state import tables
from ats_assets.trade_state.portable_copy import keep_copy
from ats_assets.trade_state.schema import make_or_move_schema

REFUSED_ADVICE: Final = "Correct the user and the password in DB_CONNECTION_STR, and start what says this again: it reads them once"
COPIES = "before_migrations"
"""The folder, in the data folder, of trade states as they were before they were migrated."""
CONNECTION_VARIABLE = "DB_CONNECTION_STR"
"""Names the database as an SQLAlchemy URL. It may hold a password, so it is never shown."""

BUSY_TIMEOUT_SECONDS = 60


class TradeStateBusyError(TradeStateError):
    """The database is locked by another program, or can't be reached now: the same can be asked again."""


class TradeState:
    """The database of intents, orders, fills, positions and the audit trail. Close it, or use it as a context manager.

    Parameters
    ----------
    copies
        The folder in which a copy is kept before an older schema is migrated. Default: none is kept.
    busy_seconds
        For which a transaction waits for a database of SQLite that is locked.

    Raises
    ------
    TradeStateError
        If the database can't be opened, or its schema is not this program's. No message holds the URL's password.
    """

    def __init__(self, url: str, *, copies: Path | None = None, busy_seconds: float = BUSY_TIMEOUT_SECONDS) -> None:
        parsed = parse_database(url)
        self.description = describe_database(parsed)
        """Where it is, without user and password."""
        self.engine = engine_of_url(parsed, busy_seconds)

        def keep(connection: Connection, version: int) -> None:
            if copies is not None:
                keep_copy(connection, copies, version, self.description)

        try:
            with self.begin() as connection:
                make_or_move_schema(connection, before=keep)
        except BaseException:  # also where it is interrupted: no connection is left behind
            self.close()
            raise

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A transaction: committed and on the disk where the block ends, rolled back where it raises."""
        try:
            with self.engine.begin() as connection:
                yield connection
        except DBAPIError as error:
            # The driver's own message stays out where it may repeat the URL: it is shown without the password alone.
            kind = TradeStateBusyError if is_busy_error(error) else TradeStateError
            raise kind(f"the trade state {self.description} fails: {text_without_password(error, self.engine.url)}") from None

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"TradeState({self.description})"


def open_trade_state(
    settings: Settings, environment: Mapping[str, str] | None = None, *, busy_seconds: float = BUSY_TIMEOUT_SECONDS
) -> TradeState:
    """The trade state that `DB_CONNECTION_STR` names, else `trade_state.sqlite` in the data folder. Made where it does not exist.

    One of an older schema is migrated; a copy of it is kept in `before_migrations` in the data folder (`ats restore` takes it back).
    """
    return TradeState(trade_state_url(settings, environment), copies=settings.storage.data / COPIES, busy_seconds=busy_seconds)


def trade_state_url(settings: Settings, environment: Mapping[str, str] | None = None) -> str:
    """Where the trade state is, or will be. It may hold a password, so it is never shown."""
    url = (os.environ if environment is None else environment).get(CONNECTION_VARIABLE, "").strip()
    return url or f"sqlite:///{settings.storage.data / 'trade_state.sqlite'}"


def record(
    connection: Connection,
    at: datetime,
    who: str,
    what: str,
    *,
    client_order_id: str | None = None,
    details: Mapping[str, object] | None = None,
    texts: Mapping[str, str | None] | None = None,
) -> None:
    """Add a line to the audit trail, in the transaction of what it tells.

    Parameters
    ----------
    details
        Ids, numbers, times, as they are; what JSON lacks is written as text.
    texts
        What a person or another program has said, without the secrets in it.
    """
    plain = {key: value if isinstance(value, bool | int | str | None) else str(value) for key, value in (details or {}).items()}
    plain |= {key: None if text is None else redacted(text) for key, text in (texts or {}).items()}
    connection.execute(tables.audit.insert().values(at=at, who=who, what=what, client_order_id=client_order_id, details=plain))


def insert_missing(connection: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless its primary key is there already; tells whether it was inserted."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    insert = dialect.insert(table).values(**values).on_conflict_do_nothing()
    return connection.execute(insert, execution_options={"preserve_rowcount": True}).rowcount == 1  # else it is -1 on PostgreSQL


def text_without_password(error: DBAPIError, url: URL) -> str:
    """What the driver says, without the password that the URL holds; where the server knows user or password no more, what to do."""
    text = f"{type(error.orig).__name__}: {error.orig}".strip()
    for secret in _secrets(url):
        text = text.replace(secret, "***")
    return f"{text}. {REFUSED_ADVICE}" if "password authentication failed" in text else text


def is_busy_error(error: DBAPIError) -> bool:
    """SQLite's lock, or anything that PostgreSQL calls operational: it is down, restarting, or a lock was waited for too long."""
    told = str(error.orig)
    return "locked" in told or "busy" in told or (type(error).__name__ == "OperationalError" and "no such" not in told)


def parse_database(url: str) -> URL:
    """The address of a trade state, with the driver that is used.

    Raises
    ------
    TradeStateError
        If it is none, or of a database that can't be used.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise TradeStateError(
            f"{CONNECTION_VARIABLE} is not a database URL: use sqlite:///path or postgresql://user@host/database"
        ) from None
    backend = parsed.get_backend_name()
    if backend in ("postgresql", "postgres"):
        return parsed.set(drivername="postgresql+psycopg")
    if backend != "sqlite":
        raise TradeStateError(f"{CONNECTION_VARIABLE} names a database of kind {backend}: only sqlite and postgresql are supported")
    if not parsed.database or parsed.database == ":memory:" or parsed.database.startswith("file:"):
        raise TradeStateError(f"{CONNECTION_VARIABLE} names SQLite without a file: orders must outlive the process, use sqlite:///path")
    return parsed


def engine_of_url(url: URL, busy_seconds: float = BUSY_TIMEOUT_SECONDS) -> Engine:
    """The engine of a trade state, whose schema is not looked at.

    Raises
    ------
    TradeStateError
        If the driver is missing, or SQLite's folder can't be made.
    """
    try:
        if url.get_backend_name() == "postgresql":
            return create_engine(url, pool_pre_ping=True, hide_parameters=True)
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": busy_seconds})
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise TradeStateError(
            f"the trade state {describe_database(url)} can't be reached ({type(error).__name__}): PostgreSQL needs `pip install 'ats-assets[postgresql]'`"
        ) from None
    folder = Path(str(url.database)).absolute().parent
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise TradeStateError(
            f"can't make the folder {folder} of the trade state ({error.strerror}): check {CONNECTION_VARIABLE}"
        ) from error
    event.listen(engine, "connect", lambda connection, entry: _prepare_sqlite(connection, entry, busy_seconds))
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_sqlite(connection: object, entry: ConnectionPoolEntry, busy_seconds: float) -> None:  # noqa: ARG001
    connection.isolation_level = None  # pyright: ignore[reportAttributeAccessIssue]  # the module begins no transactions of its own: `_begin_immediate` does
    cursor = connection.cursor()  # pyright: ignore[reportAttributeAccessIssue]
    for pragma in (f"busy_timeout={round(busy_seconds * 1000)}", "synchronous=FULL", "foreign_keys=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    _write_ahead_log(cursor, busy_seconds)
    cursor.close()


def _write_ahead_log(cursor: sqlite3.Cursor, busy_seconds: float) -> None:
    """Turn the file to WAL, which it stays. SQLite does not wait for the write lock here whatever `busy_timeout` says, so this waits."""
    deadline = time.monotonic() + busy_seconds
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            return


def _begin_immediate(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def describe_database(url: URL) -> str:
    """Where a database is, without user and password."""
    if url.get_backend_name() == "sqlite":
        return f"{url.database} (SQLite)"
    return f"{url.database or 'default database'} on {url.host or 'the local socket'} (PostgreSQL)"


def _secrets(url: URL) -> list[str]:
    hidden = [str(url.password)] if url.password else []
    return hidden + [value for key, value in url.query.items() if "password" in key and isinstance(value, str) and value]
