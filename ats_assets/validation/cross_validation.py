"""Models judged on the window that they learn from: fitted on each split, scored on what it tests, put together into paths.

Each fit holds out the newest part of its training rows, as training does, and judges itself by that; the test is never looked at (`models.labelled_rows`). Beside the purged splits stands what many
do instead: K-fold on shuffled rows, whose training rows overlap the tested ones in time. What that adds to the rank IC is leakage and no skill.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from ats_assets.evaluation import Split, combinatorial_purged, purged_kfold, reconstruct_paths, walk_forward
from ats_assets.models import Model
from ats_assets.models.labelled_rows import SEED, LabelledRows, Scores, fitted_on, rank_ics, scores_at
from ats_assets.settings import CrossValidationSettings, TrainingSettings
from ats_assets.validation.schema import PATHS_SCHEMA, PURGED, SHUFFLED, SPLITS_SCHEMA


@dataclass(frozen=True, kw_only=True)
class CrossValidation:
    """The tables of `schema`."""

    splits: pl.DataFrame
    paths: pl.DataFrame


def cross_validated(
    models: Sequence[Model], data: LabelledRows, how: CrossValidationSettings, training: TrainingSettings
) -> CrossValidation:
    """Every model on every split.

    Raises
    ------
    EvaluationError
        If the window has fewer decision sessions than blocks.
    """
    splits, paths = [], []
    purged = list(_splits(data, how, training))
    shuffled = _shuffled(len(data.rows.y), how.blocks) if how.shuffled else []
    for model in models:
        for way, chosen in ((PURGED, purged), (SHUFFLED, shuffled)):
            judged = [_judged(model, data, split, training, purged=way == PURGED) for split in chosen]
            splits += [
                _split_row(model, way, number, split, data=data, found=found)
                for number, (split, found) in enumerate(zip(chosen, judged, strict=True))
            ]
            for path, scores in enumerate(_paths(chosen, [found for found, _ in judged], how, len(data.rows.y), way=way)):
                ics = rank_ics(data.rows, np.flatnonzero(np.isfinite(scores)), scores)
                paths += [(model.name, way, path, day, ic) for day, ic in ics.items()]
    return CrossValidation(
        splits=pl.DataFrame(splits, schema=SPLITS_SCHEMA, orient="row"), paths=pl.DataFrame(paths, schema=PATHS_SCHEMA, orient="row")
    )


def _splits(data: LabelledRows, how: CrossValidationSettings, training: TrainingSettings) -> list[Split]:
    embargo = training.embargo_sessions if how.embargo_sessions is None else how.embargo_sessions
    made: dict[str, Callable[[], object]] = {
        "purged_kfold": lambda: purged_kfold(data.decided, data.known, how.blocks, embargo=embargo),
        "walk_forward": lambda: walk_forward(data.decided, data.known, how.blocks - 1, gap=embargo),
        "cpcv": lambda: combinatorial_purged(data.decided, data.known, how.blocks, how.test_blocks, embargo=embargo),
    }
    return list(made[how.kind]())  # pyright: ignore[reportArgumentType]


def _shuffled(n_rows: int, n_folds: int) -> list[Split]:
    """K-fold on shuffled rows."""
    fold = np.random.default_rng(SEED).permutation(np.arange(n_rows) % n_folds)
    return [
        Split(blocks=(number,), train=np.flatnonzero(fold != number), test=np.flatnonzero(fold == number), purged=0, embargoed=0)
        for number in range(n_folds)
    ]


def _judged(model: Model, data: LabelledRows, split: Split, training: TrainingSettings, *, purged: bool) -> tuple[Scores, str | None]:
    """The scores of the tested rows, or NaN and why there are none."""
    found = fitted_on(model, data, split.train, training, purged=purged)
    if isinstance(found, str):
        return np.full(len(split.test), np.nan), found
    return scores_at(model, found, data.rows, split.test, threads=training.threads), None


def _split_row(
    model: Model, way: str, number: int, split: Split, *, data: LabelledRows, found: tuple[Scores, str | None]
) -> tuple[object, ...]:
    scores, reason = found
    whole = np.full(len(data.rows.y), np.nan)
    whole[split.test] = scores
    ics = list(rank_ics(data.rows, split.test, whole).values()) if reason is None else []
    blocks = " ".join(map(str, split.blocks))
    rows = (len(split.train), len(split.test), split.purged, split.embargoed)
    return (model.name, way, number, blocks, *rows, len(ics), float(np.mean(ics)) if ics else None, reason)


def _paths(splits: Sequence[Split], scores: Sequence[Scores], how: CrossValidationSettings, n_rows: int, *, way: str) -> list[Scores]:
    if way == PURGED and how.kind == "cpcv":
        return list(reconstruct_paths(splits, scores, n_rows))
    path = np.full(n_rows, np.nan)
    for split, found in zip(splits, scores, strict=True):
        path[split.test] = found
    return [path] if splits else []
