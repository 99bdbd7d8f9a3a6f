"""Empty SQLite databases of libraries, made once for each version and copied from then on.

A library makes a new database by going through the history of its schema, one migration after the other: for MLflow that is a second of processor time, for Dagster a quarter, and each
new deployment would pay both for what is the same file every time. Here:

1. The library makes the database once, in a temporary folder. What is an installation's own (an id, a folder's path) is not in it: the library adds that when it first opens a copy.
2. The file is kept beside the byte code, under a digest of the versions that it was made by, and replaced whole: processes that come at once keep the same. Where the folder can't be
   written to, or byte code is not to be written, it is kept by this process alone.
3. A deployment's database is a copy of it, put in place whole and only where nothing is: a library that opens it checks its schema as that of any other database.
"""

import contextlib
import hashlib
import importlib.util
import os
import sqlite3
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from ats_assets.errors import SettingsError
from ats_assets.storage.atomic_file import replace_file, temporary_beside

COMPANIONS = ("-wal", "-shm", "-journal")
"""What SQLite has beside a database: left behind by another one of that name, it would be read into a copy."""


class EmptyDatabase:
    """An empty database of a library.

    Parameters
    ----------
    name
        Begins the name of the file that is kept.
    versions
        Of all that decides what is made, the file of `make` and SQLite aside.
    make
        Makes the database in a folder and says where it is. Nothing of it is open afterwards, and it has the one row of Alembic's that says its revision.

    Examples
    --------
    >>> import tempfile
    >>> def make(folder: Path) -> Path:
    ...     with contextlib.closing(sqlite3.connect(folder / "made.db")) as database:
    ...         _ = database.executescript("CREATE TABLE alembic_version (version_num); INSERT INTO alembic_version VALUES ('a'); CREATE TABLE runs (id)")
    ...     return folder / "made.db"
    >>> empty, place = EmptyDatabase("example", ["1.0"], make), Path(tempfile.mkdtemp()) / "runs.db"
    >>> empty.put(place), empty.put(place)
    (True, False)
    >>> with contextlib.closing(sqlite3.connect(place)) as database:
    ...     database.execute("SELECT count(*) FROM runs").fetchone()
    (0,)
    """

    def __init__(self, name: str, versions: Sequence[str], make: Callable[[Path], Path]) -> None:
        self._name, self._versions, self._make = name, tuple(versions), make
        self._content: bytes | None = None

    def put(self, path: Path, *, fsync: bool = True) -> bool:
        """Put a copy at `path`, whose folder is there, unless there is something already; whether it did.

        Where it did not, since the file system has no hard links, say, the library makes its database itself.
        """
        if path.exists() or any(path.with_name(path.name + tail).exists() for tail in COMPANIONS):
            return False
        temporary = temporary_beside(path)
        try:
            content = self.content()
            with temporary.open("wb") as file:
                file.write(content)
                file.flush()
                if fsync:
                    os.fsync(file.fileno())
            path.hardlink_to(temporary)
        except Exception:  # noqa: BLE001 - another process was faster, or it can't be made or written: of which the library complains better when it makes its own
            return False
        finally:
            temporary.unlink(missing_ok=True)
        return True

    def content(self) -> bytes:
        """The file: as this process has it, else as kept, else made and kept."""
        if self._content is None:
            kept = self.kept_in()
            if is_sound(kept):
                self._content = kept.read_bytes()
            else:
                self._content = self._made()
                if not sys.dont_write_bytecode:
                    made = self._content
                    with contextlib.suppress(SettingsError):
                        replace_file(kept, lambda file: file.write(made))
        return self._content

    def kept_in(self) -> Path:
        """The file that is kept, if it is."""
        code = Path(self._make.__code__.co_filename)
        made_by = "\n".join((*self._versions, sqlite3.sqlite_version)).encode() + (code.read_bytes() if code.is_file() else b"")
        file = f"{self._name}-{hashlib.sha256(made_by).hexdigest()[:16]}.db"
        return Path(importlib.util.cache_from_source(__file__)).with_name(file)

    def _made(self) -> bytes:
        with TemporaryDirectory() as folder:
            made = self._make(Path(folder))
            with contextlib.closing(sqlite3.connect(made)) as database:
                database.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # what a connection that ended has left in SQLite's log
            return made.read_bytes()


def is_sound(file: Path) -> bool:
    """Whether a file is a whole database with its revision: a lost power supply may leave part of one."""
    try:
        with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro&immutable=1", uri=True)) as database:
            versions = database.execute("SELECT count(*) FROM alembic_version").fetchone()
            return versions == (1,) and database.execute("PRAGMA quick_check").fetchall() == [("ok",)]
    except sqlite3.DatabaseError:  # also where there is none
        return False
