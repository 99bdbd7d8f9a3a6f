"""Training sets: features of past decisions beside what became of them.

The window of a model of session D, in decision sessions (e = embargo, k = sessions after which a label is known at the latest: h+1 for forward returns of horizon h):

    |<------------------------ train_sessions ------------------------>|
    | train                     | purged: k-1 + e | validation         |    k + e    | D
                                                        newest label is known at D - e, or before

Everything before D - e is known at D anyway; the embargo keeps a distance beyond that. Between train and validation the decisions whose labels were not
known when the first validation decision was made are purged, and e more are left out (López de Prado, Advances in Financial Machine Learning,
2018, section 7.4). The window is counted on the calendar, not on the rows found, so it is the same however much history is stored. It is counted from the time by which
every label of a decision is known: of newer decisions only those with a quick end are, which are no fair sample.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import ContractError, LookAheadError
from ats_assets.labels.label_spans import LabelSpans, time_decay
from ats_assets.labels.sample_weights import weighed_after
from ats_assets.models.feature_matrix import feature_matrix
from ats_assets.models.sequences import Sequences, SequenceWindow, sequences_of
from ats_assets.settings import KnownAfter, TrainingSettings


@dataclass(frozen=True, kw_only=True)
class TrainingWindow:
    """The decision sessions that a model of `session` learns from, ascending; fewer at the start of the calendar."""

    session: date
    train: tuple[date, ...]
    validation: tuple[date, ...]
    label_sessions: tuple[date, ...]
    """Where the labels of all these decisions are stored."""
    known_after: KnownAfter
    """How long after a decision its label is known."""
    weight_sessions: tuple[date, ...] = ()
    """Where the sample weights of the decisions to train on are stored."""
    sequences: SequenceWindow | None = None
    """Of a model that looks at more sessions than one: every session from where the first sequence begins to the last decision."""

    @property
    def decisions(self) -> tuple[date, ...]:
        """The sessions whose features and universe are needed."""
        return self.train + self.validation


@dataclass(frozen=True, kw_only=True)
class CrossSections:
    """Rows of several decision sessions, sorted by (session, symbol).

    `keys` has the columns session and symbol; `x` is float32 of shape (n_rows, n_features), C order, NaN = missing; `y` is float64 of shape
    (n_rows,), what is taught; `returns` is float64 of the same shape, the outcome itself before it is ranked or graded, which an objective of money counts in; `sizes` is
    int64 of shape (n_sessions,), the rows of each session. `weights` is what each row counts in a fit, float64 of shape (n_rows,) with a mean of 1;
    None where all count the same, as those to validate on do. `spans` are those of the rows' labels, None where they are not told.
    `sequences` are those of the rows, whose last row is that of `x`; None where the model looks at one row.
    """

    keys: pl.DataFrame
    x: np.ndarray
    y: np.ndarray
    returns: np.ndarray
    sizes: np.ndarray
    weights: np.ndarray | None = None
    spans: LabelSpans | None = None
    sequences: Sequences | None = None

    @property
    def decision_sessions(self) -> list[date]:
        """The decision sessions that have rows, ascending."""
        return self.keys["session"].unique(maintain_order=True).to_list()


@dataclass(frozen=True, kw_only=True)
class TrainingSet:
    """What a model is fitted on, and what it is stopped and judged on."""

    window: TrainingWindow
    features: tuple[str, ...]
    train: CrossSections
    validation: CrossSections


def training_window(
    calendar: SessionCalendar, session: date, settings: TrainingSettings, known: KnownAfter, sequence_sessions: int = 1
) -> TrainingWindow:
    """The decision sessions of the model of `session`, of labels that are known so long after a decision, and of a model of sequences where these lie."""
    known_after = known.last
    end = calendar.position(session) - settings.embargo_sessions - known_after + 1
    start = max(0, end - settings.train_sessions)
    cut = max(start, end - settings.validation_sessions)
    train_end = max(start, cut - settings.embargo_sessions - known_after + 1)

    def sessions(first: int, last: int) -> tuple[date, ...]:
        return tuple(calendar.window(calendar.offset(calendar.first, last - 1), last - first)) if last > first else ()

    train, validation = sessions(start, train_end), sessions(cut, end)
    parts = [(first + known.first, last + known.last) for first, last in ((start, train_end), (cut, end)) if last > first]
    labels = tuple(sorted({day for first, last in parts for day in sessions(first, last)}))
    later = weighed_after(known)
    weights = sessions(start + later, train_end + later)
    found = None
    if sequence_sessions > 1:
        found = SequenceWindow(length=sequence_sessions, sessions=sessions(max(0, start - sequence_sessions + 1), end))
    return TrainingWindow(
        session=session,
        train=train,
        validation=validation,
        label_sessions=labels,
        known_after=known,
        weight_sessions=weights,
        sequences=found,
    )


def least_history(settings: TrainingSettings, known: KnownAfter) -> int:
    """How many sessions must lie before a fit: those to train on, those to validate on, and after each part the embargo and what a label takes to be known.

    Examples
    --------
    >>> least_history(TrainingSettings(), KnownAfter(first=6, last=6))
    209
    """
    apart = settings.embargo_sessions + known.last - 1
    return settings.min_train_sessions + settings.validation_sessions + 2 * apart


def training_set(  # noqa: PLR0917 - the frames in the order in which they are joined
    features: pl.DataFrame,
    outcomes: pl.DataFrame,
    universe: pl.DataFrame,
    window: TrainingWindow,
    settings: TrainingSettings,
    weights: pl.DataFrame | None = None,
) -> TrainingSet:
    """Features, labels and universe of the window, joined: the symbols that were tradable at the decision and have an outcome.

    Parameters
    ----------
    features
        symbol, session, then the features in their order. Rows in any order, other sessions than the window's, and those of its sequences, are not looked at.
    outcomes
        symbol, session (at whose close it was known), decision_session, y; see `ats_assets.labels.label.Label.outcomes`. Other decisions than the window's are not looked at.
    universe
        The contract of that name.
    window
        From `training_window`.
    settings
        The label "rank" is the centred percentile of the outcome among the universe's symbols of the decision session, (average rank - 1/2) / n - 1/2; "raw" is the
        outcome itself.
    weights
        Of the decisions to train on the contract `SampleWeights`, where rows do not count the same.

    Raises
    ------
    LookAheadError
        If the labels hold one that became known after the window's session.
    ContractError
        If a symbol of the universe has an outcome but no row of features, or no weight.
    """
    names = tuple(column for column in features.columns if column not in {"symbol", "session"})
    late = outcomes.filter(pl.col("session") > window.session)
    if not late.is_empty():
        raise LookAheadError(
            f"the labels for the model of {window.session} hold rows that became known at {late['session'].max()}: read partitions up to {window.session} only"
        )
    labels = outcomes.select("symbol", "y", session="decision_session", known="session")
    keys = labels.join(universe.select("symbol", "session"), on=["symbol", "session"], how="semi").with_columns(outcome="y")
    if settings.label == "rank":
        keys = keys.with_columns(y=((pl.col("y").rank("average") - 0.5) / pl.len() - 0.5).over("session"))
    keys = keys.sort("session", "symbol")
    train, validation = (_cross_sections(keys, features, names, window, days) for days in (window.train, window.validation))
    if window.sequences is not None:
        found = sequences_of([train.keys, validation.keys], features, names, window.sequences)
        train, validation = (replace(rows, sequences=own) for rows, own in zip((train, validation), found, strict=True))
    if weights is not None:
        train = replace(train, weights=_row_weights(train, weights, settings.oldest_weight))
    return TrainingSet(window=window, features=names, train=train, validation=validation)


def _row_weights(rows: CrossSections, weights: pl.DataFrame, oldest: float) -> np.ndarray:
    """What each row counts, its age included, with a mean of 1; rows of a session are of one age."""
    own = weights.select("symbol", "uniqueness", "weight", session="decision_session")
    found = rows.keys.join(own, on=["symbol", "session"], how="left", maintain_order="left")
    if (lost := found.filter(pl.col("weight").is_null())).height:
        raise ContractError(
            f"{lost.height} of {found.height} rows to train on have no sample weight, such as {lost['symbol'][0]} at {lost['session'][0]}: "
            "materialise sample_weights of these sessions again"
        )
    of_session = found.group_by("session", maintain_order=True).agg(pl.col("uniqueness").sum())["uniqueness"]
    counted = found["weight"].to_numpy() * np.repeat(time_decay(of_session.to_numpy(), oldest), rows.sizes)
    total = counted.sum()
    return counted * (len(counted) / total) if total > 0 else np.ones(len(counted))


def _cross_sections(
    keys: pl.DataFrame, features: pl.DataFrame, names: Sequence[str], window: TrainingWindow, sessions: Sequence[date]
) -> CrossSections:
    keys = keys.filter(pl.col("session").is_in(list(sessions)))
    rows = keys.join(features, on=["symbol", "session"], how="inner", maintain_order="left")
    if rows.height != keys.height:
        lost = keys.join(features, on=["symbol", "session"], how="anti")
        raise ContractError(
            f"{lost.height} of {keys.height} labelled rows of the universe have no features or them twice"
            + (f", such as {lost['symbol'][0]} at {lost['session'][0]}" if lost.height else "")
            + ": materialise the features of that session again"
        )
    return CrossSections(
        keys=rows.select("session", "symbol"),
        x=feature_matrix(rows, names),
        y=rows["y"].to_numpy(),
        returns=rows["outcome"].cast(pl.Float64).to_numpy(),
        sizes=rows.group_by("session", maintain_order=True).len()["len"].to_numpy().astype(np.int64),
        spans=_spans(rows, window),
    )


def _spans(rows: pl.DataFrame, window: TrainingWindow) -> LabelSpans:
    """From the decision to where the label was known, in sessions of the window, which follow each other without a gap."""
    place = {day: i for i, day in enumerate(sorted({*window.decisions, *window.label_sessions}))}
    decided, known = (rows[name].replace_strict(place, return_dtype=pl.Int64).to_numpy() for name in ("session", "known"))
    return LabelSpans(decided=decided, known=known, group=rows["symbol"].rank("dense").cast(pl.Int64).to_numpy())
