"""Assets of the stage features: one table for each family."""

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.features import ALPHA158, compute, lookback
from ats_assets.features.schema import ALPHA158_CONTRACT
from ats_assets.graph import Node, window_sessions
from ats_assets.partitions import Reads, sessions_of

GROUP = "features"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets."""
    back = lookback(ALPHA158)
    node = Node(
        name="alpha158",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=(Reads(asset="bars", back=back),),
        contract=ALPHA158_CONTRACT,
        code=("ats_assets.expressions", "ats_assets.features"),
    )

    @node.asset(deployment, ins=node.ins())
    def alpha158(context: dg.AssetExecutionContext, bars: pl.DataFrame) -> pl.DataFrame:
        """Qlib's 158 price and volume factors, one row a symbol, from the 61 sessions that end at the partition."""
        sessions = sessions_of(context.partition_keys)
        calendar = deployment.known(window_sessions(deployment.calendar, sessions, back))
        return compute(bars, ALPHA158, sessions=calendar, since=sessions[0])

    return [alpha158]
