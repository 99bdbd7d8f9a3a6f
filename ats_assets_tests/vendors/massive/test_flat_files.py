"""Flat files of Massive's: read from a folder in the layout of its bucket, or downloaded from one that asks for signatures and misbehaves."""

import gzip
from datetime import date
from pathlib import Path

import pytest
from pydantic import ValidationError

from ats_assets.errors import SourceError
from ats_assets.settings import MassiveSettings, Settings, StorageSettings
from ats_assets.vendors.errors import VendorAnswerLostError, VendorKeysError, VendorRefusedError
from ats_assets.vendors.massive import massive_connection
from ats_assets.vendors.massive.flat_files import FlatFiles
from ats_assets.vendors.massive.massive_connection import flat_files
from ats_assets.vendors.massive.s3_objects import S3Objects
from ats_assets_tests.vendors.alpaca.connections import Waits
from ats_assets_tests.vendors.doubles import Mishap, Told, VendorDouble, Wrong
from ats_assets_tests.vendors.massive_double import S3_KEY_ID, S3_SECRET_KEY, bucket_double
from ats_assets_tests.vendors.quick_vendors import quick_vendors

DAY = date(2024, 3, 7)
BARS = "us_stocks_sip/day_aggs_v1"
KEY = f"{BARS}/2024/03/2024-03-07.csv.gz"
TEXT = "ticker,volume,open,close,high,low,window_start,transactions\n" + "".join(
    f"T{i:04},{100 + i},{i}.5,{i}.25,{i}.75,{i}.1,1709787600000000000,{i}\n" for i in range(1, 400)
)
CONTENT = gzip.compress(TEXT.encode(), mtime=0)


def bucket(double: VendorDouble, folder: Path, monkeypatch: pytest.MonkeyPatch, part_bytes: int = 1000) -> FlatFiles:
    """Files in an empty folder, downloaded in small parts."""
    monkeypatch.setenv("MASSIVE_S3_ACCESS_KEY_ID", S3_KEY_ID)
    monkeypatch.setenv("MASSIVE_S3_SECRET_ACCESS_KEY", S3_SECRET_KEY)
    settings = Settings(
        massive=MassiveSettings(files_url=double.url, download=True, flat_files=folder),
        storage=StorageSettings(fsync=False),
        vendors=quick_vendors(folder / ".vendors", 3),
    )
    files = flat_files(settings, backoff=Waits().backoff())
    assert isinstance(files._objects, S3Objects)
    files._objects._part_bytes = part_bytes
    return files


def rows(files: FlatFiles, *columns: str) -> list[tuple[object, ...]]:
    return [row for block in files.blocks(BARS, DAY, columns) for row in block.rows()]


def test_a_folder_in_the_layout_of_the_bucket_is_read(tmp_path: Path) -> None:
    path = tmp_path / KEY
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT)
    (path.parent / "notes.csv.gz").write_bytes(b"")
    files = FlatFiles(tmp_path)
    assert files.days(BARS) == [DAY]
    assert rows(files, "ticker", "open")[:2] == [("T0001", "1.5", None), ("T0002", "2.5", None)]
    assert list(files.blocks(BARS, date(2024, 3, 8), ("ticker",))) == [], "no file: not delivered, or no trading"


@pytest.mark.parametrize("kept", [0.3, 0.9, 0.999])
def test_half_a_file_is_no_file(tmp_path: Path, kept: float) -> None:
    path = tmp_path / KEY
    path.parent.mkdir(parents=True)
    path.write_bytes(CONTENT[: int(len(CONTENT) * kept)])
    with pytest.raises(SourceError, match=r"2024-03-07.csv.gz can't be read, it may be truncated .*: remove it"):
        rows(FlatFiles(tmp_path), "ticker")


def test_a_line_of_another_length_is_a_row_that_says_so_and_a_lacking_column_an_error(tmp_path: Path) -> None:
    path = tmp_path / KEY
    path.parent.mkdir(parents=True)
    path.write_bytes(gzip.compress(b"ticker,open\nAAA,1\nBBB,2,3\nCCC,\n"))
    assert rows(FlatFiles(tmp_path), "ticker", "open") == [
        ("AAA", "1", None),
        ("CCC", None, None),
        (None, None, "line: 'BBB,2,3' has another number of cells than the header"),
    ]
    with pytest.raises(SourceError, match=r"lacks .*close"):
        rows(FlatFiles(tmp_path), "close")


def test_files_are_downloaded_in_signed_parts_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with bucket_double({KEY: CONTENT}) as double:
        files = bucket(double, tmp_path, monkeypatch)
        assert len(rows(files, "ticker")) == 399
        assert (tmp_path / KEY).read_bytes() == CONTENT
        assert len(double.journal) == -(-len(CONTENT) // 1000) > 2
        assert rows(files, "ticker")[0][0] == "T0001"
        assert files.file(BARS, date(2024, 3, 9)) is None, "a day without trading has no file"
        assert len(double.journal) == -(-len(CONTENT) // 1000) + 1, "what is there is not asked for again"
        assert S3_SECRET_KEY not in str(double.journal)


@pytest.mark.parametrize("wrong", [Wrong.ERROR, Wrong.CUT, Wrong.RATE_LIMIT, Wrong.NO_ANSWER, Wrong.EMPTY])
def test_a_bucket_that_misbehaves_now_and_then_loses_no_byte(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, wrong: Wrong) -> None:
    with bucket_double({KEY: CONTENT}) as double:
        double.script += [Mishap(wrong, skip=skip) for skip in (0, 2)]
        assert len(rows(bucket(double, tmp_path, monkeypatch), "ticker")) == 399
    assert (tmp_path / KEY).read_bytes() == CONTENT


def test_a_file_that_is_put_up_again_meanwhile_is_not_mixed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {KEY: CONTENT}
    with bucket_double(files) as double:
        flat = bucket(double, tmp_path, monkeypatch)
        real = double.answer

        def changing(asked):  # type: ignore[no-untyped-def]
            told = real(asked)
            files[KEY] = gzip.compress(TEXT.replace("0.5", "0.6").encode(), mtime=0)
            return told

        double.answer = changing
        with pytest.raises(VendorAnswerLostError, match="put up again while it was downloaded"):
            rows(flat, "ticker")
        assert not list(tmp_path.rglob("*.gz")), "nothing is put in place"
        double.answer = real
        assert len(rows(flat, "ticker")) == 399


@pytest.mark.parametrize("ending", ["", "_FILE"])
def test_what_was_set_up_for_polygon_io_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, ending: str
) -> None:
    """Keys under the former names, in the environment or in files, and the former address of the flat files; the log says which names are new, and no key."""
    massive_connection._say_once.cache_clear()
    with bucket_double({KEY: CONTENT}) as double:
        files = bucket(double, tmp_path / "files", monkeypatch)
        for part, key in (("ACCESS_KEY_ID", S3_KEY_ID), ("SECRET_ACCESS_KEY", S3_SECRET_KEY)):
            monkeypatch.delenv(f"MASSIVE_S3_{part}")
            (tmp_path / part).write_text(key)
            monkeypatch.setenv(f"POLYGON_S3_{part}{ending}", str(tmp_path / part) if ending else key)
        assert len(rows(files, "ticker")) == 399
        assert S3_KEY_ID in double.journal[0].headers["authorization"]
    with caplog.at_level("INFO", massive_connection.__name__):
        former = MassiveSettings(files_url="https://files.polygon.io", download=True)
        flat = flat_files(Settings(massive=former, vendors=quick_vendors(tmp_path / ".vendors", 3)))
    assert isinstance(flat._objects, S3Objects)
    assert flat._objects._http._base == "https://files.polygon.io"
    assert "files.polygon.io still works" in caplog.text
    assert f"POLYGON_S3_ACCESS_KEY_ID{ending}" in caplog.text
    assert S3_SECRET_KEY not in caplog.text
    with pytest.raises(ValidationError, match=r"files_url is http://files.polygon.io: the key is shown to"):
        MassiveSettings(files_url="http://files.polygon.io")


def test_refused_keys_and_plans_say_what_it_can_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with bucket_double({KEY: CONTENT}) as double:
        files = bucket(double, tmp_path, monkeypatch)
        real = double.answer
        double.answer = lambda _: Told(b"<Error><Code>AccessDenied</Code></Error>", 403)
        with pytest.raises(
            VendorRefusedError, match=r"where the plan has no flat files, or not of us_stocks_sip.*not published yet.*S3 keys"
        ):
            rows(files, "ticker")
        double.answer = real
        monkeypatch.setenv("MASSIVE_S3_SECRET_ACCESS_KEY", "another0secret0key")
        with pytest.raises(VendorKeysError, match=r"refused \(403.*MASSIVE_S3_SECRET_ACCESS_KEY is missing, wrong or expired"):
            rows(files, "ticker")


def test_s3_keys_are_exchanged_in_the_middle_of_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """S3 refuses a key with 403 and a code: the other key was once not tried then."""
    with bucket_double({KEY: CONTENT}) as double:
        files = bucket(double, tmp_path, monkeypatch)
        monkeypatch.setenv("MASSIVE_S3_ACCESS_KEY_ID_NEXT", "not0yet0known0id")
        monkeypatch.setenv("MASSIVE_S3_SECRET_ACCESS_KEY_NEXT", "not0yet0known0secret")
        assert len(rows(files, "ticker")) == 399
        assert "not0yet0known0id" in double.journal[0].headers["authorization"], "the next one is tried first"
        assert len(double.journal) == 1 + -(-len(CONTENT) // 1000), "and not again with each part"
