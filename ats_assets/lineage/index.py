"""The index over all that the files of the warehouse and the models say of themselves: one SQLite file in the data folder.

It is a cache: every row repeats what a file says, and is read again when the file's time, size or inode changes. A deleted, damaged or outdated index is rebuilt. Processes and threads may share it: one at a time, by a lock beside it, since SQLite's own locks end where a damaged file is replaced.
"""

import contextlib
import hashlib
import json
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from filelock import FileLock

from ats_assets.deployment import Deployment
from ats_assets.errors import LineageError
from ats_assets.lineage import wholes
from ats_assets.lineage.footers import (
    SESSION,
    Found,
    Record,
    bring_found,
    read_record,
    told_records,
)
from ats_assets.lineage.looking import Look
from ats_assets.storage.digests import Digest, stored
from ats_assets.storage.vintages import REFUSED

VERSION = 2
"""Of the tables; an index of another one is rebuilt."""
_TABLES = """
CREATE TABLE IF NOT EXISTS files (
    path TEXT PRIMARY KEY, asset TEXT NOT NULL, key TEXT NOT NULL, known TEXT NOT NULL, stamp TEXT NOT NULL,
    data_version TEXT NOT NULL, code_version TEXT NOT NULL, settings_version TEXT NOT NULL, fault TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS reads (
    path TEXT NOT NULL, asset TEXT NOT NULL, n INTEGER NOT NULL, digest BLOB NOT NULL, PRIMARY KEY (path, asset)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS partitions ON files (asset, key);
CREATE TABLE IF NOT EXISTS pending (asset TEXT NOT NULL, key TEXT NOT NULL, PRIMARY KEY (asset, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS verdicts (asset TEXT NOT NULL, key TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (asset, key)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
_NAMES = ("files", "reads", "pending", "verdicts", "state", "recorded", "differences")
_ALL_FILES = "SELECT path, asset, key, known, data_version, code_version, settings_version, fault FROM files ORDER BY asset, key, known"
_FILES = _ALL_FILES.replace("ORDER", "WHERE asset = :asset AND key BETWEEN :first AND :last ORDER")
_ALL_READS = "SELECT path, asset, n, digest FROM reads"
_READS = _ALL_READS + " WHERE path IN (SELECT path FROM files WHERE asset = :asset AND key BETWEEN :first AND :last)"  # noqa: S608
LAST_KEY = "\U0010ffff"
"""After every key."""
LOOK_AGAIN = 86_400.0
"""Seconds after which a look at what was announced is one at all files instead: what a person did by hand is in no log."""
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
        roots = hashlib.sha256(f"{storage.warehouse_folder.absolute()}|{storage.models_folder.absolute()}".encode()).hexdigest()[:8]
        self.path = path or storage.data / f"lineage-{roots}.db"

    def refresh(self, *, deep: bool = False, full: bool = True, reach: Callable[[int, int], object] | None = None) -> int:
        """Bring the index up to date with the files; returns how many were read.

        Parameters
        ----------
        deep
            Look at every byte of every file, not only of those whose time or size has changed.
        full
            Look at the time and size of every file; else at those which were announced as written since the last look (`write_log`), whose number does not grow
            with history. That is done, too, where the last look at all is a day ago, or where it can't be told what was written since.
        reach
            Is told so many of so many files while they are read.
        """
        return self._sound(lambda: self._refresh(deep=deep, full=full, reach=reach))

    def entries(self) -> list[Entry]:
        """Every file, as of the last refresh."""
        return self.work(read_entries)

    def work(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """Something done on the tables, while no other process or thread is at them."""

        def opened() -> T:
            with self._open() as connection:
                return work(connection)

        return self._sound(opened)

    def _refresh(self, *, deep: bool, full: bool = True, reach: Callable[[int, int], object] | None = None) -> int:
        with self._open() as connection:
            before = None if full or deep else self._state(connection)
            seen = Look(self._deployment, before)
            known = seen.known(connection)
            found, changed = seen.found(known, all_of_them=deep)
            told = {} if deep else told_records(self._deployment, changed)
            if bring_found(self._deployment, (one for one in changed if one not in told)):  # which are other files on this machine now
                found, changed = seen.found(known, all_of_them=deep)
            gone = [path for path in known if path not in found]
            rows = self._records(changed, told, again=deep, reach=reach)
            pending = {(file.asset, file.key) for file in changed} | {known[path][1:] for path in gone}
            connection.execute("BEGIN IMMEDIATE")
            outdated = [*((path,) for path in gone), *((file.path,) for file in changed)]
            connection.executemany("DELETE FROM files WHERE path = ?", outdated)
            connection.executemany("DELETE FROM reads WHERE path = ?", outdated)
            wholes.Wholes(connection).forget(gone)
            connection.executemany("INSERT OR REPLACE INTO files VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [_row(*row) for row in rows])
            reads = [read for file, record in rows for read in _reads(file, record)]
            connection.executemany("INSERT OR REPLACE INTO reads VALUES (?, ?, ?, ?)", reads)
            connection.executemany("INSERT OR IGNORE INTO pending VALUES (?, ?)", sorted(pending))
            connection.execute("INSERT OR REPLACE INTO state VALUES ('looked', ?)", (json.dumps(seen.after()),))
            connection.execute("COMMIT")
        return len(changed)

    def _records(
        self, changed: Sequence[Found], told: Mapping[Found, Record], *, again: bool, reach: Callable[[int, int], object] | None
    ) -> list[tuple[Found, Record]]:
        rows: list[tuple[Found, Record]] = []
        for file in changed:
            if reach:
                reach(len(rows), len(changed))
            rows.append((file, told.get(file) or read_record(self._deployment, file, again=again)))
        return rows

    def _state(self, connection: sqlite3.Connection) -> dict[str, Any] | None:
        row = connection.execute("SELECT value FROM state WHERE name = 'looked'").fetchone()
        state = json.loads(row[0]) if row else None
        return state if state and 0 <= time.time() - state["at"] < LOOK_AGAIN else None

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            with contextlib.closing(sqlite3.connect(self.path, timeout=60, isolation_level=None)) as connection:
                connection.execute("PRAGMA synchronous = OFF")  # what a lost power supply damages is rebuilt
                if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                    connection.execute("BEGIN IMMEDIATE")
                    for statement in (
                        *(f"DROP TABLE IF EXISTS {table}" for table in _NAMES),
                        *_TABLES.split(";"),
                        *wholes.TABLES.split(";"),
                    ):
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


def read_entries(
    connection: sqlite3.Connection, asset: str = "", keys: tuple[str, str] | None = None, *, reads: bool = True
) -> list[Entry]:
    """The files of the index, the newest vintage of a partition last.

    Parameters
    ----------
    asset
        Of this one only.
    keys
        And of these keys only, from the first to the last.
    reads
        Also what each was made from; it is empty without.
    """
    of = {"asset": asset, "first": keys[0] if keys else "", "last": keys[1] if keys else LAST_KEY}
    read: dict[str, dict[str, Digest]] = {}
    for path, other, n, digest in connection.execute(_READS if asset else _ALL_READS, of) if reads else ():
        read.setdefault(path, {})[other] = (n, int.from_bytes(digest, "big"))
    rows = connection.execute(_FILES if asset else _ALL_FILES, of)
    return [Entry(*row[:7], fault=row[7], reads=read.get(row[0], {})) for row in rows]


def _row(file: Found, record: Record) -> tuple[str, ...]:
    versions = (record.data_version, record.code_version, record.settings_version)
    return (file.path, file.asset, file.key, file.known, file.stamp, *versions, record.fault)


def _reads(file: Found, record: Record) -> Iterator[tuple[str, str, int, bytes]]:
    for asset, digest in record.reads.items():
        yield file.path, asset, digest[0], stored(digest)
