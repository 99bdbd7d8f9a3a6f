"""Files that have the name, size and time of an object and not its bytes: nobody may read them (mode 0), and they take no place on the disk.

Who looks at names, times and sizes needs no more. Who reads one without having it fetched is refused by the system, or finds zeros where it is root: no Parquet file,
no model and no record is made of zeros, so nothing is taken for what it is not.
"""

import contextlib
import os
import stat
from pathlib import Path

from ats_assets.storage.atomic_file import temporary_beside
from ats_assets.storage.objects.commit_log import StoredObject


def put_placeholder(path: Path, stored: StoredObject) -> None:
    """Put one in the place of whatever is there."""
    temporary = temporary_beside(path)
    try:
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        os.ftruncate(handle, stored.size)
        os.fchmod(handle, 0)
    finally:
        os.close(handle)
    os.utime(temporary, ns=(stored.mtime_ns, stored.mtime_ns))
    temporary.replace(path)


def put_bytes(path: Path, content: bytes, stored: StoredObject) -> None:
    """Put an object's bytes in the place of whatever is there, with its time; a reader who has the old file open goes on reading that."""
    temporary = temporary_beside(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        temporary.write_bytes(content)
        os.utime(temporary, ns=(stored.mtime_ns, stored.mtime_ns))
        temporary.replace(path)
    except BaseException:  # also where it is interrupted: nothing half-written is left behind
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise


def has_bytes(found: os.stat_result) -> bool:
    """Whether a file is no placeholder.

    Examples
    --------
    >>> import tempfile
    >>> file = Path(tempfile.mkdtemp()) / "data.parquet"
    >>> put_placeholder(file, StoredObject("", 1_000_000, "", 0))
    >>> has_bytes(file.stat()), file.stat().st_size
    (False, 1000000)
    """
    return bool(found.st_mode & stat.S_IRUSR)
