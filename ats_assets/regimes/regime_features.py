"""From observations to regimes: the estimations of a refit session, which of them is used at a session, and the features that it gives.

1. At a refit session each number of states is estimated on the `train_sessions` that end there (`estimation`), and stored.
2. At session D the newest `match_refits` + 1 refit sessions up to D are looked at, back over a bounded window. The number of states is that with the lowest mean criterion
   over those in which each number was estimated: one refit alone does not change it.
3. Its states are put in order through these estimations (`state_matching`). No refit leans on the one before it without end: any session can be made from its window alone.
4. Each row is filtered forward over its own `filter_sessions` (`forward_filter`).
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.regimes.estimation import Estimation, estimated
from ats_assets.regimes.forward_filter import FilteredStates, filtered_states
from ats_assets.regimes.regime_model import Floats, RegimeModel
from ats_assets.regimes.schema import FITS_SCHEMA, regimes_schema
from ats_assets.regimes.state_matching import state_order
from ats_assets.settings import LONGEST_PERIOD, RegimeSettings

WHO = "instrument"
"""The column that says whose rows follow each other, where rows of symbols have it."""


def estimations(observations: pl.DataFrame, settings: RegimeSettings) -> dict[int, Estimation]:
    """Of each number of states that could be estimated; none where fewer than `min_train_sessions` sessions have a complete observation.

    Parameters
    ----------
    observations
        Rows of the contract `RegimeObservations`, of the window that is looked at.
    """
    rows = observations.filter("member").sort("symbol", "session")
    values = rows.select(settings.observations).to_numpy()
    complete = np.asarray(np.isfinite(values).all(axis=1))
    if rows.filter(pl.Series(complete))["session"].n_unique() < settings.min_train_sessions:
        return {}
    sequence = _sequences(rows)
    made = {k: estimated(values, sequence, settings, k) for k in range(settings.min_states, settings.max_states + 1)}
    return {k: one for k, one in made.items() if one is not None}


def fit_rows(session: date, observations: pl.DataFrame, settings: RegimeSettings) -> pl.DataFrame:
    """The rows of the contract `RegimeFits` of a refit session."""
    rows = [
        {
            "session": session,
            "states": k,
            **{name: getattr(one, name) for name in ("log_likelihood", "bic", "icl", "rows", "iterations", "converged", "start")},
            "first_session": observations["session"].min(),
            "parameters": one.model.to_json(),
        }
        for k, one in estimations(observations, settings).items()
    ]
    return pl.DataFrame(rows, schema=FITS_SCHEMA)


def fits_lookback(settings: RegimeSettings) -> int:
    """Sessions before D whose estimations it may look at: a bound on what `match_refits` earlier refits, and the time since the newest, can take."""
    return (settings.match_refits + 1) * max(LONGEST_PERIOD[settings.refit])


def regime_at(fits: pl.DataFrame, settings: RegimeSettings) -> RegimeModel | None:
    """The model that is used, its states in order; None where there is no estimation.

    Parameters
    ----------
    fits
        Rows of the contract `RegimeFits` of the window that ends at a session.
    """
    newest = fits["session"].unique().sort().tail(settings.match_refits + 1)
    fits = fits.filter(pl.col("session").is_in(newest.implode())).sort("session", "states")
    everywhere = fits.group_by("states").agg(pl.len(), pl.col(settings.criterion).mean()).filter(pl.col("len") == len(newest))
    if len(newest) and everywhere.is_empty():  # no number of states in all of them: the newest alone
        return regime_at(fits.filter(pl.col("session") == newest[-1]), settings)
    if everywhere.is_empty():
        return None
    states = everywhere.sort(settings.criterion, "states")["states"][0]
    track = [RegimeModel.from_json(text) for text in fits.filter(states=states)["parameters"]]
    return track[-1].ordered(state_order(track))


def regimes_of(
    name: str,
    settings: RegimeSettings,
    *,
    observations: pl.DataFrame,
    fits: pl.DataFrame,
    bars: pl.DataFrame,
    days: Sequence[date],
    sessions: Sequence[date],
) -> pl.DataFrame:
    """The regimes of neighbouring sessions.

    Parameters
    ----------
    observations, fits
        Rows of their contracts, of the windows of all the sessions together, or more; observations of symbols may have a column `instrument`.
    bars
        symbol, session of the rows that are wanted.
    days
        Every session of the exchange from the beginning of the windows to the last of the sessions.
    sessions
        Those that are wanted, ascending.

    Returns
    -------
    DataFrame
        `regimes_schema`, sorted by session and symbol.
    """
    place = {day: i for i, day in enumerate(days)}
    back = fits_lookback(settings)
    models: dict[tuple[date, ...], RegimeModel | None] = {}
    refits = fits["session"].unique().sort().to_list()
    chosen: dict[tuple[date, ...], list[date]] = {}
    for session in sessions:
        first = days[max(0, place[session] - back)]
        window = tuple([day for day in refits if first <= day <= session][-settings.match_refits - 1 :])
        if window not in models:
            models[window] = regime_at(fits.filter(pl.col("session").is_in(list(window))), settings)
        chosen.setdefault(window, []).append(session)
    parts = [_filtered(name, settings, models[window], observations, days=days, sessions=of) for window, of in chosen.items()]
    found = pl.concat(parts) if parts else _empty(name, settings)
    keys = ["session"] if settings.form == "macro" else ["session", "symbol"]
    features = [column for column in found.columns if column not in {"symbol", "session"}]
    rows = bars.filter(pl.col("session").is_in(list(sessions))).select("symbol", "session").sort("session", "symbol")
    made = rows.join(found.select(*keys, *features), on=keys, how="left", maintain_order="left")
    if settings.symbols:  # others have no regime, though one could be filtered for them
        of_entry = pl.col("symbol").is_in(list(settings.symbols))
        made = made.with_columns(pl.when(of_entry).then(pl.col(column)).alias(column) for column in features)
    return made.with_columns(pl.col(features).fill_null(float("nan"))).cast(regimes_schema(name, settings))


def _filtered(
    name: str,
    settings: RegimeSettings,
    model: RegimeModel | None,
    observations: pl.DataFrame,
    *,
    days: Sequence[date],
    sessions: Sequence[date],
) -> pl.DataFrame:
    """The features of the sessions under one model."""
    if model is None:
        return _empty(name, settings)
    whose = [WHO] if WHO in observations.columns else ["symbol"]
    place = {day: i for i, day in enumerate(days)}
    reach = days[max(0, place[sessions[0]] - settings.filter_sessions - model.lags + 1)]
    rows = observations.filter(pl.col("session").is_between(reach, sessions[-1])).sort(*whose, "session")
    values = rows.select(settings.observations).to_numpy()
    sequence = rows[whose[0]].ne_missing(rows[whose[0]].shift(1)).fill_null(value=True).cum_sum().cast(pl.Int64).to_numpy()
    first = _session_windows(rows, days, sequence, settings.filter_sessions, model.lags)
    found = filtered_states(model, values, first, sequence)
    wanted = rows["session"].is_in(list(sessions))
    columns = feature_columns(name, found, settings.max_states)
    return rows.select("symbol", "session").with_columns(**columns).filter(wanted)


def _session_windows(rows: pl.DataFrame, days: Sequence[date], sequence: NDArray[np.int64], sessions: int, lags: int) -> NDArray[np.int64]:
    """Where each row's window begins: the first row of its sequence in the `sessions` that end at it, whose lags lie in these and `lags` sessions more."""
    places = pl.DataFrame({"session": pl.Series(days, dtype=pl.Date)}).with_row_index("i")
    at = rows.select("session").join(places, on="session", how="left", maintain_order="left")["i"].to_numpy().astype(np.int64)
    keys = sequence * (len(days) + sessions + lags) + at  # ascending; a look back over a window stays above the keys of the sequence before
    first = np.searchsorted(keys, keys - sessions + 1)
    return np.maximum(first, np.searchsorted(keys, keys - sessions - lags + 1) + lags).astype(np.int64)


def feature_columns(name: str, found: FilteredStates, max_states: int) -> dict[str, pl.Series]:
    """The features of filtered rows, by the names of `regime_columns`; states beyond those of the model have the probability 0."""
    known = found.state >= 0
    missing = np.where(known, 0.0, np.nan)
    states: list[Floats] = [found.probabilities[:, k] if k < found.probabilities.shape[1] else missing for k in range(max_states)]
    return {
        **{f"{name}_p{k}": pl.Series(values, dtype=pl.Float32) for k, values in enumerate(states)},
        f"{name}_entropy": pl.Series(found.entropy, dtype=pl.Float32),
        f"{name}_state": pl.Series(np.where(known, found.state, np.nan), dtype=pl.Float32),
        f"{name}_sessions_in_state": pl.Series(np.where(known, found.rows_in_state, np.nan), dtype=pl.Float32),
    }


def _sequences(rows: pl.DataFrame) -> NDArray[np.int64]:
    """A number for each stretch of rows of one symbol without a gap of a session, ascending; int64 of shape (n_rows,)."""
    places = rows.select("session").unique().sort("session").with_row_index("i")
    at = rows.select("session").join(places, on="session", how="left", maintain_order="left")["i"].cast(pl.Int64)
    breaks = rows["symbol"].ne_missing(rows["symbol"].shift(1)) | (at.diff() != 1).fill_null(value=True)
    return breaks.cum_sum().cast(pl.Int64).to_numpy()


def _empty(name: str, settings: RegimeSettings) -> pl.DataFrame:
    return regimes_schema(name, settings).to_frame()
