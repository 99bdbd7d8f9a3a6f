"""The whole graph with warehouse and models in an object store: the same files, byte for byte, as on a disk; and another machine that goes on from them."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from ats_assets.lineage import LineageIndex
from ats_assets.lineage.index import Entry
from ats_assets.runs.object_store_diagnosis import compare_with_listing, diagnose_object_store
from ats_assets.storage.latest_model import LATEST
from ats_assets.storage.objects.commit_log import CONTROL
from ats_assets_tests.s3_double import BUCKET, S3Double, s3, s3_server
from ats_assets_tests.small_market import EARLY_MODELS, FIRST, Files, differences, files_of, make_history, small_market

__all__ = ["s3", "s3_server"]
pytestmark = pytest.mark.slow
LAST, NEXT = date(2021, 1, 14), date(2021, 1, 15)


def files_in(s3: S3Double, name: str) -> Files:
    """What lies in the store, as `files_of` has it of a disk."""
    there = {path: content for path, content in s3.objects(name).items() if CONTROL not in path and not path.endswith(f"/{LATEST}")}
    return {path: content for path, content in there.items() if "/calendar/" not in path}


def _without_paths(entry: Entry) -> Entry:
    return replace(entry, path=entry.path.rpartition("/files/")[2])


def test_a_run_in_an_object_store_makes_the_files_of_a_run_on_a_disk(s3: S3Double, tmp_path: Path) -> None:
    def on(machine: str, *, look_seconds: float = 5.0) -> Mapping[str, object]:
        return s3.storage("market", tmp_path / machine / "data", look_seconds=look_seconds)

    disk, one = tmp_path / "disk", small_market(tmp_path, storage=on("one"), **EARLY_MODELS)
    make_history(small_market(disk, **EARLY_MODELS), FIRST, NEXT)
    make_history(one, FIRST, LAST)
    asked = len(s3.asked)
    made = {path: content for path, content in files_of(disk).items() if f"session={NEXT}" not in path}
    assert differences(files_in(s3, "market"), made) == []
    assert asked < 1.6 * len(made), "little more than a request a file"

    asked = len(s3.asked)
    other = small_market(tmp_path, storage=on("other"), **EARLY_MODELS)
    make_history(other, NEXT, NEXT)
    further = s3.asked[asked:]
    assert differences(files_in(s3, "market"), files_of(disk)) == [], "another machine has gone on, and read what it needs alone"
    assert not any(path == f"/{BUCKET}" for _, path in further), "and listed nothing"

    index, known_here = (
        LineageIndex(small_market(tmp_path, storage=on(machine, look_seconds=0.0), **EARLY_MODELS)) for machine in ("third", "one")
    )
    asked = len(s3.asked)
    index.refresh()
    read = {path for _, path in s3.asked[asked:] if "/.ats/" not in path}
    assert not {path for path in read if path.endswith(("/data.parquet", "/model.txt"))}, "what the log says of a partition is not read"
    assert len(read) < 0.3 * len(made), read
    entries = index.entries()
    known_here.refresh()
    assert [_without_paths(entry) for entry in entries] == [_without_paths(entry) for entry in known_here.entries()]
    assert len({entry.path for entry in entries if not entry.fault}) == len(entries) > 100
    assert index.refresh() == 0, "what was fetched is not read again"
    storage = other.settings.storage
    assert [finding.status for finding in diagnose_object_store(storage, "warehouse")] == ["ok"]
    assert compare_with_listing(storage, "models").status == "ok"
    s3.client().delete_object(Bucket=BUCKET, Key=f"market/warehouse/bars/session={NEXT}/known=gone.parquet")
    s3.client().put_object(Bucket=BUCKET, Key=f"market/warehouse/mine/session={NEXT}/data.parquet", Body=b"by hand")
    finding = compare_with_listing(storage, "warehouse")
    assert (finding.status, "1 object differed" in finding.text) == ("warn", True)
    assert compare_with_listing(storage, "warehouse").status == "ok"
