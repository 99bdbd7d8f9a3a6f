"""What this machine knows of a root in an object store: one SQLite file, shared by all processes. It is a cache of the log; without it, the log is read again."""

import contextlib
import json
import os
import sqlite3
import threading
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from ats_assets.storage.objects.commit_log import StoredObject

_TABLES = """
CREATE TABLE IF NOT EXISTS objects (
    key TEXT PRIMARY KEY, sha256 TEXT NOT NULL, size INTEGER NOT NULL, etag TEXT NOT NULL, mtime_ns INTEGER NOT NULL,
    cached INTEGER NOT NULL DEFAULT 0, used REAL NOT NULL DEFAULT 0, said TEXT NOT NULL DEFAULT ''
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS open_intents (id TEXT PRIMARY KEY, writer TEXT NOT NULL, keys TEXT NOT NULL, seen REAL NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
"""
AT_ONCE = 500
"""Keys in one question."""


class KnownObjects:
    """The table of objects, of open intents, and up to which record the log was read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._local = threading.local()

    @contextlib.contextmanager
    def changing(self) -> Iterator[sqlite3.Connection]:
        """One transaction, alone among all processes."""
        connection = self.connection
        if connection.in_transaction:
            yield connection
            return
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:  # whatever it is, nothing of it is kept
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    @property
    def connection(self) -> sqlite3.Connection:
        """That of this thread and process."""
        held: tuple[int, sqlite3.Connection] | None = getattr(self._local, "held", None)
        if held is None or held[0] != os.getpid():
            self.path.parent.mkdir(parents=True, exist_ok=True)
            connection = sqlite3.connect(self.path, timeout=60, isolation_level=None)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = OFF")  # a lost power supply costs a look at the log
            connection.executescript(_TABLES)
            if "said" not in {row[1] for row in connection.execute("PRAGMA table_info(objects)")}:  # of an earlier version of this package
                with contextlib.suppress(sqlite3.OperationalError):  # another process was faster
                    connection.execute("ALTER TABLE objects ADD COLUMN said TEXT NOT NULL DEFAULT ''")
            self._local.held = held = (os.getpid(), connection)
        return held[1]

    @property
    def version(self) -> tuple[int, str]:
        """Number and id of the last record that was read."""
        row = self.connection.execute("SELECT value FROM state WHERE name = 'version'").fetchone()
        number, last = json.loads(row[0]) if row else (0, "")
        return number, last

    def set_version(self, number: int, last: str) -> None:
        """Note up to which record all is known."""
        self.connection.execute("INSERT OR REPLACE INTO state VALUES ('version', ?)", (json.dumps([number, last]),))

    def objects(self, keys: Sequence[str]) -> dict[str, StoredObject]:
        """What is known of some keys, but what they say of themselves; those that are not there are missing."""
        return self._rows("sha256, size, etag, mtime_ns", keys)

    def all(self) -> dict[str, StoredObject]:
        """Every object."""
        select = "SELECT key, sha256, size, etag, mtime_ns, said FROM objects"
        return {row[0]: StoredObject(*row[1:]) for row in self.connection.execute(select)}

    def told(self, keys: Sequence[str]) -> dict[str, StoredObject]:
        """The same with what they say of themselves."""
        return self._rows("sha256, size, etag, mtime_ns, said", keys)

    def _rows(self, columns: str, keys: Sequence[str]) -> dict[str, StoredObject]:
        found: dict[str, StoredObject] = {}
        for first in range(0, len(keys), AT_ONCE):
            some = keys[first : first + AT_ONCE]
            select = f"SELECT key, {columns} FROM objects WHERE key IN ({','.join('?' * len(some))})"  # noqa: S608 - question marks
            found |= {row[0]: StoredObject(*row[1:]) for row in self.connection.execute(select, some)}
        return found

    def put(self, objects: Mapping[str, StoredObject], *, cached: bool, used: float = 0.0) -> None:
        """Note what lies in the store now, and whether its bytes are here."""
        rows = [(key, *vars(one).values(), int(cached), used) for key, one in objects.items()]
        insert = "INSERT OR REPLACE INTO objects (key, sha256, size, etag, mtime_ns, said, cached, used) VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        self.connection.executemany(insert, rows)

    def replace_etag(self, key: str, stored: StoredObject) -> None:
        """Note that the same bytes lie there anew."""
        self.connection.execute("UPDATE objects SET etag = ?, said = ? WHERE key = ?", (stored.etag, stored.said, key))

    def remove(self, keys: Iterable[str]) -> None:
        """Note that objects are gone."""
        self.connection.executemany("DELETE FROM objects WHERE key = ?", ((key,) for key in keys))

    def intents(self) -> dict[str, tuple[str, list[str]]]:
        """Open intents by id: who, and the keys."""
        return {row[0]: (row[1], json.loads(row[2])) for row in self.connection.execute("SELECT id, writer, keys FROM open_intents")}

    def open_intent(self, intent: str, writer: str, keys: Sequence[str]) -> None:
        """Note what somebody is about to write, and when this machine learnt of it first."""
        self.connection.execute(
            "INSERT OR IGNORE INTO open_intents VALUES (?, ?, ?, ?)", (intent, writer, json.dumps(list(keys)), time.time())
        )

    def intents_opened_before(self, when: float) -> set[str]:
        """Those that this machine has known since before a time of its own clock, or from a time to come, to which that was set back."""
        select = "SELECT id FROM open_intents WHERE seen < ? OR seen > ?"
        return {row[0] for row in self.connection.execute(select, (when, time.time() + 1))}

    def close_intent(self, intent: str) -> None:
        """Note that it is written, or given up."""
        self.connection.execute("DELETE FROM open_intents WHERE id = ?", (intent,))

    def touch(self, keys: Iterable[str], now: float) -> None:
        """Note that files were read."""
        self.connection.executemany("UPDATE objects SET used = ? WHERE key = ?", ((now, key) for key in keys))

    def uncached(self, keys: Iterable[str]) -> None:
        """Note that the bytes of objects are not here any more."""
        self.connection.executemany("UPDATE objects SET cached = 0 WHERE key = ?", ((key,) for key in keys))

    def cached_bytes(self) -> int:
        """Of all files whose bytes are here."""
        return int(self.connection.execute("SELECT coalesce(sum(size), 0) FROM objects WHERE cached").fetchone()[0])

    def oldest_cached(self, before: float) -> Iterator[tuple[str, int]]:
        """Key and size of the files whose bytes are here and were not read since, those not read for longest first."""
        yield from self.connection.execute("SELECT key, size FROM objects WHERE cached AND used < ? ORDER BY used", (before,)).fetchall()

    def clear(self) -> None:
        """Forget all."""
        for table in ("objects", "open_intents", "state"):
            self.connection.execute(f"DELETE FROM {table}")  # noqa: S608 - the names above
