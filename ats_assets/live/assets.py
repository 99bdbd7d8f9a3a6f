"""Assets of the session loop: what it decided, and what it watched. Records, made after the close; only where `live.enabled` says so."""

from collections.abc import Callable

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.events.choosing import traded_model
from ats_assets.live.monitors import FRAMES, decisions_frame
from ats_assets.live.recorded import empty_of, recorded_session
from ats_assets.live.schema import MONITORS, LiveDecisions
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.partitions import Reads, sessions_of

GROUP = "orders"
POOL = "trading"
DECISIONS = "live_decisions"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: none without `live.enabled`."""
    live = deployment.settings.live
    if not live.enabled:
        return []
    return [_decisions(deployment), *(_monitor(deployment, name) for name in live.monitors)]


def _node(name: str, contract: type, code: Callable[..., object], deployment: Deployment) -> Node:
    traded = traded_model(deployment) if deployment.settings.live.events.enabled else None
    return Node(
        name=name,
        group=GROUP,
        kinds=frozenset({"parquet", "sql"}),
        reads=(Reads(asset="account"), *([Reads(asset=traded.predictions)] if traded is not None and name == DECISIONS else [])),
        contract=contract,
        code=(code,),
        settings=(deployment.settings.live.model_copy(update={"enabled": True, "start": False}),),
        record=True,
    )


def _decisions(deployment: Deployment) -> dg.AssetsDefinition:
    node = _node(DECISIONS, LiveDecisions, _decisions, deployment)

    @node.asset(deployment, deps=node.deps(), pool=POOL)
    def live_decisions(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """What the session loop decided, each before it was acted upon; `as_decided` decides it again from the stored market."""
        (session,) = sessions_of(context.partition_keys)
        one = recorded_session(deployment, session)
        made = empty_of(LiveDecisions) if one is None else decisions_frame(session, one.decided)
        counts = dict(made.group_by("what").len().sort("what").iter_rows())
        context.add_output_metadata({"decisions": made.height, **counts})
        return made

    return live_decisions


def _monitor(deployment: Deployment, name: str) -> dg.AssetsDefinition:
    contract, frame = MONITORS[name], FRAMES[name]
    node = _node(f"live_{name}", contract, _monitor, deployment)
    description = f"{(contract.__doc__ or '').rstrip('.')}, as the session loop has watched it."

    @node.asset(deployment, deps=node.deps(), pool=POOL, description=description)
    def watched_frame(context: dg.AssetExecutionContext) -> pl.DataFrame:
        (session,) = sessions_of(context.partition_keys)
        one = recorded_session(deployment, session)
        return empty_of(contract) if one is None else frame(one)

    return watched_frame
