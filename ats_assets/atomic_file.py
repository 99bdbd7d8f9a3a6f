"""Files that are replaced whole: a temporary file in the same folder, synced and renamed, so that a reader sees the old content or the new."""

import contextlib
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from ats_assets.errors import SettingsError


def replace_file(path: Path, write: Callable[[BinaryIO], object], *, fsync: bool = True) -> None:
    """Write `path` anew through `write`, which is handed the open temporary file.

    Temporary files that killed processes left in the folder are removed on the way.

    Raises
    ------
    SettingsError
        If the folder can't be written; the message names the path.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _sweep(path.parent)
        try:
            with temporary.open("wb") as file:
                write(file)
                if fsync:
                    file.flush()
                    os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:  # also where it is interrupted: nothing half-written is left behind
            temporary.unlink(missing_ok=True)
            raise
        if fsync:
            _sync_folder(path.parent)
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


def _sync_folder(folder: Path) -> None:
    with contextlib.suppress(OSError):  # not every file system can sync a folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
