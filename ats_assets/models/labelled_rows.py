"""Labelled rows of a window, and models fitted on parts of them: what is held out inside a part, how its rows count, and the skill of scores.

Each fit holds out the newest part of its own rows, purged, as training does, and stops by that; what it is judged on is never looked at.
"""

from dataclasses import dataclass, field, replace
from datetime import date
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.calendar import SessionCalendar
from ats_assets.deployment import Deployment
from ats_assets.errors import EvaluationError
from ats_assets.evaluation import walk_forward
from ats_assets.features import joined
from ats_assets.features.choosing import model_families
from ats_assets.labels import learnt_label
from ats_assets.labels.label_spans import uniqueness
from ats_assets.models.choosing import Model
from ats_assets.models.cross_sections import rank_ic_by_session
from ats_assets.models.feature_selection import Columns, kept_columns, of_all_columns, of_columns
from ats_assets.models.fit_memory import require_fit
from ats_assets.models.fitting import fit
from ats_assets.models.learner import Fitted, Scorer
from ats_assets.models.training_set import CrossSections, TrainingSet, TrainingWindow, training_set, training_window
from ats_assets.settings import TrainingSettings

Scores = NDArray[np.float64]
READ_AT_ONCE: Final = 21
"""Sessions whose features are read together."""
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
    _kept: dict[tuple[bytes, TrainingSettings], Columns | None] = field(default_factory=dict, compare=False, repr=False)

    def kept(self, at: NDArray[np.int64], rows: CrossSections, training: TrainingSettings) -> Columns | None:
        """The features that are kept of the rows to train on, by position; None: all. They are the same for every model, and are chosen once."""
        key = (at.tobytes(), training)
        if key not in self._kept:
            found = kept_columns(rows, training)
            self._kept[key] = None if found is None else found[0]
        return self._kept[key]


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
        The features to learn from, by position; default: all, or those that `training.selection` keeps of the rows to train on.
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
    rows_to_fit = TrainingSet(window=data.window, features=names, **parts)
    kept = None if columns is not None else data.kept(train, rows_to_fit.train, training)
    found = fit(model, rows_to_fit if kept is None else of_columns(rows_to_fit, kept), training, threads=training.threads)
    if not isinstance(found, Fitted):
        return found.reason
    scorer = model.learner.load(found.content)
    return scorer if kept is None else of_all_columns(scorer, kept)


def scores_at(model: Model, scorer: Scorer, rows: CrossSections, at: NDArray[np.int64], *, threads: int = 1) -> Scores:
    """What a model that was fitted on other rows says of some of these."""
    return scorer.predict(model.inputs(rows)[at], threads=threads)


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
    sequences = None if rows.sequences is None else rows.sequences[at]
    if sequences is not None and columns is not None:
        sequences = sequences.of_columns(columns)
    spans = rows.spans and rows.spans.take(at)
    return CrossSections(keys=keys, x=x, y=rows.y[at], returns=rows.returns[at], sizes=sizes, spans=spans, sequences=sequences)


def rank_ics(rows: CrossSections, at: NDArray[np.int64], scores: Scores) -> dict[date, float]:
    """The rank IC of each session that has one, of the rows that are scored."""
    if not len(at):
        return {}
    return dict(rank_ic_by_session(_part(rows, at), scores[at]).drop_nulls().iter_rows())


def whole_window(
    deployment: Deployment, session: date, sequence_sessions: int = 1, training: TrainingSettings | None = None
) -> TrainingWindow | None:
    """The window of a model of a session, all of whose decisions are to train on; None where history is too short for a fit.

    Parameters
    ----------
    sequence_sessions
        How many sessions of features are looked at for a decision.
    training
        How long the window is; default: as of the models that are due.
    """
    calendar, learnt = deployment.calendar, deployment.of(learnt_label)
    window = training_window(calendar, session, training or deployment.settings.training, learnt.known_after, sequence_sessions)
    decisions = deployment.known(calendar.sessions(window.train[0], window.validation[-1])) if window.train else []
    if not decisions or not deployment.known(window.train):
        return None
    first = calendar.offset(decisions[0], learnt.known_after.first)
    last = min(calendar.offset(decisions[-1], learnt.known_after.last), session)
    lying = window.sequences and replace(window.sequences, sessions=tuple(deployment.known(window.sequences.sessions)))
    labels = tuple(calendar.sessions(first, last))
    return replace(window, train=tuple(decisions), validation=(), label_sessions=labels, sequences=lying)


def rows_of(deployment: Deployment, window: TrainingWindow) -> LabelledRows:
    """Features, labels and universe of the window: of the features the rows of the universe alone."""
    universe = deployment.warehouse.read("universe", window.train)
    require_fit(deployment, f"learning from the window of {window.session}", universe.height)
    keys = ["symbol", "session"] if window.sequences is None else ["symbol"]
    members, learnt = universe.select(keys), deployment.of(learnt_label)
    days = window.train if window.sequences is None else window.sequences.sessions

    def rows(family: str) -> pl.DataFrame:
        some = (
            days[first : first + READ_AT_ONCE] for first in range(0, len(days), READ_AT_ONCE)
        )  # what is no member's is never there as a whole
        return pl.concat(deployment.warehouse.read(family, part).join(members, on=keys, how="semi", maintain_order="left") for part in some)

    features = joined({family: rows(family) for family in deployment.of(model_families)})
    outcomes = learnt.outcomes(deployment.warehouse.read(learnt.asset, window.label_sessions))
    how = {"window": window, "settings": deployment.settings.training, "calendar": deployment.calendar}
    return labelled_rows(features, outcomes, universe, **how)
