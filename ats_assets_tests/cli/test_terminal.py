"""The commands on a terminal of 80 columns: whatever path they show can be copied."""

import json
import os
import pty
import re
import subprocess
import sys
import threading
from pathlib import Path
from subprocess import CompletedProcess

from ats_assets_tests.cli.market import ROOT, environment

COMMANDS = (
    ["doctor", "--settings"],
    ["report"],
    ["stale"],
    ["explain", "SYN0000", "2021-03-31"],
    ["sources", "inspect", "SAMPLE"],
    ["orders", "status"],
)
PROGRAM = """
import json, sys
from ats_assets.cli import app
for arguments in json.loads(sys.argv[1]):
    try:
        app(arguments, standalone_mode=False)
    except SystemExit:
        pass
"""


def on_a_terminal(arguments: list[str], env: dict[str, str]) -> str:
    """What a program writes to a terminal, without the codes of colours."""
    ours, theirs = pty.openpty()
    os.set_inheritable(theirs, True)
    read: list[bytes] = []

    def follow() -> None:
        while True:
            try:
                block = os.read(ours, 65536)
            except OSError:
                return
            if not block:
                return
            read.append(block)

    follower = threading.Thread(target=follow)
    follower.start()
    try:
        run = subprocess.run(arguments, cwd=ROOT, env=env, stdout=theirs, stderr=subprocess.PIPE, text=True, timeout=120, check=False)
    finally:
        os.close(theirs)
        follower.join()
        os.close(ours)
    assert run.returncode == 0, run.stderr
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", b"".join(read).decode())


def test_a_path_is_never_broken(made: tuple[Path, CompletedProcess[str]], tmp_path: Path) -> None:
    """Each path that begins in the home, or at the sample, is there to its end: it exists."""
    sample = tmp_path / ("a folder that lies deep".replace(" ", "-") * 4) / "AAPL.csv"
    sample.parent.mkdir()
    samples = ROOT / "ats_assets_tests" / "sources" / "adapters" / "files" / "samples" / "yahoo"
    sample.write_bytes(next(path for path in sorted(samples.iterdir()) if path.is_file()).read_bytes())
    asked = [[str(sample) if word == "SAMPLE" else word for word in arguments] for arguments in COMMANDS]
    shown = on_a_terminal(
        [sys.executable, "-c", PROGRAM, json.dumps(asked)], environment(made[0], COLUMNS="80", TERM="xterm", PYTHONUNBUFFERED="1")
    )
    paths = {word.rstrip(",;:.)") for word in shown.split() if word.startswith((str(made[0]), str(sample)))}
    assert str(sample) in paths
    assert len([path for path in paths if path.endswith(".parquet")]) > 1
    assert [path for path in sorted(paths) if not Path(path).exists()] == []
