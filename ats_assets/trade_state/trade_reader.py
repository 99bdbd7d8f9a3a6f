"""The trade state for those who only look: no write lock is taken, nothing is made or moved, and no connection to a file stays open.

`open_trade_state` makes the database, brings its schema forward and begins each transaction with SQLite's write lock, as whoever sends orders must. A reader that
did so would hold up the executor. Here a transaction is a snapshot, in which SQLite and PostgreSQL refuse to write.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from sqlalchemy import Connection, Engine, create_engine, event, inspect
from sqlalchemy.engine import URL
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import ConnectionPoolEntry, NullPool

from ats_assets.errors import TradeStateError
from ats_assets.settings import Settings
from ats_assets.trade_state.database import (
    CONNECTION_VARIABLE,
    TradeStateBusyError,
    describe_database,
    is_busy_error,
    parse_database,
    text_without_password,
)
from ats_assets.trade_state.schema import SCHEMA_VERSION, schema_versions
from ats_assets.trade_state.tables import metadata


class TradeReader:
    """Reads the trade state that settings or `DB_CONNECTION_STR` name. Close it, or use it as a context manager.

    Parameters
    ----------
    settings
        Of the deployment.
    environment
        Default: the process's.
    busy_seconds
        For which a read waits for a database that is locked.
    """

    def __init__(self, settings: Settings, environment: Mapping[str, str] | None = None, *, busy_seconds: float = 2.0) -> None:
        named = (os.environ if environment is None else environment).get(CONNECTION_VARIABLE, "").strip()
        self.url = parse_database(named or f"sqlite:///{settings.storage.data / 'trade_state.sqlite'}")
        self.description = describe_database(self.url)
        """Where it is, without user and password."""
        self._busy_seconds = busy_seconds
        self._engine: Engine | None = None

    @property
    def file(self) -> Path | None:
        """The file of SQLite; None: it is PostgreSQL's."""
        return Path(str(self.url.database)).absolute() if self.url.get_backend_name() == "sqlite" else None

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        """A snapshot of the database; of an empty one, where nothing was ever traded and there is none.

        Raises
        ------
        TradeStateBusyError
            If it is locked or can't be reached.
        TradeStateError
            If it fails otherwise, or its schema is another version's.
        """
        try:
            with self._reading_engine().begin() as connection:
                _require_schema(connection, self.description)
                yield connection
        except DBAPIError as error:
            told = f"the trade state {self.description} can't be read: {text_without_password(error, self.url)}"
            kind = TradeStateBusyError if is_busy_error(error) else TradeStateError
            raise kind(told) from None

    def close(self) -> None:
        """Close its connections; the next read opens others."""
        if self._engine is not None:
            self._engine.dispose()
            self._engine = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _reading_engine(self) -> Engine:
        if self.file is not None and not self.file.is_file():
            return _empty_database()
        if self._engine is None:
            self._engine = _sqlite(self.url, self._busy_seconds) if self.file is not None else _postgresql(self.url, self._busy_seconds)
        return self._engine


def _sqlite(url: URL, busy_seconds: float) -> Engine:
    """A connection a transaction: the file may be replaced by that of a backup."""
    engine = create_engine(url, poolclass=NullPool, hide_parameters=True, connect_args={"timeout": busy_seconds})

    def prepare(connection: object, entry: ConnectionPoolEntry) -> None:  # noqa: ARG001
        connection.isolation_level = None  # pyright: ignore[reportAttributeAccessIssue]
        connection.execute("PRAGMA query_only=ON")  # pyright: ignore[reportAttributeAccessIssue]

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", _begin_snapshot)
    return engine


def _begin_snapshot(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _postgresql(url: URL, busy_seconds: float) -> Engine:
    waits = {"options": f"-c lock_timeout={int(busy_seconds * 1000)}", "connect_timeout": max(2, round(busy_seconds))}
    try:
        engine = create_engine(url, pool_pre_ping=True, hide_parameters=True, connect_args=waits)
    except (ArgumentError, NoSuchModuleError, ImportError) as error:
        raise TradeStateError(
            f"the trade state {describe_database(url)} can't be reached ({type(error).__name__}): "
            "PostgreSQL needs `pip install 'ats-assets[postgresql]'`"
        ) from None
    return engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)


def _empty_database() -> Engine:
    engine = create_engine("sqlite://", poolclass=NullPool)
    event.listen(engine, "begin", _make_tables)
    return engine


def _make_tables(connection: Connection) -> None:
    metadata.create_all(connection)
    connection.execute(schema_versions.insert().values(version=SCHEMA_VERSION))


def _require_schema(connection: Connection, description: str) -> None:
    if not inspect(connection).has_table(schema_versions.name):
        raise TradeStateError(f"the trade state {description} has no tables yet: it is being made, or is another program's")
    found = connection.execute(schema_versions.select()).scalar_one()
    if found != SCHEMA_VERSION:
        what = (
            "ats orders status brings it forward" if found < SCHEMA_VERSION else "use the program that wrote it, or a newer one than this"
        )
        raise TradeStateError(f"the trade state {description} has schema {found}, and this program reads {SCHEMA_VERSION}: {what}")
