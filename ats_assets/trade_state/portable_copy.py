"""The trade state as one SQLite file, whichever database it is in and whatever version its schema has; and the way back, into either kind.

The tables are those that are found in the database, not those of this program: so the state of an older program is copied before it is migrated, and what other
parts of the package keep there comes along.
"""

import os
import sqlite3
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import BigInteger, Connection, Engine, Integer, MetaData, Table, create_engine, func, inspect, select, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.types import JSON

from ats_assets.errors import TradeStateError, how_many
from ats_assets.storage.sqlite_copy import copy_database
from ats_assets.trade_state.schema import schema_versions

ROWS_AT_ONCE = 2_000


def save_copy(connection: Connection, path: Path) -> None:
    """Write what is committed into a new SQLite file, with its schema as it is.

    Parameters
    ----------
    connection
        In a transaction that sees one state of PostgreSQL throughout (repeatable read, or with the tables locked). Of SQLite another connection reads, which
        sees what is committed.
    """
    if connection.dialect.name == "sqlite":
        copy_database(Path(str(connection.engine.url.database)), path)
        return
    tables = _found_tables(connection)
    engine = create_engine(f"sqlite:///{path}")
    try:
        with engine.begin() as target:
            tables.create_all(target)
            for table in tables.sorted_tables:
                _copy_rows(table, connection, target)
    finally:
        engine.dispose()


def keep_copy(connection: Connection, folder: Path, version: int, description: str) -> None:
    """Keep what is about to be migrated, on the disk before anything is changed. Whoever can't be copied is not migrated.

    Raises
    ------
    TradeStateError
        If no copy can be kept.
    """
    if connection.dialect.name == "postgresql":  # an older program may be writing still
        names = ", ".join(f'"{name}"' for name in inspect(connection).get_table_names())
        connection.execute(text(f"LOCK TABLE {names} IN ACCESS EXCLUSIVE MODE"))
    path = folder / f"trade_state-schema-{version}-{datetime.now(UTC):%Y-%m-%dT%H%M%SZ}.sqlite"
    unfinished = folder / f".{path.name}.{uuid.uuid4().hex}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            save_copy(connection, unfinished)
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
    except (OSError, sqlite3.Error, DBAPIError) as error:
        raise TradeStateError(
            f"the trade state {description} has schema {version}, and no copy can be kept in {folder} before it is migrated "
            f"({type(error).__name__}: {error}): nothing was changed. Make room there, or give this user the right to write"
        ) from None


def fill_from_copy(path: Path, connection: Connection) -> int:
    """Put all rows of a copy into a database that has the schema of the same version and no rows, in the caller's transaction; returns their number.

    Raises
    ------
    TradeStateError
        If the versions differ, or there are rows already.
    """
    source = create_engine(f"sqlite:///{path}")
    try:
        with source.connect() as reading:
            _require_same_version(reading, connection)
            _make_missing(reading, connection)
            tables = _found_tables(connection)
            tables.remove(tables.tables[schema_versions.name])  # which has its row
            _require_empty(tables, connection)
            there = set(inspect(reading).get_table_names())
            rows = sum(_copy_rows(table, reading, connection) for table in tables.sorted_tables if table.name in there)
    finally:
        source.dispose()
    if connection.dialect.name == "postgresql":
        _set_sequences(tables, connection)
    return rows


def schema_of(engine: Engine) -> int | None:
    """The version of a database's schema; None where it has none."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(schema_versions.name):
            return None
        return connection.execute(schema_versions.select()).scalar_one()


def _found_tables(connection: Connection) -> MetaData:
    """The tables of a database, with types that both kinds have."""
    found = MetaData()
    found.reflect(connection)
    for table in found.tables.values():
        for column in table.columns:
            kind: Any = column.type.as_generic()
            if column.primary_key and isinstance(kind, BigInteger):
                kind = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows by itself for INTEGER alone
            column.type = JSON(none_as_null=True) if isinstance(kind, JSON) else kind
            column.server_default = None  # a sequence of PostgreSQL
        for index in table.indexes:
            conditions = [options.get("where") for options in (index.dialect_options["postgresql"], index.dialect_options["sqlite"])]
            where = next((one for one in conditions if one is not None), None)
            for dialect in ("postgresql", "sqlite"):
                index.dialect_options[dialect]["where"] = text(where) if isinstance(where, str) else where
    return found


def _copy_rows(table: Table, source: Connection, target: Connection) -> int:
    copied = 0
    for rows in source.execute(table.select()).mappings().partitions(ROWS_AT_ONCE):
        target.execute(table.insert(), [dict(row) for row in rows])
        copied += len(rows)
    return copied


def _require_same_version(source: Connection, target: Connection) -> None:
    versions = [connection.execute(schema_versions.select()).scalar_one() for connection in (source, target)]
    if versions[0] != versions[1]:
        raise TradeStateError(f"the copy has schema {versions[0]}, the database {versions[1]}: open the copy first, which migrates it")


def _make_missing(source: Connection, target: Connection) -> None:
    """Tables of a part of the package that this process has not imported."""
    found, there = _found_tables(source), set(inspect(target).get_table_names())
    for table in found.sorted_tables:
        if table.name not in there:
            table.create(target)


def _require_empty(tables: MetaData, target: Connection) -> None:
    held = [table.name for table in tables.sorted_tables if target.execute(select(func.count()).select_from(table)).scalar_one()]
    if held:
        raise TradeStateError(f"{how_many(len(held), 'table')} of the database hold rows already ({', '.join(held[:3])}): use an empty one")


def _set_sequences(tables: MetaData, target: Connection) -> None:
    """PostgreSQL goes on numbering after the highest that is there."""
    for table in tables.sorted_tables:
        keys = list(table.primary_key.columns)
        if len(keys) != 1 or not isinstance(keys[0].type, Integer):
            continue
        name = target.execute(text("SELECT pg_get_serial_sequence(:table, :key)"), {"table": table.name, "key": keys[0].name}).scalar_one()
        if name is not None:
            highest = target.execute(select(func.max(keys[0]))).scalar_one()
            target.execute(text("SELECT setval(:name, :value, :used)"), {"name": name, "value": highest or 1, "used": highest is not None})
