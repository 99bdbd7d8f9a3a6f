"""Frames between Dagster and the warehouse: a range run's frame is split over its partitions, an input is the rows of the partitions it maps to."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date

import dagster as dg
import polars as pl
from typing_extensions import override

from ats_assets.deployment import Deployment
from ats_assets.errors import ContractError
from ats_assets.graph import CODE, SETTINGS, VINTAGES, UpstreamVersions, asset_name, reads_of
from ats_assets.partitions import sessions_of
from ats_assets.warehouse import Written


class WarehouseIOManager(dg.IOManager):
    """Stores a frame's rows under their sessions and loads the rows of mapped sessions.

    Parameters
    ----------
    schemas
        The schema of each asset, for inputs that lie wholly before history.
    """

    def __init__(self, deployment: Deployment, schemas: Mapping[str, pl.Schema]) -> None:
        self._deployment = deployment
        self._schemas = schemas

    @override
    def handle_output(self, context: dg.OutputContext, obj: pl.DataFrame) -> None:
        asset = asset_name(context.asset_key)
        sessions = sessions_of(context.asset_partition_keys)
        parts = obj.partition_by("session", as_dict=True, maintain_order=True)
        strays = sorted({key[0] for key in parts} - set(sessions), key=str)
        if strays:
            raise ContractError(
                f"{asset} made rows for {strays[0]}, which is not among the sessions asked for ({sessions[0]} to {sessions[-1]})"
            )
        empty = obj.clear()
        versions: dict[str, str] = {}
        upstream = UpstreamVersions(self._deployment, reads_of(context.definition_metadata or {}))
        for session in sessions:
            written = self._write(context, asset, session, parts.get((session,), empty), upstream)
            versions[session.isoformat()] = written.footer.data_version
            context.step_context.add_asset_metadata(_shown(written), asset_key=context.asset_key, partition_key=session.isoformat())
        context.step_context.set_data_version(context.asset_key, dg.DataVersion(combined_version(versions)))

    def _write(self, context: dg.OutputContext, asset: str, session: date, rows: pl.DataFrame, upstream: UpstreamVersions) -> Written:
        metadata = context.definition_metadata or {}
        versions = {"code_version": str(metadata[CODE]), "settings_version": str(metadata[SETTINGS])}
        warehouse = self._deployment.warehouse
        if _flag(metadata.get(VINTAGES)):
            return warehouse.write_vintage(asset, session, rows, known=self._deployment.source.known_at(session), **versions)
        return warehouse.write(asset, session, rows, upstream=upstream.of(session), **versions)

    @override
    def load_input(self, context: dg.InputContext) -> pl.DataFrame:
        asset = asset_name(context.asset_key)
        sessions = sessions_of(context.asset_partition_keys) if context.has_asset_partitions else []
        return self._deployment.read(asset, sessions, self._schemas[asset])


def combined_version(versions: Mapping[str, str]) -> str:
    """The data version of one partition, or for a range, where Dagster keeps one for all its partitions, the SHA-256 of theirs."""
    if len(versions) == 1:
        return next(iter(versions.values()))
    return hashlib.sha256(json.dumps(dict(versions), sort_keys=True).encode()).hexdigest()


def _flag(value: object) -> bool:
    return bool(value.value) if isinstance(value, dg.BoolMetadataValue) else bool(value)


def _shown(written: Written) -> dict[str, dg.MetadataValue]:
    return {
        "dagster/row_count": dg.MetadataValue.int(written.rows),
        "data_version": dg.MetadataValue.text(written.footer.data_version),
        "code_version": dg.MetadataValue.text(written.footer.code_version),
        "settings_version": dg.MetadataValue.text(written.footer.settings_version),
        "upstream": dg.MetadataValue.json({asset: combined_version(found) for asset, found in written.footer.upstream.items() if found}),
        "path": dg.MetadataValue.path(str(written.path)),
        "bytes": dg.MetadataValue.int(written.bytes),
    }
