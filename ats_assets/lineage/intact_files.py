"""What the index knows of files that were found intact, without a look at anything else: who only asks need not read them again."""

import contextlib
import sqlite3
from collections.abc import Mapping
from pathlib import Path

from ats_assets.lineage.footers import written_stamp
from ats_assets.lineage.index import VERSION

_INTACT = "SELECT path, stamp FROM files WHERE asset = ? AND fault = ''"


class IntactFiles:
    """The files of an index that were intact when it looked at them.

    Parameters
    ----------
    index
        The SQLite file (`LineageIndex.path`). Where there is none, or one that can't be read, nothing is known to be intact.
    """

    def __init__(self, index: Path) -> None:
        self._index = index

    def of(self, asset: str) -> Mapping[str, str]:
        """Path -> the stamp under which a file of the asset was found intact."""
        try:
            address = f"{self._index.absolute().as_uri()}?mode=ro"
            with contextlib.closing(sqlite3.connect(address, uri=True, timeout=1.0)) as connection:
                if connection.execute("PRAGMA user_version").fetchone()[0] != VERSION:
                    return {}
                return dict(connection.execute(_INTACT, (asset,)))
        except sqlite3.Error:
            return {}


def is_unchanged(path: str, known: Mapping[str, str]) -> bool:
    """Whether a file is the one that was found intact: its time, size and inode are."""
    return path in known and written_stamp(path) == known[path]
