"""Small tables that were made of files, each kept whole from one look to the next: only files that are others are read."""

import hashlib
import io
import sqlite3
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from ats_assets.sources.adapters.files.file_state import file_stamp, settled, sha_of
from ats_assets.sources.adapters.files.kept_database import opened
from ats_assets.sources.adapters.files.kept_rows import Asked


def kept_tables(folder: Path, key: str, asked: Sequence[Asked], read: Callable[[Asked], pl.DataFrame]) -> list[pl.DataFrame]:
    """What `read` makes of each file, in their order.

    Parameters
    ----------
    folder, key
        As of `KeptRows`, whose database they share.

    Raises
    ------
    SourceError
        If a file can't be read; what was made of those before it is kept.
    OSError, sqlite3.Error
        If nothing can be kept there.
    """
    with opened(folder, key) as connection:
        found = [_table(connection, one, read) for one in asked]
        paths = {str(one.file.path) for one in asked}
        gone = [(path,) for (path,) in connection.execute("SELECT path FROM tables") if path not in paths]
        if gone:
            connection.executemany("DELETE FROM tables WHERE path = ?", gone)
    return found


def _table(connection: sqlite3.Connection, one: Asked, read: Callable[[Asked], pl.DataFrame]) -> pl.DataFrame:
    path, began = one.file.path, time.time()
    stamp, symbol = file_stamp(path), one.symbol or ""
    row = connection.execute("SELECT stamp, symbol, sha, content, content_sha FROM tables WHERE path = ?", (str(path),)).fetchone()
    if row and (row[1] != symbol or hashlib.sha256(row[3]).hexdigest() != row[4]):
        row = None
    if row and row[0] == stamp:
        return pl.read_ipc(io.BytesIO(row[3]))
    sha = sha_of(path)
    if row and row[2] == sha:
        connection.execute("UPDATE tables SET stamp = ? WHERE path = ?", (settled(path, stamp, began), str(path)))
        return pl.read_ipc(io.BytesIO(row[3]))
    table = read(one)
    buffer = io.BytesIO()
    table.write_ipc(buffer, compression="zstd")
    content = buffer.getvalue()
    made = (str(path), settled(path, stamp, began), symbol, sha, content, hashlib.sha256(content).hexdigest())
    connection.execute("INSERT OR REPLACE INTO tables VALUES (?, ?, ?, ?, ?, ?)", made)
    return table
