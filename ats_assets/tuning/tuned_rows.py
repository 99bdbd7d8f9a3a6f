"""The rows that trials are judged on, and one trial on them: a fit for each fold, until it is worse than others were."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from statistics import fmean

import numpy as np
from pydantic import ValidationError

from ats_assets.errors import how_many
from ats_assets.evaluation import Split, purged_kfold, walk_forward
from ats_assets.models import Model
from ats_assets.models.labelled_rows import LabelledRows, fitted_on, rank_ics, scores_at
from ats_assets.secrecy import redacted
from ats_assets.settings import TrainingSettings, TuningSettings
from ats_assets.tuning.tried_trials import AskedTrial, State, TriedTrial


@dataclass(frozen=True, kw_only=True)
class TunedRows:
    """The labelled rows of a training window, and the folds of them."""

    data: LabelledRows
    splits: tuple[Split, ...]
    training: TrainingSettings


def tuned_rows(data: LabelledRows, training: TrainingSettings, settings: TuningSettings) -> TunedRows:
    """The folds of a window.

    Raises
    ------
    EvaluationError
        If it has fewer decision sessions than folds.
    """
    embargo = training.embargo_sessions if settings.embargo_sessions is None else settings.embargo_sessions
    if settings.split == "walk_forward":
        splits = walk_forward(data.decided, data.known, settings.folds, gap=embargo)
    else:
        splits = purged_kfold(data.decided, data.known, settings.folds, embargo=embargo)
    # whether there is history enough was asked of the whole window: of a fold less is left
    return TunedRows(data=data, splits=tuple(splits), training=training.model_copy(update={"min_train_sessions": 1}))


def try_parameters(model: Model, rows: TunedRows, asked: AskedTrial, *, threads: int) -> TriedTrial:
    """Fit and judge the model with other parameters, fold by fold.

    What the parameters lead to, errors of the library included, is what came of the trial: it failed, with the reason. What is a fault of the machine is raised.

    Raises
    ------
    MemoryError, OSError
    """
    training = rows.training.model_copy(update={"threads": threads})
    folds: list[float] = []
    ics: dict[date, float] = {}

    def ended(state: State, reason: str | None = None, fits: int | None = None) -> TriedTrial:
        made = len(folds) if fits is None else fits
        told = None if reason is None else redacted(reason)
        how = {"number": asked.number, "generation": asked.generation, "parameters": dict(asked.parameters)}
        return TriedTrial(**how, state=state, folds=tuple(folds), fits=made, reason=told, ics=ics)

    try:
        candidate = model.remade(asked.parameters)
    except ValidationError as error:
        return ended("failed", "; ".join(found["msg"] for found in error.errors()))
    for fold, split in enumerate(rows.splits):
        found = _of_fold(candidate, rows.data, split, training)
        if isinstance(found, str):
            return ended("failed", f"fold {fold}: {found}", fits=fold + 1)
        ics |= found
        folds.append(fmean(found.values()))
        limit = asked.limits[fold] if fold < len(asked.limits) else None
        if limit is not None and fold + 1 < len(rows.splits) and fmean(folds) < limit:
            return ended("pruned", f"rank IC {fmean(folds):+.4f} after {how_many(fold + 1, 'fold')}, below the median of {limit:+.4f}")
    return ended("complete")


def _of_fold(model: Model, data: LabelledRows, split: Split, training: TrainingSettings) -> Mapping[date, float] | str:
    """The rank IC of each tested session, or why there is none."""
    try:
        found = fitted_on(model, data, split.train, training)
        if isinstance(found, str):
            return found
        scores = np.full(len(data.rows.y), np.nan)
        scores[split.test] = scores_at(model, found, data.rows, split.test, threads=training.threads)
    except (MemoryError, OSError):
        raise
    except Exception as error:  # noqa: BLE001 - a library refuses parameters in its own way
        return f"{type(error).__name__}: {error}"
    return rank_ics(data.rows, split.test, scores) or "every symbol of a session has the same score"
