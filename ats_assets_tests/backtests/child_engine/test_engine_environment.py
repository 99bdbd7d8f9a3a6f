"""Environments are made when an engine is asked for, its licence told before, and never otherwise."""

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from ats_assets.backtests.child_engine.engine_environment import COMPLETE, SCRIPTS, EngineEnvironment
from ats_assets.backtests.choosing import engine_of
from ats_assets.errors import EngineError
from ats_assets.plugins import ENGINES
from ats_assets.settings import BacktestSettings

ENGINES_OF_OTHERS = {"backtrader": "GNU General Public License", "vectorbt": "Commons Clause"}
LOCKED = "no-such-package-of-anyone==1.0 --hash=sha256:" + "0" * 64 + "\n"


class Tiny(EngineEnvironment):
    """Of requirements in a folder of the test's."""

    @property
    def requirements(self) -> Path:
        return Path(self.name).with_suffix(".lock")


def test_without_a_package_index_it_says_the_licence_first_and_then_what_is_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    tmp_path.joinpath("tiny.lock").write_text(LOCKED)
    tiny, environments = Tiny(name=str(tmp_path / "tiny"), licence="You owe a cake.", megabytes=1), tmp_path / "environments"
    with caplog.at_level(logging.WARNING), pytest.raises(EngineError, match="needs a package index that pip finds, once"):
        tiny.made(environments)
    assert "You owe a cake." in caplog.text
    assert not tiny.folder(environments).exists()
    assert not tiny.is_there(environments)


def test_what_is_complete_is_used_and_nothing_is_told_or_installed(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tmp_path.joinpath("tiny.lock").write_text(LOCKED)
    tiny = Tiny(name=str(tmp_path / "tiny"), licence="You owe a cake.", megabytes=1)
    folder = tiny.folder(tmp_path)
    (folder / "bin").mkdir(parents=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    assert not tiny.is_there(tmp_path)
    (folder / COMPLETE).touch()
    assert tiny.made(tmp_path) == folder / "bin" / "python"
    assert not caplog.text
    tmp_path.joinpath("tiny.lock").write_text(LOCKED.replace("1.0", "1.1"))
    assert tiny.folder(tmp_path) != folder


@pytest.mark.parametrize(("name", "licence"), ENGINES_OF_OTHERS.items())
def test_to_name_an_engine_installs_nothing(name: str, licence: str, tmp_path: Path) -> None:
    engine = engine_of(BacktestSettings(engine=name), environments=tmp_path / "engines")
    assert engine.settings.model_dump()["environments"] == tmp_path / "engines"
    assert not list(tmp_path.iterdir())
    assert licence in engine.environment.licence  # pyright: ignore[reportAttributeAccessIssue] - of these two


def test_nothing_of_ours_imports_them() -> None:
    """Nor do the plugins, when settings are checked or engines listed."""
    code = "import sys, ats_assets.backtests; from ats_assets.plugins import ENGINES; [ENGINES.find(n) for n in ENGINES.names()]; sys.exit(bool({'backtrader', 'vectorbt'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
    assert {*ENGINES_OF_OTHERS} <= {*ENGINES.names()}


@pytest.mark.parametrize("name", ENGINES_OF_OTHERS)
def test_requirements_are_pinned_and_hashed_and_name_no_address(name: str) -> None:
    text = SCRIPTS.joinpath(f"{name}.lock").read_text()
    packages = [line for line in text.splitlines() if line and not line.startswith((" ", "#"))]
    assert all("==" in line for line in packages)
    assert text.count("--hash=sha256:") >= len(packages)
    assert "://" not in text
    assert [line for line in packages if line.startswith(f"{name}==")]


def test_one_that_is_no_child_engine_is_refused_by_the_command(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "ats_assets.backtests.child_engine"]
    done = subprocess.run([*command, "orders"], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert done.returncode == 2
    assert "backtrader, vectorbt" in done.stderr
    assert not list(tmp_path.iterdir())
