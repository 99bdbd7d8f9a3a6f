"""Assets of the stage tuning: the trials of each model that is tuned, and what tuning was worth."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from typing import Any

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.features.choosing import model_families
from ats_assets.labels import learnt_label
from ats_assets.models import Model, models
from ats_assets.models.drift_refit_run import drift_training
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.io_manager import combined_version
from ats_assets.orchestration.partition_metadata import add_partition_metadata
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.reading import Known
from ats_assets.secrecy import redacted
from ats_assets.settings import LONGEST_PERIOD, Search, TrainingSettings
from ats_assets.storage.footer import Written
from ats_assets.storage.second_process import beside
from ats_assets.tuning.asked_tunings import AskedTuningRun
from ats_assets.tuning.contracts import TuningTrials, TuningWorth
from ats_assets.tuning.generations import require_optuna
from ats_assets.tuning.search_space import SearchSpace, search_space
from ats_assets.tuning.tuning_figures import progress_picture, trials_table
from ats_assets.tuning.tuning_run import TunedPartition, TuningRun
from ats_assets.tuning.tuning_tracking import TrackedTuning, log_tuning
from ats_assets.tuning.worth import worth_figures
from ats_assets.tuning.worth_run import PERIODS, SESSIONS, WORTH, WorthRun, worth_reads

GROUP = "models"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: none unless `tuning.models` names a model."""
    tuned = [model for model in deployment.of(models).values() if model.tuning is not None]
    if tuned:
        require_optuna()
    worth = [_worth(deployment, tuned)] if tuned and deployment.settings.tuning.worth else []
    asked = [_retuning(deployment, model) for model in tuned if model.name in deployment.retunings]
    return [*(_tuning(deployment, model) for model in tuned), *asked, *worth]


def _retuning(deployment: Deployment, model: Model) -> dg.AssetsDefinition:
    longest_year = max(LONGEST_PERIOD["quarterly"]) * 4
    asked, due = replace(model, tuning=deployment.retunings[model.name]), str(model.tuning)
    training, more = drift_training(deployment.settings), (Reads(asset="drift", back=longest_year), Reads(asset=due))
    node, space = _node(deployment, asked, training, *more, reach=longest_year, made_by=_retuning)

    @node.asset(deployment, deps=node.deps(), pool="training")
    def tuned_by_drift(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """The parameters of the refits that drift asks for: tuned anew where it asks for that, within a budget a year; else those of the tuning that was due."""
        how = {"known": Known(deployment, node.name, node.reads), "versions": _versions(node), "log": context.log}
        return _materialised(context, deployment, node, AskedTuningRun(deployment, asked, space, due=due, **how))

    return tuned_by_drift


def _tuning(deployment: Deployment, model: Model) -> dg.AssetsDefinition:
    node, space = _node(deployment, model, deployment.settings.training)

    @node.asset(deployment, deps=node.deps(), pool="training")
    def tuned_model(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """The parameters of a model from a session on: chosen by trials inside its training window at tuning sessions, carried forward by reference between them."""
        how = {"known": Known(deployment, node.name, node.reads), "versions": _versions(node), "log": context.log}
        return _materialised(context, deployment, node, TuningRun(deployment, model, space, **how))

    return tuned_model


def _versions(node: Node) -> dict[str, str]:
    return {"code_version": node.code_version, "settings_version": node.settings_version}


def _node(
    deployment: Deployment,
    model: Model,
    training: TrainingSettings,
    *more: Reads,
    reach: int = 0,
    made_by: Callable[..., Any] | None = None,
) -> tuple[Node, Mapping[str, Search]]:
    """What a tuning reads and depends on, and its space; `reach` sessions further back lies what may still be used."""
    settings = deployment.settings
    learnt = deployment.of(learnt_label)
    first, last, embargo = learnt.known_after.first, learnt.known_after.last, training.embargo_sessions
    decisions = {"back": reach + embargo + last + training.train_sessions - 1, "lag": embargo + last}
    space = search_space(model, settings.tuning, weighted=training.sample_weights != "none")
    node = Node(
        name=str(model.tuning),
        group=GROUP,
        kinds=frozenset({"parquet", "optuna"}),
        reads=(
            *(
                Reads(asset=family, back=decisions["back"] + model.sequence_sessions - 1, lag=decisions["lag"])
                for family in deployment.of(model_families)
            ),
            Reads(asset="universe", back=decisions["back"], lag=decisions["lag"]),
            Reads(asset=learnt.asset, back=reach + embargo + training.train_sessions - 1 + last - first, lag=embargo),
            *more,
        ),
        contract=TuningTrials,
        code=(made_by or _tuning, type(model.learner), type(learnt.label)),
        settings=(
            settings.tuning.of_results(model.name),
            SearchSpace(parameters=space),
            training.of_results(),
            learnt.known_after,
            model.learner.settings,
            settings.calendar.without_closings(),
            *([settings.drift] if more and settings.drift else []),
        ),
    )
    return node, space


def _materialised(context: dg.AssetExecutionContext, deployment: Deployment, node: Node, run: TuningRun) -> dg.MaterializeResult:
    """Make and store the sessions of a step, and show what came of each."""
    versions = _versions(node)
    deployment.calendar_store.keep()
    shown: dict[str, dict[str, dg.MetadataValue]] = {}
    newest: pl.DataFrame | None = None
    told: list[Future[str]] = []
    began = time.time()
    with closing(run.materialise(sessions_of(context.partition_keys))) as partitions:
        for made in partitions:
            written = deployment.warehouse.write(node.name, made.session, made.rows, upstream=made.upstream, **versions)
            shown[made.session.isoformat()] = _shown(made.rows, written)
            if made.was_tuned:
                run.stored(made.session)
                newest = made.rows
                told += _tell(context, deployment, node, made, began)
            began = time.time()
    step = context.op_execution_context.get_step_execution_context()
    add_partition_metadata(step, context.asset_key, shown)
    step.set_data_version(
        context.asset_key, dg.DataVersion(combined_version({day: str(one["data_version"].value) for day, one in shown.items()}))
    )
    for future in told:
        if (error := future.exception()) is not None:
            context.log.error(redacted(f"MLflow lacks a tuning of {node.name}, which is stored: {error}"))
    metadata: dict[str, dg.MetadataValue] = {"tunings": dg.MetadataValue.int(sum("complete" in one for one in shown.values()))}
    if newest is not None:
        metadata |= {"trials": dg.MetadataValue.md(trials_table(newest)), "best_value": dg.MetadataValue.md(progress_picture(newest))}
    return dg.MaterializeResult(metadata=metadata)


def _tell(context: dg.AssetExecutionContext, deployment: Deployment, node: Node, made: TunedPartition, began: float) -> list["Future[str]"]:
    """Have a second process log a tuning, where settings want that."""
    settings = deployment.settings
    if not settings.mlflow.enabled:
        return []
    over = TrackedTuning(
        asset=node.name,
        partition=made.session.isoformat(),
        trials=made.rows.to_dicts(),
        dagster_run_id=context.run_id,
        command=str(settings.storage.warehouse),
        started=int(began * 1000),
        ended=int(time.time() * 1000),
    )
    return [beside(log_tuning, settings.mlflow, settings.storage.data, over)]


def _worth(deployment: Deployment, tuned: list[Model]) -> dg.AssetsDefinition:
    settings, learnt = deployment.settings, deployment.of(learnt_label)
    node = Node(
        name=WORTH,
        group="evaluation",
        kinds=frozenset({"parquet", "numpy"}),
        contract=TuningWorth,
        code=(_worth, type(learnt.label), *(type(model.learner) for model in tuned)),
        settings=(
            settings.training.of_results(),
            learnt.known_after,
            *(model.learner.settings for model in tuned),
            settings.calendar.without_closings(),
        ),
    )

    @node.asset(deployment, deps=worth_reads(deployment), partitioned=False)
    def tuning_worth(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """What tuning was worth, from each tuning session to the next: rank ICs with the parameters that it chose beside those with the model's own settings."""
        warehouse = deployment.warehouse
        versions = {"code_version": node.code_version, "settings_version": node.settings_version}
        there = all(
            warehouse.part(WORTH, part).is_file() and not warehouse.fault(warehouse.part(WORTH, part)) for part in (SESSIONS, PERIODS)
        )
        stored = {part: warehouse.read_part(WORTH, part) for part in (SESSIONS, PERIODS)} if there else {}
        run = WorthRun(deployment, tuned, versions, stored)
        tables, upstream = run.tables(), run.upstream()
        for part, rows in tables.items():
            warehouse.write_part(WORTH, part, rows, **versions, upstream=upstream)
        told = {one.model: one.text for one in worth_figures(tables[SESSIONS], tables[PERIODS], settings.training.horizon_sessions)}
        for text in told.values():
            context.log.info(text)
        return dg.MaterializeResult(metadata={name: dg.MetadataValue.text(text) for name, text in told.items()})

    return tuning_worth


def _shown(rows: pl.DataFrame, written: Written) -> dict[str, dg.MetadataValue]:
    (chosen,) = rows.filter("is_chosen").iter_rows(named=True)
    shown: dict[str, dg.MetadataValue] = {
        "dagster/row_count": dg.MetadataValue.int(written.rows),
        "data_version": dg.MetadataValue.text(written.footer.data_version),
        "path": dg.MetadataValue.path(str(written.path)),
        "tuned_session": dg.MetadataValue.text(chosen["tuned_session"].isoformat()),
        "parameters": dg.MetadataValue.text(chosen["parameters"]),
        "why": dg.MetadataValue.text(chosen["reason"] or ""),
    }
    counts = dict(rows.group_by("state").len().iter_rows())
    shown |= {state: dg.MetadataValue.int(counts[state]) for state in ("complete", "pruned", "failed") if state in counts}
    return shown | ({} if chosen["value"] is None else {"value": dg.MetadataValue.float(chosen["value"])})
