"""Signals of given bars.

1. The file is read as the source `files` reads it, and screened as a delivery is.
2. The universe and the features of the session are made by the assets' own functions; the active model scores them.
3. The strategy of the settings that follows predictions makes signals of the scores, its probability calibrated on what the warehouse knows of past predictions; likewise the
   intervals. Where a part of that is missing there is no probability, and not another one.

Of the bars that a stored session was made from, the signals so have the bits of the asset.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import ModelError
from ats_assets.models.choosing import models
from ats_assets.predictions.combined_scores import combined
from ats_assets.predictions.inference import predict
from ats_assets.runs.bar_signals.bar_features import computed_features, exposures, features_in, left_out, members, sessions_needed
from ats_assets.runs.bar_signals.given_bars import GivenBars, given_bars
from ats_assets.runs.bar_signals.stored_past import StoredPast, intervals_of, past_windows, regimes_at, scores_of
from ats_assets.serving.queries.saved_scorer import SavedChoice, SavedScorer, saved_choice
from ats_assets.storage.model_record import ModelRecord
from ats_assets.strategies.choosing import weighting

COLUMNS = (
    "symbol",
    "session",
    "rank",
    "direction",
    "score",
    "probability",
    "expected_return",
    "lower",
    "upper",
    "level",
    "confidence",
    "regime",
    "size",
    "model_session",
)
"""Of the rows; what is not known is null. `size` is the target weight of the signal, before holding period and risk rules."""


@dataclass(frozen=True, kw_only=True)
class BarSignals:
    """What is made of given bars.

    Attributes
    ----------
    rows
        `COLUMNS`, best first.
    signals
        The contract `Signals`, as the asset has it.
    left_out
        Symbol and reason of each that has bars and no signal.
    notes
        What there is to say of the bars, the model and what is null, a line each.
    records
        Of the fit that predicted; of an ensemble of those that did, by the names of their models.
    """

    session: date
    for_open_of: date | None
    records: Mapping[str, ModelRecord]
    rows: pl.DataFrame
    signals: pl.DataFrame
    left_out: pl.DataFrame
    notes: tuple[str, ...]


def signals_of_bars(
    deployment: Deployment,
    path: Path,
    *,
    model: str | None = None,
    features: Path | None = None,
    actions: Path | None = None,
    session: date | None = None,
) -> BarSignals:
    """The signals after the close of the newest session of some bars.

    Parameters
    ----------
    path
        Bars: Parquet, CSV or JSON, or a folder of such.
    model
        See `saved_choice`.
    features
        A table of features, instead of those that would be computed from the bars.
    actions
        A file of corporate actions, by which prices are adjusted.
    session
        Default: the newest in the bars.

    Raises
    ------
    SourceError, MissingPartitionError, CorruptPartitionError, ModelError, SettingsError
        What is wrong with bars, actions, features or the model, and what to do.
    """
    longest = max(one.sequence_sessions for one in deployment.of(models).values())
    given = given_bars(deployment, path, actions, session, sessions=sessions_needed(deployment, longest))
    chosen = saved_choice(deployment, model, given.session)
    if (needed := max(one.model.sequence_sessions for one in chosen.scorers.values())) > longest:  # of a model from another place
        given = given_bars(deployment, path, actions, session, sessions=sessions_needed(deployment, needed))
    past = StoredPast(deployment, given.session)
    past.begin(past_windows(deployment, chosen.past))
    predictions = _predicted(deployment, given, chosen, features)
    if predictions.is_empty():
        why = left_out(given, predictions, deployment.settings.universe)
        some = "; ".join(f"{symbol}: {reason}" for symbol, reason in why.head(3).iter_rows())
        raise ModelError(
            f"no symbol of {path} can be predicted at {given.session}: {some}" + (f"; and {why.height - 3} more" if why.height > 3 else "")
        )
    scores, unknown = scores_of(deployment, predictions, given, chosen.past, past)
    frames = {"bars": given.bars, "corporate_actions": given.actions, **exposures(deployment, given)}
    signals, remarks = deployment.of(weighting).signals(scores, frames, given.days, [given.session])
    intervals, without = intervals_of(deployment, predictions, given.session, chosen.past, past)
    states, no_regime = regimes_at(deployment, given.session)
    known = intervals.select("symbol", "expected_return", "lower", "upper", "level", "confidence")
    rows = signals.rename({"target_weight": "size"}).join(known, on="symbol", how="left", maintain_order="left")
    state = pl.col("symbol").replace_strict(dict(states), default=None, return_dtype=pl.Int64) if states else pl.lit(None, pl.Int64)
    return BarSignals(
        session=given.session,
        for_open_of=deployment.calendar.after(given.session) if given.session < deployment.calendar.last else None,
        records={name: one.record for name, one in chosen.scorers.items()},
        rows=rows.with_columns(regime=state).select(COLUMNS).sort("rank", "symbol"),
        signals=signals,
        left_out=left_out(given, predictions, deployment.settings.universe),
        notes=(*given.notes, *chosen.notes, *unknown, *without, *no_regime, *remarks.values()),
    )


def _predicted(deployment: Deployment, given: GivenBars, chosen: SavedChoice, features: Path | None) -> pl.DataFrame:
    """The predictions of the session, as the asset has them."""
    made = {name: _by_one(deployment, given, one, features) for name, one in chosen.scorers.items()}
    if chosen.weights is None:
        return next(iter(made.values()))
    return combined(chosen.weights, made)


def _by_one(deployment: Deployment, given: GivenBars, one: SavedScorer, features: Path | None) -> pl.DataFrame:
    window = one.model.sequences_in(deployment.calendar.window(given.session, one.model.sequence_sessions))
    sessions = [given.session] if window is None else [day for day in given.days if day >= window.sessions[0]]
    universe = members(deployment, given)
    if features is None:
        made = computed_features(deployment, given, sessions)
    else:
        made = features_in(features, one.record.features, given.session)
        universe = universe.join(made.filter(session=given.session), on="symbol", how="semi")
    threads = deployment.settings.training.threads
    return predict(made, universe, one.record, one.scorer, threads=threads, sequences=window)
