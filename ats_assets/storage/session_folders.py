"""The folders `session=YYYY-MM-DD` below a folder, and which of them hold a partition: one look at the folder, not one for each session.

A folder is listed again only when its time has changed, and what a session's folder holds is looked at once: a partition is replaced, not taken away. Where a file is
removed by hand all the same, it is noticed at once at either end of the history, for the ends are looked at each time; elsewhere by whoever misses it (`forget`).
"""

import os
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

PREFIX = "session="
SETTLED_NS = 3_000_000_000
"""A folder that was changed less than so long ago may change again within the resolution of its time: its list is not kept."""

Stamp = tuple[int, int]
"""Time and inode of a folder."""


class SessionFolders:
    """What was seen of the folders of sessions.

    Parameters
    ----------
    holds
        Whether the folder of a session, given by its path, holds a partition.
    """

    def __init__(self, holds: Callable[[str], bool]) -> None:
        self._holds = holds
        self._listed: dict[Path, tuple[Stamp, list[date]]] = {}
        self._held: dict[Path, set[date]] = {}

    def stored_sessions(self, folder: Path) -> list[date]:
        """The sessions below `folder` that hold a partition, ascending."""
        found = self._known(folder)
        if found and not all(self._holds(_path(folder, day)) for day in (found[0], found[-1])):
            self._held.pop(folder)
            found = self._known(folder)
        return found

    def first(self, folder: Path) -> date | None:
        """The first of them."""
        return next((day for day in self._days(folder) if self._holds(_path(folder, day))), None)

    def forget(self, folder: Path, day: date) -> None:
        """Look at the folder of a session again, since its partition was not there."""
        self._held.get(folder, set()).discard(day)

    def _known(self, folder: Path) -> list[date]:
        held = self._held.setdefault(folder, set())
        days = self._days(folder)
        held |= {day for day in days if day not in held and self._holds(_path(folder, day))}
        return [day for day in days if day in held]

    def _days(self, folder: Path) -> list[date]:
        try:
            stat = folder.stat()
        except (FileNotFoundError, NotADirectoryError):
            return []
        stamp = (stat.st_mtime_ns, stat.st_ino)
        kept = self._listed.get(folder)
        if kept is not None and kept[0] == stamp:
            return kept[1]
        names = os.listdir(folder)  # noqa: PTH208 - names alone, and many of them
        days = sorted(date.fromisoformat(name[len(PREFIX) :]) for name in names if name.startswith(PREFIX))
        if time.time_ns() - stat.st_mtime_ns > SETTLED_NS:
            self._listed[folder] = (stamp, days)
        return days


def _path(folder: Path, day: date) -> str:
    return f"{folder}{os.sep}{PREFIX}{day.isoformat()}"
