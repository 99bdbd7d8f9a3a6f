"""Whether anything was committed to a database since it was asked last: two reads of shared memory on SQLite, one question without a table on PostgreSQL.

SQLite's `PRAGMA data_version` is another number after each commit of another connection. PostgreSQL's `pg_current_snapshot()` says which transactions are visible: while it
is the same, so is every row. A transaction that only reads changes neither.
"""

import contextlib
import sqlite3
from collections.abc import Hashable
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy.engine import URL


class ChangeProbe(Protocol):
    """Tells of commits."""

    def stamp(self) -> Hashable:
        """Another value after each commit; None where there is no database yet.

        Raises
        ------
        ProbeError
            If it can't be asked now.
        """
        ...

    def close(self) -> None:
        """Close its connection."""
        ...


class ProbeError(Exception):
    """The database can't be asked, for now."""


class SqliteProbe:
    """Of a file, which may be replaced by another one.

    Parameters
    ----------
    path
        It need not exist.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._connection: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None
        self._opened = 0

    def stamp(self) -> Hashable:
        """File and version."""
        try:
            stat = self._path.stat()
        except (FileNotFoundError, NotADirectoryError):
            self.close()
            return None
        except OSError as error:
            raise ProbeError(f"{self._path.name}: {error.strerror}") from None
        file = (stat.st_dev, stat.st_ino)
        try:
            if self._connection is None or file != self._file:
                self._open(file)
            assert self._connection is not None, "it was just opened"
            return self._opened, self._connection.execute("PRAGMA data_version").fetchone()[0]
        except sqlite3.Error as error:
            self.close()
            raise ProbeError(f"{self._path.name}: {error}") from None

    def close(self) -> None:
        """Close the connection; the next stamp is another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self, file: tuple[int, int]) -> None:
        self.close()
        self._connection = sqlite3.connect(f"{self._path.absolute().as_uri()}?mode=ro", uri=True, timeout=0.2, isolation_level=None)
        self._file, self._opened = file, self._opened + 1


class PostgresqlProbe:
    """Of a PostgreSQL database, on a connection of its own."""

    def __init__(self, url: URL) -> None:
        self._address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: Any = None
        self._cursor: Any = None

    def stamp(self) -> Hashable:
        """The visible transactions."""
        import psycopg  # noqa: PLC0415 - of an extra

        try:
            if self._connection is None:
                self._connection = psycopg.connect(
                    self._address, autocommit=True, connect_timeout=3, prepare_threshold=1, options="-c statement_timeout=3000"
                )
                self._cursor = self._connection.cursor()
            return self._cursor.execute("SELECT pg_current_snapshot()::text").fetchone()[0]
        except psycopg.Error as error:
            self.close()
            raise ProbeError(f"PostgreSQL can't be asked ({type(error).__name__})") from None  # its text may hold the address

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.close()
            self._connection = self._cursor = None


def probe_of(url: URL) -> ChangeProbe:
    """The probe of a database."""
    if url.get_backend_name() == "sqlite":
        return SqliteProbe(Path(str(url.database)))
    return PostgresqlProbe(url)
