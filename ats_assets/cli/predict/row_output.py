"""How rows of predictions are written."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import polars as pl
from rich.table import Table

from ats_assets.runs.writing import console, say, write_table
from ats_assets.storage.model_record import ModelRecord

SHOWN = 20
"""Rows of the table; the other forms have all."""


def write_rows(rows: pl.DataFrame, whole: Mapping[str, Any], *, form: str, output: Path | None) -> None:
    """Rows to a file or to standard output; JSON is `whole`, which has them, too."""
    if output is not None and output.suffix == ".json":
        output.write_text(json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n", encoding="utf-8")
    elif output is not None:
        rows.write_csv(output) if output.suffix == ".csv" else rows.write_parquet(output)
    elif form == "json":
        sys.stdout.write(json.dumps(whole, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
    elif form == "csv":
        sys.stdout.write(rows.write_csv())
    else:
        _show(rows)
    if output is not None:
        say(f"{rows.height:,} rows: {output}")


def model_as_json(record: ModelRecord) -> dict[str, object]:
    """Which model it was, as JSON has it."""
    return {
        "name": record.name,
        "fitted_session": str(record.fitted_session),
        "sha256": record.model_sha256,
        "versions": record.versions,
    }


def _show(rows: pl.DataFrame) -> None:
    table = Table(box=None)
    for name, dtype in rows.schema.items():
        table.add_column(name, justify="right" if dtype.is_numeric() else "left")
    for row in rows.tail(SHOWN).iter_rows():
        table.add_row(*(f"{value:.6f}" if isinstance(value, float) else str(value) for value in row))
    write_table(console(), table)
    if rows.height > SHOWN:
        say(f"the last {SHOWN} of {rows.height:,} rows; --format csv or --output has all")
