"""How much is free where a deployment stores something."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ats_assets.settings import StorageSettings

FOLDERS = ("warehouse", "models", "data")
GIGABYTE = 1e9


@dataclass(frozen=True, kw_only=True)
class Disk:
    """The disk of one of the folders, by the folder's name in the settings."""

    what: str
    folder: Path
    free_bytes: int
    size_bytes: int
    is_writable: bool


def disks(storage: StorageSettings) -> Iterator[Disk]:
    """Each folder's; of one that is not there yet, its parent's."""
    for what in FOLDERS:
        folder = storage.folder(what)
        there = next(parent for parent in (folder.absolute(), *folder.absolute().parents) if parent.exists())
        usage = shutil.disk_usage(there)
        writable = there.is_dir() and os.access(there, os.W_OK | os.X_OK)
        yield Disk(what=what, folder=folder, free_bytes=usage.free, size_bytes=usage.total, is_writable=writable)
