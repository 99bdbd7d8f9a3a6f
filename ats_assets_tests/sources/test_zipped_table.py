"""What is inside a zip is read as it was published, or not at all."""

import zipfile
from pathlib import Path

import pytest

from ats_assets.errors import SourceError
from ats_assets.sources.zipped_table import is_left_out, opened_zip
from ats_assets_tests.sources.dumps import write_dump

LINES = [f"{i},{i * 0.5}" for i in range(20_000)]


def test_a_table_comes_out_as_it_went_in_block_by_block(tmp_path: Path) -> None:
    with opened_zip(write_dump(tmp_path / "A-1d-2024-01.zip", LINES)) as file:
        head = file.read(100)
        assert (head + file.read()).decode().splitlines() == LINES
        assert file.closed is False
    assert file.closed


@pytest.mark.parametrize("checksum", [True, False], ids=["checksum", "crc"])
def test_a_zip_of_which_a_byte_changed_is_an_error(tmp_path: Path, *, checksum: bool) -> None:
    path = write_dump(tmp_path / "A-1d-2024-01.zip", LINES, checksum=checksum)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    with (
        pytest.raises(SourceError, match=r"is not what A-1d-2024-01\.zip\.CHECKSUM says" if checksum else "is damaged"),
        opened_zip(path) as file,
    ):
        file.read()


def test_a_zip_that_was_cut_or_is_none_is_an_error(tmp_path: Path) -> None:
    path = write_dump(tmp_path / "A-1d-2024-01.zip", LINES, checksum=False)
    path.write_bytes(path.read_bytes()[:500])
    with pytest.raises(SourceError, match="is no zip that can be read, it may be truncated"):
        opened_zip(path)


def test_a_checksum_that_says_nothing_is_an_error(tmp_path: Path) -> None:
    path = write_dump(tmp_path / "A-1d-2024-01.zip", LINES)
    path.with_name(path.name + ".CHECKSUM").write_text("<html>not found</html>", encoding="utf-8")
    with pytest.raises(SourceError, match=r"holds no SHA-256: download it again, or remove it"):
        opened_zip(path)


def zipped(path: Path, *names: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, "1\n")
    return path


def test_a_zip_of_several_tables_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r"holds a\.csv, b\.csv, but one table .* is needed: unpack it, and remove the zip"):
        opened_zip(zipped(tmp_path / "two.zip", "a.csv", "b.csv", "__MACOSX/a.csv"))


def test_a_zip_beside_what_was_in_it_and_one_of_other_things_are_left_out(tmp_path: Path) -> None:
    """A backup beside the bars is no bars, and rows that are there twice would be rejected as duplicates."""
    path = write_dump(tmp_path / "A-1d-2024-01.zip", LINES[:2])
    assert not is_left_out(path)
    path.with_suffix(".csv").write_text("1,2\n", encoding="utf-8")
    assert is_left_out(path)
    assert not is_left_out(path.with_suffix(".csv"))
    assert is_left_out(zipped(tmp_path / "other_name.zip", "A-1d-2024-01.csv"))
    assert is_left_out(zipped(tmp_path / "backup.zip", "ats.toml", "one.csv", "two.csv"))
    assert is_left_out(zipped(tmp_path / "images.zip", "one.png"))
    assert not is_left_out(zipped(tmp_path / "mac.zip", "B.csv", "__MACOSX/B.csv"))
    (tmp_path / "cut.zip").write_bytes(path.read_bytes()[:30])
    assert not is_left_out(tmp_path / "cut.zip")
