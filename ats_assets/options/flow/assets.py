"""Option flow as assets: as delivered, and screened; only where the settings name a source, and one session after the other, since trades in dark pools are many."""

from collections.abc import Iterator

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.intraday.refused_ticks import Screened, ScreenedVintages
from ats_assets.options.flow.choosing import flow_plugin, flow_source
from ats_assets.options.flow.contracts import OptionFlow, RawOptionFlow, RejectedOptionFlow
from ats_assets.options.flow.flow_screening import FLOW_NO_FAULT, screen_flow
from ats_assets.options.flow.flow_source import require_flow
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.partitions import Reads, partitions_of, sessions_of
from ats_assets.orchestration.streaming import SessionRows, Streamed, vintages_of_delivery
from ats_assets.sources.contracts import require, schema_violations

GROUP, DELIVERIES = "options", "deliveries"
DELIVERY, ACCEPTED, REJECTED = "raw_option_flow", "option_flow", "rejected_option_flow"
_KINDS = frozenset({"parquet", "polars"})


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The flow; nothing without `[option_flow.source]`."""
    return [_delivered(deployment), _screened(deployment)] if deployment.settings.option_flow.has_flow else []


def _delivered(deployment: Deployment) -> dg.AssetsDefinition:
    plugin, own = flow_plugin(deployment)
    node = Node(
        name=DELIVERY,
        group=DELIVERIES,
        kinds=_KINDS,
        contract=RawOptionFlow,
        code=(_delivered, plugin.make),
        settings=(plugin.flow_follows(own), deployment.settings.calendar.without_closings()),
        vintages=True,
    )

    @node.asset(deployment)
    def raw_option_flow(context: dg.AssetExecutionContext) -> Streamed:
        """Alerts of unusual trades, trades in dark pools and greek exposure of a session as delivered, defects included. A delivery that differs is kept beside it as a new vintage."""
        sessions = sessions_of(context.partition_keys)
        source = flow_source(deployment)
        require_flow(source, sessions)
        context.add_output_metadata({"source": dg.MetadataValue.md(f"```\n{source.describe()}\n```")})
        return Streamed(parts=(SessionRows(session=day, rows=source.flow(day), known=source.known_at(day)) for day in sessions))

    return raw_option_flow


def _screened(deployment: Deployment) -> dg.AssetsDefinition:
    flow, calendar = deployment.settings.option_flow, deployment.settings.calendar.without_closings()
    common = {
        "group": GROUP,
        "kinds": _KINDS | {"pandera"},
        "reads": (Reads(asset=DELIVERY),),
        "code": (_screened,),
        "settings": (calendar, flow.screened),
    }
    accepted, others = Node(name=ACCEPTED, contract=OptionFlow, **common), Node(name=REJECTED, contract=RejectedOptionFlow, **common)
    said = "The flow of a session that satisfies the contract, sorted by symbol, kind and the time from which it was known."
    of_rest = "The rows that do not, each with every reason that applies. With `option_flow` they make up the delivery."

    def screen(raw: pl.DataFrame) -> Screened:
        kept, rest = screen_flow(raw, deployment.calendar)
        require(schema_violations(OptionFlow, kept))
        return Screened(accepted=kept, rejected=rest)

    @dg.multi_asset(
        name=ACCEPTED,
        outs={
            ACCEPTED: dg.AssetOut.from_spec(accepted.spec(deployment, said)),
            REJECTED: dg.AssetOut.from_spec(others.spec(deployment, of_rest)),
        },
        deps=accepted.deps(),
        partitions_def=partitions_of(deployment),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def option_flow(context: dg.AssetExecutionContext) -> Iterator[dg.Output[Streamed]]:
        sessions = sessions_of(context.partition_keys)
        made = ScreenedVintages(
            lambda days: vintages_of_delivery(deployment, accepted, days),
            screen,
            limit=flow.max_rejected_share,
            no_fault=FLOW_NO_FAULT,
        )
        yield dg.Output(Streamed(parts=made.accepted(sessions)), output_name=ACCEPTED)
        reasons = {"reasons": dg.MetadataValue.md(made.table())}
        yield dg.Output(Streamed(parts=made.rejected(sessions)), output_name=REJECTED, metadata=reasons)

    return option_flow
