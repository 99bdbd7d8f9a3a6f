"""What the tables hold of a session, as a partition again: for the check."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import polars as pl
import psycopg

from ats_assets.exports.store import ExportedPartition, ExportedTable, ExportedVersion
from ats_assets.exports.stores.timescale.table_statements import LEDGER, DatabaseTable, quoted, tables_of

ROWS_AT_ONCE = 50_000
"""That are objects of Python at once: a session of ticks has millions."""
_PLAIN = {
    pl.Int8(): pl.Int16(),
    pl.UInt8(): pl.Int16(),
    pl.UInt16(): pl.Int32(),
    pl.UInt32(): pl.Int64(),
    pl.Datetime("ns", "UTC"): pl.Int64(),
}
"""As what values of a type come from PostgreSQL, where it has none of that type."""


def read_partition(
    connection: psycopg.Connection[Any], schema: str, table: ExportedTable, session: date, columns: Sequence[str]
) -> ExportedPartition | None:
    """The version of a session, and its vintages; None where the ledger has none."""
    current, *others = [_versions(connection, one, schema, session, columns) for one in tables_of(schema, table)]
    if not current:
        return None
    vintages = tuple(version for versions in others for version in versions)
    return ExportedPartition(asset=table.asset, session=session, current=current[0], vintages=vintages)


def _versions(
    connection: psycopg.Connection[Any], table: DatabaseTable, schema: str, session: date, columns: Sequence[str]
) -> list[ExportedVersion]:
    ledger = f"{quoted(schema)}.{LEDGER}"
    exists = connection.execute(b"SELECT to_regclass(%s) IS NOT NULL AND to_regclass(%s) IS NOT NULL", [ledger, table.full_name]).fetchone()
    if not (exists and exists[0]):
        return []
    text = f"SELECT vintage_known_at, data_version, code_version, model_version FROM {ledger} WHERE table_name = %s AND session = %s ORDER BY vintage_known_at"  # noqa: S608
    noted = connection.execute(text.encode(), [table.name, session]).fetchall()
    return [
        ExportedVersion(
            known_at=known,
            data_version=data,
            code_version=code,
            model_version=model,
            rows=_rows(connection, table, session, known, columns),
        )
        for known, data, code, model in noted
    ]


def _rows(
    connection: psycopg.Connection[Any], table: DatabaseTable, session: date, known: datetime, columns: Sequence[str]
) -> pl.DataFrame:
    schema = table.of.schema
    asked = [name for name in columns if name in schema]
    text = f"SELECT {', '.join(map(quoted, asked))} FROM {table.full_name} WHERE session = %s AND vintage_known_at = %s ORDER BY row_number"  # noqa: S608
    plain = {name: _PLAIN.get(schema[name], schema[name]) for name in asked}
    parts = [pl.DataFrame(schema=plain)]
    with connection.transaction(), connection.cursor(name="ats_rows", binary=True) as cursor:
        cursor.execute(text.encode(), [session, known])
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            parts.append(pl.DataFrame(rows, schema=plain, orient="row"))
    return pl.concat(parts).cast({name: schema[name] for name in asked})
