"""What changed between two vintages is told by symbol, with its kind and size."""

from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest

from ats_assets.lineage.restatements import FIELDS, Restatement, changed_rows, restatements
from ats_assets.storage.warehouse import Warehouse

DAYS = [date(2021, 2, 10), date(2021, 2, 11)]
FIRST, SECOND = datetime(2021, 3, 1, tzinfo=UTC), datetime(2021, 4, 1, tzinfo=UTC)


def rows(day: date, **closes: float) -> pl.DataFrame:
    made = {symbol: [close, close * 1.02, close * 0.97, close * 1.01, close, 1000.0] for symbol, close in closes.items()}
    values = {name: [row[i] for row in made.values()] for i, name in enumerate(FIELDS)}
    return pl.DataFrame({"symbol": list(made), "session": [day] * len(made), **values})


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    """Two sessions delivered twice: AAA as it was, BBB split 3:2, CCC's volume, DDD gone, EEE new; TWICE has two rows."""
    warehouse = Warehouse(tmp_path, fsync=False)
    for day in DAYS:
        before = pl.concat([rows(day, AAA=10.0, BBB=30.0, CCC=5.0, DDD=1.0), *[rows(day, TWICE=1.0)] * 2])
        warehouse.write_vintage("raw_bars", day, before, known=FIRST)
        now = rows(day, AAA=10.0, BBB=20.0, CCC=5.0, EEE=2.0, TWICE=4.0)
        volume = pl.when(pl.col("symbol") == "CCC").then(1100.0).otherwise("volume")
        warehouse.write_vintage("raw_bars", day, now.with_columns(volume=volume), known=SECOND)
    return warehouse


def test_each_change_has_its_kind_and_size(warehouse: Warehouse) -> None:
    found = {(one.symbol, one.kind): one for one in restatements(changed_rows(warehouse, DAYS))}
    assert {one for one in found if one[0] != "TWICE"} == {("BBB", "split"), ("CCC", "volume"), ("DDD", "vanished"), ("EEE", "appeared")}
    split = found["BBB", "split"]
    assert (split.split, split.sessions, split.first, split.last) == ("3:2", 2, *DAYS)
    assert split.fields == pytest.approx(dict.fromkeys(FIELDS[:5], 1 / 3))
    assert found["CCC", "volume"] == Restatement(
        symbol="CCC",
        kind="volume",
        sessions=2,
        first=DAYS[0],
        last=DAYS[1],
        fields={"volume": pytest.approx(0.1)},  # pyright: ignore[reportArgumentType]
    )


def test_what_was_not_known_yet_is_not_looked_at(warehouse: Warehouse) -> None:
    assert changed_rows(warehouse, DAYS, as_of=FIRST).is_empty()
    assert restatements(changed_rows(warehouse, [])) == []


@pytest.mark.parametrize(("factor", "split"), [(2.0, "2:1"), (0.1, "1:10"), (4.0, "4:1"), (1.05, None), (1.0001, None), (3.17, None)])
def test_a_split_is_a_ratio_of_small_numbers(tmp_path: Path, factor: float, split: str | None) -> None:
    warehouse = Warehouse(tmp_path, fsync=False)
    warehouse.write_vintage("raw_bars", DAYS[0], rows(DAYS[0], AAA=30.0), known=FIRST)
    warehouse.write_vintage("raw_bars", DAYS[0], rows(DAYS[0], AAA=30.0 / factor), known=SECOND)
    (one,) = restatements(changed_rows(warehouse, DAYS[:1]))
    assert one.split == split
    assert one.kind == ("split" if split else "prices")
