"""What a trade state in a file holds, whichever schema it has."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

STATE = "data/trade_state.sqlite"
"""In the folder of a deployment."""


def stored_rows(home: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All rows of the trade state by table, but for the schema's version; columns that are empty throughout are those that a migration may add."""
    found = {}
    with closing(sqlite3.connect(home / STATE)) as connection:
        for (table,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'schema_version' ORDER BY name"
        ):
            cursor = connection.execute(f"SELECT * FROM {table}")
            read = cursor.fetchall()
            filled = [at for at in range(len(cursor.description)) if any(row[at] is not None for row in read)]
            found[table] = sorted((tuple(row[at] for at in filled) for row in read), key=repr)
    return {table: read for table, read in found.items() if read}


def stored_version(home: Path) -> int:
    """The schema of the trade state."""
    with closing(sqlite3.connect(home / STATE)) as connection:
        return connection.execute("SELECT version FROM schema_version").fetchone()[0]
