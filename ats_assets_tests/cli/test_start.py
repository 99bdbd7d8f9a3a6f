"""What commands that only read import: a library that takes half a second, and that they have no need of, is half of what their user waits for."""

import json
import subprocess
import sys
from pathlib import Path
from subprocess import CompletedProcess

from ats_assets_tests.cli.conftest import Command
from ats_assets_tests.cli.market import ROOT, environment

HEAVY = (
    "alpaca",
    "apprise",
    "dagster",
    "great_expectations",
    "lightgbm",
    "mlflow",
    "numba",
    "pandas",
    "pandera",
    "plotly",
    "scipy",
    "sklearn",
)
COMMANDS = (
    ["--help"],
    ["--version"],
    ["features", "list"],
    ["features", "list", "--stored"],
    ["features", "show", "KMID"],
    ["models", "list"],
    ["models", "show", "lightgbm"],
    ["signals"],
    ["report"],
    ["stale"],
    ["doctor"],
    ["status"],
    ["orders", "status"],
    ["sql", "SELECT COUNT(*) FROM bars"],
    ["explain", "SYN0000", "2021-03-31"],
    ["sources", "inspect", str(ROOT / "ats_assets_tests" / "sources" / "adapters" / "files" / "samples" / "yahoo")],
)
"""Those that only read, those with a need of their own last."""
NEEDED = {"sources": ("pandas",)}
"""The sessions of an exchange are known to a library that needs pandas."""
PROGRAM = """
import contextlib, io, json, sys
from ats_assets.cli import app
found = []
for arguments, heavy in json.loads(sys.argv[1]):
    written = io.BytesIO()
    with contextlib.redirect_stdout(io.TextIOWrapper(written, write_through=True)) as out:
        try:
            status = app(arguments, standalone_mode=False)
        except SystemExit as exit:
            status = exit.code
    loaded = sorted(name for name in heavy if name in sys.modules)
    found.append([arguments, status or 0, bool(written.getvalue()), loaded])
print(json.dumps(found))
"""


def test_commands_that_read_import_nothing_heavy(command: Command, made: tuple[Path, CompletedProcess[str]]) -> None:
    """One process runs them all, in an order in which none hides what a later one imports."""
    assert (made[0] / "data" / "lineage-rules.json").is_file(), "ats run keeps the rules of the graph, so that ats stale need not make it"
    command("stale")  # the folder has another name now than it had in the run
    command("doctor")
    asked = [(arguments, [name for name in HEAVY if name not in NEEDED.get(arguments[0], ())]) for arguments in COMMANDS]
    run = subprocess.run(
        [sys.executable, "-c", PROGRAM, json.dumps(asked)], cwd=ROOT, env=environment(made[0]), capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1]) == [[arguments, 0, True, []] for arguments in COMMANDS]
