"""What a source collects beside daily bars, as an asset: a record with vintages, session by session, in a job of its own."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Protocol

import dagster as dg
import polars as pl
from pandera.api.polars.container import DataFrameSchema

from ats_assets.deployment import Deployment
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.partitions import sessions_of

GROUP = "market_data"


class CollectedKind(Protocol):
    """One kind of data that is collected."""

    @property
    def name(self) -> str:
        """What people call it."""
        ...

    @property
    def asset(self) -> str:
        """The name of its asset."""
        ...

    @property
    def schema(self) -> pl.Schema:
        """The columns of its frame."""
        ...

    @property
    def contract(self) -> DataFrameSchema:
        """What a frame must satisfy."""
        ...


def market_data_asset(
    deployment: Deployment, kind: CollectedKind, vendor: str, take: Callable[[date], pl.DataFrame | None], **metadata: Any
) -> dg.AssetsDefinition:
    """The asset of one kind.

    Parameters
    ----------
    vendor
        Whose data they are, for people.
    take
        Asks the vendor for a session; None where that can't be done any more, since the data exist for now only: what was taken before is kept.
    metadata
        Of each delivery, beside the number of its defects.
    """
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
        taken = take(session)
        if taken is None:
            warehouse = deployment.warehouse
            kept = warehouse.exists(kind.asset, session)
            context.add_output_metadata({"taken": "before; kept" if kept else "never: it can be taken only before the next session opens"})
            return warehouse.read(kind.asset, [session]) if kept else kind.schema.to_frame()
        frame = kind.contract.validate(taken)
        told: Mapping[str, Any] = {**metadata, "defects": frame["defects"].count()}
        context.add_output_metadata(told)
        return frame

    said = f"{kind.name.replace('_', ' ').capitalize()} of a session from {vendor}, known at its close; each delivery that differs is kept."
    return node.asset(deployment, description=said)(collected)
