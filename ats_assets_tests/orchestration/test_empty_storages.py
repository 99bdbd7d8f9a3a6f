"""A new instance's databases are those that Dagster's own code makes, to the row."""

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage

from ats_assets.orchestration.empty_storages import PLACES
from ats_assets.orchestration.instance import ProjectStorage

TIMES = {"secondary_indexes": ("create_timestamp", "migration_completed")}
"""Of the marks that nothing is to be migrated: when the tables were made."""


def contents(file: Path) -> dict[str, Any]:
    with closing(sqlite3.connect(file)) as database:
        database.row_factory = sqlite3.Row
        made = {row["name"]: row["sql"] for row in database.execute("SELECT name, sql FROM sqlite_master")}
        tables = [row["name"] for row in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        found: dict[str, Any] = {"mode": tuple(database.execute("PRAGMA journal_mode").fetchone()), "made": made}
        for table in tables:
            rows = [dict(row) for row in database.execute(f'SELECT * FROM "{table}"')]
            for row in rows:
                assert all(row.pop(time) for time in TIMES.get(table, ()))
            found[table] = rows
    return found


@pytest.mark.parametrize("kept", [True, False])
def test_all_tables_are_as_dagster_makes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kept: bool) -> None:
    monkeypatch.setattr(sys, "pycache_prefix", None if kept else str(tmp_path / "bytecode"))
    folders = {"stock": tmp_path / "stock", "ours": tmp_path / "ours"}
    for folder, storage in zip(folders.values(), (DagsterSqliteStorage, ProjectStorage), strict=True):
        folder.mkdir()
        storage(str(folder)).dispose()
    for place in PLACES:
        stock, ours = (contents(folder / place) for folder in folders.values())
        assert ours == stock
        assert sum(len(rows) for name, rows in stock.items() if name not in {"mode", "made"}) >= 1
        assert len(stock) > 3


def test_each_instance_has_an_id_of_its_own(tmp_path: Path) -> None:
    ids = set()
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        storage = ProjectStorage(str(tmp_path / name))
        ids |= {storage.run_storage.get_run_storage_id() for _ in range(2)}  # pyright: ignore[reportAttributeAccessIssue]
    assert len(ids) == 2
