"""A fit, whatever the learner: whether there is enough to learn from, the fit itself, and what its record says."""

from dataclasses import replace
from importlib.metadata import version
from typing import Any

import numpy as np

from ats_assets.models.choosing import Model
from ats_assets.models.cross_sections import rank_ic_by_session
from ats_assets.models.fit_memory import ROWS_AT_ONCE
from ats_assets.models.learner import Fitted, Unavailable
from ats_assets.models.sequences import Sequences
from ats_assets.models.training_set import CrossSections, TrainingSet
from ats_assets.settings import TrainingSettings
from ats_assets.storage.model_record import DecisionWindow, TaughtLabel, Validation


def fits_at_once(settings: TrainingSettings, *, refits: int, symbols: int, rows: int = ROWS_AT_ONCE) -> int:
    """How many models are fitted at once, by `threads` between them: as many as there is work and memory for.

    Two fits by a thread each are done sooner than one after the other by both threads, since boosting waits for its slowest thread at each split.

    Parameters
    ----------
    settings
        `threads` and `train_sessions`.
    refits
        Models to fit.
    symbols
        Of a session, at most.
    rows
        Of the training sets of all of them, at most, unless a single one has more.

    Examples
    --------
    >>> fits_at_once(TrainingSettings(threads=4), refits=12, symbols=500)
    3
    >>> fits_at_once(TrainingSettings(threads=4), refits=1, symbols=500)
    1
    >>> fits_at_once(TrainingSettings(threads=4), refits=12, symbols=5_000)
    1
    """
    fitting = rows // (symbols * settings.train_sessions)
    return max(1, min(settings.threads, refits, fitting))


def fit(model: Model, data: TrainingSet, settings: TrainingSettings, *, threads: int = 1) -> Fitted | Unavailable:
    """Fit a model; `Unavailable` also where no learner could learn anything.

    That is where fewer than `min_train_sessions` sessions are there to train on, or none to validate on; where all labels are the same, as those of one symbol are
    that are ranked, or of one class; and where no feature differs between two rows.
    """
    labelled = len(data.train.sizes)
    if labelled < settings.min_train_sessions:
        return Unavailable(
            reason=f"{labelled} labelled sessions to train on as of {data.window.session}; training.min_train_sessions is {settings.min_train_sessions}"
        )
    if not len(data.validation.sizes):
        return Unavailable(reason=f"no labelled validation sessions as of {data.window.session}")
    if reason := _nothing_to_learn(data):
        return Unavailable(reason=reason)
    return model.learner.fit(_with_sequences(model, data), threads=threads)


def _with_sequences(model: Model, data: TrainingSet) -> TrainingSet:
    """The same, with sequences as long as the model looks at them."""

    def own(rows: CrossSections) -> CrossSections:
        inputs = model.inputs(rows)
        return replace(rows, sequences=inputs) if isinstance(inputs, Sequences) else rows

    return data if model.sequence_sessions == 1 else replace(data, train=own(data.train), validation=own(data.validation))


def _nothing_to_learn(data: TrainingSet) -> str | None:
    """Why no learner could tell the rows to train on apart; None where one might."""
    rows, day = data.train, data.window.session
    n = f"{len(rows.y):,}"
    if rows.y.min() == rows.y.max():
        symbols = rows.keys["symbol"].unique()
        if len(symbols) == 1:
            return f"the {n} rows to train on as of {day} are of one symbol, {symbols[0]}, whose rank is always the same: a cross-section takes two, see [universe]"
        return f"the labels of all {n} rows to train on as of {day} are the same, {rows.y[0]:g}: there is nothing to tell apart, see training.label_source"
    if not any(_differs(rows.x[:, at]) for at in range(rows.x.shape[1])):
        return (
            f"no feature tells the labels of {n} rows to train on as of {day} apart: each of {rows.x.shape[1]} is missing or the same in all of them; "
            "look at the features with ats features show"
        )
    return None


def _differs(values: np.ndarray) -> bool:
    known = values[~np.isnan(values)]
    return bool(len(known)) and bool(known.min() < known.max())


def recorded(model: Model, fitted: Fitted, data: TrainingSet, settings: TrainingSettings, versions: dict[str, str]) -> dict[str, Any]:
    """What the record of a fit says beside the session and the hashes: figures on the validation sessions, windows, versions."""
    by_session = rank_ic_by_session(data.validation, fitted.scores)
    ics = by_session["rank_ic"].drop_nulls()
    library = model.learner.library
    return {
        "learner": model.kind,
        "file": model.learner.file,
        "features": data.features,
        "label": TaughtLabel(
            source=settings.label_source,
            column=settings.label_column,
            horizon_sessions=data.window.known_after.last - 1,
            kind=fitted.label_kind or settings.label,
        ),
        "training": _window(data.train),
        "validation_window": _window(data.validation),
        "validation": Validation(rank_ic=sum(ics) / len(ics) if len(ics) else None, by_session=dict(by_session.iter_rows())),
        "parameters": fitted.parameters,
        "best_iteration": fitted.rounds,
        "importance": fitted.importance,
        "versions": {**versions, library: version(library)},
    }


def _window(rows: CrossSections) -> DecisionWindow:
    return DecisionWindow(
        first_decision=rows.decision_sessions[0], last_decision=rows.decision_sessions[-1], sessions=len(rows.sizes), rows=len(rows.y)
    )
