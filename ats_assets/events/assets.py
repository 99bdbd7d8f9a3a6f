"""Assets of decisions inside a session: the events, what became of them, the models that learn of them, their predictions, and the trades that these make.

None is there without `events.frame`; models, predictions and the backtest only with `[event_models]`.
"""

import json
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import date
from itertools import groupby

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.events.bar_regimes import BAR_REGIMES, bar_regimes
from ats_assets.events.choosing import EVENTS, LABELS, EventModel, EventRules, event_models, event_rules, traded_model
from ats_assets.events.contracts import EventLabels, EventPredictions, Events, EventTrades, bar_regimes_contract
from ats_assets.events.decisions import events_of
from ats_assets.events.event_backtest import backtests_of_events
from ats_assets.events.event_fits import EventFits, active_event_model
from ats_assets.events.event_lane import EventLane, event_lane, schemas_read
from ats_assets.events.event_scores import event_predictions
from ats_assets.events.known_labels import known_labels
from ats_assets.events.schema import EVENT_PREDICTIONS_SCHEMA, EVENTS_SCHEMA
from ats_assets.intraday import INFORMATION_BARS_SCHEMA
from ats_assets.models.tracking import Fit, log_fit
from ats_assets.orchestration.graph import Node, window_sessions
from ats_assets.orchestration.partition_metadata import add_partition_metadata
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.reading import Known, as_known
from ats_assets.orchestration.sparkline import sparkline_markdown
from ats_assets.secrecy import redacted
from ats_assets.storage.model_record import ModelRecord
from ats_assets.storage.second_process import SecondProcessError, beside
from ats_assets.trials import BacktestTrial

GROUP = "events"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: none without `events.frame` or `bar_regimes.frame`."""
    rules, frame = deployment.of(event_rules), deployment.settings.bar_regimes.frame
    made = [_bar_regimes(deployment, frame)] if frame else []
    if rules is None:
        return made
    made += [_events(deployment, rules), _labels(deployment, rules, LABELS, EVENTS)]
    for model in deployment.of(event_models).values():
        lane = event_lane(deployment, model)
        if model.primary:
            made.append(_labels(deployment, rules, model.labels, model.primary))
        made += [_model(deployment, lane), _predictions(deployment, lane)]
    traded = traded_model(deployment)
    return [*made, _backtest(deployment, rules, traded)] if traded else made


def _bar_regimes(deployment: Deployment, frame: str) -> dg.AssetsDefinition:
    settings = deployment.settings.bar_regimes
    node = Node(
        name=BAR_REGIMES,
        group=GROUP,
        kinds=frozenset({"parquet", "numpy"}),
        reads=(Reads(asset=frame, back=settings.back),),
        contract=bar_regimes_contract(settings),
        code=(_bar_regimes,),
        settings=(settings,),
    )

    def make(sessions: Sequence[date], **frames: pl.DataFrame) -> pl.DataFrame:
        days = deployment.known(window_sessions(deployment.calendar, sessions, settings.back), node.name)
        return bar_regimes(frames[frame], settings, days=days, sessions=sessions)

    @node.asset(deployment, deps=node.deps())
    def regimes_of_bars(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """Which state of calm or stress each bar is in, filtered by an estimation of the sessions before; features of models of events."""
        return as_known(deployment, node, sessions_of(context.partition_keys), {frame: INFORMATION_BARS_SCHEMA}, make)

    return regimes_of_bars


def _events(deployment: Deployment, rules: EventRules) -> dg.AssetsDefinition:
    settings = deployment.settings
    back = settings.intraday.lookback_sessions
    node = Node(
        name=EVENTS,
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=(Reads(asset=rules.frame, back=max(back, rules.cusum.lookback_sessions)),),
        contract=Events,
        code=(_events,),
        formulas={"side": settings.events.side} if settings.events.side else {},
        settings=(
            settings.events.model_copy(update={"barriers": {}}),
            rules.cusum,
            settings.intraday.lookback,
            settings.expressions,
        ),
    )

    def make(sessions: Sequence[date], **frames: pl.DataFrame) -> pl.DataFrame:
        days = deployment.known(window_sessions(deployment.calendar, sessions, node.reads[0].back), node.name)
        how = {"lookback_sessions": back, "flat": settings.expressions.flat_windows}
        return events_of(frames[rules.frame], settings.events, rules.cusum, days=days, sessions=sessions, **how)

    @node.asset(deployment, deps=node.deps())
    def events(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """Decisions inside a session: the bars at whose close one is made, and the side of the primary rule."""
        return as_known(deployment, node, sessions_of(context.partition_keys), {rules.frame: INFORMATION_BARS_SCHEMA}, make)

    return events


def _labels(deployment: Deployment, rules: EventRules, name: str, of: str) -> dg.AssetsDefinition:
    """What became of the decisions of `of`: the events, or the predictions of a model for them."""
    barriers = rules.barriers
    back = barriers.max_sessions + barriers.lookback_sessions
    node = Node(
        name=name,
        group=GROUP,
        kinds=frozenset({"parquet", "numba"}),
        reads=(Reads(asset=of, back=barriers.max_sessions), Reads(asset=rules.frame, back=back)),
        contract=EventLabels,
        code=(_labels,),
        settings=(barriers, deployment.settings.calendar.without_closings()),
    )
    schemas = {of: EVENTS_SCHEMA if of == EVENTS else EVENT_PREDICTIONS_SCHEMA, rules.frame: INFORMATION_BARS_SCHEMA}

    def make(sessions: Sequence[date], **frames: pl.DataFrame) -> pl.DataFrame:
        days = deployment.known(window_sessions(deployment.calendar, sessions, back), node.name)
        closes = {day: deployment.calendar.closes_at(day) for day in sessions}
        return known_labels(frames[rules.frame], frames[of], days=days, sessions=sessions, closes=closes, barriers=barriers)

    @node.asset(
        deployment, deps=node.deps(), description=f"What became of {of}: which barrier a position met first, stored when that was known."
    )
    def known_event_labels(context: dg.AssetExecutionContext) -> pl.DataFrame:
        return as_known(deployment, node, sessions_of(context.partition_keys), schemas, make)

    return known_event_labels


def _model(deployment: Deployment, lane: EventLane) -> dg.AssetsDefinition:
    settings, model = lane.settings, lane.model
    held, embargo = lane.rules.barriers.max_sessions, settings.embargo_sessions
    back = embargo + settings.train_sessions - 1
    node = Node(
        name=model.model.asset,
        group=GROUP,
        kinds=frozenset({model.model.kind.replace("_", ""), "mlflow"}),
        reads=(
            *(Reads(asset=name, back=back + held + settings.align_sessions, lag=embargo) for name in lane.features_of),
            *(Reads(asset=name, back=back + held, lag=embargo) for name in lane.decided_by),
            Reads(asset=model.labels, back=back, lag=embargo),
        ),
        code=(_model, type(model.model.learner)),
        settings=(
            settings.of_results(),
            lane.rules.barriers,
            model.model.learner.settings,
            deployment.settings.calendar.without_closings(),
        ),
    )

    @node.asset(deployment, deps=node.deps(), pool="training", description=_learns(model))
    def fitted_event_model(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        told: dict[str, Future[str]] = {}
        how = deployment.settings

        def tell(over: Fit) -> None:
            if how.mlflow.enabled:
                named = replace(over, dagster_run_id=context.run_id, command=str(how.storage.warehouse))
                told[over.partition] = beside(log_fit, how.mlflow, how.storage.data, named)

        versions = {"code": node.code_version, "settings": node.settings_version}
        with deployment.model_store(node.name).together():
            fits = EventFits(deployment, lane, reads=node.reads, versions=versions, tell=tell)
            records = fits.materialise(sessions_of(context.partition_keys))
        shown = {record.session.isoformat(): _shown(record) for record in records}
        for session, page in told.items():
            try:
                shown[session]["mlflow_run"] = dg.MetadataValue.text(page.result())
            except SecondProcessError as error:
                context.log.error(redacted(f"MLflow has no run of the fit of {node.name} at {session}, whose model is stored: {error}"))  # noqa: TRY400
        add_partition_metadata(context.op_execution_context.get_step_execution_context(), context.asset_key, shown)
        return dg.MaterializeResult(metadata={"fits": dg.MetadataValue.int(sum(record.status == "fitted" for record in records))})

    return fitted_event_model


def _learns(model: EventModel) -> str:
    if model.judges is None:
        return "The active model of events from a session on: which way the price goes from each."
    of = f"that {model.judges} gives them" if model.primary else "of the primary rule"
    return f"The active meta-model of events from a session on: whether the side {of} gains."


def _shown(record: ModelRecord) -> dict[str, dg.MetadataValue]:
    shown: dict[str, dg.MetadataValue] = {"status": dg.MetadataValue.text(record.status)}
    if record.model_sha256:
        shown["data_version"] = dg.MetadataValue.text(record.model_sha256)
    if record.reason:
        shown["reason"] = dg.MetadataValue.text(record.reason)
    if record.training:
        shown["training_events"] = dg.MetadataValue.int(record.training.rows)
    return shown


def _predictions(deployment: Deployment, lane: EventLane) -> dg.AssetsDefinition:
    model = lane.model
    align = lane.settings.align_sessions
    frames = (*(Reads(asset=name, back=align) for name in lane.features_of), *(Reads(asset=name) for name in lane.decided_by))
    node = Node(
        name=model.predictions,
        group=GROUP,
        kinds=frozenset({"parquet", model.model.kind.replace("_", "")}),
        reads=(*frames, Reads(asset=model.model.asset, back=1, lag=1)),
        contract=EventPredictions,
        code=(_predictions, type(model.model.learner)),
        settings=(lane.settings.of_results(), model.model.learner.settings, deployment.settings.calendar.without_closings()),
    )

    @node.asset(deployment, deps=node.deps())
    def predicted_events(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """What the active model of the session before says of each event: its side, and the probability that a position on it gains."""
        sessions = sessions_of(context.partition_keys)
        known, schemas = Known(deployment, node.name, node.reads), schemas_read(deployment)
        read = {reads.asset: known.frame(reads, sessions, schemas[reads.asset]) for reads in frames}
        features = lane.features(read, deployment.known(window_sessions(deployment.calendar, sessions, align), node.name))
        records = {session: active_event_model(deployment, lane, session) for session in sessions}
        parts = [EVENT_PREDICTIONS_SCHEMA.to_frame()]
        for record, group in groupby(sessions, key=lambda session: records[session]):
            days = list(group)
            if record is None:
                context.log.info(f"no predictions from {days[0]} to {days[-1]}: there is no model yet")
                continue
            scorer = model.model.scorer(record, deployment.model_store(model.model.asset).content(record))
            of_days = features.filter(pl.col("session").is_in(days))
            parts.append(event_predictions(model, of_days, record, scorer, threads=lane.settings.threads))
        return pl.concat(parts)

    return predicted_events


def _backtest(deployment: Deployment, rules: EventRules, traded: EventModel) -> dg.AssetsDefinition:
    settings = deployment.settings.event_backtest
    node = Node(
        name="event_backtest",
        group="backtests",
        kinds=frozenset({"parquet", "numpy"}),
        contract=EventTrades,
        code=(_backtest,),
        settings=(settings, rules.barriers),
    )

    reads = [*(model.predictions for model in deployment.of(event_models).values()), rules.frame]

    @node.asset(deployment, deps=reads, partitioned=False)
    def event_backtest(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """The predictions of all sessions so far, traded with costs, each by a model of the sessions before: trades, equity, outcomes, figures."""
        trials = {name: _tried(deployment, model) for name, model in deployment.of(event_models).items()}
        found = backtests_of_events(deployment, rules, traded)
        for name, one in found.found.items():
            trials[name].add(one.equity["session"].to_list(), one.equity["return_net"].to_list())
        made = found.own
        versions = {"code_version": node.code_version, "settings_version": node.settings_version, "upstream": found.upstream}
        EventTrades.validate(made.trades)
        for part, rows in made.tables().items():
            deployment.warehouse.write_part("event_backtest", part, rows, **versions)
        text = json.dumps(found.to_dict(), indent=2, sort_keys=True)
        deployment.warehouse.write_text("event_backtest", "metrics.json", text, **versions)
        context.log.info(made.figures.verdict)
        curve = sparkline_markdown(made.equity["equity"].to_list(), title="Equity", width=400, height=80)
        shown = {"verdict": made.figures.verdict, "trades": made.figures.trades, "predictions": made.figures.predictions}
        return dg.MaterializeResult(metadata={"curve": dg.MetadataValue.md(curve), **shown})

    return event_backtest


def _tried(deployment: Deployment, model: EventModel) -> BacktestTrial:
    """The backtest of one model as a trial, which begins."""
    what = deployment.settings.event_backtest.model_dump(mode="json", exclude={"paths", "seed"}) | {"model": model.name}
    trial = BacktestTrial(deployment, "event_backtest", traded=model.predictions, what=what)
    trial.begin()
    return trial
