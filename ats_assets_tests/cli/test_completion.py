"""The Tab key: in a real bash, zsh and fish, after `ats --install-completion`, and without the libraries that would make it wait."""

import json
import os
import pty
import select
import shutil
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
TAB = {"bash": "\t", "zsh": "\t\t"}
"""Its first press in a zsh reads the file of completions, and offers nothing yet (Typer's file ends without calling what it has defined)."""
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


def installed(shell: str, home: Path) -> dict[str, str]:
    """As its help says, by the shell itself; the environment in which it is used. Skips where there is no such shell."""
    if shutil.which(shell) is None:
        pytest.skip(f"no {shell} here: install it (Debian: apt-get install zsh fish)")
    tools = Path(sys.executable).parent
    paths = {"HOME": str(home), "PATH": f"{tools}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    env = environment(home, **paths, TERM="dumb", PS1="> ", XDG_CONFIG_HOME=str(home / ".config"), ZDOTDIR=str(home))
    (home / "ats.toml").write_text("", encoding="utf-8")
    done = subprocess.run([shell, "-c", "ats --install-completion; true"], env=env, cwd=home, capture_output=True, text=True, check=False)
    assert f"{shell} completion installed" in done.stdout, done.stderr
    return env


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_it_works_in_a_real_shell(shell: str, tmp_path: Path) -> None:
    """Installed with the file that the shell reads at its start; then keys are pressed."""
    keys = f"ats mode{TAB[shell]}sh\tligh\t"
    screen = typed_into([shell, "-i"], installed(shell, tmp_path), tmp_path, keys, until="ats models show lightgbm")
    assert "ats models show lightgbm" in screen


def test_it_works_in_a_real_fish(tmp_path: Path) -> None:
    """Which tells what its Tab key would offer."""
    asked = 'complete -C "ats mode"; complete -C "ats models show ligh"'
    done = subprocess.run(["fish", "-c", asked], env=installed("fish", tmp_path), cwd=tmp_path, capture_output=True, text=True, check=False)
    assert [line.split("\t")[0] for line in done.stdout.splitlines()] == ["models", "lightgbm"], done


def typed_into(command: list[str], env: dict[str, str], cwd: Path, keys: str, until: str) -> str:
    """Press keys in an interactive shell, and return its screen."""
    master, slave = pty.openpty()
    shell = subprocess.Popen(command, env=env, cwd=cwd, stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    screen, deadline = "", time.monotonic() + 60
    sent = False
    while time.monotonic() < deadline and until not in plain(screen):
        if not sent and screen.endswith(("> ", "# ", "$ ", "% ", "\x1b[?2004h")):
            os.write(master, keys.encode())
            sent = True
        if select.select([master], [], [], 0.1)[0]:
            screen += os.read(master, 4096).decode(errors="replace")
    shell.kill()
    shell.wait()
    os.close(master)
    return plain(screen)


def plain(screen: str) -> str:
    """Without bells, and without the space that zsh writes after a word and takes back."""
    return screen.replace("\x07", "").replace(" \x08", "")
