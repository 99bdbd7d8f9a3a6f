"""The warehouse: what is written is read, in the order asked for, by others too; a missing partition is named with the command that makes it."""

from datetime import date, timedelta
from pathlib import Path

import duckdb
import polars as pl
import pytest
from hypothesis import given, settings
from polars.testing import assert_frame_equal

from ats_assets.errors import CorruptPartitionError, MissingPartitionError
from ats_assets.storage.data_version import data_version
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.rounds import rounds
from ats_assets_tests.storage.frames import DAY, DAYS, FRAMES, NOON, frame


@settings(max_examples=rounds(20, 60))
@given(written=FRAMES)
def test_what_is_written_is_read(written: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> None:
    warehouse = Warehouse(tmp_path_factory.mktemp("round"), fsync=False)
    stored = warehouse.write("bars", DAY, written)
    read = warehouse.read("bars", [DAY])
    assert_frame_equal(read, written)
    assert (stored.rows, stored.bytes) == (written.height, stored.path.stat().st_size)
    assert data_version(read) == stored.footer.data_version


def test_an_empty_frame_is_a_file_with_its_schema(warehouse: Warehouse) -> None:
    written = warehouse.write("bars", DAY, frame().clear())
    assert written.rows == 0
    read = warehouse.read("bars", [DAY])
    assert read.schema == frame().schema
    assert read.is_empty()


def test_sessions_are_read_in_the_order_asked_for_empty_ones_among_them(warehouse: Warehouse) -> None:
    for day, rows in zip(DAYS, (3, 0, 2), strict=True):
        warehouse.write("bars", day, frame(day, rows=rows))
    assert warehouse.stored_sessions("bars") == DAYS
    assert warehouse.assets() == ["bars"]
    assert_frame_equal(warehouse.read("bars", DAYS[::-1]), pl.concat([frame(DAYS[2], rows=2), frame(DAYS[0])]))
    assert warehouse.read("bars", DAYS, ["close", "symbol"]).columns == ["close", "symbol"]
    assert warehouse.read("bars", [DAYS[1]], ["close"]).schema == {"close": pl.Float64}


def test_targets_of_settings_under_which_nothing_is_held_without_signals_are_read_beside_others(warehouse: Warehouse) -> None:
    plain = pl.DataFrame({"symbol": ["A"], "target_weight": [0.5]})
    for day, rows in zip(DAYS, (plain, plain.with_columns(allowed_change=pl.lit("none"))), strict=False):
        warehouse.write("targets", day, rows)
    assert warehouse.read("targets", DAYS[:2], ["allowed_change"])["allowed_change"].to_list() == [None, "none"]
    assert warehouse.read("targets", DAYS[:1], ["allowed_change"])["allowed_change"].to_list() == [None]


def test_signals_with_reasons_and_without_are_read_together_and_a_column_that_none_has_is_named(warehouse: Warehouse) -> None:
    plain = pl.DataFrame({"symbol": ["A"], "score": [0.5]})
    for day, rows in zip(DAYS, (plain, plain.with_columns(reason=pl.lit("an exit"))), strict=False):
        warehouse.write("signals", day, rows)
    for days, reasons in ((DAYS[:2], [None, "an exit"]), (DAYS[1::-1], ["an exit", None])):
        assert warehouse.read("signals", days)["reason"].to_list() == reasons
        assert warehouse.read("signals", days, ["symbol"]).columns == ["symbol"]
    with pytest.raises(CorruptPartitionError, match="can't be read together"):
        warehouse.read("signals", DAYS[:1], ["symbol", "reason"])


def test_equal_partitions_are_equal_bytes(warehouse: Warehouse) -> None:
    first = warehouse.write("bars", DAY, frame(), upstream={"b": {"2": "y", "1": "x"}, "a": {}}).path.read_bytes()
    second = warehouse.write(
        "bars", DAY, pl.concat([frame()[:1], frame()[1:]], rechunk=False), upstream={"a": {}, "b": {"1": "x", "2": "y"}}
    )
    assert second.path.read_bytes() == first


def test_the_footer_is_found_again_by_another_process_and_after_a_change(warehouse: Warehouse) -> None:
    written = warehouse.write("bars", DAY, frame(), code_version="c", settings_version="s", upstream={"raw_bars": {"2023-01-03": "v"}})
    other = Warehouse(warehouse.root)
    assert other.footer("bars", DAY) == written.footer == warehouse.footer("bars", DAY)
    changed = warehouse.write("bars", DAY, frame(close=5.0))
    assert other.footer("bars", DAY) == changed.footer != written.footer
    assert other.data_versions("bars", [DAY]) == {"2023-01-03": changed.footer.data_version}


def test_duckdb_and_polars_read_the_layout_as_it_is(warehouse: Warehouse) -> None:
    for i, day in enumerate(DAYS):
        warehouse.write("bars", day, frame(day, close=float(i)))
    pattern = str(warehouse.root / "bars" / "*" / "data.parquet")
    found = duckdb.sql(
        f"select session, sum(close) from read_parquet('{pattern}', hive_partitioning = true) group by all order by all"
    ).fetchall()
    assert found == [(DAYS[0], 3.0), (DAYS[1], 6.0), (DAYS[2], 9.0)]
    scanned = (
        pl.scan_parquet(warehouse.root / "bars", hive_partitioning=True).filter(pl.col("session") >= DAYS[1]).select(pl.len()).collect()
    )
    assert scanned.item() == 6


def test_history_starts_at_the_first_raw_bars(warehouse: Warehouse) -> None:
    assert warehouse.history_start() is None
    warehouse.write("bars", DAYS[0], frame())
    assert warehouse.history_start() is None
    warehouse.folder("raw_bars", DAYS[0]).mkdir(parents=True)
    warehouse.write_vintage("raw_bars", DAYS[2], frame(), known=NOON)
    warehouse.write_vintage("raw_bars", DAYS[1], frame(), known=NOON)
    assert warehouse.history_start() == DAYS[1]


def test_a_missing_partition_is_named_with_the_command_that_makes_it(warehouse: Warehouse) -> None:
    with pytest.raises(
        MissingPartitionError,
        match=r"bars has no partition for 2023-01-03 in .*dagster asset materialize .* --select bars,rejected_bars --partition 2023-01-03",
    ):
        warehouse.read("bars", [DAY])
    warehouse.write("bars", DAYS[1], frame())
    with pytest.raises(MissingPartitionError, match=r"for 2023-01-03, 2023-01-05 in .*--select '\+bars' --from 2023-01-03 --to 2023-01-05"):
        warehouse.read("bars", DAYS)
    many = [DAY + timedelta(days=i) for i in range(5, 15)]
    with pytest.raises(MissingPartitionError, match="and 7 more"):
        warehouse.require("bars", many)
    with pytest.raises(MissingPartitionError, match="no session of bars was asked for"):
        warehouse.read("bars", [])
    with pytest.raises(MissingPartitionError, match="2023-01-03"):
        warehouse.footer("bars", DAY)
    assert warehouse.stored_sessions("nothing") == []
    assert Warehouse(warehouse.root / "none").assets() == []


def test_files_of_two_schemas_are_said_to_be_so(warehouse: Warehouse) -> None:
    warehouse.write("bars", DAYS[0], frame())
    warehouse.write("bars", DAYS[1], frame().drop("vwap"))
    with pytest.raises(CorruptPartitionError, match=r"bars from 2023-01-03 to 2023-01-04 can't be read together.*ats run --select bars"):
        warehouse.read("bars", DAYS[:2])


def test_partitions_that_are_written_by_several_threads_have_the_bytes_of_those_written_alone(tmp_path: Path) -> None:
    days = [date(2024, 3, 1) + timedelta(days=i) for i in range(20)]
    frames = {day: frame(day, rows=i % 4, close=float(i)) for i, day in enumerate(days)}
    upstream = {day: {"raw": {day.isoformat(): f"{i}"}} for i, day in enumerate(days)}
    alone, each = Warehouse(tmp_path / "alone"), Warehouse(tmp_path / "each")
    versions = {"code_version": "c", "settings_version": "s"}
    expected = {day: alone.write("a", day, frames[day], upstream=upstream[day], **versions) for day in days}
    made = each.write_each("a", ((day, frames[day], upstream[day]) for day in days), **versions)
    assert list(made) == days
    for day in days:
        assert made[day].path.read_bytes() == expected[day].path.read_bytes()
        assert (made[day].footer, made[day].rows, made[day].bytes) == (expected[day].footer, expected[day].rows, expected[day].bytes)
