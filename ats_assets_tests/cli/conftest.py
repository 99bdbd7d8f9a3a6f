"""One run of the tiny market for all tests of the command line, and the commands in this process."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest
from typer.testing import CliRunner, Result

from ats_assets.cli import app
from ats_assets_tests.cli.market import ats, environment, make_home
from ats_assets_tests.sharing import made_once

Made = tuple[Path, CompletedProcess[str]]
Command = Callable[..., Result]


def make_run(home: Path) -> Path:
    """Run the tiny market in a folder, and keep what the run said."""
    make_home(home)
    run = ats(home, "run", "--from", "2021-01-02", "--chunk", "40", "--summary-json", str(home / "summary.json"))
    said = {"args": run.args, "returncode": run.returncode, "stdout": run.stdout, "stderr": run.stderr}
    (home / "said.json").write_text(json.dumps(said), encoding="utf-8")
    return home


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, CompletedProcess[str]]:
    """The home of a finished run, and what the run said."""

    home = made_once(tmp_path_factory, "ats", make_run)
    return home, CompletedProcess(**json.loads((home / "said.json").read_text(encoding="utf-8")))


@pytest.fixture
def command(made: tuple[Path, CompletedProcess[str]]) -> Command:
    """Runs `ats` in this process over the finished run: `command("signals", "--format", "json", ATS_…="…")`."""

    def run(*arguments: str, home: Path = made[0], **changes: str) -> Result:
        with pytest.MonkeyPatch.context() as patch:
            wanted = environment(home, **changes)
            for name in set(os.environ) - set(wanted):
                patch.delenv(name)
            for name in (
                "DAGSTER_HOME",
                "DAGSTER_EVENT_BATCH_SIZE",
                "DAGSTER_EMIT_PARTITION_SUBSET_IN_PLANNED_EVENTS",
                "DAGSTER_DISABLE_TELEMETRY",
            ):
                patch.setenv(name, "")  # so that what the command sets is taken back
                os.environ.pop(name)
            for name, value in wanted.items():
                patch.setenv(name, value)
            return CliRunner().invoke(app, arguments)

    return run
