"""What models of events learn from and are asked about: features beside events, and what became of them.

The window of a model of session D, in sessions (e = embargo):

    |<---------------------- train_sessions --------------------->|   e   | D
    | train                               |   e   | validation    |

It is counted in the sessions in which labels were known, so that everything in it was known at the close of D - e. A row of the train part is left out where its label was known only
after the first decision of the validation part, or in the e sessions before it: half-open spans [decided, known) of the two parts have no instant in common.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl

from ats_assets.errors import LookAheadError
from ats_assets.events.choosing import PRIMARY_SCORE, SIDE, EventModel
from ats_assets.features.alignment import aligned
from ats_assets.labels.label_spans import LabelSpans, uniqueness
from ats_assets.models import CrossSections, TrainingSet, TrainingWindow
from ats_assets.models.feature_matrix import feature_matrix
from ats_assets.settings import EventTrainingSettings, KnownAfter

KEYS = ("symbol", "session", "bar")


@dataclass(frozen=True, kw_only=True)
class EventInputs:
    """What the features of events are made of, of some sessions or more.

    Parameters
    ----------
    events
        The contract `Events`.
    frames
        By the name of each feature family, its rows.
    names
        By the name of each feature family, its factors.
    days
        Every session of the calendar that these span, ascending.
    primary
        The contract `EventPredictions`, of the model whose side is judged; None where there is none.
    """

    events: pl.DataFrame
    frames: Mapping[str, pl.DataFrame]
    names: Mapping[str, Sequence[str]]
    days: Sequence[date]
    primary: pl.DataFrame | None = None


def event_features(model: EventModel, inputs: EventInputs, settings: EventTrainingSettings) -> pl.DataFrame:
    """The features of events that the model can be asked about: symbol, session, known_at, bar, side, then the features in their order.

    Of a model that judges another one, those are the events for which there is a prediction of that. `side` is the one that is judged, null where none is.
    """
    events = inputs.events
    if model.primary is not None and inputs.primary is not None:
        given = inputs.primary.select(*KEYS, "side", pl.col("score").cast(pl.Float32).alias(PRIMARY_SCORE))
        events = events.drop("side").join(given, on=list(KEYS), how="inner", maintain_order="left")
    elif model.judges is None:
        events = events.with_columns(side=pl.lit(None, pl.Int8))
    own = [pl.col("side").cast(pl.Float32).alias(SIDE)] if model.judges else []
    keys = events.select("symbol", "session", "known_at", "bar", "side", *own, *(name for name in model.own_features if name != SIDE))
    factors = [name for names in inputs.names.values() for name in names]
    found = aligned(keys, inputs.frames, days=inputs.days, back=settings.align_sessions, names=inputs.names)
    return found.select("symbol", "session", "known_at", "bar", "side", *factors, *model.own_features)


def event_window(session: date, label_sessions: Sequence[date], settings: EventTrainingSettings, max_sessions: int) -> TrainingWindow:
    """The sessions that a model of `session` learns from; decisions may lie up to `max_sessions` before the first of them.

    Parameters
    ----------
    label_sessions
        Those of the window that are in history, ascending: see the module.
    max_sessions
        Into which a position may be held, after the session of its decision.
    """
    cut = max(0, len(label_sessions) - settings.validation_sessions)
    return TrainingWindow(
        session=session,
        train=tuple(label_sessions[: max(0, cut - settings.embargo_sessions)]),
        validation=tuple(label_sessions[cut:]),
        label_sessions=tuple(label_sessions),
        known_after=KnownAfter(first=1, last=max_sessions + 1),
    )


def event_training_set(
    model: EventModel, features: pl.DataFrame, labels: pl.DataFrame, window: TrainingWindow, settings: EventTrainingSettings
) -> TrainingSet:
    """Features and labels of the window, joined: of the train part what was known before the first decision of the validation part.

    The label is 1 where the return of the side that is judged is above `min_return_bps`, else 0; without a side, where the price rose by more. That return is kept beside it.

    Parameters
    ----------
    features
        From `event_features`.
    labels
        The contract `EventLabels`: those that the model learns.

    Raises
    ------
    LookAheadError
        If the labels hold one that became known after the window's session.
    """
    late = labels.filter(pl.col("session") > window.session)
    if not late.is_empty():
        raise LookAheadError(
            f"the labels for the model of {window.session} hold rows that became known at {late['session'].max()}: read partitions up to {window.session} only"
        )
    names = tuple(features.columns[5:])
    of_price = pl.col("return") * (1 if model.judges else pl.col("side").fill_null(1))
    known = labels.filter(pl.col("session").is_in(list(window.label_sessions))).select(
        "symbol",
        "bar",
        session="decision_session",
        known="known_at",
        y=(of_price > settings.min_return_bps / 10_000).cast(pl.Float64),
        outcome=of_price,
    )
    rows = known.join(features.drop("side"), on=list(KEYS), how="inner").sort("session", "symbol", "bar")
    held_out = rows.filter(pl.col("session").is_in(list(window.validation)))
    first = held_out["known_at"].min()
    train = rows.filter(pl.col("session").is_in(_decisions(rows, window)))
    if first is not None:
        train = train.filter(pl.col("known") <= first)
    weighted = settings.weights == "uniqueness"
    return TrainingSet(
        window=window,
        features=names,
        train=_sections(train, names, weighted=weighted),
        validation=_sections(held_out, names, weighted=False),
    )


def _decisions(rows: pl.DataFrame, window: TrainingWindow) -> list[date]:
    """The decision sessions up to the end of the train part: those before its first label session have labels in it, too."""
    return [day for day in rows["session"].unique().to_list() if window.train and day <= window.train[-1]]


def _sections(rows: pl.DataFrame, names: Sequence[str], *, weighted: bool) -> CrossSections:
    return CrossSections(
        keys=rows.select("session", "symbol"),
        x=feature_matrix(rows, names),
        y=rows["y"].to_numpy(),
        returns=rows["outcome"].to_numpy(),
        sizes=rows.group_by("session", maintain_order=True).len()["len"].to_numpy().astype(np.int64),
        weights=_uniqueness(_spans(rows)) if weighted else None,
        spans=_spans(rows),
    )


def _spans(rows: pl.DataFrame) -> LabelSpans:
    """In nanoseconds, and at least one long."""
    decided = rows["known_at"].cast(pl.Int64).to_numpy()
    known = np.maximum(rows["known"].cast(pl.Int64).to_numpy(), decided + 1)
    return LabelSpans(decided=decided, known=known, group=rows["symbol"].rank("dense").cast(pl.Int64).to_numpy())


def _uniqueness(spans: LabelSpans) -> np.ndarray:
    """The mean of 1 over the number of labels of the symbol under way, over each label's span; scaled to a mean of 1."""
    found = uniqueness(spans.decided, spans.known, spans.group)
    return found / found.mean() if len(found) else found
