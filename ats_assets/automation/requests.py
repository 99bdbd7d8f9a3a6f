"""Runs that are asked for: once for each delivery, code and settings."""

from collections.abc import Sequence
from datetime import date

import dagster as dg

from ats_assets.deployment import Deployment
from ats_assets.features.choosing import families
from ats_assets.orchestration.graph import asset_key
from ats_assets.orchestration.offered import not_offered
from ats_assets.storage.versions import code_version, settings_version

RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"

CODE = tuple(
    f"ats_assets.{stage}"
    for stage in (
        "bars",
        "corporate_actions",
        "evaluation",
        "expressions",
        "features",
        "kernels",
        "labels",
        "models",
        "portfolio",
        "predictions",
        "risk",
        "sources",
        "strategies",
    )
)
REQUEST = "ats/request"
"""Tag of a requested run: what it is asked for, and from which delivery, code and settings. Retries and re-executions keep it."""
REMARK = "ats/remark"
"""Tag of a requested run: what its source says of the clock by which the session has closed."""
MAX_REPEATS = 3
"""How often the same request may succeed and yet be due again (a partition was deleted, a delivery was taken back) before the sensor asks a person."""


def range_tags(sessions: Sequence[date]) -> dict[str, str]:
    """The tags that make one run of a range of sessions."""
    return {RANGE_START: sessions[0].isoformat(), RANGE_END: sessions[-1].isoformat()}


def request_of(deployment: Deployment, job: str, sessions: Sequence[date], delivery: str = "") -> str:
    """What a run is asked for: job and sessions, and from which delivery, code and settings."""
    formulas = {f"{family.name}.{name}": text for family in deployment.of(families).values() for name, text in family.expressions.items()}
    made_by = f"{code_version(*CODE, formulas=formulas)[:8]}{settings_version(deployment.settings)[:8]}"
    return ":".join(filter(None, [job, *dict.fromkeys([str(sessions[0]), str(sessions[-1])]), delivery[:16], made_by]))


def run_request(
    deployment: Deployment, job: str, sessions: Sequence[date], request: str, *, run_key: str, assets: Sequence[str] = ()
) -> dg.RunRequest:
    """The run of a request: of one session, or of a range; of some assets of its job, or (none) of all."""
    tags = {REQUEST: request} | (range_tags(sessions) if len(sessions) > 1 else {})
    key = sessions[0].isoformat() if len(sessions) == 1 else None
    selection = [asset_key(deployment, name) for name in assets] or None
    return dg.RunRequest(run_key=run_key, partition_key=key, job_name=job, tags=tags, asset_selection=selection)


def asked_once(
    deployment: Deployment, instance: dg.DagsterInstance, job: str, sessions: Sequence[date], request: str, *, assets: Sequence[str] = ()
) -> dg.RunRequest | dg.SkipReason:
    """The run, unless a session came after this process had started, or the newest run of the same request failed: it would fail again, and retries after a crash are Dagster's."""
    if why := not_offered(deployment, sessions):
        return dg.SkipReason(why)
    finished = [run for run in instance.get_runs(dg.RunsFilter(tags={REQUEST: request})) if run.is_finished]
    what = f"{job} of {sessions[-1] if sessions else ', '.join(assets)}"
    if finished and not finished[0].is_success:
        return dg.SkipReason(
            f"{what} failed (run {finished[0].run_id}), and delivery, code and settings are still the same: see the run's log, and "
            "re-execute it when the cause is gone; another delivery, code or setting starts it by itself"
        )
    if len(finished) >= MAX_REPEATS:
        return dg.SkipReason(
            f"{what} has succeeded {len(finished)} times with the same delivery (last: run {finished[0].run_id}) and is due again: "
            f"something removes or replaces partitions of {sessions[-1] if sessions else ', '.join(assets)}; launch {job} by hand when it has stopped"
        )
    return run_request(deployment, job, sessions, request, run_key=f"{request}:{len(finished)}", assets=assets)
