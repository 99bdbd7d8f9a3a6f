"""The file that all processes share: SQLite with a write-ahead log. It holds nothing that a vendor does not know better, so it never stops a request.

A file that is damaged, or of another form, is renamed and a new one is begun. One that can't be written now (locked, full disk, no right)
is left alone for a minute: meanwhile this process keeps what it needs in memory, and says so once.
"""

import contextlib
import logging
import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from ats_assets.vendors.state_tables import FORM, TABLES

T = TypeVar("T")
BUSY_SECONDS = 3.0
"""A transaction takes a tenth of a millisecond; who waits so long waits for something that hangs."""
AWAY_SECONDS = 60.0
"""For how long a file that can't be used is left alone."""
_DAMAGED = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})

log = logging.getLogger(__name__)


class _OtherFormError(sqlite3.DatabaseError):
    """The file has other tables than these."""


class StateFile:
    """Runs work on the file, each piece in one transaction. Safe for several threads and processes, and after a fork.

    Parameters
    ----------
    path
        None: all is kept in memory.
    """

    def __init__(self, path: Path | None, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self._clock = clock
        self._left: list[sqlite3.Connection] = []
        self.opened = 0
        """How often a file or memory was opened: what was in the one before may not be in this one."""
        self._begin()

    def _begin(self) -> None:
        self._pid = os.getpid()
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None
        self._inode = 0
        self._memory: sqlite3.Connection | None = None
        self._away_until = 0.0 if self.path else float("inf")

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T:
        """What `work` gives; all that it writes is written, or nothing where it raises. It may be called again, where the file had to be left."""
        if self._pid != os.getpid():  # a connection does not survive a fork, nor does a lock that another thread held
            self._left += [one for one in (self._connection, self._memory) if one]  # closing it here would end the parent's
            self._begin()
        with self._lock:
            for _ in range(2):
                if self._clock() < self._away_until:
                    break
                try:
                    return _in_transaction(self._opened(), work)
                except (sqlite3.Error, OSError) as error:
                    self._recover(error)
            if self._memory is None:
                self._memory = _connected(":memory:")
                self.opened += 1
            return _in_transaction(self._memory, work)

    def close(self) -> None:
        """Close what is open; it is opened again when it is needed."""
        with self._lock:
            for connection in (self._connection, self._memory):
                if connection is not None and self._pid == os.getpid():
                    connection.close()
            self._connection = self._memory = None

    @property
    def is_shared(self) -> bool:
        """Whether the file is in use, and not this process's memory."""
        return self._clock() >= self._away_until

    def _opened(self) -> sqlite3.Connection:
        """The connection; a new one where another file is in the place of the one that it is to."""
        path = self.path or Path()
        if self._connection is not None:
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_ino == self._inode:
                    return self._connection
            self._connection.close()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._connection = None
        self._connection = _connected(str(path))
        self._inode = path.stat().st_ino
        self.opened += 1
        return self._connection

    def _recover(self, error: sqlite3.Error | OSError) -> None:
        """Set a damaged file aside, or leave one alone that can't be used."""
        connection, self._connection = self._connection, None
        if connection is not None:
            with contextlib.suppress(sqlite3.Error):
                connection.close()
        if _is_damaged(error):
            with contextlib.suppress(OSError, sqlite3.Error):
                self._set_aside()
                return
        self._away_until = self._clock() + AWAY_SECONDS
        log.warning(
            "%s can't be used now (%s): for %.0f seconds this process counts requests alone and keeps no audit log; make room on the disk, or end what locks it",
            self.path,
            getattr(error, "sqlite_errorname", None) or type(error).__name__,
            AWAY_SECONDS,
        )

    def _set_aside(self) -> None:
        """Rename the damaged file, unless another process did so meanwhile."""
        path = self.path or Path()
        with _locked(path.with_name(f"{path.name}.lock")):
            if not path.exists() or (self._inode and path.stat().st_ino != self._inode):
                return
            if not self._inode:
                with contextlib.suppress(sqlite3.Error):
                    _connected(str(path)).close()
                    return  # it is one that another process has just begun
            aside = path.with_name(f"{path.name}.damaged-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
            for ending in ("-wal", "-shm", ""):
                with contextlib.suppress(FileNotFoundError):
                    path.with_name(path.name + ending).rename(f"{aside}{ending}")
        log.warning(
            "%s was damaged, or not this program's: it is kept as %s, and a new one is begun; budgets, cache and audit log start anew",
            path,
            aside,
        )
        self._inode = 0


def _is_damaged(error: Exception) -> bool:
    if isinstance(error, _OtherFormError) or (isinstance(error, sqlite3.OperationalError) and str(error).startswith("no such ")):
        return True
    return isinstance(error, sqlite3.DatabaseError) and (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in _DAMAGED


def _connected(path: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection)
    except BaseException:  # also where it is interrupted: no connection is left behind
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection) -> None:
    deadline = time.monotonic() + BUSY_SECONDS
    while True:  # SQLite does not wait for the lock here, whatever its timeout says
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            break
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)
    connection.execute("PRAGMA synchronous = NORMAL")  # a lost power supply may cost the newest rows, never the file
    if connection.execute("PRAGMA user_version").fetchone() == (FORM,):
        return
    connection.execute("BEGIN IMMEDIATE")
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    if found not in {0, FORM}:
        raise _OtherFormError(f"form {found}")
    for statement in TABLES:
        connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {FORM}")
    connection.execute("COMMIT")


def _in_transaction(connection: sqlite3.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
    connection.execute("BEGIN IMMEDIATE")
    try:
        result = work(connection)
        connection.execute("COMMIT")
    except BaseException:  # also where it is interrupted: no transaction is left open
        if connection.in_transaction:  # some errors have ended it already
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
        raise
    return result


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """One process at a time: SQLite has a lock on every system."""
    with contextlib.closing(sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield
