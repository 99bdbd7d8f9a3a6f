"""What a store holds against the warehouse, byte for byte: the rows that come back from it must have the data version of the partition."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.exports.choosing import NamedExport
from ats_assets.exports.exported_partitions import exported_partition
from ats_assets.exports.exporting import exported_of
from ats_assets.exports.store import ExportedPartition, ExportedTable, ExportedVersion, StoreConnection
from ats_assets.storage.data_version import data_version


@dataclass(frozen=True, kw_only=True)
class StoreDifference:
    """What is wrong with a session of an asset in a store."""

    asset: str
    session: date
    text: str


def differences_of_store(
    deployment: Deployment, connection: StoreConnection, tables: Sequence[ExportedTable], session: date
) -> list[StoreDifference]:
    """What of a session is not in the store as it is in the warehouse.

    Raises
    ------
    ExportError
        If the store can't be read.
    MissingPartitionError, CorruptPartitionError
        If the warehouse can't.
    """
    found: list[StoreDifference] = []
    for table in exported_of(deployment, tables, session):
        wanted = exported_partition(deployment, table, session)
        stored = connection.read(table, session, wanted.current.rows.columns)
        text = "is not there" if stored is None else _difference(wanted, stored)
        if text:
            found.append(StoreDifference(asset=table.asset, session=session, text=text))
    return found


def sessions_compared(one: NamedExport, stored: Sequence[date], sessions: Sequence[date]) -> list[date]:
    """Which of the sessions the store is to hold, of all that are stored."""
    kept = set(one.store.kept(stored))
    return [session for session in sessions if session in kept]


def _difference(wanted: ExportedPartition, stored: ExportedPartition) -> str:
    if text := _of_version(wanted.current, stored.current):
        return text
    if stored.vintages and len(stored.vintages) != len(wanted.vintages):
        return f"has {len(stored.vintages)} vintages, and the warehouse {len(wanted.vintages)}"
    pairs = zip(wanted.vintages, stored.vintages, strict=False)
    return next((f"{text} (the vintage known at {one.known_at})" for one, other in pairs if (text := _of_version(one, other))), "")


def _of_version(wanted: ExportedVersion, stored: ExportedVersion) -> str:
    if stored.data_version != wanted.data_version:
        return f"is of the version {stored.data_version[:12]}, and the warehouse has {wanted.data_version[:12]}"
    if (stored.known_at, stored.code_version, stored.model_version) != (wanted.known_at, wanted.code_version, wanted.model_version):
        return "has these rows as those of another code or model, or as known at another time"
    if data_version(stored.rows) != wanted.data_version:
        return f"says that it is of the version {wanted.data_version[:12]}, and its {_counted(stored.rows)} are others"
    return ""


def _counted(rows: pl.DataFrame) -> str:
    return f"{rows.height:,} row{'' if rows.height == 1 else 's'}"
