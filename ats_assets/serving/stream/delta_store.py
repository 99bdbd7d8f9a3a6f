"""What was told of each topic, in a database of the stream's own: written before anybody hears of it, so that cursors hold over a restart.

Several processes may serve from one folder. Each writes in a transaction that begins by taking up what another one has told meanwhile: there is one history. Nothing in here
is a record of trading; a file that is damaged is begun anew, and clients get a snapshot.
"""

import contextlib
import logging
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ats_assets.serving.stream.topic_log import (
    MOST_BYTES,
    MOST_DELTAS,
    Delta,
    RowChange,
    Rows,
    TopicLog,
    apply_change,
    change_of,
    delta_after,
    row_difference,
    told_delta,
)

logger = logging.getLogger(__name__)
FILE = "stream.sqlite"
BUSY_SECONDS = 5.0
_TABLES = """
CREATE TABLE IF NOT EXISTS heads (topic TEXT PRIMARY KEY, sequence INTEGER NOT NULL, digest TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS told_rows (topic TEXT, key TEXT, body TEXT NOT NULL, PRIMARY KEY (topic, key));
CREATE TABLE IF NOT EXISTS deltas (topic TEXT, sequence INTEGER, digest TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (topic, sequence));
"""


@dataclass(frozen=True, kw_only=True)
class Renewed:
    """A topic whose history is another one from now on: whoever hears it gets a snapshot."""

    log: TopicLog


News = Delta | Renewed


@dataclass(kw_only=True)
class _Head:
    sequence: int = 0
    digest: str = ""
    rows: dict[str, str] = field(default_factory=dict)

    def take(self, delta: Delta) -> None:
        apply_change(self.rows, delta.change)
        self.sequence, self.digest = delta.sequence, delta.digest


class DeltaStore:
    """The database, for one thread. While it can't be written, what is told goes on in memory.

    Parameters
    ----------
    path
        Its file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._heads: dict[str, _Head] = {}
        self._connection: sqlite3.Connection | None = None
        self.fault = ""
        """Why it can't be written; empty where it can."""

    def load(self, topic: str) -> TopicLog:
        """Where a topic was left."""
        try:
            with self._transaction() as connection:
                log = _read(connection, topic)
        except (sqlite3.Error, OSError) as error:
            self._failed(error)
            log = TopicLog(topic=topic)
        self._heads[topic] = _Head(sequence=log.sequence, digest=log.digest, rows=dict(log.rows))
        return log

    def tell(self, found: Mapping[str, Rows]) -> list[News]:
        """Write down how topics, which were loaded, differ from what was told of them; gives the news, in order."""
        changed = {topic: rows for topic, rows in found.items() if row_difference(self._heads[topic].rows, rows)}
        if not changed:
            return []
        news: list[News] = []
        told: list[Delta] = []
        try:
            with self._transaction() as connection:
                for topic, rows in changed.items():
                    news += self._taken_up(connection, topic)
                    told += self._next(topic, rows)
                for delta in told:
                    _write(connection, delta)
            self.fault = ""
        except (sqlite3.Error, OSError) as error:
            self._failed(error)
            told = [delta for topic, rows in changed.items() for delta in self._next(topic, rows)]
        for delta in told:
            self._heads[delta.topic].take(delta)
        return news + told

    def close(self) -> None:
        """Close the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _next(self, topic: str, rows: Rows) -> list[Delta]:
        head = self._heads[topic]
        change = row_difference(head.rows, rows)
        return [delta_after(topic, head.sequence, head.digest, change)] if change else []

    def _taken_up(self, connection: sqlite3.Connection, topic: str) -> list[News]:
        """What another process has told since; where the file lacks what this one told while it could not write, that is written."""
        head = self._heads[topic]
        sequence, digest = connection.execute("SELECT sequence, digest FROM heads WHERE topic = ?", (topic,)).fetchone() or (0, "")
        if (sequence, digest) == (head.sequence, head.digest):
            return []
        if sequence <= head.sequence:
            _rewrite(connection, topic, head)
            return []
        missed = connection.execute(
            "SELECT body, digest FROM deltas WHERE topic = ? AND sequence > ? ORDER BY sequence", (topic, head.sequence)
        ).fetchall()
        taken: list[News] = []
        for body, chained in missed:
            delta = delta_after(topic, head.sequence, head.digest, change_of(body))
            if delta.digest != chained:
                break
            head.take(delta)
            taken.append(delta)
        if head.sequence == sequence:
            return taken
        log = _read(connection, topic)
        self._heads[topic] = _Head(sequence=log.sequence, digest=log.digest, rows=dict(log.rows))
        return [Renewed(log=log)]

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        connection = self._opened()
        connection.execute("BEGIN IMMEDIATE")
        try:
            yield connection
        except BaseException:  # also where it is interrupted: no transaction is left open
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            try:
                self._connection = self._open()
            except sqlite3.DatabaseError as error:
                if isinstance(error, sqlite3.OperationalError):
                    raise
                logger.warning("%s is damaged (%s): it is begun anew, and clients get a snapshot", self.path, error)
                self._remove()
                self._connection = self._open()
        return self._connection

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(self.path, timeout=BUSY_SECONDS, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            # A lost power supply may take the newest deltas: cursors after them are then known for another history's, by their hash.
            connection.execute("PRAGMA synchronous=NORMAL")
            connection.executescript(_TABLES)
        except BaseException:  # also where it is interrupted: no connection is left behind
            connection.close()
            raise
        return connection

    def _remove(self) -> None:
        for ending in ("", "-wal", "-shm"):
            self.path.with_name(self.path.name + ending).unlink(missing_ok=True)

    def _failed(self, error: Exception) -> None:
        self.close()
        if not isinstance(error, sqlite3.OperationalError) and isinstance(error, sqlite3.DatabaseError):
            with contextlib.suppress(OSError):
                self._remove()  # damaged: the next transaction begins it anew
        told = f"{self.path} can't be written ({error}): until it can, a restart costs clients a snapshot"
        if told != self.fault:
            logger.warning("%s", told)
        self.fault = told


def _read(connection: sqlite3.Connection, topic: str) -> TopicLog:
    sequence, digest = connection.execute("SELECT sequence, digest FROM heads WHERE topic = ?", (topic,)).fetchone() or (0, "")
    rows = dict(connection.execute("SELECT key, body FROM told_rows WHERE topic = ? ORDER BY rowid", (topic,)))
    log = TopicLog(topic=topic, sequence=sequence, digest=digest, rows=rows)
    kept = connection.execute("SELECT sequence, digest, body FROM deltas WHERE topic = ? ORDER BY sequence", (topic,)).fetchall()
    for number, chained, body in kept[-MOST_DELTAS:]:
        log.remember(told_delta(topic, number, chained, body, change_of(body)))
    return log


def _write(connection: sqlite3.Connection, delta: Delta) -> None:
    topic = delta.topic
    row = (topic, delta.sequence, delta.digest, delta.body)
    connection.execute("INSERT INTO deltas (topic, sequence, digest, body) VALUES (?, ?, ?, ?)", row)
    _write_rows(connection, topic, delta.change)
    connection.execute("INSERT OR REPLACE INTO heads (topic, sequence, digest) VALUES (?, ?, ?)", (topic, delta.sequence, delta.digest))
    kept = min(MOST_DELTAS, MOST_BYTES // len(delta.body) + 1)
    connection.execute("DELETE FROM deltas WHERE topic = ? AND sequence <= ?", (topic, delta.sequence - kept))


def _write_rows(connection: sqlite3.Connection, topic: str, change: RowChange) -> None:
    connection.executemany("DELETE FROM told_rows WHERE topic = ? AND key = ?", [(topic, key) for key in change.gone])
    upsert = "INSERT INTO told_rows (topic, key, body) VALUES (?, ?, ?) ON CONFLICT (topic, key) DO UPDATE SET body = excluded.body"
    connection.executemany(upsert, [(topic, key, text) for key, text in change.set.items()])


def _rewrite(connection: sqlite3.Connection, topic: str, head: _Head) -> None:
    """What is in memory takes the place of what is older in the file."""
    connection.execute("DELETE FROM deltas WHERE topic = ?", (topic,))
    connection.execute("DELETE FROM told_rows WHERE topic = ?", (topic,))
    _write_rows(connection, topic, RowChange(set=head.rows))
    connection.execute("INSERT OR REPLACE INTO heads (topic, sequence, digest) VALUES (?, ?, ?)", (topic, head.sequence, head.digest))
