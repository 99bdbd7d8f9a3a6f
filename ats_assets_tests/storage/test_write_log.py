"""The log of what is written: nothing that was announced is missed, and what is old is not told again."""

import multiprocessing
import time
from pathlib import Path

import pytest

from ats_assets.storage import write_log
from ats_assets.storage.write_log import NAME, NOWHERE, LogPosition, WriteLog
from ats_assets_tests.rounds import rounds

TIMES = rounds(100, 300)


def test_what_was_announced_is_told_once_it_has_settled_no_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    log = WriteLog(tmp_path)
    assert log.start() == NOWHERE
    assert log.since(NOWHERE) == ([], NOWHERE)
    log.announce(tmp_path / "bars" / "session=2024-03-01" / "data.parquet")
    log.announce(tmp_path / "bars" / "session=2024-03-01" / "data.parquet")
    start = log.start()
    assert (start.offset, start == NOWHERE) == (0, False), "what is being written now may not be there yet"
    found = log.since(start)
    assert found == (["bars/session=2024-03-01/data.parquet"], start)
    now = time.time()
    monkeypatch.setattr(write_log.time, "time", lambda: now + write_log.SETTLING + 1)
    log.announce(tmp_path / "universe" / "session=2024-03-01" / "data.parquet")
    told, after = log.since(start) or ([], start)
    assert told == ["bars/session=2024-03-01/data.parquet", "universe/session=2024-03-01/data.parquet"]
    assert log.since(after) == (["universe/session=2024-03-01/data.parquet"], after)


def test_another_log_or_a_shorter_one_is_told_from_this_one(tmp_path: Path) -> None:
    log = WriteLog(tmp_path)
    log.announce(tmp_path / "a" / "b")
    start = log.start()
    assert log.since(LogPosition(file=start.file, offset=10_000)) is None
    (tmp_path / NAME).rename(tmp_path / "kept")
    log.announce(tmp_path / "a" / "b")
    assert log.since(start) is None
    (tmp_path / NAME).write_bytes(b"")  # an inode is given again to the next file
    log.announce(tmp_path / "a" / "c")
    assert log.since(start) is None
    (tmp_path / NAME).unlink()
    assert log.since(start) is None


def _announce(root: str, name: str) -> None:
    log = WriteLog(Path(root))
    for i in range(TIMES):
        log.announce(Path(root) / name / f"session={i}" / "data.parquet")


def test_lines_of_several_processes_do_not_mix(tmp_path: Path) -> None:
    processes = [multiprocessing.get_context("fork").Process(target=_announce, args=(str(tmp_path), name)) for name in "abc"]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == 0
    found = WriteLog(tmp_path).since(NOWHERE)
    assert found is not None
    assert sorted(found[0]) == sorted(f"{name}/session={i}/data.parquet" for name in "abc" for i in range(TIMES))
