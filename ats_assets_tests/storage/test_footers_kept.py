"""Footers that are kept in memory: so many at most, the newest, and what is forgotten is read again."""

from datetime import date, timedelta
from pathlib import Path

import polars as pl
import pytest

from ats_assets.storage import footed_files
from ats_assets.storage.warehouse import Warehouse


def test_memory_of_footers_does_not_grow_with_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(footed_files, "FOOTERS_KEPT", 3)
    days = [date(2024, 1, 1) + timedelta(days=day) for day in range(8)]
    warehouse = Warehouse(tmp_path, fsync=False)
    warehouse.write_each("means", [(day, pl.DataFrame({"symbol": [str(day)]}), {"bars": {"2024-01-01": "x"}}) for day in days])
    assert len(warehouse._footers) == 3
    written = {day: warehouse.footer("means", day) for day in days}
    assert len(warehouse._footers) == 3
    assert written == {day: Warehouse(tmp_path).footer("means", day) for day in days}
