"""What is collected from Massive beside daily bars, as assets: those that `source.massive.collect` names, in a job of their own."""

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.partitions import sessions_of
from ats_assets.sources.adapters.massive.massive_market import KINDS, OPTION_CHAINS, MassiveMarketData
from ats_assets.sources.adapters.massive.massive_settings import MassiveSourceSettings
from ats_assets.sources.collected import Collected

GROUP = "market_data"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """One asset for each kind that is collected."""
    return [_collected(deployment, kind) for kind in KINDS.values() if kind.asset in deployment.collected]


def _collected(deployment: Deployment, kind: Collected) -> dg.AssetsDefinition:
    node = Node(
        name=kind.asset,
        group=GROUP,
        kinds=frozenset({"parquet", "polars", "pandera"}),
        contract=kind.contract,
        vintages=True,
        record=True,
    )

    def collected(context: dg.AssetExecutionContext) -> pl.DataFrame:
        (session,) = sessions_of(context.partition_keys)
        own = MassiveSourceSettings.model_validate(deployment.source_settings)
        data = MassiveMarketData(own, deployment.calendar, deployment.settings)
        if kind is OPTION_CHAINS and not data.can_be_taken(session):
            warehouse = deployment.warehouse
            kept = warehouse.exists(kind.asset, session)
            context.add_output_metadata({"taken": "before; kept" if kept else "never: it can be taken only before the next session opens"})
            return warehouse.read(kind.asset, [session]) if kept else kind.schema.to_frame()
        frame = kind.contract.validate(data.of(kind.name, session))
        context.add_output_metadata({"plan": deployment.settings.massive.delivery, "defects": frame["defects"].count()})
        return frame

    said = f"{kind.name.replace('_', ' ').capitalize()} of a session from Massive, known at its close; each delivery that differs is kept."
    return node.asset(deployment, description=said)(collected)
