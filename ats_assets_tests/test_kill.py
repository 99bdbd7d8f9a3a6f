"""A run may be killed at any moment: what it leaves is whole files, and the next run makes of them what an undisturbed one makes.

A process that has imported everything forks a child for each run, and the child is killed by SIGKILL after a random time. The times are spread evenly over
the duration of a run, half of the runs begin on what the killed one before left behind, and half in an empty folder.
"""

import contextlib
import hashlib
import json
import logging
import os
import random
import shutil
import signal
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.runs.object_store_diagnosis import compare_with_listing
from ats_assets.settings import StorageSettings
from ats_assets.storage.artefacts import ModelStore
from ats_assets.storage.data_version import data_version
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.forking import ForkServer, fork_server
from ats_assets_tests.rounds import rounds
from ats_assets_tests.s3_double import BUSY, CREDENTIALS, S3Double, s3, s3_server
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, Files, differences, files_of, small_market
from ats_assets_tests.test_object_store import files_in

__all__ = ["s3", "s3_server"]
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not hasattr(os, "fork"), reason="this system can't fork")]
KILLS = rounds(4, 20, "ATS_TEST_KILLS")
KILLS_IN_STORE = rounds(1, 20, "ATS_TEST_KILLS")
SEED = 50
LAST = date(2021, 1, 22)
"""The 14th session; with early models the last ones have fits and signals."""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        with fork_server("ats_assets_tests.small_market", "serve", log=tmp_path_factory.mktemp("server") / "log") as server:
            yield server


def line(root: Path) -> str:
    """The order for a run there."""
    return f"{root} {FIRST} {LAST}"


def assert_whole(root: Path) -> None:
    """Each file's content is what it says of itself: the data version in the footer, the SHA-256 in the model's record."""
    warehouse, store = Warehouse(root / "warehouse"), ModelStore(root / "models", "lightgbm_model")
    for path in sorted(root.rglob("*.parquet")):
        assert data_version(pl.read_parquet(path, hive_partitioning=False)) == warehouse.footer_of(path).data_version, path
    for session in store.stored_sessions():
        record = store.record(session)
        if record.status == "fitted":
            model = (store.folder(session) / "model.txt").read_bytes()
            assert hashlib.sha256(model).hexdigest() == record.model_sha256, session


def is_temporary(path: str) -> bool:
    return Path(path).name.startswith(".")


@pytest.fixture(scope="module")
def undisturbed(server: ForkServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[Files, float]:
    """The files of a run that nobody disturbs, and how long it takes; the second one of two, for the first may compile kernels."""
    seconds = []
    for name in ("first", "second"):
        root = tmp_path_factory.mktemp(name)
        began = time.perf_counter()
        server.start(line(root))
        assert server.status() == 0
        seconds.append(time.perf_counter() - began)
    assert_whole(root)
    files = files_of(root)
    assert any(path.endswith("model.txt") for path in files)
    assert not [path for path in files if is_temporary(path)]
    return files, seconds[-1]


def test_a_run_killed_at_any_moment(server: ForkServer, undisturbed: tuple[Files, float], tmp_path: Path) -> None:
    expected, seconds = undisturbed
    rng = random.Random(SEED)
    root, kills, runs, temporaries, stages = tmp_path / "killed", 0, 0, 0, set[str]()
    moments = [(i + rng.random()) / KILLS for i in range(KILLS)]
    rng.shuffle(moments)
    while kills < KILLS:
        assert runs < 3 * KILLS, f"{runs} runs, of which {kills} could be killed"
        if runs % 2 == 0:
            shutil.rmtree(root, ignore_errors=True)
        child = server.start(line(root))
        time.sleep(moments[runs % KILLS] * seconds)
        with contextlib.suppress(ProcessLookupError):  # it was done already
            os.kill(child, signal.SIGKILL)
        kills += server.status() == -signal.SIGKILL
        runs += 1
        left = files_of(root)
        complete = {path: content for path, content in left.items() if not is_temporary(path)}
        assert differences(complete, {path: expected[path] for path in complete if path in expected}) == [], f"after run {runs}"
        temporaries += len(left) - len(complete)
        stages.add(max(complete, key=lambda path: (root / path).stat().st_mtime_ns).split("/")[1] if complete else "")
    assert_whole(root)
    assert len(stages) > min(5, KILLS / 4), stages
    server.start(line(root))
    assert server.status() == 0
    assert differences(files_of(root), expected) == []
    figures = {
        "kills": kills,
        "runs": runs,
        "seconds a run": round(seconds, 2),
        "temporary files left": temporaries,
        "newest at the kill": sorted(stages),
    }
    logging.getLogger(__name__).info("%s", figures)


def test_a_run_in_an_object_store_killed_at_any_moment(
    server: ForkServer, undisturbed: tuple[Files, float], s3: S3Double, tmp_path: Path
) -> None:
    """The store is busy now and then meanwhile. Two machines take turns, each with what it knew before; a third one sees no torn, lost or further file."""
    expected, seconds = undisturbed
    draw, busy, kills, runs = random.Random(SEED), random.Random(SEED + 1), 0, 0

    def storage(machine: str) -> dict[str, Any]:
        return s3.storage("killed", str(tmp_path / machine), look_seconds=5.0, retry_seconds=60.0, timeout_seconds=60.0)

    def begun(machine: str) -> int:
        s3.before = lambda method, path: BUSY if busy.random() < 0.02 else None
        return server.start(f"{line(tmp_path / machine)} {json.dumps(storage(machine), separators=(',', ':'))}")

    def there_now() -> Files:
        s3.undisturbed()  # who looks is no run, and gives up sooner
        return files_in(s3, "killed")

    while kills < KILLS_IN_STORE:
        assert runs < 3 * KILLS_IN_STORE + 3, f"{runs} runs, of which {kills} could be killed"
        child = begun(f"machine-{runs % 2}")
        time.sleep(draw.uniform(0.1, 1.5) * seconds)
        with contextlib.suppress(ProcessLookupError):  # it was done already
            os.kill(child, signal.SIGKILL)
        kills += server.status() == -signal.SIGKILL
        runs += 1
        left = there_now()
        assert differences(left, {path: expected[path] for path in left if path in expected}) == [], f"after run {runs}"
    begun(f"machine-{runs % 2}")
    assert server.status() == 0
    assert differences(there_now(), expected) == []
    seen = StorageSettings.model_validate(storage("third"))
    for name in ("warehouse", "models"):
        finding = compare_with_listing(seen, name)
        assert finding.status == "ok", finding.text
    third = small_market(tmp_path, storage=storage("third"), **EARLY_MODELS)
    for path in expected:
        asset, session = path.split("/")[1:3]
        if path.endswith("/data.parquet"):
            assert third.warehouse.exists(asset, date.fromisoformat(session.removeprefix("session="))), path
