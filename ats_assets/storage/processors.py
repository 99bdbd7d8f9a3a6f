"""How many processors this process may use, which may be fewer than the machine has: by its affinity (`taskset`, cpusets) and by the quota of a container."""

import math
import os
from pathlib import Path
from typing import Final

CGROUPS: Final = Path("/sys/fs/cgroup")
OWN_CGROUP: Final = Path("/proc/self/cgroup")


def usable_processors(cgroups: Path = CGROUPS, own: Path = OWN_CGROUP) -> int:
    """The processors on which this process may run, or as many as the quotas of its cgroup (version 2) and those above it come to, rounded up.

    Parameters
    ----------
    cgroups
        Where the cgroups are mounted.
    own
        Says which of them is that of this process.

    Examples
    --------
    >>> 1 <= usable_processors() <= os.cpu_count()
    True
    """
    affinity = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, min([affinity, *_quotas(cgroups, own)]))


def _quotas(cgroups: Path, own: Path) -> list[int]:
    try:
        lines = own.read_text(encoding="utf-8").splitlines()
    except OSError:  # another system than Linux
        return []
    name = next((line.removeprefix("0::").strip("/") for line in lines if line.startswith("0::")), "")
    folder = cgroups / name
    found = (_quota(place / "cpu.max") for place in (folder, *folder.parents) if place.is_relative_to(cgroups))
    return [quota for quota in found if quota]


def _quota(file: Path) -> int | None:
    """Microseconds of a period's, such as `150000 100000`; None where it is `max`, or none is set."""
    try:
        quota, period = file.read_text(encoding="utf-8").split()
        return math.ceil(int(quota) / int(period))
    except (OSError, ValueError):
        return None
