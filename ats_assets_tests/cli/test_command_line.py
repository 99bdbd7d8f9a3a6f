"""The commands as a whole."""

import importlib.metadata
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from ats_assets.cli import app


@pytest.mark.parametrize("arguments", [["--help"], ["run", "--help"], ["signals", "--help"], ["report", "--help"], ["doctor", "--help"]])
def test_help(arguments: list[str]) -> None:
    run = CliRunner().invoke(app, arguments)
    assert run.exit_code == 0
    assert "Usage: " in run.stdout


@pytest.mark.parametrize("arguments", [["bogus"], ["run", "--bogus"], ["signals", "--format", "xml"]])
def test_wrong_usage_is_status_2(arguments: list[str]) -> None:
    run = CliRunner().invoke(app, arguments)
    assert (run.exit_code, run.stdout) == (2, "")


def test_help_imports_neither_dagster_nor_polars() -> None:
    code = "import sys; from ats_assets.cli import app; app(['--help'], standalone_mode=False); print({'dagster', 'polars', 'numpy'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "set()"


@pytest.mark.parametrize(("command", "extra"), [("up", "api"), ("serve", "api"), ("report", "pdf")])
def test_the_help_names_the_extra_that_a_command_needs(command: str, extra: str) -> None:
    """It said "Needs ats-assets.": square brackets are markup there, and vanished."""
    assert f"Needs the extra {extra}." in " ".join(CliRunner().invoke(app, [command, "--help"]).stdout.replace("│", " ").split())


def test_the_version_is_that_of_the_package() -> None:
    run = CliRunner().invoke(app, ["--version"])
    assert (run.exit_code, run.stdout) == (0, f"ats {importlib.metadata.version('ats-assets')}\n")


@pytest.mark.parametrize(("name", "module"), [("run", "ats_assets.cli.run"), ("trade", "ats_assets.runs.trade_sessions")])
def test_a_command_that_imports_the_graph_says_so_first(name: str, module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """For seconds nothing was printed: here the import fails, and the line is there already."""
    monkeypatch.setitem(sys.modules, module, None)
    run = CliRunner().invoke(app, [name])
    assert isinstance(run.exception, ImportError)
    assert run.stderr.startswith(f"ats {name}: loading the graph, with the settings of ")
