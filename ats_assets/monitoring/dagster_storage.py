"""Dagster's own storage, read by SQL and never written: three SQLite files, or one PostgreSQL database, as `dagster.yaml` says.

Dagster takes a second to import and to open its instance, and a daemon that is dead answers nobody. What is stored is there in either case.
"""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import quote

from ats_assets.errors import AtsError
from ats_assets.orchestration.dagster_home import INSTANCE_FILE
from ats_assets.secrecy import redacted

Part = Literal["runs", "schedules", "events"]
FILES: Mapping[Part, str] = {"runs": "history/runs.db", "schedules": "schedules/schedules.db", "events": "history/runs/index.db"}
"""Of SQLite, below the folder of the storage."""
IN_POSTGRESQL, RUNS_VARIABLE = "ProjectPostgresStorage", "RUNS_DB_URL"
"""The class of `orchestration/postgres_storage.py`, which imports Dagster; and where it finds the address unless it is told."""
WAIT_SECONDS = 2


class DagsterStorageError(AtsError):
    """Dagster's storage can't be read."""


@dataclass(frozen=True)
class DagsterStorage:
    """Where an instance keeps runs, ticks and events.

    Parameters
    ----------
    home
        DAGSTER_HOME, the folder of `dagster.yaml`.
    """

    home: Path

    def rows(self, part: Part, select: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a SELECT; none where nothing was ever stored.

        Parameters
        ----------
        select
            With a question mark for each parameter.

        Raises
        ------
        DagsterStorageError
            If the storage can't be read.
        """
        with self.reading(part) as ask:
            return ask(select, parameters)

    @contextlib.contextmanager
    def reading(self, part: Part) -> Iterator["StorageQuery"]:
        """A connection for several questions: `ask(select, parameters)`.

        Raises
        ------
        DagsterStorageError
            As `rows`.
        """
        try:
            with _postgresql(self.address) if self.address else _sqlite(self.folder / FILES[part]) as ask:
                yield ask
        except AtsError:
            raise
        except Exception as error:  # psycopg's and SQLite's errors have no class in common
            if not isinstance(error, sqlite3.Error) and not type(error).__module__.startswith("psycopg"):
                raise
            raise DagsterStorageError(f"Dagster's storage ({self.description}) can't be read: {redacted(str(error)).strip()}") from None

    @property
    def description(self) -> str:
        """Where it is, without user and password."""
        return "PostgreSQL" if self.address else str(self.folder)

    @cached_property
    def told(self) -> Mapping[str, Any]:
        """The section `storage` of `dagster.yaml`."""
        import yaml  # noqa: PLC0415 - other commands have no need of it

        file = self.home / INSTANCE_FILE
        try:
            found = yaml.safe_load(file.read_text(encoding="utf-8")) if file.is_file() else {}
        except (OSError, yaml.YAMLError) as error:
            raise DagsterStorageError(f"{file} can't be read: {error}") from error
        storage = (found or {}).get("storage") if isinstance(found, dict) else None
        return cast("Mapping[str, Any]", storage) if isinstance(storage, dict) else {}

    @cached_property
    def folder(self) -> Path:
        """The folder of SQLite's files."""
        config = self.told.get("sqlite") or self.told.get("custom", {}).get("config") or {}
        return Path(self.home, _plain(config.get("base_dir", "."))).expanduser()

    @cached_property
    def address(self) -> str | None:
        """The address of PostgreSQL's database; None: it is SQLite's files."""
        if custom := self.told.get("custom"):
            return _address_of_custom(custom)
        config = self.told.get("postgres")
        if not isinstance(config, dict):
            return None
        if url := config.get("postgres_url"):
            return _plain(url)
        parts = {
            name: _plain(value) for name, value in config.get("postgres_db", {}).items() if not isinstance(value, dict) or "env" in value
        }
        login = f"{quote(parts.get('username', ''), safe='')}:{quote(parts.get('password', ''), safe='')}"
        return f"postgresql://{login}@{parts.get('hostname', 'localhost')}:{parts.get('port', '5432')}/{parts.get('db_name', '')}"


class StorageQuery:
    """Puts questions to an open connection."""

    def __init__(self, connection: Any, mark: str) -> None:
        self._connection, self._mark = connection, mark

    def __call__(self, select: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """The rows of a SELECT; each question mark is a parameter."""
        return self._connection.execute(select.replace("?", self._mark), tuple(parameters)).fetchall()


class _Nothing(StorageQuery):
    """Nothing was ever stored."""

    def __init__(self) -> None:
        super().__init__(None, "?")

    def __call__(self, select: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:  # noqa: ARG002
        return []


@contextlib.contextmanager
def _sqlite(file: Path) -> Iterator[StorageQuery]:
    if not file.is_file():
        yield _Nothing()
        return
    with opened_read_only(file) as connection:
        yield StorageQuery(connection, "?")


@contextlib.contextmanager
def opened_read_only(file: Path) -> Iterator[sqlite3.Connection]:
    """A file of SQLite, which is neither made nor written to."""
    with contextlib.closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True, timeout=WAIT_SECONDS)) as connection:
        yield connection


@contextlib.contextmanager
def _postgresql(address: str) -> Iterator[StorageQuery]:
    try:
        import psycopg  # noqa: PLC0415 - of an extra
    except ImportError as error:
        raise DagsterStorageError("Dagster's storage is PostgreSQL: pip install 'ats-assets[postgresql]'") from error
    options = f"-c default_transaction_read_only=on -c statement_timeout={WAIT_SECONDS * 1000}"
    with psycopg.connect(address, connect_timeout=WAIT_SECONDS, options=options, autocommit=True) as connection:
        yield StorageQuery(connection, "%s")


def _address_of_custom(custom: Mapping[str, Any]) -> str | None:
    """The address that `ProjectPostgresStorage` reads from a variable; None: it is a storage in a folder, as `ProjectStorage`."""
    config, name = custom.get("config") or {}, str(custom.get("class", ""))
    if name == IN_POSTGRESQL:
        driver, colon, rest = _plain({"env": config.get("url_variable", RUNS_VARIABLE)}).strip().partition(":")
        return f"{driver.partition('+')[0]}{colon}{rest}"
    if "base_dir" not in config:
        raise DagsterStorageError(f"{INSTANCE_FILE} names the storage {name}, of which it is not known where it keeps what it is told")
    return None


def _plain(value: object) -> str:
    """A value of `dagster.yaml`, which may name a variable of the environment."""
    if isinstance(value, dict):
        name = str(cast("dict[str, Any]", value).get("env", ""))
        if name not in os.environ:
            raise DagsterStorageError(f"{INSTANCE_FILE} reads Dagster's storage from ${name}, which is not set")
        return os.environ[name]
    return str(value)


def stored_time(value: object) -> datetime | None:
    """A time of Dagster's storage, which is UTC: seconds since 1970, SQLite's text, or PostgreSQL's time without a zone."""
    if value is None:
        return None
    if isinstance(value, int | float):
        return datetime.fromtimestamp(value, UTC)
    found = value if isinstance(value, datetime) else datetime.fromisoformat(str(value))
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
