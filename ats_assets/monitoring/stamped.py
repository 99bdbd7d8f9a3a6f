"""What was read once, kept until what it was read from has changed: a scrape reads only what is new."""

import contextlib
import os
import time
from collections.abc import Callable, Hashable
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Stamp = Hashable
SETTLED_NS = 3_000_000_000
"""A file that was changed less than so long ago may change again within the resolution of its time."""


def stamp_of_files(*paths: Path) -> Stamp | None:
    """Times, sizes and inodes of files, those that are not there included; None where one has just changed, so that nothing is kept."""
    found: list[tuple[int, int, int] | None] = []
    now = time.time_ns()
    for path in paths:
        stat = None
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            stat = os.stat(path)  # noqa: PTH116 - asked for with each scrape, of many
        if stat is not None and now - stat.st_mtime_ns < SETTLED_NS:
            return None
        found.append(None if stat is None else (stat.st_mtime_ns, stat.st_size, stat.st_ino))
    return tuple(found)


def stamp_of_database(path: Path) -> Stamp | None:
    """Of a file of SQLite and the log beside it, in which new transactions are."""
    return stamp_of_files(path, path.with_name(f"{path.name}-wal"))


class Stamped:
    """Values with the stamp of what each was read from."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[Stamp, Any]] = {}

    def get(self, name: str, stamp: Stamp | None, read: Callable[[], T]) -> T:
        """What was read under this stamp; else it is read now. Without a stamp it is read each time."""
        kept = self._kept.get(name)
        if stamp is not None and kept is not None and kept[0] == stamp:
            return kept[1]
        value = read()
        if stamp is None:
            self._kept.pop(name, None)
        else:
            self._kept[name] = (stamp, value)
        return value
