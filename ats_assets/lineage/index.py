"""The index over all that the files of the warehouse and the models say of themselves: one SQLite file in the data folder.

It is never the truth: every row repeats what a file says, and is read again when the file's time, size or inode changes. A deleted, damaged or outdated index is made
anew. Processes and threads may share it: one at a time, by a lock beside it, since SQLite's own locks end where a damaged file is replaced.
"""

import contextlib
import hashlib
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from filelock import FileLock

from ats_assets.deployment import Deployment
from ats_assets.errors import LineageError
from ats_assets.lineage.digests import Digest, set_digest, stored
from ats_assets.lineage.records import SESSION, Found, Record, find_files, read_record
from ats_assets.warehouse import REFUSED

VERSION = 1
"""Of the tables; an index of another one is made anew."""
_TABLES = """
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, asset TEXT NOT NULL, key TEXT NOT NULL, known TEXT NOT NULL, stamp TEXT NOT NULL,
    data_version TEXT NOT NULL, code_version TEXT NOT NULL, settings_version TEXT NOT NULL, fault TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reads (
    path TEXT NOT NULL, asset TEXT NOT NULL, n INTEGER NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (path, asset)
) WITHOUT ROWID;
"""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in the index: where it lies and what it says. `reads`: upstream asset -> digest of the partitions read."""

    path: str
    asset: str
    key: str
    known: str
    data_version: str
    code_version: str
    settings_version: str
    fault: str
    reads: dict[str, Digest]

    @property
    def is_of_session(self) -> bool:
        """Whether it is a partition's, and its key a session."""
        return SESSION in self.path

    @property
    def is_refused(self) -> bool:
        """Whether it was made of a vintage that nobody is to read."""
        return f"/{REFUSED}" in self.path


class LineageIndex:
    """The index of one deployment.

    Parameters
    ----------
    path
        Of the SQLite file; default: in the data folder, with a name that belongs to these roots of warehouse and models.

    Raises
    ------
    LineageError
        By each method, where the file can't be opened or written.
    """

    def __init__(self, deployment: Deployment, path: Path | None = None) -> None:
        self._deployment = deployment
        storage = deployment.settings.storage
        roots = hashlib.sha256(f"{storage.warehouse.absolute()}|{storage.models.absolute()}".encode()).hexdigest()[:8]
        self.path = path or storage.data / f"lineage-{roots}.db"

    def refresh(self, *, deep: bool = False) -> int:
        """Bring the index up to date with the files; returns how many were read.

        Parameters
        ----------
        deep
            Look at every byte of every file, not only of those whose time or size has changed.
        """
        return self._sound(lambda: self._refresh(deep=deep))

    def entries(self) -> list[Entry]:
        """Every file, as of the last refresh."""
        return self._sound(self._entries)

    def _refresh(self, *, deep: bool) -> int:
        with self._open() as connection:
            known = dict(connection.execute("SELECT path, stamp FROM files"))
            found = {file.path: file for file in find_files(self._deployment)}
            changed = [file for file in found.values() if deep or known.get(file.path) != file.stamp]
            gone = [(path,) for path in known if path not in found]
            rows = [(file, read_record(self._deployment, file, again=deep)) for file in changed]
            connection.execute("BEGIN IMMEDIATE")
            for table in ("files", "reads"):
                connection.executemany(f"DELETE FROM {table} WHERE path = ?", [*gone, *((file.path,) for file in changed)])  # noqa: S608
            connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [_row(*row) for row in rows])
            reads = [read for file, record in rows for read in _reads(file, record)]
            connection.executemany("INSERT OR REPLACE INTO reads VALUES (?, ?, ?, ?)", reads)
            connection.execute("COMMIT")
        return len(changed)

    def _entries(self) -> list[Entry]:
        with self._open() as connection:
            reads: dict[str, dict[str, Digest]] = {}
            for path, asset, n, digest in connection.execute("SELECT path, asset, n, digest FROM reads"):
                reads.setdefault(path, {})[asset] = (n, int.from_bytes(digest, "big"))
            columns = "path, asset, key, known, data_version, code_version, settings_version, fault"
            rows = connection.execute(f"SELECT {columns} FROM files ORDER BY asset, key, known")  # noqa: S608
            return [Entry(*row[:7], fault=row[7], reads=reads.get(row[0], {})) for row in rows]

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(sqlite3.connect(self.path, timeout=60, isolation_level=None)) as connection:
                connection.execute("PRAGMA synchronous = OFF")  # what a lost power supply damages is made anew
                if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                    connection.execute("BEGIN IMMEDIATE")
                    for statement in (*(f"DROP TABLE IF EXISTS {table}" for table in ("files", "reads")), *_TABLES.split(";")):
                        connection.execute(statement)
                    connection.execute(f"PRAGMA user_version = {VERSION}")
                    connection.execute("COMMIT")
                yield connection
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode == sqlite3.SQLITE_ERROR:
                raise  # other tables than ours
            raise self._unusable(str(error)) from error  # no right to write, a full disk: another file would not help

    def _sound(self, work: Callable[[], T]) -> T:
        """The work done; where the file is no sound database, on a new one that is filled first."""
        with self._alone():
            try:
                return work()
            except (sqlite3.DatabaseError, ValueError, TypeError):
                for ending in ("", "-journal", "-wal", "-shm"):
                    self.path.with_name(self.path.name + ending).unlink(missing_ok=True)
                self._refresh(deep=False)
                return work()

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        lock = FileLock(self.path.with_name(f"{self.path.name}.lock"))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except OSError as error:
            raise self._unusable(str(error.strerror)) from error
        try:
            yield
        finally:
            lock.release()

    def _unusable(self, reason: str) -> LineageError:
        return LineageError(
            f"the lineage index {self.path} can't be used ({reason}): give this user the right to write there, or name another folder (storage.data)"
        )


def _row(file: Found, record: Record) -> tuple[str, ...]:
    versions = (record.data_version, record.code_version, record.settings_version)
    return (file.path, file.asset, file.key, file.known, file.stamp, *versions, record.fault)


def _reads(file: Found, record: Record) -> Iterator[tuple[str, str, int, bytes]]:
    for asset, versions in record.upstream.items():
        digest = set_digest(versions)
        yield file.path, asset, digest[0], stored(digest)
