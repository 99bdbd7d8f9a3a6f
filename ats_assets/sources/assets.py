"""Assets of the stage sources: bars and corporate actions as delivered, defects included."""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.memory_blocks import delivered_in_blocks
from ats_assets.orchestration.partitions import sessions_of
from ats_assets.sources.contracts import RAW_ACTIONS, RAW_BARS, of_vendors
from ats_assets.sources.profiling import profiles
from ats_assets.sources.source import BarSource

GROUP = "deliveries"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets."""
    return [_raw_bars(deployment), _raw_actions(deployment)]


def _raw_bars(deployment: Deployment) -> dg.AssetsDefinition:
    settings, plugin = deployment.settings, deployment.source_plugin
    node = Node(
        name="raw_bars",
        group=GROUP,
        kinds=frozenset({"parquet", "polars", "greatexpectations"}),
        contract=of_vendors(RAW_BARS) if plugin.names_vendors else RAW_BARS,
        code=(_raw_bars, *plugin.code),
        settings=(plugin.bars_follow(deployment.source_settings), settings.calendar.without_closings()),
        vintages=True,
    )

    @node.asset(deployment)
    def raw_bars(context: dg.AssetExecutionContext) -> Any:
        """The bars of a session as delivered, defects included. A delivery that differs from the last one is kept beside it as a new vintage."""
        sessions = sessions_of(context.partition_keys)
        source = deployment.source
        _require_delivered(source, sessions)
        delivered = delivered_in_blocks(
            deployment, sessions, lambda days: _delivered(deployment, node, days, source.bars, alone=len(sessions) == 1)
        )
        if settings.bars.profile and isinstance(delivered, pl.DataFrame):
            deployment.of(profiles).begin(sessions, delivered)
        context.add_output_metadata({"source": dg.MetadataValue.md(f"```\n{source.describe()}\n```")})
        return delivered

    return raw_bars


def _delivered(
    deployment: Deployment,
    node: Node,
    sessions: Sequence[date],
    ask: Callable[[Sequence[date]], pl.DataFrame],
    *,
    again: int = 0,
    alone: bool = False,
) -> pl.DataFrame:
    """What the source answers for the sessions. Over a range, a server is not asked for what it has delivered already, to this code and these settings; for a single session it is.

    Parameters
    ----------
    again
        The source's latest session and so many before it are asked for in any case.
    alone
        Whether it is a single session that is made.
    """
    source, warehouse = deployment.source, deployment.warehouse
    if not source.capabilities.remote or alone:
        return ask(sessions)
    late = set(deployment.calendar.window(source.latest_session(), again + 1)) if again else set()
    stored = [day for day in sessions if day not in late and _is_stored(deployment, node, day)]
    frames = [warehouse.read(node.name, stored)] if stored else []
    asked = sorted(set(sessions) - set(stored))
    return pl.concat([*frames, ask(asked)]).sort("session", "symbol", maintain_order=True) if asked else frames[0]


def _is_stored(deployment: Deployment, node: Node, session: date) -> bool:
    warehouse = deployment.warehouse
    if not warehouse.exists(node.name, session) or warehouse.fault(warehouse.path(node.name, session)):
        return False
    footer = warehouse.footer(node.name, session)
    return (footer.code_version, footer.settings_version) == (node.code_version, node.settings_version)


def _require_delivered(source: BarSource, sessions: Sequence[date]) -> None:
    first, latest = source.first_session(), source.latest_session()
    if sessions[0] < first or sessions[-1] > latest:
        raise SourceError(
            f"the source ({source.name}) has bars from {first} to {latest}, but {sessions[0]} to {sessions[-1]} was asked for: choose sessions it has"
        )


def _raw_actions(deployment: Deployment) -> dg.AssetsDefinition:
    settings, plugin = deployment.settings, deployment.source_plugin
    node = Node(
        name="raw_corporate_actions",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        contract=of_vendors(RAW_ACTIONS) if plugin.names_vendors else RAW_ACTIONS,
        code=(_raw_actions, *plugin.code),
        settings=(plugin.actions_follow(deployment.source_settings), settings.calendar.without_closings()),
        vintages=True,
    )

    @node.asset(deployment)
    def raw_corporate_actions(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """The splits, dividends and other actions with this ex-session as delivered. A delivery that differs from the last one is kept as a new vintage."""
        sessions = sessions_of(context.partition_keys)
        _require_delivered(deployment.source, sessions)
        return _delivered(
            deployment, node, sessions, deployment.source.actions, again=settings.source.actions_again_sessions, alone=len(sessions) == 1
        )

    return raw_corporate_actions
