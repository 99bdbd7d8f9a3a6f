"""Which state a file is in: by size, times and inode, and where these do not say it, by its content."""

import hashlib
from pathlib import Path
from typing import Final

SETTLED_SECONDS: Final = 3.0
"""A file that was changed less than this before it was read may change again without another time."""


def file_stamp(path: Path) -> str:
    """Size, times and inode of a file as text."""
    stat = path.stat()
    return f"{stat.st_size}:{stat.st_mtime_ns}:{stat.st_ctime_ns}:{stat.st_ino}"


def settled(path: Path, stamp: str, began: float) -> str:
    """The stamp, or one that no file has where the file may have changed while it was read, or can change again without another time."""
    stat = path.stat()
    fresh = max(stat.st_mtime, stat.st_ctime) > began - SETTLED_SECONDS
    return f"unsettled:{stamp}" if fresh or file_stamp(path) != stamp else stamp


def sha_of(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
