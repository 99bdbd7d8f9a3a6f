"""The vintages of a delivery: none is overwritten, and what became known later stands beside what was known."""

import contextlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ats_assets.storage.data_version import data_version
from ats_assets.storage.knowledge import stamp_of
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.storage.frames import DAY, NOON, frame


def test_the_same_delivery_again_is_no_new_vintage(warehouse: Warehouse) -> None:
    first = warehouse.write_vintage("raw_bars", DAY, frame(), known=NOON)
    again = warehouse.write_vintage("raw_bars", DAY, frame(), known=NOON + timedelta(days=1))
    assert again == first
    assert warehouse.vintages("raw_bars", DAY) == {NOON: first.path}


def test_another_delivery_is_kept_beside_the_first_and_read(warehouse: Warehouse) -> None:
    warehouse.write_vintage("raw_bars", DAY, frame(), known=NOON)
    later = NOON + timedelta(hours=1, microseconds=5)
    warehouse.write_vintage("raw_bars", DAY, frame(close=2.0), known=later)
    assert list(warehouse.vintages("raw_bars", DAY)) == [NOON, later]
    assert_frame_equal(warehouse.read("raw_bars", [DAY]), frame(close=2.0))
    assert_frame_equal(pl.read_parquet(warehouse.vintages("raw_bars", DAY)[NOON], hive_partitioning=False), frame())
    assert warehouse.stored_sessions("raw_bars") == [DAY]
    assert warehouse.footer("raw_bars", DAY).data_version == data_version(frame(close=2.0))


@pytest.mark.parametrize("newest", [NOON, datetime(2300, 1, 1, tzinfo=UTC)])
@pytest.mark.parametrize("shift", [timedelta(0), timedelta(hours=-3)])
def test_a_delivery_is_never_stored_under_an_earlier_time(warehouse: Warehouse, newest: datetime, shift: timedelta) -> None:
    warehouse.write_vintage("raw_bars", DAY, frame(), known=newest)
    for close in (2.0, 3.0, 1.0):
        warehouse.write_vintage("raw_bars", DAY, frame(close=close), known=newest + shift)
        assert_frame_equal(warehouse.read("raw_bars", [DAY]), frame(close=close))
    assert len(warehouse.vintages("raw_bars", DAY)) == 4
    assert min(warehouse.vintages("raw_bars", DAY)) == newest


def test_a_time_in_another_zone_is_stored_in_utc(warehouse: Warehouse) -> None:
    written = warehouse.write_vintage("raw_bars", DAY, frame(), known=NOON.astimezone().astimezone(tz=None))
    assert written.path.name == "known=2023-01-03T12-00-00.000000Z.parquet"


def test_the_same_delivery_under_other_versions_or_over_a_damaged_file_takes_its_place(warehouse: Warehouse) -> None:
    first = warehouse.write_vintage("raw_bars", DAY, frame(), known=NOON, code_version="a")
    again = warehouse.write_vintage("raw_bars", DAY, frame(), known=NOON + timedelta(days=1), code_version="b")
    assert (again.path, again.footer.data_version, again.footer.code_version) == (first.path, first.footer.data_version, "b")
    whole = again.path.read_bytes()
    again.path.write_bytes(whole[:30] + bytes([whole[30] ^ 1]) + whole[31:])
    other = Warehouse(warehouse.root)
    other.write_vintage("raw_bars", DAY, frame(), known=NOON + timedelta(days=2), code_version="b")
    assert again.path.read_bytes() == whole
    assert list(other.vintages("raw_bars", DAY)) == [NOON]


def test_other_settings_of_the_source_restate_nothing_and_come_back(warehouse: Warehouse) -> None:
    """With more symbols asked for, the answer took the time of the call, so that no earlier partition would ever have read it."""
    later = NOON + timedelta(days=1)
    warehouse.write_vintage("raw_bars", DAY, frame(), known=NOON, settings_version="few")
    warehouse.write_vintage("raw_bars", DAY, frame(close=2.0), known=later, settings_version="few")
    warehouse.write_vintage("raw_bars", DAY, frame(close=3.0), known=NOON, settings_version="many")
    assert list(warehouse.vintages("raw_bars", DAY)) == [NOON]
    assert_frame_equal(warehouse.read("raw_bars", [DAY]), frame(close=3.0))
    warehouse.write_vintage("raw_bars", DAY, frame(close=2.0), known=NOON, settings_version="few")
    assert list(warehouse.vintages("raw_bars", DAY)) == [NOON, later], "as before"
    assert_frame_equal(warehouse.read("raw_bars", [DAY]), frame(close=2.0))


def became_known(*closes: float) -> list[tuple[datetime, pl.DataFrame]]:
    """A delivery of which a row more was known each hour from noon on."""
    rows = pl.concat([frame(rows=1, close=close) for close in closes])
    return [(NOON + timedelta(hours=i), rows.head(i + 1)) for i in range(len(closes))]


def heights(warehouse: Warehouse) -> list[tuple[int, int]]:
    """Hour after noon and number of rows of each vintage."""
    found = warehouse.vintages("raw_bars", DAY)
    return [((known - NOON) // timedelta(hours=1), pl.read_parquet(path).height) for known, path in found.items()]


def test_a_delivery_under_other_settings_is_stored_as_all_the_vintages_in_which_it_became_known(warehouse: Warehouse) -> None:
    """It became one vintage, known when the last of its rows was, because the session was stored already."""
    warehouse.write_vintage("raw_bars", DAY, frame(), known=NOON, settings_version="few")
    parts = became_known(5.0, 6.0, 7.0)
    assert warehouse.write_delivery("raw_bars", DAY, parts, settings_version="many").rows == 3
    assert heights(warehouse) == [(0, 1), (1, 2), (2, 3)]
    warehouse.write_delivery("raw_bars", DAY, parts, settings_version="many")
    assert heights(warehouse) == [(0, 1), (1, 2), (2, 3)], "delivered again, it is nothing new"
    warehouse.write_delivery("raw_bars", DAY, [(NOON, frame())], settings_version="few")
    assert heights(warehouse) == [(0, 3)]
    warehouse.write_delivery("raw_bars", DAY, parts, settings_version="many")
    assert heights(warehouse) == [(0, 1), (1, 2), (2, 3)], "as before"


def test_a_delivery_whose_first_rows_are_those_of_other_settings_keeps_none_of_their_vintages(warehouse: Warehouse) -> None:
    parts = became_known(5.0, 6.0)
    warehouse.write_delivery("raw_bars", DAY, [(NOON - timedelta(hours=3), frame()), (NOON - timedelta(hours=2), parts[0][1])])
    warehouse.write_delivery("raw_bars", DAY, parts, settings_version="other")
    assert heights(warehouse) == [(0, 1), (1, 2)]


def test_rows_that_became_known_after_what_is_stored_are_vintages_beside_it(warehouse: Warehouse) -> None:
    """They became one vintage, known when the last of them was."""
    warehouse.write_delivery("raw_bars", DAY, became_known(5.0, 6.0))
    warehouse.write_delivery("raw_bars", DAY, became_known(5.0, 6.0, 7.0, 8.0))
    assert heights(warehouse) == [(0, 1), (1, 2), (2, 3), (3, 4)]


def test_what_partitions_knew_already_stays_when_it_is_corrected(warehouse: Warehouse) -> None:
    warehouse.write_delivery("raw_bars", DAY, became_known(5.0, 6.0))
    warehouse.write_delivery("raw_bars", DAY, became_known(9.0, 6.0))
    assert [height for _, height in heights(warehouse)] == [1, 2, 2]
    first, second, third = (pl.read_parquet(path)["close"][0] for path in warehouse.vintages("raw_bars", DAY).values())
    assert (first, second, third) == (5.0, 5.0, 9.0)


def test_the_vintages_of_a_session_that_are_written_together_are_those_that_are_written_one_by_one(tmp_path: Path) -> None:
    day, times = date(2024, 3, 4), [datetime(2024, 3, day, tzinfo=UTC) for day in (4, 5, 6)]
    parts = [pl.DataFrame({"x": [0] * n}) for n in (1, 2, 2)]
    for name, together in (("alone", False), ("together", True)):
        warehouse = Warehouse(tmp_path / name)
        with warehouse.together() if together else contextlib.nullcontext():
            for known, part in zip(times, parts, strict=True):
                warehouse.write_vintage("raw_bars", day, part, known=known)
            warehouse.keep_vintages("raw_bars", day, [warehouse.vintage("raw_bars", day, stamp_of(times[1]))])
    found = [sorted((path.name, path.read_bytes()) for path in (tmp_path / name).rglob("*.parquet")) for name in ("alone", "together")]
    assert found[0] == found[1]
    assert len(found[0]) == 1
