"""What `ats predict` does."""

import json
import sys
from collections.abc import Mapping
from pathlib import Path

import polars as pl
from rich.table import Table

from ats_assets.deployment import Deployment
from ats_assets.runs.saved_models import SavedModelPredictions, predictions_of_file, predictions_of_session
from ats_assets.runs.writing import console, parse_day, say, write_table
from ats_assets.settings import load_settings

SHOWN = 20
"""Rows of the table; the other forms have all."""


def predicted(*, model: str | None, session: str | None, file: Path | None, form: str, output: Path | None) -> None:
    """Write the predictions to standard output, or to a file, and of what they were made to standard error."""
    day = parse_day(session, "--session")
    deployment = Deployment(load_settings())
    found = predictions_of_session(deployment, model, day) if file is None else predictions_of_file(deployment, model, file, day)
    for line in provenance(found):
        say(line)
    if output is not None:
        found.rows.write_csv(output) if output.suffix == ".csv" else found.rows.write_parquet(output)
        say(f"{found.rows.height:,} rows: {output}")
    elif form == "json":
        rows = {"model": _as_json(found), "predictions": json.loads(found.rows.write_json())}
        sys.stdout.write(json.dumps(rows, indent=2, ensure_ascii=False) + "\n")
    elif form == "csv":
        sys.stdout.write(found.rows.write_csv())
    else:
        _show(found.rows)


def provenance(found: SavedModelPredictions) -> list[str]:
    """Of what predictions were made, a line each."""
    record = found.record
    versions = record.versions
    libraries = ", ".join(f"{name} {versions[name]}" for name in versions if name not in {"code", "settings"} and len(versions[name]) < 20)
    return [
        f"model: {record.name}, fitted at {record.fitted_session}, {record.learner} ({libraries}), SHA-256 {record.model_sha256}",
        f"code: {versions.get('code', 'unknown')}; settings: {versions.get('settings', 'unknown')}",
        *(f"data: {name} {_versions(of)}" for name, of in found.data.items()),
    ]


def _versions(of: Mapping[str, str]) -> str:
    return ", ".join(f"{session} {version}" for session, version in of.items()) or "(a file)"


def _as_json(found: SavedModelPredictions) -> dict[str, object]:
    record = found.record
    return {
        "name": record.name,
        "fitted_session": str(record.fitted_session),
        "sha256": record.model_sha256,
        "versions": record.versions,
        "data": {name: dict(of) for name, of in found.data.items()},
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
