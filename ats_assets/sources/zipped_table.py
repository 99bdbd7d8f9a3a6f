"""A table inside a zip, as vendors publish dumps: one file in it, and beside it, where there is one, `<name>.zip.CHECKSUM` with the SHA-256 of the whole.

Binance's dumps have both (https://github.com/binance/binance-public-data, read in November 2026); HistData's and others' have the zip alone, whose own CRC is looked at then.
"""

import functools
import hashlib
import io
import re
import zipfile
import zlib
from pathlib import Path
from typing import Final

from ats_assets.errors import SourceError

ZIP: Final = ".zip"
CHECKSUM: Final = ".CHECKSUM"
_TEXTS: Final = (".csv", ".txt")


def is_zip(path: Path) -> bool:
    """Whether the name of a file says that it is a zip."""
    return path.name.lower().endswith(ZIP)


def is_left_out(path: Path) -> bool:
    """Whether a zip among other files is no table of its own: it holds several files or none, such as a backup, or what is in it lies beside it and is read from there.

    One that can't be opened is not left out: whoever reads it says what is wrong.
    """
    if not is_zip(path):
        return False
    if any(path.with_suffix(suffix).is_file() for suffix in _TEXTS):
        return True
    try:
        with zipfile.ZipFile(path) as archive:
            tables = _tables(archive)
    except (zipfile.BadZipFile, OSError):
        return False
    return len(tables) != 1 or path.with_name(Path(tables[0]).name).is_file()


def opened_zip(path: Path) -> io.BufferedReader:
    """The table in a zip, as bytes that are read as they are asked for.

    Raises
    ------
    SourceError
        If it is not what its checksum says, is no zip, or holds anything but one text.
    """
    stat = path.stat()
    _verify(path, stat.st_size, stat.st_mtime_ns)
    try:
        archive = zipfile.ZipFile(path)
        tables = _tables(archive)
        if len(tables) != 1:
            held = ", ".join(tables or archive.namelist()[:8]) or "nothing"
            raise SourceError(f"{path} holds {held}, but one table ({', '.join(_TEXTS)}) is needed: unpack it, and remove the zip")
        return io.BufferedReader(_Checked(archive, tables[0], path))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError) as error:
        raise SourceError(f"{path} is no zip that can be read, it may be truncated ({error}): deliver it again, or remove it") from error


def _tables(archive: zipfile.ZipFile) -> list[str]:
    """The texts in an archive, without what macOS adds."""
    return [name for name in archive.namelist() if name.lower().endswith(_TEXTS) and not name.startswith("__MACOSX/")]


class _Checked(io.RawIOBase):
    """The member of an archive; that its content is damaged is an error of the source."""

    def __init__(self, archive: zipfile.ZipFile, member: str, path: Path) -> None:
        self._archive, self._path = archive, path
        self._file = archive.open(member)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object, /) -> int:
        view = memoryview(buffer)  # pyright: ignore[reportArgumentType]
        try:
            content = self._file.read(len(view))
        except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
            raise SourceError(f"{self._path} is damaged ({error}): deliver it again, or remove it") from error
        view[: len(content)] = content
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self._file.close()
            self._archive.close()
        super().close()


@functools.lru_cache(maxsize=4096)
def _verify(path: Path, _size: int, _changed: int) -> None:
    """Compare a file with the checksum beside it, once for each state of the file."""
    beside = path.with_name(path.name + CHECKSUM)
    if not beside.is_file():
        return
    said = re.match(r"\s*([0-9a-fA-F]{64})\b", beside.read_text(encoding="utf-8", errors="replace"))
    if said is None:
        raise SourceError(f"{beside} holds no SHA-256: download it again, or remove it")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != said[1].lower():
        raise SourceError(
            f"{path} is not what {beside.name} says (SHA-256 {found[:12]}…, not {said[1][:12].lower()}…): it was cut or replaced. Download both again"
        )
