"""Workers that share an object store with the run and not its disk: each machine has a folder of its own for what it reads, and the files are those of one process."""

import socket
from pathlib import Path

import psutil
import pytest

from ats_assets.errors import WorkerError
from ats_assets.runs.own_cache import OWN, claim_cache, require_own_cache, with_own_cache
from ats_assets.settings import load_settings
from ats_assets_tests.rounds import FULL
from ats_assets_tests.s3_double import S3Double, s3, s3_server
from ats_assets_tests.small_market import differences
from ats_assets_tests.test_object_store import files_in
from ats_assets_tests.workers.spread_market import AHEAD, killer, run_on

__all__ = ["s3", "s3_server"]


@pytest.mark.slow
@pytest.mark.skipif(
    not FULL,
    reason="one of the long rounds; cli/test_object_store.py and orchestration/test_spreading.py are the short ones: dev.py test --full",
)
@pytest.mark.timeout(900)
def test_a_run_on_processes_of_another_machine_is_the_run_of_one_process_on_a_disk(
    s3: S3Double, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some of them are killed, while they write, too."""
    expected, me = run_on(tmp_path / "disk", None, AHEAD), psutil.Process()
    before = {one.pid for one in me.children()}

    def workers() -> list[int]:
        return [one.pid for one in me.children() if one.pid not in before and one.status() != psutil.STATUS_ZOMBIE]

    patience = {"look_seconds": 60.0, "retry_seconds": 60.0, "timeout_seconds": 60.0}
    storage = s3.storage("spread", tmp_path / "far" / "data", **patience) | {"cache": tmp_path / "run"}
    monkeypatch.setenv(OWN, str(tmp_path / "workers"))
    with killer(workers, 1, most=4) as killed:
        found = run_on(tmp_path / "far", "processes", AHEAD | {"storage": storage}, processes=2, retries=1000)
    assert found.messages == expected.messages == []
    assert differences(files_in(s3, "spread"), expected.files) == []
    assert (found.events.said, found.events.times) == (expected.events.said, expected.events.times)
    assert killed
    tables = {folder: sorted((tmp_path / folder).rglob("known.sqlite")) for folder in ("run", "workers")}
    assert [len(files) for files in tables.values()] == [2, 2], "of the warehouse and the models, on each machine"


def test_the_folder_of_another_machine_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATS_STORAGE__DATA", str(tmp_path / "shared"))
    monkeypatch.setenv("ATS_STORAGE__WAREHOUSE", "s3://trading/warehouse")
    settings = load_settings()
    claim_cache(settings.storage)
    host = socket.gethostname()
    require_own_cache(settings.storage, host)
    monkeypatch.setattr(socket, "gethostname", lambda: "elsewhere")
    with pytest.raises(WorkerError, match=rf"is shared by {host} and elsewhere.*ATS_STORAGE__CACHE=/var/cache/ats"):
        require_own_cache(settings.storage, host)
    monkeypatch.setenv(OWN, str(tmp_path / "own"))
    own = with_own_cache(settings)
    require_own_cache(own.storage, host)
    assert own.storage.warehouse_folder.is_relative_to(tmp_path / "own")
