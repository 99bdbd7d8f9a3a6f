"""A store of one's own: one file, found by its name, that passes the kit and takes the small market."""

from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

from ats_assets_tests.exports.exported_market import LAST, export, market
from ats_assets_tests.kits.stores import StoreKit

FOLDER_STORE = '''
"""Sessions as files of Arrow in a folder, for programs that watch it."""

import json
import os
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import polars as pl

from ats_assets.errors import ExportError, StoreUnreachableError
from ats_assets.exports.store import ExportedPartition, ExportedVersion
from ats_assets.plugins import Plugin
from ats_assets.settings import Section


class FolderSettings(Section):
    variable: str = "COPIES_FOLDER"


class Folder:
    secrets = ()

    def __init__(self, own, place):
        self.settings, self.place = own, place

    def kept(self, sessions):
        return list(sessions)

    def require_exportable(self, table):
        pass

    def schema_text(self, tables):
        return "\\n".join(f"{table.asset}: {', '.join(table.schema)}" for table in tables)

    @contextmanager
    def connected(self):
        folder = Path(os.environ[self.settings.variable])
        if not folder.is_dir():
            raise StoreUnreachableError(f"{folder} is no folder: make it, or correct {self.settings.variable}")
        yield Copies(folder / self.place.export)


class Copies:
    def __init__(self, folder):
        self.folder = folder

    def prepare(self, tables):
        self.folder.mkdir(exist_ok=True)

    def write(self, partitions, *, again=False):
        made = {}
        for one in partitions:
            rows = one.current.rows
            if rows["symbol"].is_duplicated().any():
                raise ExportError(f"{one.asset} {one.session} has a symbol twice")
            told = [one.current.known_at.isoformat(), one.current.data_version, one.current.code_version, one.current.model_version]
            made[one.asset] = [told, rows.write_ipc(None).getvalue().hex()]
        path = self.folder / f"{partitions[0].session}.json"
        new = path.with_name(f"{path.name}.{os.getpid()}.{id(made)}")
        new.write_text(json.dumps(made))
        os.replace(new, path)
        return sum(one.current.rows.height for one in partitions)

    def read(self, table, session, columns):
        path = self.folder / f"{session}.json"
        found = json.loads(path.read_text()).get(table.asset) if path.is_file() else None
        if found is None:
            return None
        (known, data, code, model), rows = found
        version = ExportedVersion(
            known_at=datetime.fromisoformat(known), data_version=data, code_version=code, model_version=model,
            rows=pl.read_ipc(bytes.fromhex(rows)).select(columns),
        )
        return ExportedPartition(asset=table.asset, session=session, current=version)

    def remarks(self):
        return []


PLUGIN = Plugin(settings=FolderSettings, make=Folder)
'''


@pytest.fixture(autouse=True)
def _folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "plugins" / "stores").mkdir(parents=True)
    (tmp_path / "plugins" / "stores" / "folder.py").write_text(FOLDER_STORE, encoding="utf-8")
    (tmp_path / "copies").mkdir()
    monkeypatch.setenv("COPIES_FOLDER", str(tmp_path / "copies"))
    monkeypatch.setattr(TestOwnStore, "folder", tmp_path / "plugins")


class TestOwnStore(StoreKit):
    name = "folder"
    unreachable: ClassVar = {"COPIES_FOLDER": "/there/is/none"}


def test_the_graph_exports_to_it(root: Path, tmp_path: Path) -> None:
    changes: dict[str, Any] = {"plugins": {"folder": tmp_path / "plugins"}}
    deployment = market(root, exports={"folder": {"assets": ["alpha158", "targets"]}}, **changes)
    result = export(deployment, "folder", LAST, LAST)
    assert [(one.passed, one.description) for one in result.get_asset_check_evaluations()] == [(True, "2 assets the same")]
    (file,) = (tmp_path / "copies" / "folder").iterdir()
    file.write_text(file.read_text(encoding="utf-8").replace("alpha158", "alpha360"), encoding="utf-8")
    checked = export(deployment, "folder", LAST, LAST)
    assert [one.passed for one in checked.get_asset_check_evaluations()] == [True]  # written again
    assert pl.read_parquet(root / "warehouse" / "folder_export" / f"session={LAST}" / "data.parquet")["asset"].to_list() == [
        "alpha158",
        "targets",
    ]
