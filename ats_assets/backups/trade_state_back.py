"""A trade state of a backup, or of before a migration, into a file or into PostgreSQL: halted, so that no order is sent before a person says so.

The records are older than the account: what was sent since is not in them. Orders that are planned again have the ids that they had, which the broker takes once;
fills that are missing are read from the broker. What remains is a difference, which halts again. The halt of the restoration comes first: it is in the copy before the
copy is anywhere that a program would look for it.
"""

import pkgutil
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Connection, inspect, text, update
from sqlalchemy.exc import DBAPIError

from ats_assets import trade_state
from ats_assets.errors import BackupError, TradeStateError
from ats_assets.execution.halts import halt
from ats_assets.plugins import BROKERS
from ats_assets.storage.sqlite_copy import copy_database, is_database
from ats_assets.trade_state import TradeState, record
from ats_assets.trade_state.database import engine_of_url, parse_database
from ats_assets.trade_state.portable_copy import fill_from_copy
from ats_assets.trade_state.schema import schema_versions
from ats_assets.trade_state.tables import leases

WHO = "ats restore"


def restore_trade_state(copy: Path, url: str, *, reason: str, replace: bool = False, now: datetime | None = None) -> str | None:
    """Put a trade state in its place, migrated to the schema of this program, and halted.

    Parameters
    ----------
    copy
        An SQLite file, which stays as it is.
    url
        Where it goes.
    reason
        Of the halt: what was restored.
    replace
        Move a trade state that is there out of the way first. No process may use it.

    Returns
    -------
    str or None
        Where the one that was there is now: a file, or a schema of the database.

    Raises
    ------
    BackupError
        If there is a trade state already and it is not to be replaced, or the copy is none.
    TradeStateError
        If the copy is of a newer program, or the database can't be used.
    """
    if not copy.is_file() or not is_database(copy):
        raise BackupError(f"{copy} is no trade state: name a folder of backups, or a file of the folder before_migrations")
    now = now or datetime.now(UTC)
    parsed = parse_database(url)
    if parsed.get_backend_name() == "sqlite":
        return _into_file(copy, Path(str(parsed.database)).absolute(), reason, now, replace=replace)
    _import_tables()
    with TemporaryDirectory(prefix="ats-restore-") as scratch:
        halted = Path(scratch) / "trade_state.sqlite"
        _halted_copy(copy, halted, reason, now)
        moved = _out_of_the_way(url, now, replace=replace)
        with TradeState(url) as state, state.begin() as connection:
            fill_from_copy(halted, connection)
    return moved


def _into_file(copy: Path, place: Path, reason: str, now: datetime, *, replace: bool) -> str | None:
    if place.exists() and not replace:
        raise BackupError(
            f"there is a trade state in {place}: stop all that uses it, and give --replace, which keeps it beside the restored one"
        )
    place.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=".restoring-", dir=place.parent) as scratch:
        halted = Path(scratch) / place.name
        _halted_copy(copy, halted, reason, now)
        moved = None
        if place.exists():
            moved = place.with_name(f"{place.name}.replaced-{now:%Y-%m-%dT%H%M%SZ}")
            copy_database(place, moved)
            for companion in ("", "-wal", "-shm"):
                place.with_name(place.name + companion).unlink(missing_ok=True)
        halted.replace(place)
    return None if moved is None else str(moved)


def _halted_copy(copy: Path, halted: Path, reason: str, now: datetime) -> None:
    """A copy of this program's schema, in which trading is halted and nobody holds the lease."""
    shutil.copyfile(copy, halted)
    with TradeState(f"sqlite:///{halted}") as state, state.begin() as connection:
        halt(connection, now, WHO, reason)
        connection.execute(update(leases).values(holder=None, expires_at=now))
        record(connection, now, WHO, "restored", texts={"reason": reason})
    with closing(sqlite3.connect(halted)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")  # into one file


def _out_of_the_way(url: str, now: datetime, *, replace: bool) -> str | None:
    """Move the tables of a database in PostgreSQL into a schema of their own; None where there are none."""
    with _transaction(url) as connection:
        names = inspect(connection).get_table_names()
        if schema_versions.name not in names or not _has_rows(connection, names):
            return None
        if not replace:
            raise BackupError(
                "the database holds a trade state: stop all that uses it, and give --replace, which keeps it in a schema of its own"
            )
        schema = f"replaced_{now:%Y%m%dt%H%M%Sz}"
        connection.execute(text(f'CREATE SCHEMA "{schema}"'))
        for name in names:
            connection.execute(text(f'ALTER TABLE "{name}" SET SCHEMA "{schema}"'))
    return f"the schema {schema} of the database"


def _has_rows(connection: Connection, names: list[str]) -> bool:
    others = (name for name in names if name != schema_versions.name)
    return any(connection.execute(text(f'SELECT 1 FROM "{name}" LIMIT 1')).first() is not None for name in others)  # noqa: S608 - names of tables


@contextmanager
def _transaction(url: str) -> Iterator[Connection]:
    engine = engine_of_url(parse_database(url))
    try:
        with engine.begin() as connection:
            yield connection
    except DBAPIError as error:  # whose message may repeat the URL
        raise TradeStateError(f"the database that the trade state is to go into fails: {type(error.orig).__name__}") from None
    finally:
        engine.dispose()


def _import_tables() -> None:
    """All tables that the package keeps in the trade state: a new database is made with those that are imported."""
    for found in pkgutil.iter_modules(trade_state.__path__):
        if found.name.endswith("tables"):
            import_module(f"{trade_state.__name__}.{found.name}")
    for name in BROKERS.names():
        BROKERS.find(name)
