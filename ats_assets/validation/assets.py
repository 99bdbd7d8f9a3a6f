"""Assets of the stage validation: the models judged on the newest window that they learn from, where settings want it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import EvaluationError, MissingPartitionError
from ats_assets.features import joined
from ats_assets.features.choosing import model_families
from ats_assets.labels import learnt_label
from ats_assets.models import last_refit, models, training_window
from ats_assets.models.training_set import TrainingWindow, least_history
from ats_assets.orchestration.graph import Node
from ats_assets.trials import FitTrial
from ats_assets.validation.cross_validation import LabelledRows, cross_validated, labelled_rows
from ats_assets.validation.schema import ValidatedPaths, ValidatedSplits
from ats_assets.validation.validation_figures import session_means, validation_figures

GROUP = "evaluation"
NAME, SUMMARY = "cross_validation", "summary.json"

GROUP = "evaluation"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: none where `cross_validation.kind` is none."""
    return [] if deployment.settings.cross_validation.kind == "none" else [_cross_validation(deployment)]


def _cross_validation(deployment: Deployment) -> dg.AssetsDefinition:
    settings, chosen, learnt = deployment.settings, deployment.of(models), deployment.of(learnt_label)
    node = Node(
        name=NAME,
        group=GROUP,
        kinds=frozenset({"parquet", "numpy"}),
        contract=ValidatedSplits,
        code=(_cross_validation, type(learnt.label), *(type(model.learner) for model in chosen.values())),
        settings=(
            settings.cross_validation,
            settings.training.of_results(),
            learnt.known_after,
            *(model.learner.settings for model in chosen.values()),
            settings.calendar.without_closings(),
        ),
    )

    @node.asset(deployment, deps=_read(deployment), partitioned=False)
    def cross_validation(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """Each model on splits of the newest training window that share no knowledge: skill by split and along paths, beside that of shuffled rows."""
        asked = _Asked.of(deployment, node)
        tables = _stored(deployment, asked) or _made(deployment, asked)
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


def _read(deployment: Deployment) -> list[str]:
    return [*deployment.of(model_families), "universe", deployment.of(learnt_label).asset]


@dataclass(frozen=True, kw_only=True)
class _Asked:
    """What a cross-validation is made from: the window as of the last refit session, and the data versions of all that is read since it begins."""

    window: TrainingWindow
    upstream: Mapping[str, Mapping[str, str]]
    made_from: str
    """A digest of code, settings and the data of the window: while it is the same, what is stored holds."""

    @classmethod
    def of(cls, deployment: Deployment, node: Node) -> "_Asked":
        calendar, training, learnt = deployment.calendar, deployment.settings.training, deployment.of(learnt_label)
        stored = deployment.valid_sessions(learnt.asset)
        if not stored:
            raise MissingPartitionError(f"no {learnt.asset} are stored: make features and labels with ats run")
        window = training_window(calendar, last_refit(calendar, stored[-1], training.refit), training, learnt.known_after)
        decisions = deployment.known(calendar.sessions(window.train[0], window.validation[-1])) if window.train else []
        if not decisions or not deployment.known(window.train):
            least = least_history(training, learnt.known_after)
            raise EvaluationError(
                f"history is too short to cross-validate: it takes {least} sessions before the last refit ([training]); collect more"
            )
        first, last = (
            calendar.offset(day, after)
            for day, after in ((decisions[0], learnt.known_after.first), (decisions[-1], learnt.known_after.last))
        )
        labels = calendar.sessions(first, min(last, window.session))
        used = dict.fromkeys(_read(deployment), decisions) | {learnt.asset: labels}
        made_from: dict[str, Any] = {name: deployment.data_versions(name, days) for name, days in used.items()}
        made_from |= {"code": node.code_version, "settings": node.settings_version}
        later = {name: [day for day in deployment.valid_sessions(name) if day >= days[0]] for name, days in used.items()}
        return cls(
            window=replace(window, train=tuple(decisions), validation=(), label_sessions=tuple(labels)),
            upstream={name: deployment.data_versions(name, days) for name, days in later.items()},
            made_from=hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest(),
        )


def _stored(deployment: Deployment, asked: _Asked) -> dict[str, pl.DataFrame] | None:
    """The tables as they are stored, if they were made from the same: a new session alone changes nothing until the next refit."""
    warehouse = deployment.warehouse
    if not (warehouse.root / NAME / SUMMARY).is_file() or warehouse.text_fault(warehouse.root / NAME / SUMMARY):
        return None
    if json.loads(warehouse.read_text(NAME, SUMMARY))["made_from"] != asked.made_from:
        return None
    return {part: warehouse.read_part(NAME, part) for part in ("splits", "paths")}


def _made(deployment: Deployment, asked: _Asked) -> dict[str, pl.DataFrame]:
    """The tables, made; each model is a trial, of the same kind as its fits."""
    settings, chosen = deployment.settings, deployment.of(models).values()
    trials = [FitTrial(deployment, model.asset, model.learns(settings.training), kind=NAME) for model in chosen]
    for trial in trials:
        trial.begin()
    found = cross_validated([*chosen], _rows(deployment, asked.window), settings.cross_validation, settings.training)
    tables = {"splits": ValidatedSplits.validate(found.splits), "paths": ValidatedPaths.validate(found.paths)}
    for model, trial in zip(chosen, trials, strict=True):
        means = session_means(found.paths.filter(model=model.name))
        trial.add_ics(asked.window.session, dict(means.iter_rows()))
    return tables


def _rows(deployment: Deployment, window: TrainingWindow) -> LabelledRows:
    """Features, labels and universe of the window: of the features the rows of the universe alone."""
    universe = deployment.warehouse.read("universe", window.train)
    members, learnt = universe.select("symbol", "session"), deployment.of(learnt_label)

    def rows(family: str, days: tuple[date, ...]) -> pl.DataFrame:
        return deployment.warehouse.read(family, days).join(members, on=["symbol", "session"], how="semi", maintain_order="left")

    features = joined({family: rows(family, window.train) for family in deployment.of(model_families)})
    outcomes = learnt.outcomes(deployment.warehouse.read(learnt.asset, window.label_sessions))
    how = {"window": window, "settings": deployment.settings.training, "calendar": deployment.calendar}
    return labelled_rows(features, outcomes, universe, **how)
