"""A root in an object store, seen as a folder of this machine.

The folder has a file for each object of the root: with its bytes where they were written or read here (the cache), else a placeholder. So everything that looks at names,
times and sizes works as on a disk, without a request. What is known of the store comes from the log of writes (`commit_log`):

- a process reads the log on when it begins, and again after `look_seconds` (`followed_log`): one request where nothing has changed;
- a write is `mirrored_writes`: intent, conditional writes, record; then the files are put into the folder;
- where another machine has replaced a file between `at_hand` and the reading, so that a placeholder is in its place, it is read again (`while_at_hand`);
- before a file is read, its bytes are fetched (`at_hand`) and compared with their SHA-256: once for each version of a file that a process reads. Damaged ones are fetched
  again. Where the cache is larger than it may be, the files not read for longest become placeholders (`cached_files`).

All processes of a machine share the folder; a lock lets one at a time change it. The store itself knows no lock: its conditional writes decide.
"""

import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from typing_extensions import override

from ats_assets.storage.atomic_file import FileGroup
from ats_assets.storage.objects.bucket import Bucket
from ats_assets.storage.objects.cached_files import CachedFiles
from ats_assets.storage.objects.followed_log import FollowedLog
from ats_assets.storage.objects.mirrored_writes import MirroredGroup, write_together
from ats_assets.storage.objects.placeholders import has_bytes
from ats_assets.storage.root_folder import Found, RootFolder
from ats_assets.storage.told_file import ToldFile, told_file

TRIES: Final = 3
"""Of a reading whose files others replace."""


class MirroredFolder(RootFolder):
    """A root in an object store.

    Parameters
    ----------
    bucket
        The root.
    folder
        Where what is known of it is kept; all of it may be deleted while no process is running.
    """

    def __init__(self, bucket: Bucket, folder: Path) -> None:
        self.log = FollowedLog(bucket, folder)
        super().__init__(self.log.files, fsync=False)
        self._cached = CachedFiles(self.log)

    @property
    @override
    def place(self) -> str:
        return str(self.log.bucket.url)

    @override
    def group(self) -> FileGroup:
        return MirroredGroup(self.log, self._cached)

    @override
    def replace(self, path: Path, write: Callable[[BinaryIO], object]) -> None:
        group = self.group()
        group.add(path, write)
        group.finish()

    @override
    def remove(self, *paths: Path) -> None:
        there = [path for path in paths if os.path.lexists(path)]
        if there:
            write_together(self.log, {}, there)

    @override
    def rename(self, names: Mapping[Path, Path]) -> None:
        self.at_hand(names)
        group = self.group()
        for path, name in names.items():
            content = path.read_bytes()
            group.add(name, lambda file, content=content: file.write(content))
        group.finish()
        self.remove(*names)  # after, so that a killed process leaves both names, and what was kept is never lost

    @override
    def at_hand(self, paths: Iterable[Path]) -> int:
        self.look()
        return self._cached.bring(paths)

    @override
    def while_at_hand(self, paths: Sequence[Path], read: Callable[[], Found]) -> Found:
        for left in reversed(range(TRIES)):
            self.at_hand(paths)
            before = list(map(_file_at, paths))
            try:
                found = read()
            except Exception:  # whatever a placeholder makes of the reader
                if not left or before == list(map(_file_at, paths)):
                    raise
            else:
                if not left or before == list(map(_file_at, paths)):
                    return found  # else it may hold the zeros of a placeholder, which root may read
        raise AssertionError(paths)

    @override
    def told(self, paths: Iterable[Path]) -> Mapping[Path, ToldFile]:
        here = {self.log.key(path): (path, stands_for) for path in paths if (stands_for := _placeholder_of(path))}
        told = self.log.known.told(list(here))
        # Of a record that another process is taking in, placeholders are there before what they say is.
        return {here[key][0]: told_file(one.sha256, one.said) for key, one in told.items() if here[key][1] == (one.size, one.mtime_ns)}

    @override
    def look(self, *, now: bool = False) -> None:
        self.log.look(now=now)


def _file_at(path: Path) -> tuple[int, int] | None:
    """Which file is at a path now: inode and mode, which a placeholder has of its own."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return found.st_ino, found.st_mode


def _placeholder_of(path: Path) -> tuple[int, int] | None:
    """The size and the time of the object that a placeholder stands for; None where there is none, or its bytes are here."""
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return None if has_bytes(found) else (found.st_size, found.st_mtime_ns)
