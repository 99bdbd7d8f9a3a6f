"""Frames between Dagster and the warehouse: a range run's frame is split over its partitions, an input is the rows of the partitions it maps to."""

import hashlib
import itertools
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime

import dagster as dg
import polars as pl
from typing_extensions import override

from ats_assets.deployment import Deployment
from ats_assets.errors import ContractError
from ats_assets.orchestration.graph import CODE, SETTINGS, VINTAGES, asset_name, reads_of
from ats_assets.orchestration.made_so_far import made_so_far
from ats_assets.orchestration.partition_figures import Figures, figures_of
from ats_assets.orchestration.partition_metadata import add_partition_metadata
from ats_assets.orchestration.partitions import sessions_of
from ats_assets.orchestration.reading import Known, VintageRows
from ats_assets.orchestration.spreading import WrittenElsewhere, rows_by_session
from ats_assets.orchestration.streaming import InBlocks, SessionRows, Streamed
from ats_assets.storage.data_version import data_versions
from ats_assets.storage.footer import AssetVersions, Written
from ats_assets.storage.vintages import VINTAGES_OF, MadeVintage


class WarehouseIOManager(dg.IOManager):
    """Stores a frame's rows under their sessions and loads the rows of mapped sessions.

    Parameters
    ----------
    figures
        What is shown of the partitions of some assets.
    """

    def __init__(self, deployment: Deployment, figures: Mapping[str, Figures] | None = None) -> None:
        self._deployment = deployment
        self._figures = figures or {}

    @override
    def handle_output(
        self, context: dg.OutputContext, obj: pl.DataFrame | list[VintageRows] | Streamed | InBlocks | WrittenElsewhere
    ) -> None:
        asset = asset_name(context.asset_key)
        sessions = sessions_of(context.asset_partition_keys)
        self._deployment.calendar_store.keep()
        known = Known(self._deployment, asset, reads_of(context.definition_metadata or {}))
        figures = self._figures.get(asset, Figures())
        made: dict[date, Written] = {}
        more: dict[date, Mapping[str, dg.MetadataValue]] = {}
        with self._deployment.warehouse.together():  # all are in their place before an event says that they are
            if isinstance(obj, WrittenElsewhere):
                made = dict(obj.written)
            elif isinstance(obj, Streamed):
                made = self._write_streamed(context, asset, sessions, obj, known)
            else:
                for block, part in obj.parts if isinstance(obj, InBlocks) else [(sessions, obj)]:
                    made |= self._write_block(context, asset, block, part, known)
                    more |= {} if isinstance(part, list) else figures_of(self._deployment, asset, figures, part, block)
                    self._deployment.of(made_so_far).on_written(asset, len(made), len(sessions))
        counts = {session: {figures.rows: dg.MetadataValue.int(written.rows)} for session, written in made.items() if figures.rows}
        shown = {day.isoformat(): {**_shown(written), **counts.get(day, {}), **more.get(day, {})} for day, written in made.items()}
        add_partition_metadata(context.step_context, context.asset_key, shown)
        versions = {session.isoformat(): written.footer.data_version for session, written in made.items()}
        context.step_context.set_data_version(context.asset_key, dg.DataVersion(combined_version(versions)))

    def _write_block(
        self, context: dg.OutputContext, asset: str, sessions: Sequence[date], part: pl.DataFrame | list[VintageRows], known: Known
    ) -> dict[date, Written]:
        """Write sessions that were made together."""
        if isinstance(part, list):
            return self._write_vintages(context, asset, sessions, part, known)
        parts, found = rows_by_session(asset, sessions, part), versions_by_session(part)
        return self._write(context, asset, {session: parts.get(session, part.clear()) for session in sessions}, known, found)

    def _write(
        self, context: dg.OutputContext, asset: str, parts: Mapping[date, pl.DataFrame], known: Known, found: Mapping[date, str]
    ) -> dict[date, Written]:
        versions = _versions(context)
        if _flag((context.definition_metadata or {}).get(VINTAGES)):
            source = self._deployment.source
            deliveries = {session: as_they_became_known(rows, source.known_at(session)) for session, rows in parts.items()}
            return self._deployment.warehouse.write_deliveries(asset, deliveries, data_versions=found, **versions)
        partitions = ((session, rows, known.upstream(session)) for session, rows in parts.items())
        return self._deployment.warehouse.write_each(asset, partitions, data_versions=found, **versions)

    def _write_streamed(
        self, context: dg.OutputContext, asset: str, sessions: Sequence[date], obj: Streamed, known: Known
    ) -> dict[date, Written]:
        """Write session by session, each before the next is made."""
        warehouse, versions = self._deployment.warehouse, _versions(context)
        made: dict[date, Written] = {}
        for session, parts in itertools.groupby(obj.parts, key=lambda part: part.session):
            if session not in sessions:
                raise ContractError(
                    f"{asset} made rows for {session}, which is not among the sessions asked for ({sessions[0]} to {sessions[-1]})"
                )
            written = [self._write_part(asset, part, known, versions) for part in parts]
            if asset in VINTAGES_OF:
                warehouse.keep_vintages(asset, session, {one.path for one in written})
                own = warehouse.path(asset, session)
                written = [one for one in written if one.path == own]
            made[session] = written[-1]
            self._deployment.of(made_so_far).on_written(asset, len(made), len(sessions))
        return {session: made[session] for session in sessions}

    def _write_part(self, asset: str, part: SessionRows, known: Known, versions: AssetVersions) -> Written:
        warehouse, session = self._deployment.warehouse, part.session
        if part.stamp:
            upstream = known.upstream(session, part.stamp)
            one = MadeVintage(session=session, stamp=part.stamp, rows=part.rows, upstream=upstream, refused=part.refused)
            return warehouse.write_made_vintages(asset, [one], **versions)[0]
        if part.known is not None:
            return warehouse.write_deliveries(asset, {session: as_they_became_known(part.rows, part.known)}, **versions)[session]
        return warehouse.write(asset, session, part.rows, upstream=known.upstream(session), **versions)

    def _write_vintages(
        self, context: dg.OutputContext, asset: str, sessions: Sequence[date], layers: Sequence[VintageRows], known: Known
    ) -> dict[date, Written]:
        """Write what was made of each vintage of a delivery; returns those that the sessions' own partitions know."""
        warehouse = self._deployment.warehouse

        def made() -> Iterator[MadeVintage]:
            for layer in layers:
                parts, found = rows_by_session(asset, list(layer.stamps), layer.rows), versions_by_session(layer.rows)
                for session, stamp in layer.stamps.items():
                    rows, refused = parts.get(session, layer.rows.clear()), session in layer.refused
                    what = {"rows": rows, "refused": refused, "data_version": found.get(session, "")}
                    yield MadeVintage(session=session, stamp=stamp, upstream=known.upstream(session, stamp), **what)

        written = {one.path: one for one in warehouse.write_made_vintages(asset, made(), **_versions(context))}
        for session in sessions:
            warehouse.keep_vintages(asset, session, written)
        return {session: written[warehouse.path(asset, session)] for session in sessions}

    @override
    def load_input(self, context: dg.InputContext) -> pl.DataFrame:
        asset = asset_name(context.asset_key)
        sessions = sessions_of(context.asset_partition_keys) if context.has_asset_partitions else []
        return self._deployment.read_known(asset, sessions, self._deployment.schemas[asset])


def versions_by_session(frame: pl.DataFrame) -> dict[date, str]:
    """The data versions of the sessions of a frame in which the rows of each stand together; of another frame none.

    Examples
    --------
    >>> frame = pl.DataFrame({"session": [date(2024, 3, 1), date(2024, 3, 4), date(2024, 3, 1)], "close": [1.0, 2.0, 3.0]})
    >>> versions_by_session(frame), list(versions_by_session(frame[:2]))
    ({}, [datetime.date(2024, 3, 1), datetime.date(2024, 3, 4)])
    """
    runs = frame["session"].rle().struct.unnest()
    sessions = runs["value"].to_list()
    return {} if len(set(sessions)) < len(sessions) else dict(zip(sessions, data_versions(frame, runs["len"].to_list()), strict=True))


def _versions(context: dg.OutputContext) -> AssetVersions:
    metadata = context.definition_metadata or {}
    return AssetVersions(code_version=str(metadata[CODE]), settings_version=str(metadata[SETTINGS]))


def as_they_became_known(rows: pl.DataFrame, known: datetime) -> list[tuple[datetime, pl.DataFrame]]:
    """A delivery as what was known of it, from time to time: each time, and the rows known by then; all rows the last time.

    Parameters
    ----------
    rows
        With a column `known_at` (UTC) where the source says of rows when they were known; a null says nothing.
    known
        From when the delivery was known, and rows that say nothing or an earlier time.

    Examples
    --------
    >>> from datetime import UTC
    >>> times = [None, datetime(2024, 3, 5, tzinfo=UTC)]
    >>> rows = pl.DataFrame({"symbol": ["A", "B"], "known_at": times}, schema_overrides={"known_at": pl.Datetime("us", "UTC")})
    >>> [(time.day, part["symbol"].to_list()) for time, part in as_they_became_known(rows, datetime(2024, 3, 1, tzinfo=UTC))]
    [(1, ['A']), (5, ['A', 'B'])]
    """
    if "known_at" not in rows.columns or rows["known_at"].null_count() == rows.height:
        return [(known, rows)]
    later = rows["known_at"].filter(rows["known_at"] > known).unique().sort().to_list()
    return [(time, rows.filter(pl.col("known_at").is_null() | (pl.col("known_at") <= time))) for time in [known, *later]]


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
