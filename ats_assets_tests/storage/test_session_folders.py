import os
import time
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ats_assets.errors import MissingPartitionError
from ats_assets.storage import session_folders
from ats_assets.storage.session_folders import SETTLED_NS, SessionFolders
from ats_assets.storage.warehouse import Warehouse

DAYS = [date(2024, 1, day) for day in (2, 3, 4, 5, 8)]
FRAME = pl.DataFrame({"symbol": ["A"], "x": [1.0]})


def settle(folder: Path) -> None:
    """As if the folder had been changed a while ago."""
    then = time.time_ns() - 2 * SETTLED_NS
    os.utime(folder, ns=(then, then))


class Counted:
    """Counts the looks into sessions' folders."""

    def __init__(self) -> None:
        self.looks = 0

    def __call__(self, path: str) -> bool:
        self.looks += 1
        return (Path(path) / "there").is_file()


def test_a_second_look_at_a_settled_folder_lists_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each look took a stat for each session until then, and for deliveries a listing of each session's folder."""
    counted = Counted()
    folders = SessionFolders(counted)
    for day in DAYS:
        (tmp_path / f"session={day}").mkdir()
        (tmp_path / f"session={day}" / "there").touch()
    settle(tmp_path)
    assert folders.stored_sessions(tmp_path) == DAYS
    assert counted.looks == len(DAYS) + 2
    monkeypatch.setattr(session_folders.os, "listdir", None)  # would raise
    assert folders.stored_sessions(tmp_path) == DAYS
    assert folders.first(tmp_path) == DAYS[0]
    assert counted.looks <= len(DAYS) + 5  # the ends are looked at each time


def test_a_new_session_costs_a_look_whatever_the_history(tmp_path: Path) -> None:
    counted = Counted()
    folders = SessionFolders(counted)
    for n, day in enumerate(reversed(DAYS), start=1):
        (tmp_path / f"session={day}").mkdir()
        (tmp_path / f"session={day}" / "there").touch()
        assert folders.stored_sessions(tmp_path) == sorted(DAYS)[-n:]
        assert folders.first(tmp_path) == day
        assert counted.looks == 4 * n


def test_an_empty_folder_is_no_partition_and_becomes_one(tmp_path: Path) -> None:
    """A process that is killed during the first write of a session leaves its folder."""
    folders = SessionFolders(Counted())
    (tmp_path / f"session={DAYS[0]}").mkdir()
    settle(tmp_path)
    assert folders.stored_sessions(tmp_path) == []
    assert folders.first(tmp_path) is None
    (tmp_path / f"session={DAYS[0]}" / "there").touch()
    assert folders.stored_sessions(tmp_path) == DAYS[:1]
    assert folders.stored_sessions(tmp_path / "nowhere") == []


def test_a_change_within_the_resolution_of_the_folder_s_time_is_seen(tmp_path: Path) -> None:
    folders = SessionFolders(lambda path: True)
    for day in DAYS[:2]:
        (tmp_path / f"session={day}").mkdir()
    stamp = tmp_path.stat()
    assert folders.stored_sessions(tmp_path) == DAYS[:2]
    (tmp_path / f"session={DAYS[2]}").mkdir()
    os.utime(tmp_path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    assert folders.stored_sessions(tmp_path) == DAYS[:3]


def test_a_file_that_was_removed_by_hand_is_missed_once_it_is_asked_for(tmp_path: Path) -> None:
    warehouse = Warehouse(tmp_path, fsync=False)
    for day in DAYS:
        warehouse.write("bars", day, FRAME)
    assert warehouse.stored_sessions("bars") == DAYS
    warehouse.path("bars", DAYS[2]).unlink()
    with pytest.raises(MissingPartitionError):
        warehouse.read("bars", DAYS)
    assert warehouse.stored_sessions("bars") == [day for day in DAYS if day != DAYS[2]]
    warehouse.path("bars", DAYS[0]).unlink()  # at an end it is noticed at once
    assert warehouse.stored_sessions("bars") == [DAYS[1], *DAYS[3:]]
