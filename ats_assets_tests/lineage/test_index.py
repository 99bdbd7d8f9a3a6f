"""The index says what the files say, however it came about."""

import shutil
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest

from ats_assets.deployment import Deployment
from ats_assets.errors import LineageError
from ats_assets.lineage import LineageIndex
from ats_assets.lineage.index import LOOK_AGAIN
from ats_assets.storage import write_log
from ats_assets.storage.digests import set_digest
from ats_assets_tests.lineage.conftest import market

DAY = date(2021, 2, 10)
Changed = Callable[..., Deployment]


def test_each_file_is_there_with_what_its_footer_says(whole: Path, tmp_path: Path) -> None:
    deployment = market(whole)
    index = LineageIndex(deployment, tmp_path / "index.db")
    files = [path for path in [*whole.glob("warehouse/**/*"), *whole.glob("models/**/model.json")] if path.is_file()]
    assert index.refresh() == sum(path.suffix != ".footer" and path.name != write_log.NAME for path in files)
    assert index.refresh() == 0
    entries = {(entry.asset, entry.key): entry for entry in index.entries()}
    assert not [entry for entry in entries.values() if entry.fault]
    footer = deployment.warehouse.footer("universe", DAY)
    found = entries["universe", DAY.isoformat()]
    assert (found.data_version, found.code_version, found.settings_version) == (
        footer.data_version,
        footer.code_version,
        footer.settings_version,
    )
    assert found.reads == {asset: set_digest(versions) for asset, versions in footer.upstream.items()}
    store = deployment.model_store("lightgbm_model")
    fitted = next(day for day in store.stored_sessions() if store.record(day).status == "fitted")
    assert entries["lightgbm_model", fitted.isoformat()].reads["universe"] == set_digest(store.upstream(store.record(fitted))["universe"])
    tables = {"equity", "positions", "trades", "unfilled", "cost_sensitivity", "wanted"}
    assert {key for asset, key in entries if asset == "backtest"} == tables | {"metrics.json"}


def test_only_what_has_changed_is_read_again(changed: Changed) -> None:
    deployment = changed()
    index = LineageIndex(deployment)
    index.refresh()
    folder = deployment.warehouse.folder("universe", DAY)
    content = (folder / "data.parquet").read_bytes()
    (folder / "data.parquet").write_bytes(content[:60] + bytes([content[60] ^ 1]) + content[61:])
    assert index.refresh() == 1
    assert [(entry.asset, entry.key) for entry in index.entries() if entry.fault] == [("universe", DAY.isoformat())]
    (folder / "data.parquet").unlink()
    assert index.refresh() == 0
    assert ("universe", DAY.isoformat()) not in {(entry.asset, entry.key) for entry in index.entries()}


@pytest.mark.parametrize("damage", ["deleted", "text", "a byte in the middle", "other tables", "another version"])
def test_a_damaged_index_is_rebuilt(changed: Changed, damage: str) -> None:
    deployment = changed()
    index = LineageIndex(deployment)
    index.refresh()
    expected = index.entries()
    if damage == "deleted":
        index.path.unlink()
    elif damage == "text":
        index.path.write_text("no database at all " * 100)
    elif damage == "a byte in the middle":
        content = index.path.read_bytes()
        index.path.write_bytes(content[:4096] + b"\xff" * 4096 + content[8192:])
    else:
        with sqlite3.connect(index.path) as connection:
            connection.execute("DROP TABLE reads" if damage == "other tables" else "PRAGMA user_version = 0")
        connection.close()
    index.refresh()
    assert index.entries() == expected


@pytest.mark.parametrize("damaged", [False, True])
def test_threads_share_it(whole: Path, tmp_path: Path, damaged: bool) -> None:
    path = tmp_path / "index.db"
    if damaged:
        path.write_text("no database at all " * 100)

    def fill(_: int) -> int:
        index = LineageIndex(market(whole), path)
        index.refresh()
        return len(index.entries())

    with ThreadPoolExecutor(4) as pool:
        counts = set(pool.map(fill, range(8)))
    assert len(counts) == 1
    assert counts != {0}


@pytest.mark.parametrize("in_the_way", ["index.db", "index.db.lock"])
def test_where_it_cannot_lie_is_said(whole: Path, tmp_path: Path, in_the_way: str) -> None:
    (tmp_path / in_the_way).mkdir()
    with pytest.raises(LineageError, match=r"index\.db can't be used \(.+\): give this user the right to write there"):
        LineageIndex(market(whole), tmp_path / "index.db").refresh()


def test_a_data_folder_that_is_none_is_said(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    with pytest.raises(LineageError, match=r"can't be used \(.+\)"):
        LineageIndex(market(whole), tmp_path / "data" / "index.db").entries()


def test_a_quick_look_is_at_what_was_announced(changed: Changed, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is written through the warehouse is seen; what a person did inside a partition's folder is when a day has passed, or all files are asked for."""
    deployment = changed()
    settled = time.time() + write_log.SETTLING + 1
    monkeypatch.setattr("ats_assets.storage.write_log.time.time", lambda: settled)  # what made the market has been written for good
    warehouse, index = deployment.warehouse, LineageIndex(deployment)
    whole = index.refresh(full=False)
    assert whole > 700, "the first look is at everything"
    assert index.refresh(full=False) == 0
    rows = warehouse.read("universe", [DAY]).head(3)
    version = warehouse.write("universe", DAY, rows).footer.data_version
    assert index.refresh(full=False) == 1
    assert {entry.data_version for entry in index.entries() if (entry.asset, entry.key) == ("universe", DAY.isoformat())} == {version}
    assert index.refresh(full=False) == 0
    shutil.rmtree(warehouse.folder("skill", DAY))
    index.refresh(full=False)
    assert ("skill", DAY.isoformat()) not in {(entry.asset, entry.key) for entry in index.entries()}, "the asset's folder has changed"
    path = warehouse.path("predictions", DAY)
    path.write_bytes(path.read_bytes()[:-1])
    assert index.refresh(full=False) == 0
    monkeypatch.setattr("ats_assets.lineage.index.time.time", lambda: settled + LOOK_AGAIN)
    assert index.refresh(full=False) == 1
    assert [entry.asset for entry in index.entries() if entry.fault] == ["predictions"]
