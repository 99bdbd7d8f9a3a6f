"""Jobs, schedules and sensors."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import dagster as dg
from dagster._core.definitions.unresolved_asset_job_definition import UnresolvedAssetJobDefinition as AssetJob

from ats_assets.automation.healing import Healing, rules_of
from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError, SettingsError, SourceError
from ats_assets.execution.closings import learn_closings
from ats_assets.features.choosing import families, model_families
from ats_assets.lineage import Rules
from ats_assets.models.refits import is_refit_session, last_refit
from ats_assets.orchestration.graph import asset_key, asset_name, prefixed
from ats_assets.sources import BarSource
from ats_assets.sources.last_asked import ACTIONS, LastAsked, ask, glance, stored_answer, unchanged
from ats_assets.storage.artefacts import ModelStore
from ats_assets.storage.versions import code_version, settings_version
from ats_assets.storage.warehouse import MADE_TOGETHER, VINTAGES_OF, Upstream, Warehouse

LATE = "late_actions"
"""The job that makes the corporate actions of an earlier session again."""
RANGE_START, RANGE_END = "dagster/asset_partition_range_start", "dagster/asset_partition_range_end"

CODE = tuple(
    f"ats_assets.{stage}"
    for stage in (
        "bars",
        "corporate_actions",
        "evaluation",
        "expressions",
        "features",
        "labels",
        "models",
        "portfolio",
        "predictions",
        "sources",
        "strategies",
    )
)
REQUEST = "ats/request"
"""Tag of a requested run: what it is asked for, and from which delivery, code and settings. Retries and re-executions keep it."""
REMARK = "ats/remark"
"""Tag of a requested run: what its source says of the clock by which the session has closed."""
GRAPH, MAIN = "ats/graph", "main"
"""Tag of the runs of this graph's jobs: its prefix, or `main` without one."""
AT_WORK = [dg.DagsterRunStatus[name] for name in ("QUEUED", "STARTING", "STARTED", "CANCELING")]
HEALED_AT_ONCE = 126
"""Sessions in one run of what is stale."""
MAX_REPEATS = 3
"""How often the same request may succeed and yet be due again (a partition was deleted, a delivery was taken back) before the sensor asks a person."""

COLLECTED = "market_data"
"""The group, the job and (with _schedule) the schedule of what is collected beside daily bars."""


def jobs(deployment: Deployment) -> dict[str, AssetJob]:
    """The jobs by name, without the graph's prefix; all run in one process, since a step's own process costs more than most steps."""

    def assets(*names: str) -> dg.AssetSelection:
        return dg.AssetSelection.assets(*(asset_key(deployment, name) for name in names))

    # The features that no model uses belong to the daily job, and the labels, on which probabilities are calibrated. No model does: a signal never
    # waits for tonight's fit.
    daily = (assets("signals").upstream() | dg.AssetSelection.groups(prefixed(deployment, "features"))) - assets(*deployment.models)
    reports = assets("backtest", "backtest_report")
    made = {
        "history": (
            dg.AssetSelection.all() - reports - dg.AssetSelection.groups(prefixed(deployment, "orders"), prefixed(deployment, COLLECTED)),
            "Everything but orders and collected market data with partitions, over a range of sessions.",
        ),
        "daily_signals": (
            daily.required_multi_asset_neighbors(),
            "A new session: raw bars to signals, with the model of the session before.",
        ),
        "nightly_retraining": (
            assets("forward_returns", *deployment.models, "skill"),
            "New labels, the active model, and skill.",
        ),
        LATE: (
            assets("raw_corporate_actions", *MADE_TOGETHER[1].split(",")),
            "The corporate actions of an earlier session, which were announced late or corrected.",
        ),
        "backtest_reports": (reports, "The backtest over all sessions so far, and its report."),
    }
    tags = {GRAPH: deployment.settings.graph.prefix or MAIN}
    how = {"executor_def": dg.in_process_executor, "tags": tags}
    return {
        name: dg.define_asset_job(prefixed(deployment, name), selection=selection, description=text, **how)
        for name, (selection, text) in made.items()
    }


def concerns(deployment: Deployment, run: dg.DagsterRun) -> bool:
    """Whether a run is one of this graph's, where an instance has several: by its job's tag, or by its assets where a person chose them."""
    if GRAPH in run.tags or not run.asset_selection:
        return run.tags.get(GRAPH, MAIN) == (deployment.settings.graph.prefix or MAIN)
    return any(key == asset_key(deployment, asset_name(key)) for key in run.asset_selection)


def range_tags(sessions: Sequence[date]) -> dict[str, str]:
    """The tags that make one run of a range of sessions."""
    return {RANGE_START: sessions[0].isoformat(), RANGE_END: sessions[-1].isoformat()}


def newest_partition(deployment: Deployment, now: datetime) -> date | None:
    """The newest session that is a partition already: from midnight UTC after its date, when it has closed wherever the exchange is."""
    calendar = deployment.calendar
    yesterday = now.astimezone(UTC).date() - timedelta(days=1)
    return calendar.on_or_before(yesterday) if yesterday >= calendar.first else None


def untrained(deployment: Deployment, until: date) -> list[list[date]]:
    """The sessions up to `until` that have features and no model, as runs of neighbouring sessions.

    Features, not bars: where a blocking check failed there are bars, but nothing should be learned from them. A session that has become a refit session since the
    calendar changed has a model that was carried there: it counts as untrained.
    """
    stores = [deployment.model_store(name) for name in deployment.models]
    trained = set.intersection(*(set(store.sessions()) for store in stores))
    trained -= {day for day in trained if any(_is_carried_to_a_refit(deployment, store, day) for store in stores)}
    due: list[list[date]] = []
    for day in sorted(set.intersection(*(set(deployment.sessions(family)) for family in deployment.of(model_families)))):
        if day <= until and day not in trained:
            if due and deployment.calendar.position(day) == deployment.calendar.position(due[-1][-1]) + 1:
                due[-1].append(day)
            else:
                due.append([day])
    return due


def _is_carried_to_a_refit(deployment: Deployment, store: ModelStore, session: date) -> bool:
    calendar = deployment.calendar
    is_refit = calendar.is_session(session) and is_refit_session(calendar, session, deployment.settings.training.refit)
    return is_refit and store.read(session).status == "carried"


def needed_for_signals(deployment: Deployment, session: date) -> list[date]:
    """The sessions to train before the signals of `session` can be made, which need the model of the session before; none where it is there."""
    if session == deployment.calendar.first:
        return []
    before = deployment.calendar.offset(session, -1)
    stores = [deployment.model_store(name) for name in deployment.models]
    used = deployment.known([last_refit(deployment.calendar, before, deployment.settings.training.refit), before])
    missing = [day for day in used if any(not store.exists(day) or _is_carried_to_a_refit(deployment, store, day) for store in stores)]
    return deployment.calendar.sessions(missing[0], before) if missing else []


def is_current(deployment: Deployment, asset: str, session: date) -> bool:
    """Whether a partition, and all that it was made from of the same session, were made from what is stored now, as the session knows it; models apart."""
    warehouse = deployment.warehouse
    try:
        upstream = warehouse.footer(asset, session).upstream
        if asset in VINTAGES_OF:
            return _is_made_of_all(warehouse, asset, session, upstream)
        made_from = {
            name: versions[session.isoformat()]
            for name, versions in upstream.items()
            if name not in deployment.models and session.isoformat() in versions
        }
        return all(
            warehouse.footer(name, session).data_version == version and is_current(deployment, name, session)
            for name, version in made_from.items()
        )
    except MissingPartitionError:
        return False


def _is_made_of_all(warehouse: Warehouse, asset: str, session: date, upstream: Upstream) -> bool:
    """Whether there is a vintage for each of the delivery's, and the session's own is made of what is stored of that."""
    delivery, path = VINTAGES_OF[asset], warehouse.path(asset, session)
    if set(warehouse.made_vintages(asset, session)) != set(warehouse.stamps(delivery, session)):
        return False
    delivered = warehouse.folder(delivery, session) / path.name
    return upstream.get(delivery) == {session.isoformat(): warehouse.footer_of(delivered).data_version}


def _request(deployment: Deployment, job: str, sessions: Sequence[date], delivery: str = "") -> str:
    formulas = {f"{family.name}.{name}": text for family in deployment.of(families).values() for name, text in family.expressions.items()}
    made_by = f"{code_version(*CODE, formulas=formulas)[:8]}{settings_version(deployment.settings)[:8]}"
    return ":".join(filter(None, [job, *dict.fromkeys([str(sessions[0]), str(sessions[-1])]), delivery[:16], made_by]))


def _run_request(
    deployment: Deployment, job: str, sessions: Sequence[date], request: str, *, run_key: str, assets: Sequence[str] = ()
) -> dg.RunRequest:
    tags = {REQUEST: request} | (range_tags(sessions) if len(sessions) > 1 else {})
    key = sessions[0].isoformat() if len(sessions) == 1 else None
    selection = [asset_key(deployment, name) for name in assets] or None
    return dg.RunRequest(run_key=run_key, partition_key=key, job_name=job, tags=tags, asset_selection=selection)


def retraining_schedule(deployment: Deployment, job: AssetJob) -> dg.ScheduleDefinition:
    """Nightly retraining, in the exchange's time zone, on days with a session."""
    hour, minute = deployment.settings.automation.retrain_at.split(":")
    zone = str(deployment.calendar.timezone)

    @dg.schedule(
        job=job,
        name=prefixed(deployment, "nightly_retraining_schedule"),
        description="Trains every session that has features and no model yet: tonight's, and those that were delivered late.",
        cron_schedule=f"{int(minute)} {int(hour)} * * *",
        execution_timezone=zone,
    )
    def nightly_retraining_schedule(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest] | dg.SkipReason:
        now = context.scheduled_execution_time.astimezone(ZoneInfo(zone))
        deployment.refresh_calendar()
        newest = newest_partition(deployment, now)
        if newest is None:
            return dg.SkipReason("no session has closed yet")
        due = untrained(deployment, newest)
        if not due:
            return dg.SkipReason(_nothing_to_train(deployment, newest, now))
        made = [(sessions, _request(deployment, job.name, sessions)) for sessions in due]
        return [_run_request(deployment, job.name, sessions, request, run_key=request) for sessions, request in made]

    return nightly_retraining_schedule


def collection_job(deployment: Deployment) -> AssetJob:
    """What is collected beside daily bars, session by session."""
    return dg.define_asset_job(
        prefixed(deployment, COLLECTED),
        tags={GRAPH: deployment.settings.graph.prefix or MAIN},
        selection=dg.AssetSelection.groups(prefixed(deployment, COLLECTED)),
        description="What source.alpaca.collect names, of a session.",
        executor_def=dg.in_process_executor,
    )


def collection_schedule(deployment: Deployment, job: AssetJob) -> dg.ScheduleDefinition:
    """In the evening of each session, when snapshots of its close can still be taken."""
    hour, minute = deployment.settings.automation.retrain_at.split(":")
    zone = str(deployment.calendar.timezone)

    @dg.schedule(
        job=job,
        name=prefixed(deployment, f"{COLLECTED}_schedule"),
        description="Collects the session that has closed last, if it is not there yet.",
        cron_schedule=f"{int(minute)} {int(hour)} * * *",
        execution_timezone=zone,
    )
    def market_data_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        deployment.refresh_calendar()
        newest = newest_partition(deployment, context.scheduled_execution_time.astimezone(ZoneInfo(zone)))
        missing = [name for name in deployment.settings.source.alpaca.collect if newest and not deployment.warehouse.exists(name, newest)]
        if newest is None or not missing:
            return dg.SkipReason(f"nothing to collect: what there is of {newest} is stored")
        return dg.RunRequest(run_key=f"{COLLECTED}:{newest}", partition_key=newest.isoformat())

    return market_data_schedule


def _nothing_to_train(deployment: Deployment, newest: date, now: datetime) -> str:
    if not all(deployment.warehouse.exists(family, newest) for family in deployment.of(model_families)):
        return f"the features of {newest} are not made yet: it is trained on the first night after they are"
    today = now.date()
    closed = "" if deployment.calendar.is_session(today) else f"no session on {today:%A} {today}; "
    return f"{closed}the model of {newest} is there already"


def new_session_sensor(deployment: Deployment, daily: AssetJob, training: AssetJob, late: AssetJob) -> dg.SensorDefinition:
    """Signals as soon as the source has a new session, or delivers the newest one again with another content; before them, what was announced late."""

    @dg.sensor(
        name=prefixed(deployment, "new_session_sensor"),
        description="Asks the source for its newest session. A run is requested once for each content, so a delivery that comes twice does nothing.",
        jobs=[daily, training, late],
        minimum_interval_seconds=deployment.settings.automation.poll_seconds,
    )
    def new_session(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        now = datetime.now(deployment.calendar.timezone)
        outcome, asked = judge_remembering(deployment, now, context.instance, LastAsked.decoded(context.cursor))
        context.update_cursor("" if asked is None else asked.encoded())
        return outcome

    return new_session


def judge_source(deployment: Deployment, now: datetime, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    """What the source's newest session calls for at `now`: one run, or none and why.

    One session at a time, since its signals need the model of the session before; and one run at a time, so that two never write one session.
    """
    return judge_remembering(deployment, now, instance, None)[0]


def judge_remembering(
    deployment: Deployment, now: datetime, instance: dg.DagsterInstance, last: LastAsked | None
) -> tuple[dg.RunRequest | dg.SkipReason, LastAsked | None]:
    """As `judge_source`, and what the source was asked for last.

    Parameters
    ----------
    last
        As returned for the tick before. While it is fresh, a server is asked for the time and nothing else; while files are as they were, none is read.
    """
    deployment.refresh_calendar()
    stored = deployment.sessions("signals")
    newest = newest_partition(deployment, now)
    if not stored or newest is None:
        return dg.SkipReason("there is no history yet: make it with ats run"), last
    names = [prefixed(deployment, job) for job in ("daily_signals", "nightly_retraining", LATE)]
    at_work = [run for job in names for run in instance.get_runs(dg.RunsFilter(job_name=job, statuses=AT_WORK))]
    if at_work:
        return dg.SkipReason(f"{at_work[0].job_name} is running: run {at_work[0].run_id}"), last
    try:
        source, same, seen = _looked_at(deployment, last, now)
        latest, remark = min(seen.latest, newest), seen.remark
        if latest < stored[-1]:
            said = _said(dg.SkipReason(f"the source ends at {latest}; signals of {stored[-1]} are stored"), remark)
            return said, seen if seen.state else last
        due = stored[-1] if latest == stored[-1] else deployment.calendar.offset(stored[-1], 1)
        if due < latest and not source.capabilities.remote and learn_closings(deployment):  # files do not tell that a day was no session
            source, same = deployment.source_now(), None
            due = deployment.calendar.after(stored[-1])
        made = due == stored[-1] and is_current(deployment, "signals", due)
        if same is not None and same.answers(due):
            last, fresh = same, False
        else:
            last, fresh = _answer(deployment, source, seen, last, due=due, now=now, made=made)
    except (SourceError, SettingsError) as error:
        return dg.SkipReason(f"the source can't be read: {error}"), last
    is_made = made and (fresh or _is_stored(deployment, due, last.delivery))
    outcome = _due_run(deployment, instance, last, is_made=is_made)
    asks_anew = isinstance(outcome, dg.RunRequest) and outcome.job_name == names[-1]  # what it stores, it has asked for itself
    return _said(outcome, remark), None if asks_anew else last


def _looked_at(deployment: Deployment, last: LastAsked | None, now: datetime) -> tuple[BarSource, LastAsked | None, LastAsked]:
    """The source opened anew, since files may have come; what was seen of it before, where it is the same still; what is seen of it now.

    A source that asks the broker's calendar may learn of a closing: then it is looked at once more, with that calendar.
    """
    source = deployment.source_now()
    same = unchanged(source, last)
    seen = same or glance(source, now)
    if deployment.refresh_calendar():
        source = deployment.source_now()
        return source, None, glance(source, now)
    return source, same, seen


def _answer(
    deployment: Deployment, source: BarSource, seen: LastAsked, last: LastAsked | None, *, due: date, now: datetime, made: bool
) -> tuple[LastAsked, bool]:
    """What the source says of a session, and whether that is an answer of an earlier tick, which is still fresh."""
    minutes, remote = deployment.settings.automation.ask_again_minutes, source.capabilities.remote
    if remote and made and (last is None or last.session != due):
        last = stored_answer(deployment.warehouse, due, now)  # a sensor that remembers nothing begins with what is there
    if remote and last is not None and last.is_fresh(due, now, minutes=minutes):
        return last, True
    asked = ask(source, due, deployment.calendar, now, before=deployment.settings.source.actions_again_sessions)
    return replace(asked, state=seen.state, latest=seen.latest, remark=seen.remark), False


def _due_run(deployment: Deployment, instance: dg.DagsterInstance, asked: LastAsked, *, is_made: bool) -> dg.RunRequest | dg.SkipReason:
    """The first run that the answer calls for: what was announced late, the model of the session before, the signals of the session."""
    daily, retraining, late = (prefixed(deployment, job) for job in ("daily_signals", "nightly_retraining", LATE))
    if changed := asked.announced_late(deployment.warehouse)[:1]:
        content = asked.versions[ACTIONS][changed[0].isoformat()]
        return _asked_once(deployment, instance, late, changed, _request(deployment, late, changed, content))
    if is_made:
        return dg.SkipReason(f"no new session: signals of {asked.session} are made from what the source holds")
    training = needed_for_signals(deployment, asked.session)
    if training:
        return _asked_once(deployment, instance, retraining, training, _request(deployment, retraining, training))
    content = hashlib.sha256("".join(asked.delivery.values()).encode()).hexdigest()
    return _asked_once(deployment, instance, daily, [asked.session], _request(deployment, daily, [asked.session], content))


def _said(outcome: dg.RunRequest | dg.SkipReason, remark: str | None) -> dg.RunRequest | dg.SkipReason:
    """The outcome with what the source says of its clock: in the reason, or as a tag of the run."""
    if remark is None:
        return outcome
    if isinstance(outcome, dg.SkipReason):
        return dg.SkipReason(f"{outcome.skip_message} ({remark})")
    return outcome._replace(tags={**outcome.tags, REMARK: remark})


def _is_stored(deployment: Deployment, session: date, delivery: Mapping[str, str]) -> bool:
    warehouse = deployment.warehouse
    return all(
        warehouse.exists(asset, session) and warehouse.footer(asset, session).data_version == version for asset, version in delivery.items()
    )


def stale_sensor(deployment: Deployment, history: AssetJob, reports: AssetJob) -> dg.SensorDefinition:
    """What `ats stale --heal` does, by run requests, while the daemon runs."""

    @dg.sensor(
        name=prefixed(deployment, "stale_sensor"),
        description="Rebuilds stale partitions: those whose data, code or settings have changed, one asset and one run of sessions at a time, upstream first.",
        jobs=[history, reports],
        minimum_interval_seconds=deployment.settings.automation.poll_seconds,
    )
    def stale(context: dg.SensorEvaluationContext) -> dg.RunRequest | dg.SkipReason:
        if context.repository_def is None:
            return dg.SkipReason("the graph is not known: evaluate the sensor with its definitions")
        return judge_stale(deployment, rules_of(deployment, context.repository_def.asset_graph), context.instance)

    return stale


def judge_stale(deployment: Deployment, rules: Rules, instance: dg.DagsterInstance) -> dg.RunRequest | dg.SkipReason:
    """The first of what is stale now as one run, or none and why. One run at a time, since what comes after depends on what it makes."""
    at_work = [run for run in instance.get_runs(dg.RunsFilter(statuses=AT_WORK)) if concerns(deployment, run)]
    if at_work:
        return dg.SkipReason(f"{at_work[0].job_name} is running: run {at_work[0].run_id}")
    deployment.refresh_calendar()
    assets, sessions, why = next(Healing(deployment, rules, full=False).steps(HEALED_AT_ONCE), ((), [], []))
    if not why:
        return dg.SkipReason("nothing is stale")
    cause = hashlib.sha256("".join(f"{one.asset}{one.session}{one.reason}" for one in why).encode()).hexdigest()[:16]
    job = prefixed(deployment, "history" if sessions else "backtest_reports")
    request = ":".join(
        [prefixed(deployment, "stale"), *assets, *dict.fromkeys([str(day) for day in (sessions[:1] + sessions[-1:])]), cause]
    )
    return _asked_once(deployment, instance, job, sessions, request, assets=assets)


def _asked_once(
    deployment: Deployment, instance: dg.DagsterInstance, job: str, sessions: Sequence[date], request: str, *, assets: Sequence[str] = ()
) -> dg.RunRequest | dg.SkipReason:
    """The run, unless the newest one of the same request failed: it would fail again, and retries after a crash are Dagster's."""
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
    return _run_request(deployment, job, sessions, request, run_key=f"{request}:{len(finished)}", assets=assets)
