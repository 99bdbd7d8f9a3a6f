"""Assets of the stage exports: one for each table `[exports.<name>]`. Nothing reads them."""

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import how_many
from ats_assets.exports.choosing import NamedExport, exported_tables, exports
from ats_assets.exports.contracts import ExportReceipts
from ats_assets.exports.exported_partitions import receipt, sessions_of_all
from ats_assets.exports.exporting import export_sessions, exported_of
from ats_assets.exports.schema import EXPORTS, RECEIPTS_SCHEMA
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.settings import Section

GROUP = EXPORTS


class ExportedAssets(Section):
    """What an export takes, and which kind of store it is for."""

    kind: str
    assets: tuple[str, ...]


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets; it comes after all stages whose assets can be exported."""
    return [_export(deployment, one) for one in deployment.of(exports).values()]


def _export(deployment: Deployment, one: NamedExport) -> dg.AssetsDefinition:
    tables = exported_tables(deployment, one)
    node = Node(
        name=one.asset,
        group=GROUP,
        kinds=frozenset({"parquet", one.kind}),
        reads=tuple(Reads(asset=asset) for asset in one.assets),
        contract=ExportReceipts,
        code=(_export, type(one.store)),
        settings=(ExportedAssets(kind=one.kind, assets=one.assets), one.store.settings),
        export=True,
    )

    @node.asset(
        deployment, deps=node.deps(), description=f"Copies of {', '.join(one.assets)} in {one.kind}; and which versions they are of."
    )
    def export(context: dg.AssetExecutionContext) -> pl.DataFrame:
        sessions = sessions_of(context.partition_keys)
        kept = set(one.store.kept(sessions_of_all(deployment, one.assets)))
        made = export_sessions(deployment, one, tables, [session for session in sessions if session in kept], told=context.log.warning)
        context.log.info(
            f"{how_many(len(made.sessions), 'session')} of {len(sessions)} for the store, of which it had {len(made.had)}; {how_many(made.rows, 'row')} written"
        )
        context.add_output_metadata({"sessions_exported": len(made.sessions) - len(made.had), "rows_exported": made.rows})
        rows = [receipt(deployment, table, session) for session in sessions for table in exported_of(deployment, tables, session)]
        return pl.DataFrame(rows, schema=RECEIPTS_SCHEMA)

    return export
