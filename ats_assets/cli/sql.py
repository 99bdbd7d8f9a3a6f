"""`ats sql`: a SELECT over the warehouse, or the tables that there are."""

import io
import json
import math
import sys
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

import polars as pl
import typer
from rich.table import Table

from ats_assets.deployment import Deployment
from ats_assets.errors import QueryError, how_many
from ats_assets.runs.progress import LongJob
from ats_assets.runs.writing import console, require_writable, say, write_table
from ats_assets.settings import load_settings
from ats_assets.storage.sql_tables import SqlTables, explained

TABLE_ROWS = 50
"""Rows of a table where --limit does not say how many; the other formats have all."""


def sql(*, query: str | None, as_of: datetime | None, form: str, limit: int | None, output: Path | None) -> None:
    """Write what the query comes to, or the tables where there is none, to standard output or a file.

    Raises
    ------
    QueryError
        If it is no SELECT or can't be run; it says which tables and columns there are.
    """
    binary = getattr(sys.stdout, "buffer", None)  # a notebook's has none
    if form == "parquet" and output is None and (binary is None or sys.stdout.isatty()):
        raise typer.BadParameter("Parquet is no text: name a file with --output, or redirect standard output", param_hint="--format")
    if form == "table" and output is not None:
        raise typer.BadParameter("a file is csv, json or parquet: add --format", param_hint="--output")
    require_writable(output)
    deployment = Deployment(load_settings())
    tables = SqlTables(deployment.warehouse, deployment.calendar, as_of)
    rows = _tables(tables) if query is None else _selected(tables, query, limit if limit is not None else (form == "table") * TABLE_ROWS)
    if output is None:
        text = io.BytesIO()
        _write(rows, form, binary or text)
        if binary is None:
            sys.stdout.write(text.getvalue().decode())
        return
    with output.open("wb") as file:
        _write(rows, form, file)
    say(f"{how_many(rows.height, 'row')} in {output}")


def _selected(tables: SqlTables, query: str, limit: int) -> pl.DataFrame:
    """The rows, and a notice where there are more than `limit` (0: no limit)."""
    found = tables.query(query)
    with explained(tables.names, []), LongJob("ats sql"):
        rows = (found.head(limit + 1) if limit else found).collect()
    if limit and rows.height > limit:
        say(f"ats sql: only the first {how_many(limit, 'row')}; --limit N shows more, --limit 0 all")
        return rows.head(limit)
    return rows


def _tables(tables: SqlTables) -> pl.DataFrame:
    """A row a table."""
    if not tables.names:
        raise QueryError("there are no tables, since nothing is stored yet: run ats run")
    found = [table for name in tables.names if (table := tables.table(name)) is not None]
    return pl.DataFrame(
        {
            "table": [table.name for table in found],
            "sessions": [len(table.sessions) for table in found],
            "first": [min(table.sessions, default=None) for table in found],
            "last": [max(table.sessions, default=None) for table in found],
            "version": [table.version for table in found],
            "columns": [", ".join(list(table.schema)[:12]) + (", …" if len(table.schema) > 12 else "") for table in found],
        },
        schema={"table": pl.String, "sessions": pl.Int64, "first": pl.Date, "last": pl.Date, "version": pl.String, "columns": pl.String},
    )


def _write(rows: pl.DataFrame, form: str, file: BinaryIO) -> None:
    if form == "parquet":
        rows.write_parquet(file, compression="zstd")
    elif form == "csv":
        nested = [pl.Series(name, map(_text, rows[name]), pl.String) for name, dtype in rows.schema.items() if dtype.is_nested()]
        rows.with_columns(nested).write_csv(file)
    elif form == "json":
        plain = [{name: _plain(value) for name, value in row.items()} for row in rows.iter_rows(named=True)]
        file.write((json.dumps(plain, indent=2, ensure_ascii=False, allow_nan=False, default=str) + "\n").encode())
    else:
        _show(rows)
    file.flush()


def _show(rows: pl.DataFrame) -> None:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for name, dtype in rows.schema.items():
        table.add_column(name, justify="right" if dtype.is_numeric() else "left", overflow="fold")
    for row in rows.iter_rows():
        table.add_row(*map(_cell, row))
    write_table(console(), table)


def _cell(value: object) -> str:
    """A cell of a table: eight significant digits, and no exponent where money has none."""
    if isinstance(value, float):
        short = f"{value:.8g}"
        return f"{value:.2f}" if "e+" in short and abs(value) < 1e15 else short
    return "" if value is None else _text(value)


def _text(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list | pl.Series) else str(value)


def _plain(value: object) -> object:
    """A value as JSON has it: what is no finite number is null."""
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value
