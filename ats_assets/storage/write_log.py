"""What was written under a root folder, in the order of writing, so that whoever follows it need not look at everything that is stored.

Each line is a time and a path. It is written before the file is, so that no write is missed where the process is killed in between; a follower therefore looks again at
what was announced in the last minutes (`SETTLING`). The log is a cache: it may be deleted, and a file that was put there by hand is not in it. Who needs to
know of those looks at all files.
"""

import os
import time
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

NAME = ".written"
"""Of the log, in the root folder."""
SETTLING = 600.0
"""Seconds after which a file that was announced has been written, or never will be."""


@dataclass(frozen=True)
class LogPosition:
    """A place in a log.

    Attributes
    ----------
    file
        Which file the log was: another one has been started where this changed.
    offset
        In bytes, at the start of a line.
    """

    file: int
    offset: int


NOWHERE = LogPosition(file=0, offset=0)
"""The place in a log that there is not yet: its start."""


class WriteLog:
    """The log of one root folder.

    Examples
    --------
    >>> import tempfile
    >>> log = WriteLog(Path(tempfile.mkdtemp()))
    >>> start = log.start()
    >>> log.announce(log.root / "bars" / "session=2024-03-01" / "data.parquet")
    >>> log.since(start)[0]
    ['bars/session=2024-03-01/data.parquet']
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self._path = str(root / NAME)

    def announce(self, *paths: Path) -> None:
        """Note that files under the root are about to be written or removed; where the folder can't be written, the write itself will say so."""
        now = f"{time.time():.3f}"
        lines = "".join(f"{now} {path.relative_to(self.root).as_posix()}\n" for path in paths).encode()
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
            try:
                os.write(handle, lines)  # one call, appended: lines of several processes do not mix
            finally:
                os.close(handle)
        except OSError:
            return

    def start(self) -> LogPosition:
        """Where to go on after a look at all files that begins now."""
        found = self.since(NOWHERE)
        return found[1] if found else NOWHERE

    def since(self, position: LogPosition) -> tuple[list[str], LogPosition] | None:
        """The paths that were announced from a place on, each once, and the place to go on from; None where the log is another one now.

        Paths that were announced less than `SETTLING` seconds ago come again the next time.
        """
        try:
            with open(self._path, "rb") as file:  # noqa: PTH123
                stat, which = os.fstat(file.fileno()), _which(file)
                if position == NOWHERE:
                    position = LogPosition(file=which, offset=0)
                if (which, stat.st_size >= position.offset) != (position.file, True):
                    return None
                file.seek(position.offset)
                text = file.read()
        except OSError:
            return ([], NOWHERE) if position == NOWHERE else None  # there is none yet, or none any more
        lines = text[: text.rfind(b"\n") + 1].splitlines(keepends=True)
        paths = dict.fromkeys(line.decode(errors="replace").rstrip("\n").partition(" ")[2] for line in lines)
        return list(paths), LogPosition(file=position.file, offset=position.offset + _age(lines))


def _which(file: BinaryIO) -> int:
    """A number for a log: of its inode, and of its first line, since an inode is given again to the next file."""
    return zlib.crc32(file.readline(), os.fstat(file.fileno()).st_ino & 0xFFFFFFFF)


def _settled(line: bytes) -> bool:
    """Whether a line is of a time before the last minutes; one that is no line of ours has been."""
    try:
        return time.time() - float(line.partition(b" ")[0]) > SETTLING
    except ValueError:
        return True


def _age(lines: list[bytes]) -> int:
    """How many bytes at the start are of settled lines."""
    passed = 0
    for line in lines:
        if not _settled(line):
            break
        passed += len(line)
    return passed
