"""What is exported of a session: the partition that the session's own readers see, all vintages of what keeps them, and the models behind it."""

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.exports.store import ExportedPartition, ExportedTable, ExportedVersion
from ats_assets.storage.footer import Footer
from ats_assets.storage.knowledge import time_of
from ats_assets.storage.vintages import DELIVERED, ENDING, KNOWN, VINTAGES_OF


def exported_partition(deployment: Deployment, table: ExportedTable, session: date) -> ExportedPartition:
    """A partition as it is stored now.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
        If it, or a vintage of it, can't be read.
    """
    warehouse, asset = deployment.warehouse, table.asset
    warehouse.require(asset, [session])
    own = own_path(deployment, asset, session)
    stamps = warehouse.stamps(asset, session) if table.keeps_vintages else []
    paths = [warehouse.vintage(asset, session, stamp) for stamp in stamps]
    made = {path: _version(deployment, asset, session, path) for path in dict.fromkeys([own, *paths])}
    return ExportedPartition(asset=asset, session=session, current=made[own], vintages=tuple(made[path] for path in paths))


def own_path(deployment: Deployment, asset: str, session: date) -> Path:
    """The file that the session's own readers read: of a delivery the vintage that was known to them, too."""
    until = deployment.knowledge.until(session) if asset in DELIVERED and len(deployment.warehouse.stamps(asset, session)) > 1 else None
    return deployment.warehouse.path(asset, session, until=until)


def stored_version(deployment: Deployment, asset: str, session: date) -> str:
    """The data version of a partition, and of all its vintages where there are several: another one is another content.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
    """
    warehouse = deployment.warehouse
    warehouse.require(asset, [session])
    own = warehouse.footer_of(own_path(deployment, asset, session)).data_version
    paths = [warehouse.vintage(asset, session, stamp) for stamp in warehouse.stamps(asset, session)]
    return ":".join([own, *(f"{path.name}={warehouse.footer_of(path).data_version}" for path in paths)])


def sessions_of_all(deployment: Deployment, assets: tuple[str, ...]) -> list[date]:
    """The sessions of which each of these assets has a partition, or is to have none; ascending."""
    stored = {asset: set(deployment.valid_sessions(asset)) for asset in assets}
    starts = {asset: None if asset in deployment.records else deployment.history_start(asset) for asset in assets}
    days = set[date]().union(*stored.values())
    return sorted(day for day in days if all(day in stored[asset] or (start := starts[asset]) is None or day < start for asset in assets))


def is_to_have(deployment: Deployment, asset: str, session: date) -> bool:
    """Whether an asset has a partition of a session, or lacks one: not before its history begins, nor of a record that was never made, and can't be made any more."""
    if asset in deployment.records:
        return deployment.warehouse.exists(asset, session)
    return bool(deployment.known([session], asset))


def with_vintages(deployment: Deployment, asset: str) -> bool:
    """Whether an asset keeps each delivery that differs, or is made of one that does."""
    return asset in DELIVERED or asset in VINTAGES_OF or asset in deployment.deliveries


def receipt(deployment: Deployment, table: ExportedTable, session: date) -> dict[str, object]:
    """Which version of a partition is exported, as a row of the export's own partition.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError
        If it can't be read.
    """
    warehouse, asset = deployment.warehouse, table.asset
    warehouse.require(asset, [session])
    path = own_path(deployment, asset, session)
    warehouse.root_folder.at_hand([path])
    rows = pl.scan_parquet(path, hive_partitioning=False).select(pl.len()).collect().item()
    vintages = len(warehouse.stamps(asset, session)) if table.keeps_vintages else 0
    return {"session": session, "asset": asset, "rows": rows, "vintages": vintages, **_versions_of(deployment, asset, session, path)}


def _version(deployment: Deployment, asset: str, session: date, path: Path) -> ExportedVersion:
    rows = deployment.warehouse.read_files(asset, {session: path})
    return ExportedVersion(rows=rows, **_versions_of(deployment, asset, session, path))


def _versions_of(deployment: Deployment, asset: str, session: date, path: Path) -> dict[str, Any]:
    footer = deployment.warehouse.footer_of(path)
    models = _models_behind(deployment, footer, {(asset, session.isoformat())})
    return {
        "known_at": _known_at(deployment, session, path),
        "data_version": footer.data_version,
        "code_version": footer.code_version,
        "model_version": ",".join(sorted(set(models))),
    }


def _known_at(deployment: Deployment, session: date, path: Path) -> datetime:
    if path.name.startswith(KNOWN):
        return time_of(path.name.removeprefix(KNOWN).removesuffix(ENDING))
    return deployment.knowledge.deadline(session)


def _models_behind(deployment: Deployment, footer: Footer, seen: set[tuple[str, str]]) -> Iterator[str]:
    """The models that a partition was made with, and those of what it read of its own session."""
    for asset, versions in footer.upstream.items():
        if asset in deployment.models:
            yield from (f"{asset}:{version}" for version in versions.values())
        elif (version := versions.get(footer.session)) is not None and (asset, footer.session) not in seen:
            seen.add((asset, footer.session))
            day = date.fromisoformat(footer.session)
            if not deployment.warehouse.exists(asset, day):
                continue
            found = deployment.warehouse.footer(asset, day)
            if found.data_version == version:
                yield from _models_behind(deployment, found, seen)
