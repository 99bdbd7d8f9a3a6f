"""Sessions brought to a store, and looked at again afterwards.

1. The partitions of a session are read, all that the export takes of it, and written at once.
2. Then the warehouse is looked at again. Where another process has stored other versions meanwhile, these are written, too: of two exporters at once, whichever comes last has
   looked last, so that the store ends with what the warehouse has.
3. A store that goes away is opened again, a few times: a write that was cut off has changed nothing, or all of it, and is repeated either way.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date

from ats_assets.deployment import Deployment
from ats_assets.errors import ExportError, StoreUnreachableError
from ats_assets.exports.choosing import NamedExport
from ats_assets.exports.exported_partitions import exported_partition, is_to_have, stored_version
from ats_assets.exports.store import ExportedTable, StoreConnection

WAIT_SECONDS, LONGEST_WAIT_SECONDS = 2.0, 60.0
"""Before a store that went away is opened again, the first time; each next wait is twice as long."""
LOOKS = 5
"""How often a session is written that changes in the warehouse meanwhile."""


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What an export came to: the sessions that the store was to get, of them those that it had already, and the rows that were written."""

    sessions: tuple[date, ...]
    had: tuple[date, ...]
    rows: int


def export_sessions(
    deployment: Deployment,
    one: NamedExport,
    tables: Sequence[ExportedTable],
    sessions: Sequence[date],
    *,
    again: bool = False,
    told: Callable[[str], object] = lambda _: None,
) -> Exported:
    """Bring sessions to the store, oldest first.

    Parameters
    ----------
    sessions
        Those that the store is to hold (`ExportStore.kept`).
    again
        Write what the store has already, too.
    told
        Called with what is worth telling on the way.

    Raises
    ------
    ExportError
        If the store takes a session not, or is not there after some attempts. Sessions before it are in the store.
    MissingPartitionError, CorruptPartitionError
        If a partition can't be read.
    """
    waiting, had, rows, attempt = list(sessions), list[date](), 0, 0
    while waiting:
        try:
            with _told_of(one), one.store.connected() as connection:
                for remark in [] if attempt else connection.remarks():
                    told(f"exports.{one.name}: {remark}")
                connection.prepare(tables)
                while waiting:
                    written = _export_session(deployment, connection, tables, waiting[0], again=again)
                    had += [waiting[0]] if written is None else []
                    rows += written or 0
                    waiting.pop(0)
                    attempt = 0
        except StoreUnreachableError as error:
            attempt += 1
            if attempt >= one.attempts:
                raise
            told(f"{error} (attempt {attempt} of {one.attempts})")
            time.sleep(min(WAIT_SECONDS * 2 ** (attempt - 1), LONGEST_WAIT_SECONDS))
    return Exported(sessions=tuple(sessions), had=tuple(had), rows=rows)


def exported_of(deployment: Deployment, tables: Sequence[ExportedTable], session: date) -> list[ExportedTable]:
    """The tables that have a partition of a session, or lack one."""
    return [table for table in tables if is_to_have(deployment, table.asset, session)]


def _export_session(
    deployment: Deployment, connection: StoreConnection, tables: Sequence[ExportedTable], session: date, *, again: bool
) -> int | None:
    """The rows that were written of a session; None where the store had it."""
    held, rows = exported_of(deployment, tables, session), None
    for _ in range(LOOKS):
        before = [stored_version(deployment, table.asset, session) for table in held]
        written = connection.write([exported_partition(deployment, table, session) for table in held], again=again)
        rows = rows if written is None else written + (rows or 0)
        if [stored_version(deployment, table.asset, session) for table in held] == before:
            return rows
    raise ExportError(
        f"{session} changes in the warehouse as fast as it is exported ({LOOKS} times): wait until what rebuilds it is done, then export it"
    )


@contextmanager
def _told_of(one: NamedExport) -> Iterator[None]:
    """Say of each error of the store which export it is, and what brings it up to date."""
    try:
        yield
    except ExportError as error:
        advice = f"Nothing else waits for it; when the cause is gone: ats exports refill {one.name}"
        raise type(error)(f"exports.{one.name}: {error}. {advice}") from error.__cause__
