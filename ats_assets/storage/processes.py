"""Whether a process is still the one that it was: ids are reused once a process is gone."""

import os
import socket
from pathlib import Path

PROCESS = "ats/process"
"""The tag of a run of Dagster's that names its process: host, process id and the process's start, so that a reused id is not taken for the same process."""


def this_process() -> str:
    """Host, process id and start of this process, by which it is known later."""
    return f"{socket.gethostname()[:60]}:{os.getpid()}:{process_started(os.getpid())}"


def is_alive(process: str) -> bool | None:
    """Whether the process of that name is there; None where it is one of another machine, which nobody here can know."""
    host, _, rest = process.rpartition(":")[0].rpartition(":")
    if host != socket.gethostname()[:60] or not rest.isdecimal():
        return None
    return process.rpartition(":")[2] == process_started(int(rest))


def process_started(pid: int) -> str:
    """When a living process was started (Linux: in clock ticks since boot; elsewhere only that it lives); empty if there is none."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return ""
    except PermissionError:
        pass
    stat = Path(f"/proc/{pid}/stat")
    return stat.read_text().rpartition(")")[2].split()[19] if stat.is_file() else "alive"
