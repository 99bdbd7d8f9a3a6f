"""One run of an engine's script in a process of its own: started, watched, ended; what it leaves behind is for `job_files.py` to judge."""

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from ats_assets.backtests.child_engine.engine_environment import SCRIPTS, TAIL
from ats_assets.errors import EngineError

RUNNER = SCRIPTS / "run_jobs.py"
PASSED_ON = ("PATH", "LANG", "LC_ALL", "TMPDIR", "TZ", "OMP_NUM_THREADS", "NUMBA_NUM_THREADS")
"""Of our environment; keys of brokers and vendors are none of an engine's business."""


def run_child(python: Path, script: Path, folder: Path, *, timeout_seconds: float, name: str, home: Path) -> None:
    """Run the jobs of a folder to their end.

    Parameters
    ----------
    python
        The interpreter of the engine's environment.
    script
        The engine's.
    name
        Of the engine, for messages.
    home
        Where its libraries may keep what they keep in a home.

    Raises
    ------
    EngineError
        If it can't be started, takes too long, or ends otherwise than well. Nothing of it runs on then.
    """
    own = {key: os.environ[key] for key in PASSED_ON if key in os.environ} | {"HOME": str(home)}
    said = folder / "said.txt"
    command = [str(python), "-I", str(RUNNER), str(script), str(folder)]
    with said.open("wb") as output:
        try:
            child = subprocess.Popen(  # noqa: S603 - our own script
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT, env=own, cwd=folder, start_new_session=True
            )
        except OSError as error:
            raise EngineError(f"the engine {name} can't be started: {error}; delete its environment, and it is rebuilt") from error
        try:
            status = child.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            raise EngineError(
                f"the engine {name} took more than {timeout_seconds:g} seconds and was ended: set backtest.options.timeout_seconds higher, or "
                f"trade fewer symbols or sessions{_tail(said)}"
            ) from None
        finally:
            _end(child)
    if status:
        how = f"by signal {signal.Signals(-status).name}" if status < 0 else f"with exit status {status}"
        raise EngineError(f"the engine {name} ended {how}{_tail(said)}")


def _end(child: "subprocess.Popen[bytes]") -> None:
    """End the child and all that it started: their group has the child's number, which stays taken while any of them lives."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _tail(said: Path) -> str:
    text = said.read_bytes()[-TAIL:].decode("utf-8", errors="replace").strip()
    return f"; it said:\n{text}" if text else ", and said nothing"
