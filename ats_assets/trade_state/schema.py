"""The schema's version: made where there is none, moved forward where it is older, refused where it is newer."""

from collections.abc import Callable, Mapping

from sqlalchemy import Column, Connection, Integer, Table, inspect, text

from ats_assets.errors import TradeStateError
from ats_assets.trade_state.migrations import MIGRATIONS, Migration
from ats_assets.trade_state.tables import metadata

SCHEMA_VERSION = 6
"""Raised by one with each change of a table that exists; the change itself goes into `MIGRATIONS`. A new table needs neither, unless an older program that knows nothing of it does harm."""

schema_versions = Table("schema_version", metadata, Column("version", Integer, primary_key=True, autoincrement=False))

_LOCK = 0x4154535F  # any number that nobody else takes


def make_or_move_schema(
    connection: Connection,
    *,
    version: int = SCHEMA_VERSION,
    migrations: Mapping[int, Migration] = MIGRATIONS,
    before: Callable[[Connection, int], None] | None = None,
) -> None:
    """Bring the database to `version`, inside the caller's transaction, which on SQLite holds the write lock.

    Parameters
    ----------
    before
        Called with the version that is found before anything of an older schema is changed; what it raises keeps all as it is.

    Raises
    ------
    TradeStateError
        If the schema is newer than this program, or too old for it.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})  # two processes at once: the second one waits
    if not inspect(connection).has_table(schema_versions.name):
        metadata.create_all(connection)
        connection.execute(schema_versions.insert().values(version=version))
        return
    found = connection.execute(schema_versions.select()).scalar_one()
    if found > version:
        raise TradeStateError(
            f"the trade state has schema {found}, this program knows {version}: use the program that wrote it, or a newer one than this"
        )
    steps = range(found, version)
    missing = next((step for step in steps if step not in migrations), None)
    if missing is not None:
        raise TradeStateError(f"the trade state has schema {found}, and there is no way from {missing} to {version}: use an older program")
    if before is not None and found < version:
        before(connection, found)
    for step in steps:
        migrations[step](connection)
    if found < version:
        connection.execute(schema_versions.update().values(version=version))
    there = set(inspect(connection).get_table_names())  # one question, where `create_all` asks for each table
    metadata.create_all(connection, tables=[table for table in metadata.sorted_tables if table.name not in there])
