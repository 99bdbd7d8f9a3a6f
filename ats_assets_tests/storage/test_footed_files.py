"""Files with footers: a damaged one is named by whoever reads it, and what is written together is put in its place at once."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from polars.testing import assert_frame_equal

from ats_assets.errors import CorruptPartitionError
from ats_assets.storage.footed_files import CELLS_AT_ONCE, FILES_AT_ONCE
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.storage.frames import DAY, DAYS, frame

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


def test_a_file_of_someone_else_is_said_to_be_so(warehouse: Warehouse) -> None:
    path = warehouse.write("bars", DAY, frame()).path
    frame().write_parquet(path)
    with pytest.raises(CorruptPartitionError, match="was not written by this system"):
        warehouse.footer("bars", DAY)


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


def test_what_is_encoded_together_has_the_bytes_and_the_order_of_each_alone(tmp_path: Path) -> None:
    few, many = pl.DataFrame({"x": [1.0, float("nan")]}), pl.DataFrame({"x": range(CELLS_AT_ONCE + 1)})
    frames = [*[few] * (FILES_AT_ONCE + 3), many, few.clear(), many, *[few[:1]] * FILES_AT_ONCE]
    days = [date(2024, 1, 1) + timedelta(number) for number in range(len(frames))]
    alone, together = Warehouse(tmp_path / "alone", fsync=False), Warehouse(tmp_path / "together", fsync=False)
    written = together.write_each("a", ((day, rows, {"b": {"n": str(day)}}) for day, rows in zip(days, frames, strict=True)))
    assert list(written) == days
    for day, rows in zip(days, frames, strict=True):
        one = alone.write("a", day, rows, upstream={"b": {"n": str(day)}})
        assert (written[day].footer, written[day].rows) == (one.footer, rows.height)
        assert written[day].path.read_bytes() == one.path.read_bytes()
