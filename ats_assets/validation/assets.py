"""Assets of the stage validation: the models judged on the newest window that they learn from, where settings want it."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

import dagster as dg
import polars as pl
from pandera.polars import DataFrameModel
from pydantic import BaseModel

from ats_assets.deployment import Deployment
from ats_assets.labels import learnt_label
from ats_assets.models import models
from ats_assets.models.labelled_rows import rows_of
from ats_assets.orchestration.graph import Node
from ats_assets.settings import TimeframeValidationSettings
from ats_assets.trials import FitTrial
from ats_assets.validation.cross_validation import cross_validated
from ats_assets.validation.importance import feature_importance
from ats_assets.validation.newest_window import NewestWindow, window_reads
from ats_assets.validation.schema import FeatureImportance, HorizonVerdicts, ValidatedHorizons, ValidatedPaths, ValidatedSplits
from ats_assets.validation.timeframes import TIMEFRAMES, JudgedWindow, judged_assets, judged_timeframes, timeframe_tables
from ats_assets.validation.validation_figures import importance_tables, session_means, validation_figures

GROUP = "evaluation"
NAME, IMPORTANCE, SUMMARY = "cross_validation", "importance", "summary.json"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: none unless `cross_validation.kind`, `importance.ways` or a table `[timeframe_validation]` says so."""
    settings = deployment.settings
    validated = [] if settings.cross_validation.kind == "none" else [_cross_validation(deployment)]
    beside = [] if settings.timeframe_validation is None else [_timeframes(deployment, settings.timeframe_validation)]
    return [*validated, *([_importance(deployment)] if settings.importance.ways else []), *beside]


def _node(deployment: Deployment, name: str, made_by: Callable[..., Any], contract: type[DataFrameModel], section: BaseModel) -> Node:
    """An asset that fits every model on parts of the newest window."""
    settings, chosen, learnt = deployment.settings, deployment.of(models), deployment.of(learnt_label)
    return Node(
        name=name,
        group=GROUP,
        kinds=frozenset({"parquet", "numpy"}),
        contract=contract,
        code=(made_by, type(learnt.label), *(type(model.learner) for model in chosen.values())),
        settings=(
            section,
            settings.training.of_results(),
            learnt.known_after,
            *(model.learner.settings for model in chosen.values()),
            settings.calendar.without_closings(),
        ),
    )


def _cross_validation(deployment: Deployment) -> dg.AssetsDefinition:
    settings = deployment.settings
    node = _node(deployment, NAME, _cross_validation, ValidatedSplits, settings.cross_validation)

    @node.asset(deployment, deps=window_reads(deployment), partitioned=False)
    def cross_validation(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Each model on splits of the newest training window that share no knowledge: skill by split and along paths, beside that of shuffled rows."""
        asked = NewestWindow.of(deployment, {"code": node.code_version, "settings": node.settings_version})
        tables = _stored(deployment, NAME, asked, ("splits", "paths")) or _made(deployment, asked)
        figures = validation_figures(tables["splits"], tables["paths"], settings.training.horizon_sessions)
        summary = {
            "as_of": asked.window.session,
            "made_from": asked.made_from,
            "models": [asdict(one) | {"text": one.text} for one in figures],
        }
        versions = {"code_version": node.code_version, "settings_version": node.settings_version, "upstream": asked.upstream}
        for part, rows in tables.items():
            deployment.warehouse.write_part(NAME, part, rows, **versions)
        deployment.warehouse.write_text(NAME, SUMMARY, json.dumps(summary, indent=2, sort_keys=True, default=str), **versions)
        for one in figures:
            context.log.info(one.text)
        return dg.MaterializeResult(metadata={one.model: dg.MetadataValue.text(one.text) for one in figures})

    return cross_validation


def _importance(deployment: Deployment) -> dg.AssetsDefinition:
    settings = deployment.settings
    node = _node(deployment, IMPORTANCE, _importance, FeatureImportance, settings.importance)

    @node.asset(deployment, deps=window_reads(deployment), partitioned=False)
    def importance() -> dg.MaterializeResult:
        """What each model owes to its features out of sample: the rank IC that is lost when one tells nothing any more, in purged folds of the newest training window."""
        asked = NewestWindow.of(deployment, {"code": node.code_version, "settings": node.settings_version})
        tables = _stored(deployment, IMPORTANCE, asked, ("importance",))
        if tables is None:
            chosen = [*deployment.of(models).values()]
            for model in chosen:
                FitTrial(deployment, model.asset, model.learns(settings.training), kind=IMPORTANCE).begin()
            found = feature_importance(chosen, rows_of(deployment, asked.window), settings.importance, settings.training)
            tables = {"importance": FeatureImportance.validate(found)}
        versions = {"code_version": node.code_version, "settings_version": node.settings_version, "upstream": asked.upstream}
        deployment.warehouse.write_part(IMPORTANCE, "importance", tables["importance"], **versions)
        summary = {"as_of": asked.window.session, "made_from": asked.made_from}
        deployment.warehouse.write_text(IMPORTANCE, SUMMARY, json.dumps(summary, indent=2, sort_keys=True, default=str), **versions)
        shown = importance_tables(tables["importance"])
        return dg.MaterializeResult(metadata={name: dg.MetadataValue.md(text) for name, text in shown.items()})

    return importance


def _timeframes(deployment: Deployment, asked: TimeframeValidationSettings) -> dg.AssetsDefinition:
    settings = deployment.settings
    node = Node(
        name=TIMEFRAMES,
        group=GROUP,
        kinds=frozenset({"parquet", "numpy"}),
        contract=HorizonVerdicts,
        code=(_timeframes,),
        settings=(asked, settings.training.of_results(), settings.labels.forward_returns),
    )

    @node.asset(deployment, deps=["forward_returns", *judged_assets(deployment).values()], partitioned=False)
    def timeframe_validation(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Whether what each model is good for over its own horizon is there over neighbouring ones, too, beyond what luck at one of them would make of the others."""
        window = JudgedWindow.of(deployment, asked.lookback_sessions)
        upstream = window.upstream(deployment)
        tables = timeframe_tables(judged_timeframes(deployment, window))
        contracts = {"horizons": ValidatedHorizons, "verdicts": HorizonVerdicts}
        versions = {"code_version": node.code_version, "settings_version": node.settings_version, "upstream": upstream}
        for part, rows in tables.items():
            deployment.warehouse.write_part(TIMEFRAMES, part, contracts[part].validate(rows), **versions)
        told = dict(tables["verdicts"].select("model", "text").iter_rows())
        for name, text in told.items():
            context.log.info(f"{name} {text}")
        return dg.MaterializeResult(metadata={name: dg.MetadataValue.text(text) for name, text in told.items()})

    return timeframe_validation


def _stored(deployment: Deployment, name: str, asked: NewestWindow, parts: Sequence[str]) -> dict[str, pl.DataFrame] | None:
    """The tables as they are stored, if they were made from the same: a new session alone changes nothing until the next refit."""
    warehouse = deployment.warehouse
    if not (warehouse.root / name / SUMMARY).is_file() or warehouse.text_fault(warehouse.root / name / SUMMARY):
        return None
    if json.loads(warehouse.read_text(name, SUMMARY))["made_from"] != asked.made_from:
        return None
    return {part: warehouse.read_part(name, part) for part in parts}


def _made(deployment: Deployment, asked: NewestWindow) -> dict[str, pl.DataFrame]:
    """The tables, made; each model is a trial, of the same kind as its fits."""
    settings, chosen = deployment.settings, deployment.of(models).values()
    trials = [FitTrial(deployment, model.asset, model.learns(settings.training), kind=NAME) for model in chosen]
    for trial in trials:
        trial.begin()
    found = cross_validated([*chosen], rows_of(deployment, asked.window), settings.cross_validation, settings.training)
    tables = {"splits": ValidatedSplits.validate(found.splits), "paths": ValidatedPaths.validate(found.paths)}
    for model, trial in zip(chosen, trials, strict=True):
        means = session_means(found.paths.filter(model=model.name))
        trial.add_ics(asked.window.session, dict(means.iter_rows()))
    return tables
