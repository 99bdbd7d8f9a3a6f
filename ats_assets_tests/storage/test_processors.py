"""The processors that a process may use: those it may run on, and no more than its cgroups allow."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from ats_assets.storage.processors import usable_processors


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system has no affinity")
def test_those_of_its_affinity() -> None:
    line = "import os; os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}); from ats_assets.storage.processors import usable_processors as n; print(n())"
    assert subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True).stdout == "1\n"


@pytest.mark.parametrize(
    ("inner", "outer", "expected"),
    [
        ("max 100000", "max 100000", 8),
        ("150000 100000", "max 100000", 2),
        ("max 100000", "300000 100000", 3),
        ("400000 100000", "50000 100000", 1),
        ("", "", 8),
    ],
)
def test_no_more_than_a_cgroup_or_one_above_it_allows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inner: str, outer: str, expected: int
) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    folder = tmp_path / "cgroups" / "system.slice" / "ats"
    folder.mkdir(parents=True)
    for place, told in ((folder, inner), (folder.parent, outer)):
        if told:
            (place / "cpu.max").write_text(told + "\n")
    own = tmp_path / "own"
    own.write_text("4:memory:/elsewhere\n0::/system.slice/ats\n")
    assert usable_processors(tmp_path / "cgroups", own) == expected
    assert usable_processors(tmp_path / "cgroups", tmp_path / "none") == 8
