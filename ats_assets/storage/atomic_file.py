"""Files that are replaced whole: a temporary file in the same folder, synced and renamed, so that a reader sees the old content or the new.

Many files may be replaced together (`FileGroup`), which is as safe and waits for the disk once instead of twice a file:

1. All temporary files are written.
2. All of them are synced, by several threads at once: the file system puts what they wait for into few writes of its journal.
3. All are renamed, in the order in which they were added. No file is renamed before every one is on the disk.
4. Their folders are synced, by several threads likewise.
"""

import contextlib
import itertools
import os
import threading
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Final

from ats_assets.errors import SettingsError

SYNCING: Final = 8
"""Threads that sync at once. Measured on ext4 with 100 to 150 files: two to four times as fast as one file after the other; `syncfs` is no faster, and waits for
what other programs have written."""
FEW: Final = 4
"""Files up to which syncing one after the other is faster than starting threads."""
_numbers = itertools.count()


def temporary_beside(path: Path) -> Path:
    """A temporary file in the same folder, of this process, and no other's: all that write files ask here."""
    return path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}-{next(_numbers)}")


class FileGroup:
    """Files that are replaced together.

    Parameters
    ----------
    fsync
        Whether to sync; without it a lost power supply may cost the files, or leave them torn.

    Examples
    --------
    >>> import tempfile
    >>> folder, group = Path(tempfile.mkdtemp()), FileGroup()
    >>> for name in ("a", "b"):
    ...     _ = group.add(folder / name, lambda file: file.write(b"new"))
    >>> (folder / "a").exists()
    False
    >>> group.finish()
    >>> (folder / "a").read_bytes()
    b'new'
    """

    def __init__(self, *, fsync: bool = True) -> None:
        self._fsync = fsync
        self._files: dict[Path, Path] = {}
        self._folders: set[Path] = set()

    def __len__(self) -> int:
        return len(self._files)

    @property
    def paths(self) -> list[Path]:
        """The files that wait to be replaced, in the order in which they will be."""
        return list(self._files)

    def add(self, path: Path, write: Callable[[BinaryIO], object]) -> os.stat_result:
        """Write what is to be at `path` through `write`, which is handed the open temporary file; returns what it is, then and after `finish`.

        Temporary files that killed processes left in the folder are removed on the way.

        Raises
        ------
        SettingsError
            If the folder can't be written; the message names the path.
        """
        temporary = temporary_beside(path)
        with _explained(path):
            changed = _make(path.parent)
            self._folders |= changed
            if not changed:
                _sweep(path.parent)
            try:
                with temporary.open("wb") as file:
                    write(file)
                    file.flush()
                    stat = os.fstat(file.fileno())
            except BaseException:  # also where it is interrupted: nothing half-written is left behind
                temporary.unlink(missing_ok=True)
                raise
        replaced = self._files.pop(path, None)
        if replaced is not None:
            replaced.unlink(missing_ok=True)
        self._files[path] = temporary
        return stat

    def finish(self) -> None:
        """Put every file in its place; the group is empty then.

        Raises
        ------
        SettingsError
            If the disk can't be written; files that were not renamed yet stay as they were.
        """
        folders = self._folders | {path.parent for path in self._files}
        files = self.taken()
        try:
            if self._fsync and files:
                with _explained(next(iter(files))):
                    _in_threads(_sync, files.values())
            for path, temporary in files.items():
                with _explained(path):
                    temporary.replace(path)
        except BaseException:  # also where it is interrupted: what was not renamed leaves nothing behind
            for temporary in files.values():
                temporary.unlink(missing_ok=True)
            raise
        if self._fsync:
            _in_threads(_sync_folder, folders)

    def taken(self) -> dict[Path, Path]:
        """The files that wait, each with its temporary file; the group is empty then."""
        files, self._files = self._files, {}
        self._folders = set()
        return files

    def drop(self) -> None:
        """Leave every file as it is."""
        for temporary in self._files.values():
            temporary.unlink(missing_ok=True)
        self._files.clear()
        self._folders.clear()


def replace_file(path: Path, write: Callable[[BinaryIO], object], *, fsync: bool = True) -> None:
    """Replace `path` through `write`, which is handed the open temporary file.

    Temporary files that killed processes left in the folder are removed on the way.

    Raises
    ------
    SettingsError
        If the folder can't be written; the message names the path.
    """
    group = FileGroup(fsync=fsync)
    group.add(path, write)
    group.finish()


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise SettingsError(
            f"can't write {path} ({error.strerror or error}): check the [storage] settings, its rights and the free disk space"
        ) from error


def _sweep(folder: Path) -> None:
    """Remove what killed processes left behind; a temporary file of a living one stays."""
    with os.scandir(folder) as entries:
        for entry in entries:
            name, _, tail = entry.name.rpartition(".")
            pid, dash, _ = tail.partition("-")
            if name.startswith(".") and dash and pid.isascii() and pid.isdigit() and int(pid) != os.getpid() and not _alive(int(pid)):
                Path(entry.path).unlink(missing_ok=True)


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _make(folder: Path) -> set[Path]:
    """Make a folder; returns the folders that have got a new one in it: none if it is there already."""
    try:
        os.mkdir(folder)  # noqa: PTH102 - asked for each partition
    except FileExistsError:
        if not folder.is_dir():
            raise
        return set()
    except FileNotFoundError:
        return _make(folder.parent) | _make(folder)
    return {folder.parent}


def _in_threads(sync: Callable[[Path], None], paths: Collection[Path]) -> None:
    if len(paths) < FEW:
        for path in paths:
            sync(path)
        return
    with ThreadPoolExecutor(SYNCING, thread_name_prefix="sync") as pool:
        for _ in pool.map(sync, paths):
            pass  # raises what a thread raised


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_folder(path: Path) -> None:
    with contextlib.suppress(OSError):  # not every file system can sync a folder
        _sync(path)
