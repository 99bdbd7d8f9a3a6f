"""The Tab key: in a real bash, after `ats --install-completion`, and without the libraries that would make it wait."""

import json
import os
import pty
import select
import subprocess
import sys
import time
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from ats_assets.runs.completing import setting_names
from ats_assets_tests.cli.market import ROOT, environment
from ats_assets_tests.cli.test_start import HEAVY

OF_COMMANDS = ("ats_assets.settings", "polars", "pydantic_settings", *HEAVY)
OF_NAMES = ("polars", "pyarrow", *HEAVY)
PROGRAM = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps(sorted(name for name in json.loads(sys.argv[1]) if name in sys.modules)), file=sys.stderr))
from ats_assets.cli import app
app(prog_name="ats")
"""
Made = tuple[Path, CompletedProcess[str]]


def offered(home: Path, line: str, unwanted: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """What is offered for a line whose last word is begun, and which of the unwanted modules were imported for it."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split(" ")) - 1), "_ATS_COMPLETE": "complete_bash"}
    command = [sys.executable, "-c", PROGRAM, json.dumps(unwanted)]
    run = subprocess.run(command, cwd=ROOT, env=environment(home, **words), capture_output=True, text=True, check=False)
    return run.stdout.split(), json.loads(run.stderr.splitlines()[-1])


@pytest.mark.parametrize(
    ("line", "expected", "unwanted"),
    [
        ("ats feat", {"features"}, OF_COMMANDS),
        ("ats signals --for", {"--format"}, OF_COMMANDS),
        ("ats models show ", {"lightgbm"}, OF_NAMES),
        ("ats config show uni", {"universe"}, OF_NAMES),
        ("ats reproduce lightgbm_m", {"lightgbm_model"}, OF_NAMES),
        ("ats features evaluate alpha1", {"alpha158"}, OF_NAMES),
        ("ats explain SYN000", {"SYN0000", "SYN0001"}, HEAVY),
    ],
)
def test_names_are_offered_without_heavy_imports(line: str, expected: set[str], unwanted: tuple[str, ...], made: Made) -> None:
    found, imported = offered(made[0], line, unwanted)
    assert expected <= set(found)
    assert all(name.startswith(line.rpartition(" ")[2]) for name in found)
    assert imported == []


def test_where_nothing_is_stored_nothing_is_offered_and_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "ats.toml").write_text("[nonsense]\n", encoding="utf-8")
    assert offered(tmp_path, "ats explain S", HEAVY) == ([], [])
    assert offered(tmp_path, "ats models show ", HEAVY) == ([], [])


def test_settings_in_a_section_are_offered_after_its_dot() -> None:
    assert "training.refit" in setting_names("training.re")
    assert setting_names("nothing.") == []


def test_it_works_in_a_real_bash(tmp_path: Path) -> None:
    """Installed as its help says, with the file that bash reads at its start; then keys are pressed."""
    tools = Path(sys.executable).parent
    env = environment(tmp_path, HOME=str(tmp_path), PATH=f"{tools}:{os.environ['PATH']}", PYTHONPATH=str(ROOT), TERM="dumb", PS1="> ")
    (tmp_path / "ats.toml").write_text("", encoding="utf-8")
    install = 'ats --install-completion; grep -q ats.sh "$HOME/.bashrc"'
    done = subprocess.run(["bash", "-c", install], env=env, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    screen = typed_into_bash(env, tmp_path, "ats mode\tsh\tligh\t", until="ats models show lightgbm")
    assert "ats models show lightgbm" in screen


def typed_into_bash(env: dict[str, str], cwd: Path, keys: str, until: str) -> str:
    """Press keys in an interactive bash, and return its screen."""
    master, slave = pty.openpty()
    shell = subprocess.Popen(["bash", "-i"], env=env, cwd=cwd, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    screen, deadline = "", time.monotonic() + 60
    sent = False
    while time.monotonic() < deadline and until not in screen:
        if not sent and screen.endswith(("> ", "# ", "$ ")):
            os.write(master, keys.encode())
            sent = True
        if select.select([master], [], [], 0.1)[0]:
            screen += os.read(master, 4096).decode()
    shell.kill()
    shell.wait()
    os.close(master)
    return screen
