"""What workers hand back is taken where it is of this run's code and settings, and lies in this run's warehouse."""

import json
from collections.abc import Callable
from concurrent.futures import Future
from datetime import date
from pathlib import Path

import pytest

from ats_assets.definitions import build
from ats_assets.deployment import Deployment
from ats_assets.errors import WorkerError
from ats_assets.orchestration import symbol_blocks
from ats_assets.orchestration.memory_blocks import SomeSessions
from ats_assets.orchestration.spreading import MAKE_PART, CountedPieces, encoded, look_now, spreading
from ats_assets_tests.s3_double import S3Double, s3, s3_server
from ats_assets_tests.small_market import FIRST, make_history, small_market

__all__ = ["s3", "s3_server"]
LAST = date(2021, 1, 8)
READ = ("raw_bars", "bars", "rejected_bars", "raw_corporate_actions", "corporate_actions", "rejected_corporate_actions")
ASSET = "alpha158"


class OtherMachine:
    """A worker with a deployment of its own."""

    at_once = 2

    def __init__(self, deployment: Deployment, changed: Callable[[bytes], bytes] = bytes) -> None:
        self.deployment, self.changed = deployment, changed

    def submit(self, work: str, task: str) -> "Future[bytes]":
        asked, told, own = json.loads(task), Future[bytes](), self.deployment.of(spreading)
        look_now(self.deployment)
        sessions = [date.fromisoformat(day) for day in asked["sessions"]]
        if work == MAKE_PART:
            told.set_result(self.changed(own.make_part(ASSET, sessions, asked["part"], asked["parts"])))
        else:
            told.set_result(encoded(own.make(ASSET, sessions), self.deployment.warehouse.root))
        return told

    def close(self) -> None:
        """Nothing was started."""


def market(root: Path) -> Deployment:
    deployment = small_market(root)
    make_history(deployment, FIRST, LAST, READ)
    build(deployment)
    return deployment


def spread(deployment: Deployment, worker: OtherMachine, sessions: list[date]) -> object:
    work = deployment.of(spreading)
    node, function = work.steps[ASSET]
    work.engine = worker
    return work.step(node, function, function)(SomeSessions(partition_keys=[day.isoformat() for day in sessions]))


def test_a_worker_with_a_folder_of_its_own_under_the_same_path_is_found_out(tmp_path: Path) -> None:
    own, other = market(tmp_path / "own"), market(tmp_path / "other")
    sessions = own.calendar.sessions(FIRST, LAST)
    spread(own, OtherMachine(own), sessions)
    last = own.warehouse.read(ASSET, sessions[-1:])
    own.warehouse.write(ASSET, sessions[-1], last.head(1))  # of an earlier run: the name is there, and not what the worker has written
    with pytest.raises(WorkerError, match=r"which is not what lies there: all workers must see the folder of the warehouse"):
        spread(own, OtherMachine(other), sessions)


def test_a_worker_of_another_machine_and_the_run_see_what_the_other_has_just_stored(s3: S3Double, tmp_path: Path) -> None:
    """Each has its folder for an object store, and looks at the log only now and then by itself."""
    patience = {"look_seconds": 600.0, "retry_seconds": 60.0, "timeout_seconds": 60.0}
    own, other = (small_market(tmp_path, storage=s3.storage("spreading", tmp_path / name, **patience)) for name in ("own", "other"))
    for one in (other, own):
        build(one)
        assert one.warehouse.stored_sessions("bars") == []
    make_history(own, FIRST, LAST, READ)
    sessions = own.calendar.sessions(FIRST, LAST)
    spread(own, OtherMachine(other), sessions)
    disk = market(tmp_path / "disk")
    disk.of(spreading).make(ASSET, sessions)
    assert own.warehouse.data_versions(ASSET, sessions) == disk.warehouse.data_versions(ASSET, sessions)
    for session in sessions:
        assert own.warehouse.path(ASSET, session).read_bytes() == disk.warehouse.path(ASSET, session).read_bytes()
    assert not own.warehouse.root_folder.told([own.warehouse.path(ASSET, day) for day in sessions]), "they are here by now"


def test_pieces_of_work_are_counted_while_they_are_done() -> None:
    pieces, told = CountedPieces(), list[tuple[str, int, int]]()
    pieces.on_done = lambda asset, done, given: told.append((asset, done, given))
    waiting = [Future[bytes]() for _ in range(3)]
    for one in waiting:
        pieces.count("alpha158", one)
    pieces.count("lightgbm_model", Future())
    waiting[2].set_result(b"")
    waiting[0].set_exception(WorkerError("lost"))
    waiting[1].cancel()
    assert told == [("alpha158", done, 3) for done in (1, 2, 3)]
    again = Future[bytes]()
    pieces.count("alpha158", again)
    again.set_result(b"")
    assert told[3:] == [("alpha158", 1, 1)], "those of the next part of the run"


def test_a_part_of_the_symbols_by_other_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symbol_blocks, "LEAST_SYMBOLS", 1)
    own = market(tmp_path)
    ours = own.of(spreading).steps[ASSET][0].code_version.encode()
    spread(own, OtherMachine(own), [LAST])
    with pytest.raises(WorkerError, match=r"a worker made alpha158 of 2021-01-08 with other code than this run has"):
        spread(own, OtherMachine(own, lambda told: told.replace(ours, b"later", 1)), [LAST])
