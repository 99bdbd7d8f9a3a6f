"""`ats reproduce`: rebuild partitions in an empty folder and compare the bytes."""

import json
import sys
import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import typer
from rich.text import Text

from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.runs.reproduction import reproduced
from ats_assets.runs.startup import prepare_environment, quiet
from ats_assets.runs.writing import console, write_line
from ats_assets.settings import load_settings


def reproduce(*, asset: str, sessions: Sequence[date], folder: Path | None, as_json: bool) -> None:
    """Rebuild the partitions and everything upstream, and report whether the bytes are the same; status 1 if not."""
    prepare_environment()
    with quiet(), tempfile.TemporaryDirectory() as temporary:
        found = reproduced(Deployment(load_settings()), asset, sessions, folder or Path(temporary) / "world")
    same, different = found.files.same, found.files.different
    if as_json:
        sys.stdout.write(
            json.dumps({"same": len(same), "different": different, "changed": found.changed}, indent=2, ensure_ascii=False) + "\n"
        )
    else:
        console().print(f"{how_many(len(same), 'file is', 'files are')} identical, {how_many(len(different), 'differs', 'differ')}.")
        for path in different:
            write_line(console(), Text(f"differs: {path}"))
    if different:
        raise typer.Exit(1)
