"""The tables in PostgreSQL.

A session of all that is exported is one transaction:

1. An advisory lock of the schema and session: a second exporter waits here.
2. What the ledger says is there is compared with what is to be written; the same versions are left alone.
3. The session's rows are deleted, those of the partition copied in COPY's binary form, and noted in the ledger.

So a reader sees the session as it was or as it is, and whatever is cut off (a killed exporter, a server that is restarted) leaves it as it was.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl
import psycopg

from ats_assets.errors import ExportError, SettingsError, StoreUnreachableError
from ats_assets.exports.store import ExportedPartition, ExportedTable, ExportedVersion, StorePlace
from ats_assets.exports.stores.timescale import extension_statements as extension
from ats_assets.exports.stores.timescale.copy_binary import copy_blocks
from ats_assets.exports.stores.timescale.postgresql_types import POSTGRES_EPOCH_MICROSECONDS, column_type
from ats_assets.exports.stores.timescale.stored_rows_read import read_partition
from ats_assets.exports.stores.timescale.table_preparing import TablePreparing
from ats_assets.exports.stores.timescale.table_statements import (
    LEDGER,
    OWN_COLUMNS,
    DatabaseTable,
    comment_statements,
    create_statement,
    index_statements,
    ledger_statements,
    quoted,
    tables_of,
)
from ats_assets.secrecy import redacted

if TYPE_CHECKING:
    from ats_assets.exports.stores.timescale import TimescaleSettings

CONNECT_SECONDS = 10
LONGEST_NAME, MOST_COLUMNS = 63, 1500
"""Bytes of a name, and columns of a table, that PostgreSQL can have; ours are among them."""
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


class TimescaleStore:
    """One export in PostgreSQL."""

    def __init__(self, own: "TimescaleSettings", place: StorePlace) -> None:
        self.settings = own
        self._own = own
        self.schema = "_".join(filter(None, [own.schema_name, place.prefix]))

    @property
    def secrets(self) -> tuple[str, ...]:
        """The variable with the address, and libpq's with the password."""
        return (self._own.dsn_variable, "PGPASSWORD")

    def kept(self, sessions: Sequence[date]) -> list[date]:
        """All that are not older than what is dropped."""
        if self._own.drop_after_days is None:
            return list(sessions)
        first = datetime.now(UTC).date() - timedelta(days=self._own.drop_after_days)
        return [session for session in sessions if session >= first]

    def require_exportable(self, table: ExportedTable) -> None:
        """Refuse columns that no type of PostgreSQL keeps as they are, and names that are too long or our own."""
        if "session" not in table.schema:
            raise SettingsError(f"{table.asset} has no column session, by which rows are exported: take it out of assets")
        if len(table.schema) > MOST_COLUMNS:
            raise SettingsError(f"{table.asset} has {len(table.schema)} columns, and a table of PostgreSQL {MOST_COLUMNS} at most")
        for name, dtype in table.schema.items():
            if column_type(dtype) is None:
                raise SettingsError(
                    f"{table.asset} has the column {name} of type {dtype}, which no type of PostgreSQL keeps as it is: take it out of assets"
                )
            if name in OWN_COLUMNS or len(name.encode()) > LONGEST_NAME:
                raise SettingsError(
                    f"{table.asset} has a column {name}, which can't be one of a table in PostgreSQL beside {', '.join(OWN_COLUMNS)}"
                )

    def schema_text(self, tables: Sequence[ExportedTable]) -> str:
        """The statements that make the tables, without what the extension is asked for."""
        parts = list(ledger_statements(self.schema))
        for table in (made for each in tables for made in tables_of(self.schema, each)):
            parts += [create_statement(table, hypertable=False), *index_statements(table), *comment_statements(table)]
            parts += extension.aggregate_statements(table, self._own, extension=False)
        return "\n".join(f"{part};" for part in parts)

    @contextmanager
    def connected(self) -> Iterator["TimescaleConnection"]:
        """The store, open."""
        address = os.environ.get(self._own.dsn_variable, "").strip()
        where = self._own.dsn_variable if address else "PGHOST, PGDATABASE, PGUSER and PGPASSWORD"
        with _explained(where, connecting=True):
            connection = psycopg.connect(address, autocommit=True, connect_timeout=CONNECT_SECONDS, application_name="ats exports")
        try:
            with _explained(where):
                wait = f"{self._own.timeout_seconds * 1000}"
                connection.execute("SELECT set_config('statement_timeout', %s, false), set_config('TimeZone', 'UTC', false)", [wait])
            yield TimescaleConnection(connection, self._own, self.schema, where)
        finally:
            connection.close()


class TimescaleConnection:
    """The store, open."""

    def __init__(self, connection: psycopg.Connection[Any], own: "TimescaleSettings", schema: str, where: str) -> None:
        self._connection, self._own, self._schema, self._where = connection, own, schema, where
        self._preparing = TablePreparing(connection, own, schema)

    def prepare(self, tables: Sequence[ExportedTable]) -> None:
        """Make the tables, add the columns that contracts have gained, drop what is too old."""
        with _explained(self._where):
            self._preparing.prepare([one for table in tables for one in tables_of(self._schema, table)])

    def write(self, partitions: Sequence[ExportedPartition], *, again: bool = False) -> int | None:
        """Replace a session; how many rows, or None where it is there already."""
        wanted = {name: versions for one in partitions for name, versions in self._wanted(one).items()}
        session = partitions[0].session if partitions else date.min
        with _explained(self._where):
            self._preparing.make_room(session, list(wanted))
            with self._connection.transaction():
                self._connection.execute(_LOCK, [f"{self._schema}:{session}"])
                if not again and self._ledger(session, list(wanted)) == _ledger_rows(wanted):
                    return None
                return sum(self._replace(name, session, versions) for name, versions in wanted.items())

    def _wanted(self, one: ExportedPartition) -> dict[str, tuple[ExportedVersion, ...]]:
        """The tables that a partition belongs to, and the versions that each is to have."""
        vintages = {f"{one.asset}_vintages": one.vintages} if f"{one.asset}_vintages" in self._preparing.known else {}
        return {one.asset: (one.current,), **vintages}

    def _ledger(self, session: date, names: Sequence[str]) -> set[tuple[Any, ...]]:
        text = f"SELECT table_name, vintage_known_at, data_version, code_version, model_version, rows FROM {self._ledger_name} WHERE session = %s AND table_name = ANY(%s)"  # noqa: S608
        return set(self._connection.execute(text.encode(), [session, list(names)]).fetchall())

    @property
    def _ledger_name(self) -> str:
        return f"{quoted(self._schema)}.{LEDGER}"

    def _replace(self, name: str, session: date, versions: Sequence[ExportedVersion]) -> int:
        table = self._preparing.known[name]
        self._connection.execute(f"DELETE FROM {table.full_name} WHERE session = %s".encode(), [session])  # noqa: S608
        self._connection.execute(f"DELETE FROM {self._ledger_name} WHERE session = %s AND table_name = %s".encode(), [session, name])  # noqa: S608
        for version in versions:
            self._copy(table, version)
            row = [name, session, version.known_at, version.data_version, version.code_version, version.model_version, version.rows.height]
            self._connection.execute(
                f"INSERT INTO {self._ledger_name} (table_name, session, vintage_known_at, data_version, code_version, model_version, rows) "  # noqa: S608
                "VALUES (%s, %s, %s, %s, %s, %s, %s)".encode(),
                row,
            )
        return sum(version.rows.height for version in versions)

    def _copy(self, table: DatabaseTable, version: ExportedVersion) -> None:
        rows = version.rows.with_columns(row_number=pl.int_range(version.rows.height, dtype=pl.Int32))
        known = (round(version.known_at.timestamp() * 1_000_000) - POSTGRES_EPOCH_MICROSECONDS).to_bytes(8, "big", signed=True)
        constants = [known, version.data_version.encode(), version.code_version.encode()]
        columns = ", ".join(map(quoted, [*rows.columns, "vintage_known_at", "data_version", "code_version"]))
        statement = f"COPY {table.full_name} ({columns}) FROM STDIN (FORMAT BINARY)"
        with self._connection.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            for block in copy_blocks(rows, constants):
                copy.write(block)

    def read(self, table: ExportedTable, session: date, columns: Sequence[str]) -> ExportedPartition | None:
        """What the tables hold of a session."""
        with _explained(self._where):
            return read_partition(self._connection, self._schema, table, session, columns)

    def remarks(self) -> list[str]:
        """Whether what the settings want of the extension can be had."""
        with _explained(self._where):
            has = bool(self._scalar(extension.HAS_EXTENSION))
        wanted = self._own.compress_after_days is not None
        if wanted and not (has and self._own.hypertables == "auto"):
            return [
                "compress_after_days is set, and the database has no TimescaleDB (CREATE EXTENSION timescaledb), so that nothing is compressed"
            ]
        return []

    def _scalar(self, text: str) -> Any:
        row = self._connection.execute(text.encode()).fetchone()
        return row[0] if row else None


def _ledger_rows(wanted: dict[str, tuple[ExportedVersion, ...]]) -> set[tuple[Any, ...]]:
    return {
        (name, one.known_at, one.data_version, one.code_version, one.model_version, one.rows.height)
        for name, versions in wanted.items()
        for one in versions
    }


@contextmanager
def _explained(where: str, *, connecting: bool = False) -> Iterator[None]:
    """Make what PostgreSQL says an error that says what to do."""
    try:
        yield
    except psycopg.errors.DiskFull as error:
        raise ExportError(f"PostgreSQL has no room left, and the session is as it was ({_said(error)}): make room") from None
    except psycopg.errors.QueryCanceled as error:
        raise StoreUnreachableError(f"PostgreSQL took longer than timeout_seconds ({_said(error)}), and the session is as it was") from None
    except psycopg.OperationalError as error:
        said = _said(error)
        if connecting and any(word in said for word in ("authentication failed", "no password supplied", "does not exist", "pg_hba.conf")):
            raise ExportError(f"PostgreSQL refuses the connection ({said}): correct {where}") from None
        raise StoreUnreachableError(f"PostgreSQL can't be reached, or went away ({said}): start it, or correct {where}") from None
    except psycopg.errors.InsufficientPrivilege as error:
        raise ExportError(
            f"the user of PostgreSQL lacks a right ({_said(error)}): grant it CREATE on the database, or make the schema for it"
        ) from None
    except psycopg.Error as error:
        if connecting:
            raise ExportError(f"{where} is no address of PostgreSQL: use postgresql://user@host/database") from None
        raise ExportError(f"PostgreSQL refuses what is exported ({_said(error)}), and the session is as it was") from None


def _said(error: psycopg.Error) -> str:
    """The first line of what it says, without secrets."""
    return redacted((str(error).strip() or type(error).__name__).splitlines()[0])
