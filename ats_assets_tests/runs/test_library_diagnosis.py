"""What is missing of an installation is said in a line, by the command that lacks it."""

import importlib.metadata
import sys

import pytest
from typer.testing import CliRunner

from ats_assets.cli import app
from ats_assets.runs.library_diagnosis import library_faults, told_ending

WANTED = ["numpy>=2.1", "polars<1", 'nosuchlibrary>=1; python_version >= "3"', "neither; extra == 'dev'", "nor; python_version < '3'"]


def test_what_is_missing_or_of_another_version_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of this distribution; what only an extra or another Python needs is not asked for."""
    polars = importlib.metadata.version("polars")
    monkeypatch.setattr(importlib.metadata, "requires", lambda _name: WANTED)
    assert library_faults() == [f"polars is {polars}, and <1 is asked for", "nosuchlibrary is not installed"]
    assert "nosuchlibrary is not installed: in a checkout, delete .venv" in told_ending(ImportError("No module"))


def test_a_fault_of_the_package_stays_one() -> None:
    with pytest.raises(ImportError, match="cannot import name"):
        told_ending(ImportError("cannot import name 'x'"))


def test_a_command_that_lacks_a_library_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each ended with a traceback, `ats doctor` too."""
    monkeypatch.setattr(importlib.metadata, "requires", lambda _name: WANTED)
    monkeypatch.setitem(sys.modules, "ats_assets.settings", None)
    run = CliRunner().invoke(app, ["doctor"])
    assert run.exit_code == 1
    assert "nosuchlibrary is not installed" in run.stderr
    assert "Traceback" not in run.stderr
