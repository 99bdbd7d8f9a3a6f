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
from ats_assets.orchestration.spreading import MAKE_PART, encoded, spreading
from ats_assets_tests.small_market import FIRST, make_history, small_market

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


def test_a_part_of_the_symbols_by_other_code_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(symbol_blocks, "LEAST_SYMBOLS", 1)
    own = market(tmp_path)
    ours = own.of(spreading).steps[ASSET][0].code_version.encode()
    spread(own, OtherMachine(own), [LAST])
    with pytest.raises(WorkerError, match=r"a worker made alpha158 of 2021-01-08 with other code than this run has"):
        spread(own, OtherMachine(own, lambda told: told.replace(ours, b"later", 1)), [LAST])
