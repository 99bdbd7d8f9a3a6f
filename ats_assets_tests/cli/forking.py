"""`ats` in processes that start at once: forked from one that has imported all that a command might need.

To import the graph takes longer than most commands do. Of `python -m ats_assets.cli` only the start of the interpreter and the imports are left out; arguments,
environment, folder, output, exit status and the end of the process are those of a command. Nothing is computed before the fork, since the threads that compute
do not survive it. What reads the environment while it is imported (Python itself, pools of threads) sees that of the server: for that, start a real process.

    python -m ats_assets_tests.cli.forking        forks a command for each line of JSON that it reads
"""

import atexit
import functools
import importlib
import json
import os
import re
import runpy
import signal
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

from ats_assets.definitions import build
from ats_assets_tests.forking import ForkServer, fork_server, serve
from ats_assets_tests.small_market import small_market

MODULES = (
    "ats_assets.cli",
    "ats_assets.definitions",
    "ats_assets.brokers.alpaca.broker",
    "alpaca.trading.client",
    "dagster._core.execution.execute_in_process",
    "dagster._daemon.controller",
    "lightgbm",
)


@dataclass(frozen=True, kw_only=True)
class Started:
    """A command that runs: its process, to be waited for once."""

    pid: int
    end: Callable[[], CompletedProcess[str]]


@contextmanager
def started(arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: int) -> Iterator[Started]:
    """Start `ats` with captured text; inside the block it is to be waited for, and after so many seconds it is killed by SIGALRM."""
    with tempfile.TemporaryDirectory() as folder:
        files = {name: str(Path(folder) / name) for name in ("stdout", "stderr")}
        server = _server()
        pid = server.start(json.dumps({"arguments": list(arguments), "cwd": str(cwd), "env": dict(env), "timeout": timeout, **files}))

        def end() -> CompletedProcess[str]:
            status = server.status()
            said = {name: Path(path).read_text(encoding="utf-8") if Path(path).exists() else "" for name, path in files.items()}
            return CompletedProcess(["ats", *arguments], status, **said)

        yield Started(pid=pid, end=end)


def forked(arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: int) -> CompletedProcess[str]:
    """Run `ats`, as `subprocess.run` with captured text would.

    Raises
    ------
    subprocess.TimeoutExpired
        After so many seconds; it is killed.
    """
    with started(arguments, cwd=cwd, env=env, timeout=timeout) as command:
        done = command.end()
    if done.returncode == -signal.SIGALRM:
        raise subprocess.TimeoutExpired(["ats", *arguments], timeout, done.stdout, done.stderr)
    return done


@functools.cache
def _server() -> ForkServer:
    """One for all tests of this process; it ends with it."""
    kept = ExitStack()
    atexit.register(kept.close)
    return kept.enter_context(fork_server("ats_assets_tests.cli.forking"))


def _become(line: str) -> None:
    """Be the command: it never returns."""
    order, status = json.loads(line), 1
    signal.alarm(order["timeout"])
    try:
        os.environ.clear()
        os.environ.update(order["env"])
        os.chdir(order["cwd"])
        for name, number in (("stdout", 1), ("stderr", 2)):
            os.dup2(os.open(order[name], os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), number)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        sys.argv = ["ats", *order["arguments"]]
        runpy.run_module("ats_assets.cli", run_name="__main__")
        status = 0
    except SystemExit as exit_:
        status = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
    except BaseException:  # noqa: BLE001 - as the interpreter does at its end
        traceback.print_exc()
    finally:
        threading._shutdown()
        atexit._run_exitfuncs()
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _read_ahead() -> None:
    """Build a graph, so that what depends on no setting and no file of a deployment is there: the code's versions, compiled expressions, the sessions of the exchange."""
    build(small_market(Path(os.devnull)))


def _refuse_threads_that_compute() -> None:
    """Each fork would wait for them for ever: better to fail here, and say why."""
    tasks = Path("/proc/self/task")
    names = [(task / "comm").read_text().strip() for task in tasks.iterdir()] if tasks.is_dir() else []
    if any(re.fullmatch(r"polars-\d+", name) for name in names):
        raise RuntimeError("something computes with Polars while it is imported: make it when it is first needed")


if __name__ == "__main__":
    for name in MODULES:
        importlib.import_module(name)
    _read_ahead()
    _refuse_threads_that_compute()
    serve(_become)
