"""What is inside a zip is read as it was published, or not at all."""

import io
import zipfile
from pathlib import Path

import pytest

from ats_assets.errors import SourceError
from ats_assets.sources.zipped_table import is_unpacked, opened_zip
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


def test_a_zip_of_several_tables_is_refused_with_what_it_holds(tmp_path: Path) -> None:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("a.csv", "1\n")
        archive.writestr("b.csv", "2\n")
        archive.writestr("__MACOSX/a.csv", "")
    (tmp_path / "two.zip").write_bytes(content.getvalue())
    with pytest.raises(SourceError, match=r"holds a\.csv, b\.csv, but one table .* is needed: unpack it, and remove the zip"):
        opened_zip(tmp_path / "two.zip")


def test_a_zip_beside_what_was_in_it_is_not_read_again(tmp_path: Path) -> None:
    path = write_dump(tmp_path / "A-1d-2024-01.zip", LINES[:2])
    assert not is_unpacked(path)
    path.with_suffix(".csv").write_text("1,2\n", encoding="utf-8")
    assert is_unpacked(path)
    assert not is_unpacked(path.with_suffix(".csv"))
