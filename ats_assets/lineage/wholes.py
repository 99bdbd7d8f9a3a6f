"""What assets without partitions say that they were made from, and where that differs from what is stored now, kept in the index.

A report reads every session, so comparing it with what is stored takes as long as history. Here a partition that has changed is compared alone.
"""

import sqlite3
from collections.abc import Iterable, Mapping

from ats_assets.storage.footer import Upstream

Kinds = dict[str, list[str]]
"""Kind of difference -> keys, ascending."""
KINDS = ("changed", "added", "missing or damaged", "not read any more")
TABLES = """
CREATE TABLE IF NOT EXISTS recorded (
    path TEXT NOT NULL, asset TEXT NOT NULL, key TEXT NOT NULL, version TEXT NOT NULL, PRIMARY KEY (path, asset, key)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS differences (
    path TEXT NOT NULL, asset TEXT NOT NULL, key TEXT NOT NULL, kind TEXT NOT NULL, PRIMARY KEY (path, asset, key)
) WITHOUT ROWID
"""


def difference(recorded: str | None, now: str | None, *, is_read: bool = True) -> str | None:
    """How one partition that something was made from differs from what is stored: one of `KINDS`, or None.

    Parameters
    ----------
    recorded
        The version that is named by what was made; empty: it was read and not there; None: it is not named.
    now
        The version that is stored; None where nothing is, or nothing that says it.
    is_read
        Whether it would be read now.
    """
    if not is_read:
        return None if recorded is None else "not read any more"
    if (recorded or None) == now:
        return None if recorded is not None else "missing or damaged"
    return "missing or damaged" if now is None else "added" if recorded is None else "changed"


def differences_of(recorded: Mapping[str, str], now: Mapping[str, str | None]) -> Kinds:
    """How what something was made from, key -> version, differs from what would be read now."""
    kinds: Kinds = {}
    for key in sorted({*recorded, *now}):
        if kind := difference(recorded.get(key), now.get(key), is_read=key in now):
            kinds.setdefault(kind, []).append(key)
    return kinds


class Wholes:
    """These tables of an index."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def keep(self, path: str, recorded: Upstream, differences: Mapping[str, Kinds]) -> None:
        """Store what a file says, and all its differences, in the place of what was stored of it."""
        self.forget([path])
        rows = [(path, asset, key, version) for asset, versions in recorded.items() for key, version in versions.items()]
        self._connection.executemany("INSERT INTO recorded VALUES (?, ?, ?, ?)", rows)
        found = [(path, asset, key, kind) for asset, kinds in differences.items() for kind, keys in kinds.items() for key in keys]
        self._connection.executemany("INSERT INTO differences VALUES (?, ?, ?, ?)", found)

    def forget(self, paths: Iterable[str] | None = None) -> None:
        """Delete what is stored of some files; default: of all."""
        if paths is None:
            self._connection.execute("DELETE FROM recorded")
            self._connection.execute("DELETE FROM differences")
            return
        gone = [(path,) for path in paths]
        self._connection.executemany("DELETE FROM recorded WHERE path = ?", gone)
        self._connection.executemany("DELETE FROM differences WHERE path = ?", gone)

    def compare(self, path: str, asset: str, key: str, now: str | None, *, is_stored: bool) -> None:
        """Compare one partition again.

        Parameters
        ----------
        is_stored
            Whether it is a partition of a session, and there.
        """
        of_key = (path, asset, key)
        found = self._connection.execute("SELECT version FROM recorded WHERE path = ? AND asset = ? AND key = ?", of_key).fetchone()
        first = self._connection.execute("SELECT MIN(key) FROM recorded WHERE path = ? AND asset = ?", (path, asset)).fetchone()[0]
        kind = difference(found and found[0], now, is_read=found is not None or (is_stored and first is not None and key > first))
        self._connection.execute("DELETE FROM differences WHERE path = ? AND asset = ? AND key = ?", of_key)
        if kind:
            self._connection.execute("INSERT INTO differences VALUES (?, ?, ?, ?)", (*of_key, kind))

    def recorded(self, path: str, asset: str) -> dict[str, str]:
        """What a file names of an asset: key -> version."""
        return dict(self._connection.execute("SELECT key, version FROM recorded WHERE path = ? AND asset = ?", (path, asset)))

    def recorded_between(self, path: str, first: str, last: str) -> list[tuple[str, str]]:
        """The partitions that a file names with keys from `first` to `last`: asset and key."""
        return self._connection.execute(
            "SELECT asset, key FROM recorded WHERE path = ? AND key BETWEEN ? AND ?", (path, first, last)
        ).fetchall()

    def differences(self, path: str, asset: str) -> Kinds:
        """The differences of what a file names of an asset."""
        kinds: Kinds = {}
        rows = self._connection.execute("SELECT kind, key FROM differences WHERE path = ? AND asset = ? ORDER BY key", (path, asset))
        for kind, key in rows:
            kinds.setdefault(kind, []).append(key)
        return kinds
