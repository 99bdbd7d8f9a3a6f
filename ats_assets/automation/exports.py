"""The sensor that brings what is stored to the stores that settings name: the newest sessions at each tick, older ones in turn."""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta

import dagster as dg

from ats_assets.automation.jobs import AT_WORK, AssetJob, concerns
from ats_assets.automation.requests import REQUEST, run_request
from ats_assets.deployment import Deployment
from ats_assets.errors import ExportError
from ats_assets.exports.choosing import NamedExport, exported_tables, exports
from ats_assets.exports.comparing import differences_of_store
from ats_assets.exports.exported_partitions import is_to_have, own_path, sessions_of_all, stored_version, with_vintages
from ats_assets.exports.schema import EXPORTS
from ats_assets.lineage.rules import contiguous
from ats_assets.orchestration.graph import prefixed
from ats_assets.orchestration.offered import not_offered

LOOKED_AT = 63
"""Sessions that a tick looks at: so many of the newest, and so many older ones, so that a tick's time does not grow with history."""
LONGEST_WAIT = timedelta(hours=1)
"""Between two tries of what failed."""


def export_sensor(deployment: Deployment, job: AssetJob) -> dg.SensorDefinition:
    """Asks for exports of what is stored and not exported yet, or was rebuilt since."""

    @dg.sensor(
        name=prefixed(deployment, "export_sensor"),
        description="Exports sessions that are stored and not exported, or were rebuilt since; what fails is tried again, less and less often.",
        jobs=[job],
        minimum_interval_seconds=deployment.settings.automation.poll_seconds,
    )
    def export(context: dg.SensorEvaluationContext) -> dg.SensorResult:
        turn = int(context.cursor or 0)
        found = list(due_runs(deployment, context.instance, datetime.now(UTC), turn))
        runs = [one for one in found if isinstance(one, dg.RunRequest)]
        reasons = [one.skip_message or "" for one in found if isinstance(one, dg.SkipReason)]
        reason = None if runs else dg.SkipReason("; ".join(reasons) or "all that is stored is exported")
        return dg.SensorResult(run_requests=runs, skip_reason=reason, cursor=str(turn + 1))

    return export


def due_runs(deployment: Deployment, instance: dg.DagsterInstance, now: datetime, turn: int) -> Iterator[dg.RunRequest | dg.SkipReason]:
    """For each export that has something to do the run that is due, or why not yet.

    Parameters
    ----------
    turn
        Counts the ticks: which of the older sessions are looked at.
    """
    deployment.refresh_calendar()
    at_work = [run for run in instance.get_runs(dg.RunsFilter(statuses=AT_WORK)) if concerns(deployment, run)]
    if at_work:  # what it makes together would be exported in part
        yield dg.SkipReason(f"{at_work[0].job_name} is running: run {at_work[0].run_id}")
        return
    for one in deployment.of(exports).values():
        try:
            sessions = due_sessions(deployment, one, turn) or lost_sessions(deployment, one)
        except ExportError as error:
            yield dg.SkipReason(f"exports.{one.name}: {error}")
            continue
        if sessions:
            yield not_yet(deployment, sessions) or _asked(deployment, instance, now, one, sessions)


def due_sessions(deployment: Deployment, one: NamedExport, turn: int) -> list[date]:
    """Neighbouring sessions that are to be exported, the newest ones first; of those that a tick looks at."""
    kept = one.store.kept(sessions_of_all(deployment, one.assets))
    older = kept[:-LOOKED_AT]
    parts = -(-len(older) // LOOKED_AT)
    first = (turn % parts) * LOOKED_AT if parts else 0
    for looked_at in (kept[-LOOKED_AT:], older[first : first + LOOKED_AT]):
        due = [session for session in looked_at if not is_exported(deployment, one, session)]
        if due:
            return contiguous(due, deployment.calendar, LOOKED_AT)[-1]
    return []


def lost_sessions(deployment: Deployment, one: NamedExport) -> list[date]:
    """The newest sessions, where the store does not hold the newest one as it was exported: it was emptied, or is that of a backup.

    Raises
    ------
    ExportError
        If the store can't be asked.
    """
    kept = one.store.kept(sessions_of_all(deployment, one.assets))
    if not kept or not is_exported(deployment, one, kept[-1]):
        return []
    with one.store.connected() as connection:
        found = differences_of_store(deployment, connection, exported_tables(deployment, one), kept[-1])
    return contiguous(kept, deployment.calendar, LOOKED_AT)[-1] if found else []


def is_exported(deployment: Deployment, one: NamedExport, session: date) -> bool:
    """Whether the export of a session was made of what is stored now."""
    warehouse, key = deployment.warehouse, session.isoformat()
    if not warehouse.exists(one.asset, session):
        return False
    upstream = warehouse.footer(one.asset, session).upstream
    for asset in one.assets:
        if not is_to_have(deployment, asset, session):
            continue
        if upstream.get(asset, {}).get(key) != warehouse.footer_of(own_path(deployment, asset, session)).data_version:
            return False
        several = len(warehouse.stamps(asset, session)) if with_vintages(deployment, asset) else 0
        if several > 1:
            rows = warehouse.read(one.asset, [session], ["asset", "vintages"])
            if dict(rows.iter_rows()).get(asset) != several:
                return False
    return True


def not_yet(deployment: Deployment, sessions: Sequence[date]) -> dg.SkipReason | None:
    """Why sessions can't be asked for, if so."""
    why = not_offered(deployment, sessions)
    return dg.SkipReason(why) if why else None


def _asked(
    deployment: Deployment, instance: dg.DagsterInstance, now: datetime, one: NamedExport, sessions: Sequence[date]
) -> dg.RunRequest | dg.SkipReason:
    """The run, unless it failed a moment ago."""
    job = prefixed(deployment, EXPORTS)
    taken = [(asset, day) for day in sessions for asset in one.assets if is_to_have(deployment, asset, day)]
    versions = "".join(stored_version(deployment, asset, day) for asset, day in taken)
    request = f"{job}:{one.name}:{sessions[0]}:{sessions[-1]}:{hashlib.sha256(versions.encode()).hexdigest()[:16]}"
    tried = [record for record in instance.get_run_records(dg.RunsFilter(tags={REQUEST: request})) if record.dagster_run.is_finished]
    if tried:
        ended = datetime.fromtimestamp(tried[0].end_time or tried[0].update_timestamp.timestamp(), UTC)
        again = ended + min(LONGEST_WAIT, timedelta(minutes=2 ** min(len(tried) - 1, 10)))
        if again > now:
            return dg.SkipReason(
                f"exports.{one.name} was tried {len(tried)} times, last in run {tried[0].dagster_run.run_id}: again at {again:%H:%M}"
            )
    return run_request(deployment, job, sessions, request, run_key=f"{request}:{len(tried)}", assets=[one.asset])
