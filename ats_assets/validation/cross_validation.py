"""Models judged on the window that they learn from: fitted on each split, scored on what it tests, put together into paths.

Each fit holds out the newest part of its training rows, as training does, and judges itself by that; the test is never looked at. Beside the purged splits stands what many do instead: K-fold on
shuffled rows, whose training rows overlap the tested ones in time. What that adds to the rank IC is leakage and no skill.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import EvaluationError
from ats_assets.evaluation import Split, combinatorial_purged, purged_kfold, reconstruct_paths, walk_forward
from ats_assets.labels.label_spans import uniqueness
from ats_assets.models import Model, TrainingSet, fit
from ats_assets.models.cross_sections import rank_ic_by_session
from ats_assets.models.learner import Fitted, Scorer
from ats_assets.models.training_set import CrossSections, TrainingWindow, training_set
from ats_assets.settings import CrossValidationSettings, TrainingSettings
from ats_assets.validation.schema import PATHS_SCHEMA, PURGED, SHUFFLED, SPLITS_SCHEMA

Scores = NDArray[np.float64]
SEED = 0
"""Of what is shuffled."""


@dataclass(frozen=True, kw_only=True)
class LabelledRows:
    """The rows of a window with the span of each label, in session numbers of the calendar, of shape (n_rows,)."""

    window: TrainingWindow
    features: tuple[str, ...]
    rows: CrossSections
    decided: NDArray[np.int64]
    known: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class CrossValidation:
    """The tables of `schema`."""

    splits: pl.DataFrame
    paths: pl.DataFrame


def labelled_rows(
    features: pl.DataFrame,
    outcomes: pl.DataFrame,
    universe: pl.DataFrame,
    *,
    window: TrainingWindow,
    settings: TrainingSettings,
    calendar: SessionCalendar,
) -> LabelledRows:
    """All rows of a window of decisions, as a training set has them; frames as those of `models.training_set`.

    Raises
    ------
    LookAheadError, ContractError
        As `models.training_set`.
    EvaluationError
        If none of the decisions has a label.
    """
    data = training_set(features, outcomes, universe, replace(window, validation=()), settings)
    if not len(data.train.y):
        raise EvaluationError(
            f"no decision of the window of {window.session} has a label: make features, labels and universe of these sessions with ats run"
        )
    known = outcomes.select("symbol", known="session", session="decision_session")
    of_rows = data.train.keys.join(known, on=["symbol", "session"], how="left", maintain_order="left")

    def numbers(column: str) -> NDArray[np.int64]:
        days = of_rows[column].unique().to_list()
        return of_rows[column].replace_strict(days, [calendar.position(day) for day in days], return_dtype=pl.Int64).to_numpy()

    return LabelledRows(window=window, features=data.features, rows=data.train, decided=numbers("session"), known=numbers("known"))


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
    return found.predict(data.rows.x[split.test], threads=training.threads), None


def fitted_on(
    model: Model,
    data: LabelledRows,
    rows: NDArray[np.int64],
    training: TrainingSettings,
    *,
    columns: NDArray[np.int64] | None = None,
    purged: bool = True,
) -> Scorer | str:
    """The model fitted on some of the rows, or why there is none.

    Parameters
    ----------
    rows
        Positions, ascending; the newest part of them is held out, as training does, for what the fit stops by.
    columns
        The features to learn from, by position; default: all.
    purged
        Otherwise any part is held out.
    """
    if not len(rows):
        return "nothing is left to train on after purging and embargo"
    try:
        train, held_out = _held_out(data, rows, training, purged=purged)
    except EvaluationError as error:
        return str(error)
    names = data.features if columns is None else tuple(data.features[column] for column in columns)
    parts = {"train": _weighed(_part(data.rows, train, columns), training), "validation": _part(data.rows, held_out, columns)}
    found = fit(model, TrainingSet(window=data.window, features=names, **parts), training, threads=training.threads)
    return model.learner.load(found.content) if isinstance(found, Fitted) else found.reason


def _weighed(rows: CrossSections, training: TrainingSettings) -> CrossSections:
    """Rows that count by the uniqueness of their labels among themselves, where settings give rows weights."""
    if training.sample_weights == "none" or rows.spans is None:
        return rows
    found = uniqueness(rows.spans.decided, rows.spans.known, rows.spans.group)
    return replace(rows, weights=found / found.mean())


def _held_out(
    data: LabelledRows, rows: NDArray[np.int64], training: TrainingSettings, *, purged: bool
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Of the rows to train on those to fit, and those to stop at: the newest, purged; or, where nothing is, any."""
    share = training.validation_sessions / training.train_sessions
    if not purged:
        some = np.random.default_rng(SEED).permutation(len(rows)) < share * len(rows)
        return rows[~some], rows[some]
    sessions = len(np.unique(data.decided[rows]))
    size = max(1, round(share * sessions))
    (inner,) = walk_forward(data.decided[rows], data.known[rows], 1, test_size=size, gap=training.embargo_sessions)
    return rows[inner.train], rows[inner.test]


def _part(rows: CrossSections, at: NDArray[np.int64], columns: NDArray[np.int64] | None = None) -> CrossSections:
    keys = rows.keys[at]
    sizes = keys.group_by("session", maintain_order=True).len()["len"].to_numpy().astype(np.int64)
    x = rows.x[at] if columns is None else np.ascontiguousarray(rows.x[np.ix_(at, columns)])
    return CrossSections(keys=keys, x=x, y=rows.y[at], returns=rows.returns[at], sizes=sizes, spans=rows.spans and rows.spans.take(at))


def rank_ics(rows: CrossSections, at: NDArray[np.int64], scores: Scores) -> dict[date, float]:
    """The rank IC of each session that has one, of the rows that are scored."""
    if not len(at):
        return {}
    return dict(rank_ic_by_session(_part(rows, at), scores[at]).drop_nulls().iter_rows())


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
