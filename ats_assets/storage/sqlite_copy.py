"""Copies of SQLite databases that others are writing to, as they stood between two transactions."""

import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import quote

HEADER = b"SQLite format 3\x00"
"""With which the file of a database begins."""
WAIT_SECONDS = 60


def is_database(path: Path) -> bool:
    """Whether a file is an SQLite database. One that has not been written to yet is empty, and none."""
    with path.open("rb") as file:
        return file.read(len(HEADER)) == HEADER


def copy_database(path: Path, target: Path) -> None:
    """Copy a database by SQLite's online backup: all of it in one read transaction, which in WAL mode holds up no writer.

    Parameters
    ----------
    target
        A file that is not there yet. It needs no companion: what the source had in its write-ahead log is in it.

    Raises
    ------
    sqlite3.Error
        If it can't be read, or fails SQLite's own check: it is damaged.
    """
    with (
        closing(sqlite3.connect(f"file:{quote(str(path))}?mode=ro", uri=True, timeout=WAIT_SECONDS)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode=DELETE")  # one file, whatever mode the source is in; whoever opens it chooses again
        ((verdict,),) = copy.execute("PRAGMA quick_check(1)").fetchall()
        if verdict != "ok":
            raise sqlite3.DatabaseError(f"{path} is damaged: {verdict}")
