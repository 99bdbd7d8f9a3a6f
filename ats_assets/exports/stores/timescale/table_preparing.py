"""Tables made, and moved to what contracts say now: columns are added, none is changed or taken away."""

import hashlib
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg

from ats_assets.errors import ExportError
from ats_assets.exports.stores.timescale import extension_statements as extension
from ats_assets.exports.stores.timescale.table_statements import (
    PREPARED,
    DatabaseTable,
    comment_statements,
    create_statement,
    index_statements,
    ledger_statements,
    partition_statements,
    quoted,
)

if TYPE_CHECKING:
    from ats_assets.exports.stores.timescale import TimescaleSettings

_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
_COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped
"""
_PARTITIONS = """
SELECT child.relname FROM pg_inherits JOIN pg_class child ON child.oid = inhrelid
WHERE inhparent = to_regclass(%s) AND child.relname ~ '_[0-9]{4}_[0-9]{2}$'
"""


class TablePreparing:
    """What is done before rows are written.

    Attributes
    ----------
    known
        The tables that were prepared, by name.
    """

    def __init__(self, connection: psycopg.Connection[Any], own: "TimescaleSettings", schema: str) -> None:
        self._connection, self._own, self._schema = connection, own, schema
        self.known: dict[str, DatabaseTable] = {}
        self._hypertables = False
        self._months: set[str] = set()

    def prepare(self, tables: Sequence[DatabaseTable]) -> None:
        """Make the tables, one process at a time."""
        found = self._connection.execute(extension.HAS_EXTENSION.encode()).fetchone()
        self._hypertables = self._own.hypertables == "auto" and bool(found and found[0])
        with self._connection.transaction():
            self._lock()
            self._run(ledger_statements(self._schema))
            for table in tables:
                self._prepare(table)
        self.known |= {table.name: table for table in tables}
        if self._own.drop_after_days is not None and not self._hypertables:
            for table in tables:
                self._drop_old(table, self._own.drop_after_days)

    def make_room(self, session: date, names: Sequence[str]) -> None:
        """The partitions of a month, where there are no hypertables."""
        absent = [self.known[name] for name in names if self.known[name].monthly(session) not in self._months]
        if self._hypertables or not absent:
            return
        with self._connection.transaction():
            self._lock()
            for table in absent:
                if not self._columns(f"{quoted(self._schema)}.{quoted(table.monthly(session))}"):
                    self._run(partition_statements(table, session))
        self._months |= {table.monthly(session) for table in absent}

    def _prepare(self, table: DatabaseTable) -> None:
        there = self._columns(table.full_name)
        if there and "row_number" not in there:
            raise ExportError(f"{table.full_name} is there and is no table of this program: choose another schema_name, or rename it")
        asked = hashlib.sha256("\n".join([str(self._hypertables), repr(self._own), *self._all_statements(table)]).encode()).hexdigest()
        if there and self._asked(table) == asked:
            return
        if not there:
            self._run([create_statement(table, hypertable=self._hypertables)])
            self._run([extension.hypertable_statement(table)] if self._hypertables else [])
            self._run(index_statements(table))
        else:
            self._move(table, there)
        self._run(comment_statements(table))
        self._run(extension.policy_statements(table, self._own) if self._hypertables else [])
        self._run(extension.aggregate_statements(table, self._own, extension=self._hypertables))
        note = f"INSERT INTO {self._prepared} VALUES (%s, %s) ON CONFLICT (table_name) DO UPDATE SET asked = EXCLUDED.asked"  # noqa: S608
        self._connection.execute(note.encode(), [table.name, asked])

    def _all_statements(self, table: DatabaseTable) -> list[str]:
        return [create_statement(table, hypertable=self._hypertables), *comment_statements(table)]

    def _move(self, table: DatabaseTable, there: dict[str, str]) -> None:
        """Add the columns that are new."""
        for name, kind in table.columns.items():
            if name not in there:
                self._run([f"ALTER TABLE {table.full_name} ADD COLUMN {quoted(name)} {kind}"])
            elif there[name] != kind:
                raise ExportError(
                    f"the column {name} of {table.full_name} is {there[name]}, and by the contract {kind}: rename the table, or drop it, and export it again"
                )

    def _drop_old(self, table: DatabaseTable, days: int) -> None:
        """Drop the partitions of months that are over for longer than rows are kept."""
        first = datetime.now(UTC).date() - timedelta(days=days)
        for (name,) in self._connection.execute(_PARTITIONS.encode(), [table.full_name]).fetchall():
            year, month = map(int, name[-7:].split("_"))
            if date(year + month // 12, month % 12 + 1, 1) <= first:
                self._run([f"DROP TABLE {quoted(self._schema)}.{quoted(name)}"])

    def _columns(self, full_name: str) -> dict[str, str]:
        return dict(self._connection.execute(_COLUMNS.encode(), [full_name]).fetchall())

    def _asked(self, table: DatabaseTable) -> str:
        row = self._connection.execute(f"SELECT asked FROM {self._prepared} WHERE table_name = %s".encode(), [table.name]).fetchone()  # noqa: S608
        return row[0] if row else ""

    @property
    def _prepared(self) -> str:
        return f"{quoted(self._schema)}.{PREPARED}"

    def _lock(self) -> None:
        self._connection.execute(_LOCK.encode(), [f"{self._schema}:tables"])

    def _run(self, statements: Iterable[str]) -> None:
        for statement in statements:
            self._connection.execute(statement.encode())
