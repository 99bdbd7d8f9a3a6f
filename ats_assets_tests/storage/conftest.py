"""An empty warehouse."""

from pathlib import Path

import pytest

from ats_assets.storage.warehouse import Warehouse


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse", fsync=False)
