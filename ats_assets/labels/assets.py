"""Assets of the stage labels: outcomes of decisions, stored when they became known."""

from collections.abc import Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.corporate_actions.adjustment import adjustments
from ats_assets.corporate_actions.identity import REPEAT_DAYS, identities_of
from ats_assets.corporate_actions.schema import KNOWN_SCHEMAS
from ats_assets.deployment import Deployment
from ats_assets.labels.methods.forward_returns import forward_returns as returns_known_at
from ats_assets.labels.methods.forward_returns import lookback_sessions
from ats_assets.labels.schema import ForwardReturns
from ats_assets.orchestration.graph import Node, window_sessions
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.reading import as_known

GROUP = "labels"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets."""
    settings = deployment.settings.labels
    back = lookback_sessions(settings)
    names = REPEAT_DAYS + 1 if deployment.tells_name_changes else 0
    node = Node(
        name="forward_returns",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=(Reads(asset="bars", back=back), Reads(asset="corporate_actions", back=back - 2 + names)),
        contract=ForwardReturns,
        code=(assets,),
        settings=(settings, deployment.settings.actions, deployment.settings.knowledge),
    )

    def make(sessions: Sequence[date], bars: pl.DataFrame, corporate_actions: pl.DataFrame) -> pl.DataFrame:
        calendar = deployment.known(window_sessions(deployment.calendar, sessions, back))
        known = identities_of(corporate_actions)
        bars = known.named(bars)
        factors = adjustments(known.of_actions(corporate_actions), bars, deployment.settings.actions.adjust)
        return returns_known_at(bars, calendar, sessions, settings, factors)

    @node.asset(deployment, deps=node.deps())
    def forward_returns(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """Returns from the open after a decision to the open some sessions later, raw and ranked, stored at the session at which they become known."""
        return as_known(deployment, node, sessions_of(context.partition_keys), KNOWN_SCHEMAS, make)

    return [forward_returns]
