"""The tables in SQL, made from the contracts: what a person can read, and what the store runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from ats_assets.exports.store import ExportedTable
from ats_assets.exports.stores.timescale.postgresql_types import column_type

OWN_COLUMNS = {
    "row_number": ("integer", "the place of the row in its partition, from 0"),
    "vintage_known_at": ("timestamp with time zone", "from when this version of the partition was known"),
    "data_version": ("text", "SHA-256 of the rows of this version of the partition"),
    "code_version": ("text", "of the code that made it"),
}
"""Columns of every table behind those of the contract: type, and what it holds."""
LEDGER = "exported_partitions"
"""The table of what has been exported: a row for each session and version of a table, written in the transaction that writes its rows."""
PREPARED = "prepared_tables"
"""The table of what was asked of the database for each table, beside its columns."""
PRICES = ("open", "high", "low", "close", "volume")
CHUNK = "1 month"


@dataclass(frozen=True, kw_only=True)
class DatabaseTable:
    """A table of the database.

    Attributes
    ----------
    schema
        The schema it lies in.
    name
        The asset, or `<asset>_vintages`.
    """

    schema: str
    name: str
    of: ExportedTable

    @property
    def columns(self) -> dict[str, str]:
        """All columns and their types."""
        contract = {name: kind.sql for name, dtype in self.of.schema.items() if (kind := column_type(dtype)) is not None}
        return contract | {name: kind for name, (kind, _) in OWN_COLUMNS.items()}

    @property
    def full_name(self) -> str:
        """Quoted."""
        return f"{quoted(self.schema)}.{quoted(self.name)}"

    def monthly(self, session: date) -> str:
        """The partition that a session's rows are in, where there are no hypertables."""
        return f"{self.name}_{session.year}_{session.month:02d}"


def quoted(name: str) -> str:
    """A name as SQL has it."""
    return '"' + name.replace('"', '""') + '"'


def text_literal(text: str) -> str:
    """A text as SQL has it."""
    return "'" + text.replace("'", "''") + "'"


def tables_of(schema: str, table: ExportedTable) -> list[DatabaseTable]:
    """The tables of an asset: that of its partitions, and that of all vintages where it keeps them."""
    names = [table.asset, *([f"{table.asset}_vintages"] if table.keeps_vintages else [])]
    return [DatabaseTable(schema=schema, name=name, of=table) for name in names]


def ledger_statements(schema: str) -> Iterator[str]:
    """The schema, and the tables that say what was exported."""
    yield f"CREATE SCHEMA IF NOT EXISTS {quoted(schema)}"
    yield (
        f"CREATE TABLE IF NOT EXISTS {quoted(schema)}.{LEDGER} (\n"
        "    table_name text NOT NULL,\n    session date NOT NULL,\n    vintage_known_at timestamp with time zone NOT NULL,\n"
        "    data_version text NOT NULL,\n    code_version text NOT NULL,\n    model_version text NOT NULL,\n    rows bigint NOT NULL,\n"
        "    exported_at timestamp with time zone NOT NULL DEFAULT now(),\n    PRIMARY KEY (table_name, session, vintage_known_at)\n)"
    )
    yield f"CREATE TABLE IF NOT EXISTS {quoted(schema)}.{PREPARED} (\n    table_name text PRIMARY KEY,\n    asked text NOT NULL\n)"


def create_statement(table: DatabaseTable, *, hypertable: bool) -> str:
    """The table itself."""
    own = set(OWN_COLUMNS) | {"session"}
    columns = ",\n".join(f"    {quoted(name)} {kind}{' NOT NULL' if name in own else ''}" for name, kind in table.columns.items())
    by_month = "" if hypertable else ' PARTITION BY RANGE ("session")'
    key = 'PRIMARY KEY ("session", "vintage_known_at", "row_number")'
    return f"CREATE TABLE IF NOT EXISTS {table.full_name} (\n{columns},\n    {key}\n){by_month}"


def index_statements(table: DatabaseTable) -> Iterator[str]:
    """The way from a symbol to its sessions, where there are symbols."""
    if "symbol" in table.of.schema:
        yield f'CREATE INDEX IF NOT EXISTS {quoted(table.name + "_by_symbol")} ON {table.full_name} ("symbol", "session")'


def comment_statements(table: DatabaseTable) -> Iterator[str]:
    """What the contract says of the columns."""
    told = {name: said for name, (_, said) in OWN_COLUMNS.items()}
    for name, dtype in table.of.schema.items():
        kind = column_type(dtype)
        told[name] = "; ".join(filter(None, [table.of.told.get(name, ""), kind.remark if kind else ""]))
    what = "all vintages of" if table.name != table.of.asset else "what its sessions read of"
    yield f"COMMENT ON TABLE {table.full_name} IS {text_literal(f'{what} the asset {table.of.asset}')}"
    for name, said in told.items():
        if said:
            yield f"COMMENT ON COLUMN {table.full_name}.{quoted(name)} IS {text_literal(said)}"


def partition_statements(table: DatabaseTable, session: date) -> Iterator[str]:
    """The partition of a month: made apart and then attached, so that readers of the table are not kept waiting."""
    first = session.replace(day=1)
    after = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    name = f"{quoted(table.schema)}.{quoted(table.monthly(session))}"
    yield f"CREATE TABLE {name} (LIKE {table.full_name} INCLUDING ALL)"
    yield f"ALTER TABLE {table.full_name} ATTACH PARTITION {name} FOR VALUES FROM ('{first}') TO ('{after}')"
