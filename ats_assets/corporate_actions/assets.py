"""Assets of the stage corporate_actions: validated actions, and quarantined ones."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from ats_assets.corporate_actions.contracts import CorporateActions, RejectedActions
from ats_assets.corporate_actions.schema import KNOWN_SCHEMAS
from ats_assets.corporate_actions.screening import CLOSE_SESSIONS, screen_actions
from ats_assets.deployment import Deployment
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.partitions import Reads, session_partitions, sessions_of
from ats_assets.orchestration.reading import VintageRows, screened
from ats_assets.sources.contracts import require, schema_violations

GROUP = "bars"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets."""
    return [_actions(deployment)]


def _actions(deployment: Deployment) -> dg.AssetsDefinition:
    common = {
        "group": GROUP,
        "kinds": frozenset({"parquet", "polars", "pandera"}),
        "reads": (Reads(asset="raw_corporate_actions"), Reads(asset="bars", back=CLOSE_SESSIONS, lag=1)),
        "code": (_actions,),
        "settings": (deployment.settings.calendar.without_closings(), deployment.settings.knowledge),
    }
    accepted = Node(name="corporate_actions", contract=CorporateActions, **common)
    set_aside = Node(name="rejected_corporate_actions", contract=RejectedActions, **common)
    said = "The corporate actions that satisfy the contract, under the session at whose open they take effect."
    said_of_rest = "The actions that do not, each with every reason that applies. With `corporate_actions` it makes up the delivery."

    def make(raw_corporate_actions: pl.DataFrame, bars: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        kept, rejected = screen_actions(raw_corporate_actions, bars, deployment.calendar)
        require(schema_violations(CorporateActions, kept))
        return kept, rejected

    @dg.multi_asset(
        name="corporate_actions",
        outs={
            "corporate_actions": dg.AssetOut.from_spec(accepted.spec(deployment, said)),
            "rejected_corporate_actions": dg.AssetOut.from_spec(set_aside.spec(deployment, said_of_rest)),
        },
        deps=accepted.deps(),
        partitions_def=session_partitions(deployment.calendar),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def corporate_actions(context: dg.AssetExecutionContext) -> Iterator[dg.Output[list[VintageRows]]]:
        kept, rejected = screened(deployment, accepted, sessions_of(context.partition_keys), KNOWN_SCHEMAS, make)
        kinds = dict(kept[0].rows["kind"].value_counts(sort=True).iter_rows())
        yield dg.Output(kept, output_name="corporate_actions", metadata={"kinds": dg.MetadataValue.json(kinds)})
        yield dg.Output(rejected, output_name="rejected_corporate_actions", metadata={"rejected": rejected[0].rows.height})

    return corporate_actions
