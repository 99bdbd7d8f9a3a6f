"""`ats run --on NAME` as an operator gives it, by workers that are there."""

import json
from pathlib import Path
from typing import Any

from ats_assets_tests.cli.market import FIRST, ats, make_home

LAST = "2021-01-08"


def assert_runs_by_command(folder: Path, name: str, **settings: Any) -> None:
    """The command says on what it works and how far it is, and makes what it is asked for: that the bytes are those of one process is what `spread_market` compares."""
    home, on = make_home(folder), {"ATS_WORKERS": json.dumps({name: settings})}
    summary = str(home / "summary.json")
    done = ats(home, "run", "--on", name, "--to", LAST, "--select", "+alpha158,+forward_returns", "--summary-json", summary, **on)
    assert done.returncode == 0, done.stderr
    assert f"2 at once on {name}" in done.stderr
    assert f"{FIRST} to {LAST}" in done.stderr
    assert json.loads(Path(summary).read_text(encoding="utf-8"))["assets"]["alpha158"] == 5
