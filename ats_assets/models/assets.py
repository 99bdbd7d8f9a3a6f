"""Assets of the stage models: the active model of each session, and the models that drift asks for."""

import logging
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from typing import Any

import dagster as dg

from ats_assets.deployment import Deployment
from ats_assets.features.choosing import model_families
from ats_assets.labels import label_weights, learnt_label
from ats_assets.models.choosing import Model, models
from ats_assets.models.drift_refit_run import DriftRefitRun, DriftRefits, drift_training
from ats_assets.models.fit_memory import rows_at_once
from ats_assets.models.fit_states import FitOver
from ats_assets.models.fits_ahead import fits_ahead
from ats_assets.models.fitting import fits_at_once
from ats_assets.models.importance_plot import importance_svg
from ats_assets.models.training_run import TrainingRun
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.partition_metadata import add_partition_metadata
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.pictures import svg_markdown
from ats_assets.orchestration.reading import Known
from ats_assets.refits import last_refit
from ats_assets.settings import LONGEST_PERIOD, TrainingSettings
from ats_assets.storage.model_record import ModelRecord

GROUP = "models"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: one for each model of the settings, and where drift may ask for refits, one for those of each."""
    found = [*deployment.of(models).values()]
    refits = [_refits(deployment, _asked_for(deployment, model)) for model in found] if deployment.drift_refits else []
    return [*(_model(deployment, model) for model in found), *refits]


def _asked_for(deployment: Deployment, model: Model) -> DriftRefits:
    """The model as drift asks for it: tuned where drift asked for that, too."""
    return DriftRefits(**dict(vars(model), tuning=deployment.retunings.get(model.name, model.tuning)))


def _model(deployment: Deployment, model: Model) -> dg.AssetsDefinition:
    node = _node(deployment, model, deployment.settings.training)
    begin = partial(_fit_ahead, deployment, model, node) if model.tuning is None else None
    deployment.of(fits_ahead).offer(model.asset, partial(_fit_alone, deployment, model, node), begin)

    @node.asset(deployment, deps=node.deps(), pool="training")
    def fitted_model(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """The active model from a session on: fitted at refit sessions, carried forward by reference between them."""
        return _materialised(context, deployment, model, node, TrainingRun)

    return fitted_model


def _fit_ahead(deployment: Deployment, model: Model, node: Node, sessions: Sequence[date]) -> None:
    """Begin the fits that the step of these sessions will store; all that they read is stored."""
    training = deployment.settings.training
    refits = [session for session in sessions if last_refit(deployment.calendar, session, training.refit) == session]
    run = _training(deployment, model, node, TrainingRun, run_id="", log=logging.getLogger(__name__))
    at_once = fits_at_once(training, refits=len(refits), symbols=deployment.settings.universe.size, rows=rows_at_once(deployment))
    deployment.of(fits_ahead).submit(model.asset, [run.described(session) for session in refits], run.ahead, at_once=at_once)


def _fit_alone(deployment: Deployment, model: Model, node: Node) -> Callable[[date], FitOver]:
    """What makes single fits in a worker, for some run's step."""
    run = _training(deployment, model, node, TrainingRun, run_id="", log=logging.getLogger(__name__))
    return lambda session: run.ahead(run.described(session))


def _refits(deployment: Deployment, model: DriftRefits) -> dg.AssetsDefinition:
    longest_year = max(LONGEST_PERIOD["quarterly"]) * 4
    node = _node(deployment, model, drift_training(deployment.settings), Reads(asset="drift", back=longest_year), made_by=_refits)

    @node.asset(deployment, deps=node.deps(), pool="training")
    def refits_by_drift(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """The models that are fitted out of turn, since drift asked for it: decided at the first session of each week, within a budget a year."""
        return _materialised(context, deployment, model, node, DriftRefitRun)

    return refits_by_drift


def _node(
    deployment: Deployment, model: Model, settings: TrainingSettings, *more: Reads, made_by: Callable[..., Any] | None = None
) -> Node:
    """The windows that a fit reads, and what else its result depends on."""
    learnt = deployment.of(learnt_label)
    first, last, embargo = learnt.known_after.first, learnt.known_after.last, settings.embargo_sessions
    newest = embargo + last
    kept = 2 * embargo + settings.validation_sessions  # the newest weights of decisions to train on are that old
    decisions = {"back": newest + settings.train_sessions - 1, "lag": newest}
    drift = [deployment.settings.drift] if more and deployment.settings.drift else []
    return Node(
        name=model.asset,
        group=GROUP,
        kinds=frozenset({model.kind.replace("_", ""), "mlflow"}),
        reads=(
            *(
                Reads(asset=family, back=decisions["back"] + model.sequence_sessions - 1, lag=newest)
                for family in deployment.of(model_families)
            ),
            Reads(asset="universe", back=decisions["back"], lag=newest),
            *(
                Reads(asset=name, back=max(kept, embargo + settings.train_sessions - last), lag=kept)
                for name in deployment.of(label_weights)
            ),
            Reads(asset=learnt.asset, back=embargo + settings.train_sessions - 1 + last - first, lag=embargo),
            *((Reads(asset=model.tuning),) if model.tuning else ()),
            *more,
        ),
        code=(made_by or _model, type(model.learner), type(learnt.label)),
        settings=(
            settings.of_results(),
            learnt.known_after,
            model.learner.settings,
            deployment.settings.calendar.without_closings(),
            *drift,
        ),
    )


def _training(deployment: Deployment, model: Any, node: Node, run: type[TrainingRun], *, run_id: str, log: logging.Logger) -> TrainingRun:
    known, versions = Known(deployment, node.name, node.reads), {"code": node.code_version, "settings": node.settings_version}
    return run(deployment, model, known=known, versions=versions, run_id=run_id, log=log)


def _materialised(
    context: dg.AssetExecutionContext, deployment: Deployment, model: Any, node: Node, run: type[TrainingRun]
) -> dg.MaterializeResult:
    """Make the sessions of a step, and show what came of each."""
    training = _training(deployment, model, node, run, run_id=context.run.run_id, log=context.log)
    sessions = sessions_of(context.partition_keys)
    try:
        with deployment.model_store(model.asset).together():
            records = training.materialise(sessions)
    finally:  # the fits before the one that failed are over, too
        pages = training.tracked()
    shown = {record.session.isoformat(): _shown(record) for record in records}
    for session, page in pages.items():
        shown[session]["mlflow_run"] = dg.MetadataValue.text(page)
    add_partition_metadata(context.op_execution_context.get_step_execution_context(), context.asset_key, shown)
    fits = [record for record in records if record.status == "fitted"]
    metadata: dict[str, dg.MetadataValue] = {"fits": dg.MetadataValue.int(len(fits))}
    if fits:
        metadata["importance"] = dg.MetadataValue.md(svg_markdown(importance_svg(fits[-1]), "Feature importance"))
    return dg.MaterializeResult(metadata=metadata)


def _shown(record: ModelRecord) -> dict[str, dg.MetadataValue]:
    shown: dict[str, dg.MetadataValue] = {"status": dg.MetadataValue.text(record.status)}
    if record.model_sha256:
        shown["data_version"] = dg.MetadataValue.text(record.model_sha256)
    if record.reason:
        shown["reason"] = dg.MetadataValue.text(record.reason)
    if record.fitted_session:
        shown["fitted_session"] = dg.MetadataValue.text(record.fitted_session.isoformat())
    if record.validation and record.validation.rank_ic is not None:
        shown["validation_rank_ic"] = dg.MetadataValue.float(record.validation.rank_ic)
    if record.training:
        shown["training_rows"] = dg.MetadataValue.int(record.training.rows)
    if record.tuned:
        shown["tuned"] = dg.MetadataValue.json(record.tuned.model_dump(mode="json"))
    if record.best_iteration:
        shown["rounds"] = dg.MetadataValue.int(record.best_iteration)
    return shown
