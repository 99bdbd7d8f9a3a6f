"""The database of what was read of files: emptied where the settings, the calendar or the code are others, and rebuilt where it is damaged."""

import contextlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Final

DATABASE: Final = "kept.sqlite"
_TABLES: Final = """
CREATE TABLE IF NOT EXISTS state (name TEXT PRIMARY KEY, value TEXT);
CREATE TABLE IF NOT EXISTS files (id INTEGER PRIMARY KEY, path TEXT UNIQUE, stamp TEXT, symbol TEXT, sha TEXT, facts TEXT, days BLOB);
CREATE TABLE IF NOT EXISTS days (day TEXT PRIMARY KEY, name TEXT, sha TEXT, facts TEXT);
CREATE TABLE IF NOT EXISTS symbols (symbol TEXT PRIMARY KEY, days INTEGER);
CREATE TABLE IF NOT EXISTS tables (path TEXT PRIMARY KEY, stamp TEXT, symbol TEXT, sha TEXT, content BLOB, content_sha TEXT)
"""


@contextlib.contextmanager
def opened(folder: Path, key: str) -> Iterator[sqlite3.Connection]:
    """The database of a folder; emptied where another key made it, or where it is none."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / DATABASE
    try:
        connection = _connected(path, key)
    except sqlite3.DatabaseError as error:
        if isinstance(error, sqlite3.OperationalError) and error.sqlite_errorcode != sqlite3.SQLITE_ERROR:
            raise  # no right to write, a full disk: another file would not help
        shutil.rmtree(folder)
        folder.mkdir(parents=True)
        connection = _connected(path, key)
    os.utime(path)  # it is in use
    with contextlib.closing(connection):
        yield connection


def _connected(path: Path, key: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=60, isolation_level=None)
    try:
        connection.execute("PRAGMA synchronous = OFF")  # what a lost power supply damages is rebuilt
        for statement in _TABLES.split(";"):
            connection.execute(statement)
        found = connection.execute("SELECT value FROM state WHERE name = 'key'").fetchone()
        if found != (key,):
            connection.execute("BEGIN IMMEDIATE")
            for table in ("files", "days", "symbols", "tables"):
                connection.execute(f"DELETE FROM {table}")  # noqa: S608 - names of ours
            connection.execute("INSERT OR REPLACE INTO state VALUES ('key', ?)", (key,))
            connection.execute("COMMIT")
    except BaseException:  # also where it is interrupted: no connection is left behind
        connection.close()
        raise
    return connection
