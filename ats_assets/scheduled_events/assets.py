"""Assets of the stage scheduled_events: the schedule as it stood at each close as delivered, and screened; only where the settings name a source."""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.partitions import Reads, partitions_of, sessions_of
from ats_assets.orchestration.reading import VintageRows, screened
from ats_assets.orchestration.streaming import SessionRows, Streamed
from ats_assets.scheduled_events.choosing import event_plugin, event_source
from ats_assets.scheduled_events.contracts import RawScheduledEvents, RejectedScheduledEvents, ScheduledEvents
from ats_assets.scheduled_events.event_schedule import days_asked, schedule_at, schedule_known
from ats_assets.scheduled_events.event_source import EventSource
from ats_assets.scheduled_events.schema import RAW_SCHEDULED, REJECTED_SCHEDULED, SCHEDULED
from ats_assets.scheduled_events.screening import screen_events
from ats_assets.settings import Section
from ats_assets.sources.contracts import of_vendors, require, schema_violations
from ats_assets.sources.schema import VENDOR_SCHEMA
from ats_assets.storage.knowledge import time_of

GROUP, DELIVERIES = "bars", "deliveries"
_KINDS = frozenset({"parquet", "polars"})


class ScheduleGrace(Section):
    """What of `[knowledge]` a schedule depends on: until when a session knows."""

    grace_hours: float


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: none without `[scheduled_events.source]`."""
    return [_delivered(deployment), _screened(deployment)] if deployment.settings.scheduled_events.has_events else []


def _delivered(deployment: Deployment) -> dg.AssetsDefinition:
    plugin, own = event_plugin(deployment)
    settings = deployment.settings
    node = Node(
        name=RAW_SCHEDULED,
        group=DELIVERIES,
        kinds=_KINDS,
        contract=of_vendors(RawScheduledEvents.to_schema()) if plugin.names_vendors else RawScheduledEvents,
        code=(_delivered, plugin.make),
        settings=(
            plugin.events_follow(own),
            ScheduleGrace(grace_hours=settings.knowledge.grace_hours),
            settings.calendar.without_closings(),
        ),
        vintages=True,
    )

    @node.asset(deployment)
    def raw_scheduled_events(context: dg.AssetExecutionContext) -> Streamed:
        """The schedule of events as it stood at the close of the session, defects included. A delivery that differs from the last one is kept beside it as a new vintage."""
        sessions = sessions_of(context.partition_keys)
        source = event_source(deployment)
        kept = _stored_for_good(deployment, node, source, sessions)
        asked = [day for day in sessions if day not in kept]
        told = source.told(*days_asked(asked)) if asked else None
        context.add_output_metadata({"source": dg.MetadataValue.md(f"```\n{source.describe()}\n```")})
        return Streamed(parts=(_of_session(deployment, day, told, kept.get(day), remote=source.remote) for day in sessions))

    return raw_scheduled_events


def _of_session(deployment: Deployment, session: date, told: pl.DataFrame | None, stored: datetime | None, *, remote: bool) -> SessionRows:
    """The schedule of a session: as it is stored, where that is for good, else of what is told. A server that tells what is so now told it now."""
    if stored is not None or told is None:
        return SessionRows(session=session, rows=deployment.warehouse.read(RAW_SCHEDULED, [session]), known=stored)
    rows = schedule_at(told, session, deployment.knowledge.deadline(session))
    require(schema_violations(RawScheduledEvents, rows.drop(VENDOR_SCHEMA.names(), strict=False)))
    known = schedule_known(rows, deployment.calendar.closes_at(session))
    return SessionRows(session=session, rows=rows, known=max(known, datetime.now(UTC)) if remote else known)


def _stored_for_good(deployment: Deployment, node: Node, source: EventSource, sessions: Sequence[date]) -> dict[date, datetime]:
    """Of a server that tells what is so now alone: the sessions whose schedule is stored, and can't be known better any more; with the time from which each is known."""
    warehouse, now = deployment.warehouse, datetime.now(UTC)
    found: dict[date, datetime] = {}
    for day in sessions if source.remote else ():
        stamps = warehouse.stamps(node.name, day)
        if not stamps or deployment.knowledge.deadline(day) > now or warehouse.fault(warehouse.path(node.name, day)):
            continue
        if warehouse.footer(node.name, day).settings_version == node.settings_version:
            found[day] = time_of(stamps[-1])
    return found


def _screened(deployment: Deployment) -> dg.AssetsDefinition:
    common = {
        "group": GROUP,
        "kinds": _KINDS | {"pandera"},
        "reads": (Reads(asset=RAW_SCHEDULED),),
        "code": (_screened,),
        "settings": (deployment.settings.calendar.without_closings(),),
    }
    accepted = Node(name=SCHEDULED, contract=ScheduledEvents, **common)
    others = Node(name=REJECTED_SCHEDULED, contract=RejectedScheduledEvents, **common)
    said = "The events of the schedule that satisfy the contract, as it stood at the close of the session: earnings, meetings, with their days."
    of_rest = "The rows that do not, each with every reason that applies. With `scheduled_events` they make up the delivery."

    def make(raw_scheduled_events: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
        kept, rejected = screen_events(raw_scheduled_events.drop(VENDOR_SCHEMA.names(), strict=False))
        require(schema_violations(ScheduledEvents, kept))
        return kept, rejected

    @dg.multi_asset(
        name=SCHEDULED,
        outs={
            SCHEDULED: dg.AssetOut.from_spec(accepted.spec(deployment, said)),
            REJECTED_SCHEDULED: dg.AssetOut.from_spec(others.spec(deployment, of_rest)),
        },
        deps=accepted.deps(),
        partitions_def=partitions_of(deployment),
        backfill_policy=dg.BackfillPolicy.single_run(),
    )
    def scheduled_events(context: dg.AssetExecutionContext) -> Iterator[dg.Output[list[VintageRows]]]:
        kept, rejected = screened(deployment, accepted, sessions_of(context.partition_keys), {}, make)
        kinds = dict(kept[0].rows["kind"].value_counts(sort=True).iter_rows())
        yield dg.Output(kept, output_name=SCHEDULED, metadata={"kinds": dg.MetadataValue.json(kinds)})
        yield dg.Output(rejected, output_name=REJECTED_SCHEDULED, metadata={"rejected": rejected[0].rows.height})

    return scheduled_events
