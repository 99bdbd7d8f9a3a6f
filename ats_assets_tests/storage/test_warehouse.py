"""The warehouse: what is written is read, versions are of the content alone, and a damaged or missing file has a name."""

import contextlib
import hashlib
import json
import os
import subprocess
import sys
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal
from polars.testing.parametric import dataframes

from ats_assets.errors import CorruptPartitionError, MissingPartitionError
from ats_assets.storage.data_version import data_version
from ats_assets.storage.knowledge import stamp_of
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.rounds import rounds

DAY = date(2023, 1, 3)
DAYS = [date(2023, 1, 3), date(2023, 1, 4), date(2023, 1, 5)]
NOON = datetime(2023, 1, 3, 12, tzinfo=UTC)


@pytest.fixture
def warehouse(tmp_path: Path) -> Warehouse:
    return Warehouse(tmp_path / "warehouse", fsync=False)


def frame(day: date = DAY, *, rows: int = 3, close: float = 1.0) -> pl.DataFrame:
    """Every type that an asset has: strings, days, floats with NaN and null, integers, booleans, lists."""
    return pl.DataFrame(
        {
            "symbol": [f"S{i}" for i in range(rows)],
            "session": [day] * rows,
            "close": [close + i for i in range(rows)],
            "vwap": [None, float("nan"), 2.0][:rows],
            "reasons": [["a", "b"], [], None][:rows],
            "rank": range(rows),
            "focus": [True, None, False][:rows],
        },
        schema={
            "symbol": pl.String, "session": pl.Date, "close": pl.Float64, "vwap": pl.Float32, "reasons": pl.List(pl.String), "rank": pl.UInt32, "focus": pl.Boolean,
        },
    )  # fmt: skip


FRAMES = dataframes(
    allowed_dtypes=[
        pl.Boolean,
        pl.Int32,
        pl.UInt32,
        pl.Int64,
        pl.Float32,
        pl.Float64,
        pl.Date,
        pl.String,
        pl.List(pl.String),
        pl.List(pl.Float64),
    ],
    min_cols=1,
    max_cols=5,
    max_size=12,
)


@settings(max_examples=rounds(20, 60))
@given(written=FRAMES)
def test_what_is_written_is_read(written: pl.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> None:
    warehouse = Warehouse(tmp_path_factory.mktemp("round"), fsync=False)
    stored = warehouse.write("bars", DAY, written)
    read = warehouse.read("bars", [DAY])
    assert_frame_equal(read, written)
    assert (stored.rows, stored.bytes) == (written.height, stored.path.stat().st_size)
    assert data_version(read) == stored.footer.data_version


@settings(max_examples=rounds(20, 60))
@given(content=FRAMES, cut=st.integers(0, 12))
def test_a_version_does_not_depend_on_chunks_encoding_or_the_footer(
    content: pl.DataFrame, cut: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    version = data_version(content)
    chunked = pl.concat([content[:cut], content[cut:]], rechunk=False)
    assert data_version(chunked) == version
    root = tmp_path_factory.mktemp("encoding")
    hard = Warehouse(root / "a", compression_level=15, fsync=False).write(
        "bars", DAY, chunked, code_version="1", upstream={"raw_bars": {"2023-01-03": "x"}}
    )
    soft = Warehouse(root / "b", fsync=False).write("other", DAY, content, settings_version="2")
    assert hard.footer.data_version == soft.footer.data_version == version


@pytest.mark.parametrize(
    "other",
    [
        frame().reverse(),
        frame().rename({"vwap": "price"}),
        frame().select(reversed(frame().columns)),
        frame().with_columns(pl.col("vwap").fill_nan(None)),
        frame().with_columns(pl.col("vwap").fill_null(float("nan"))),
        frame().with_columns(pl.col("vwap").cast(pl.Float64)),
        frame().with_columns(pl.col("focus").fill_null(False)),
        frame().with_columns(pl.col("reasons").fill_null([])),
        frame().with_columns(reasons=pl.Series([["a"], ["b"], None], dtype=pl.List(pl.String))),
        frame().with_columns(symbol=pl.Series(["S0S", "1", "S2"])),
        frame().with_columns(pl.col("close") + 1e-13),
        frame(rows=2),
        frame().clear(),
    ],
)
def test_a_version_changes_with_every_change_of_content(other: pl.DataFrame) -> None:
    assert data_version(other) != data_version(frame())


def test_every_nan_is_the_same_value_and_differs_from_null() -> None:
    odd = np.array([0x7FF8000000000001, 0xFFF8000000000000], dtype=np.uint64).view(np.float64)
    nans = pl.DataFrame({"x": odd})
    assert data_version(nans) == data_version(pl.DataFrame({"x": [float("nan")] * 2}))
    assert data_version(nans) != data_version(pl.DataFrame({"x": [None, None]}, schema={"x": pl.Float64}))


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


# Vintages


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


def test_history_starts_at_the_first_raw_bars(warehouse: Warehouse) -> None:
    assert warehouse.history_start() is None
    warehouse.write("bars", DAYS[0], frame())
    assert warehouse.history_start() is None
    warehouse.folder("raw_bars", DAYS[0]).mkdir(parents=True)
    warehouse.write_vintage("raw_bars", DAYS[2], frame(), known=NOON)
    warehouse.write_vintage("raw_bars", DAYS[1], frame(), known=NOON)
    assert warehouse.history_start() == DAYS[1]


# Missing and damaged files


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


READER = """
import json, sys
from datetime import date
from pathlib import Path
from ats_assets.errors import CorruptPartitionError
from ats_assets.storage.warehouse import Warehouse

day, whole = date(2023, 1, 3), date(2023, 1, 4)
found = {}
for root in map(Path, sys.argv[1:]):
    warehouse = Warehouse(root)
    for name, act in {"read": lambda: warehouse.read("bars", [whole, day]), "footer": lambda: warehouse.footer("bars", day), "part": lambda: warehouse.read_part("bars", "p")}.items():
        try:
            act()
            said = "nothing"
        except CorruptPartitionError as error:
            said = str(error)
        found[f"{root.name} {name}"] = said
print(json.dumps(found))
"""


def damaged(content: bytes) -> dict[str, bytes]:
    """A file as it should be, and what can become of it."""
    tail = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    flipped = {
        f"flipped-{i}": content[:i] + bytes([content[i] ^ 0x55]) + content[i + 1 :]
        for i in (5, 9, 20, tail + 1, tail + 9, tail + 60, len(content) - 7)
    }
    return {
        "whole": content,
        "empty": b"",
        "half": content[: len(content) // 2],
        "without-its-end": content[:-1],
        "only-its-end": content[tail:],
        "other-magic": b"XXXX" + content[4:-4] + b"XXXX",
        "text": b"symbol,close\nA,1\n" * 40,
        "zeros": bytes(len(content)),
        "hole": content[:40] + bytes(len(content) // 3) + content[40 + len(content) // 3 :],
        **flipped,
    }


def test_a_damaged_file_is_named_and_never_ends_the_process(tmp_path: Path) -> None:
    source = Warehouse(tmp_path / "source", fsync=False)
    wide = frame(rows=3).join(pl.DataFrame({f"f{i}": np.arange(3) / (i + 1) for i in range(30)}), how="cross")
    files = damaged(source.write("bars", DAY, wide).path.read_bytes())
    for name, content in files.items():
        other = Warehouse(tmp_path / name, fsync=False)
        other.write("bars", DAYS[1], wide)
        other.folder("bars", DAY).mkdir()
        (other.folder("bars", DAY) / "data.parquet").write_bytes(content)
        other.part("bars", "p").write_bytes(content)
    read = subprocess.run(
        [sys.executable, "-c", READER, *(str(tmp_path / name) for name in files)], capture_output=True, text=True, check=False
    )
    assert read.returncode == 0, read.stderr[-2000:]
    found: dict[str, str] = json.loads(read.stdout)
    assert {found[f"whole {act}"] for act in ("read", "footer", "part")} == {"nothing"}
    for name in ("empty", "half", "without-its-end", "other-magic", "text", "zeros"):
        for act, path in (
            ("read", "session=2023-01-03/data.parquet"),
            ("footer", "session=2023-01-03/data.parquet"),
            ("part", "p.parquet"),
        ):
            said = found[f"{name} {act}"]
            assert path in said, (name, act, said)
            assert "delete it" in said, (name, act, said)
    for name in files.keys() - {"whole"}:
        assert "session=2023-01-03/data.parquet is damaged" in found[f"{name} read"], name
        assert "p.parquet is damaged" in found[f"{name} part"], name
    assert "--select bars,rejected_bars --partition 2023-01-03" in found["half read"]


def test_a_flipped_byte_anywhere_is_found_by_the_reader_that_would_have_used_the_file(tmp_path: Path) -> None:
    path = Warehouse(tmp_path, fsync=False).write("bars", DAY, frame(), upstream={"raw_bars": {"2023-01-03": "a0"}}).path
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 0x01]) + content[place + 1 :])
        with pytest.raises(CorruptPartitionError, match="is damaged"):
            Warehouse(tmp_path).read("bars", [DAY])
    path.write_bytes(content)
    assert_frame_equal(Warehouse(tmp_path).read("bars", [DAY]), frame())


def test_a_file_is_looked_at_once_for_each_version_of_it(warehouse: Warehouse, monkeypatch: pytest.MonkeyPatch) -> None:
    path = warehouse.write("bars", DAY, frame()).path
    other, looked = Warehouse(warehouse.root), []
    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda self: looked.append(self) or read_bytes(self))
    warehouse.read("bars", [DAY])
    assert looked == []  # it has written it
    other.read("bars", [DAY])
    other.read("bars", [DAY])
    assert looked == [path]
    stat = path.stat()
    path.write_bytes(read_bytes(path)[:-1] + b"X")
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert other.fault(path) is None  # its time and its size are the same
    assert other.fault(path, again=True) is not None


def test_a_file_without_a_hash_of_itself_is_judged_by_its_rows(warehouse: Warehouse) -> None:
    path = warehouse.write("bars", DAY, frame()).path
    said = {key: value for key, value in asdict(warehouse.footer("bars", DAY)).items() if key != "file_sha256"}
    for close, fault in ((1.0, None), (2.0, "its rows are not those that its footer names")):
        frame(close=close).write_parquet(path, metadata={"ats": json.dumps(said)})
        assert Warehouse(warehouse.root).fault(path) == fault


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


def test_files_of_two_schemas_are_said_to_be_so(warehouse: Warehouse) -> None:
    warehouse.write("bars", DAYS[0], frame())
    warehouse.write("bars", DAYS[1], frame().drop("vwap"))
    with pytest.raises(CorruptPartitionError, match=r"bars from 2023-01-03 to 2023-01-04 can't be read together.*ats run --select bars"):
        warehouse.read("bars", DAYS[:2])


def test_a_file_of_someone_else_is_said_to_be_so(warehouse: Warehouse) -> None:
    path = warehouse.write("bars", DAY, frame()).path
    frame().write_parquet(path)
    with pytest.raises(CorruptPartitionError, match="was not written by this system"):
        warehouse.footer("bars", DAY)


# Assets without partitions


def test_parts_and_texts(warehouse: Warehouse) -> None:
    with pytest.raises(MissingPartitionError, match=r"backtest is not in .*--select backtest"):
        warehouse.read_part("backtest", "equity")
    with pytest.raises(MissingPartitionError, match=r"metrics\.json is not there.*--select backtest"):
        warehouse.read_text("backtest", "metrics.json")
    written = warehouse.write_part("backtest", "equity", frame(), upstream={"signals": {"2023-01-03": "v"}})
    assert_frame_equal(warehouse.read_part("backtest", "equity"), frame())
    assert warehouse.footer_of(warehouse.part("backtest", "equity")) == written.footer
    warehouse.write_text("backtest", "metrics.json", "{ ½ }")
    assert warehouse.read_text("backtest", "metrics.json") == "{ ½ }"


def test_a_flipped_byte_in_a_text_or_beside_it_is_found(warehouse: Warehouse) -> None:
    path = warehouse.write_text("backtest", "metrics.json", "{}", code_version="c", upstream={"signals": {"2023-01-03": "v"}})
    assert warehouse.footer_of_text(path).upstream == {"signals": {"2023-01-03": "v"}}
    for file in (path, path.with_name("metrics.json.footer")):
        content = file.read_bytes()
        for place in range(len(content)):
            file.write_bytes(content[:place] + bytes([content[place] ^ 0x01]) + content[place + 1 :])
            with pytest.raises(CorruptPartitionError, match="damaged"):
                warehouse.read_text("backtest", "metrics.json")
        file.write_bytes(content)
    path.with_name("metrics.json.footer").unlink()
    with pytest.raises(CorruptPartitionError, match="missing or damaged"):
        warehouse.read_text("backtest", "metrics.json")


@given(dataframes(max_cols=6, max_size=5, allowed_dtypes=[pl.Float32, pl.Float64, pl.Int32, pl.String, pl.Boolean], allow_null=True))
def test_the_version_is_that_of_each_column_by_itself(frame: pl.DataFrame) -> None:
    """Columns that are hashed together: the same bytes go into the hash as when each is alone."""
    digest = hashlib.sha256(f"{frame.height}".encode())
    for column in frame.iter_columns():
        digest.update(f"|{column.name}:{column.dtype}|".encode())
        if column.null_count():
            digest.update(np.packbits(column.is_null().to_numpy()).tobytes())
        values = column.drop_nulls()
        if column.dtype == pl.String:
            digest.update(values.str.len_bytes().to_numpy().tobytes() + "".join(values).encode())
        elif column.dtype.is_float():
            one_nan = [float("nan") if value != value else value for value in values]
            digest.update(np.array(one_nan, dtype=values.to_numpy().dtype).tobytes())
        else:
            digest.update(np.array(values.to_list(), dtype=np.int64).tobytes())
    assert data_version(frame) == digest.hexdigest()


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


def test_what_is_written_together_waits_until_the_end_or_until_it_is_asked_for(tmp_path: Path) -> None:
    warehouse, days = Warehouse(tmp_path), [date(2024, 3, day) for day in (4, 5, 6)]
    frames = {day: pl.DataFrame({"x": [day.day]}) for day in days}
    with warehouse.together():
        for day in days:
            written = warehouse.write("a", day, frames[day])
            assert not written.path.exists()
        warehouse.write("b", days[0], frames[days[0]])
        assert Warehouse(tmp_path).stored_sessions("a") == []
        assert_frame_equal(warehouse.read("a", days), pl.concat(frames.values()))  # all that waits is put in its place
        assert Warehouse(tmp_path).exists("b", days[0])
        late = warehouse.write("a", days[0], frames[days[1]])
        assert Warehouse(tmp_path).footer("a", days[0]) != late.footer
    assert warehouse.footer("a", days[0]) == late.footer
    assert (late.bytes, late.footer) == (late.path.stat().st_size, Warehouse(tmp_path).footer("a", days[0]))
    assert not [path for path in tmp_path.rglob(".*") if path.name != ".written"]


def test_an_error_leaves_what_was_there_and_drops_what_waits(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ats_assets.storage.footed_files.TOGETHER", 2)
    warehouse, days = Warehouse(tmp_path), [date(2024, 3, day) for day in (4, 5, 6)]
    before = warehouse.write("a", days[2], pl.DataFrame({"x": [0]}))
    with pytest.raises(ZeroDivisionError), warehouse.together():  # noqa: PT012
        for day in days:
            warehouse.write("a", day, pl.DataFrame({"x": [day.day]}))
        raise ZeroDivisionError
    assert warehouse.stored_sessions("a") == days  # two were in their place already: no more than two wait
    assert warehouse.footer("a", days[2]) == before.footer
    assert not [path for path in tmp_path.rglob(".*") if path.name != ".written"]
    after = warehouse.write("a", days[2], pl.DataFrame({"x": [1]}))
    assert warehouse.footer("a", days[2]) == after.footer


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
