"""Regimes at bars inside a session, in row form: a row is made of bars known at or before its own, and of estimations of earlier sessions.

    return       ln(close / open) of the bar, over the deviation of the symbol's bars of the sessions before
    volatility   ln ln(high / low) of the bar, less its mean over these

Observations need nothing of other bars of their session. A row is filtered over the last `filter_sessions` bars of its symbol, which reach back over
`intraday.lookback_sessions` sessions at most. An estimation of session R is known at its close, so bars use those of the sessions before their own.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import polars as pl

from ats_assets.regimes.estimation import estimated
from ats_assets.regimes.forward_filter import filtered_states, window_starts
from ats_assets.regimes.market_observations import LEAST_RANGE, LEAST_SCALE
from ats_assets.regimes.regime_features import feature_columns, fits_lookback, regime_at, told_fits
from ats_assets.regimes.schema import FITS_SCHEMA, bar_regimes_schema
from ats_assets.settings import RegimeSettings

OBSERVED = ("return", "volatility")
KEYS = ("symbol", "session", "known_at")


def bar_observations(bars: pl.DataFrame, days: Sequence[date], *, lookback_sessions: int) -> pl.DataFrame:
    """What is observed of each bar: symbol, session, known_at, return, volatility (NaN where the sessions before have too few bars), by symbol in the order of time.

    Parameters
    ----------
    bars
        Of `INFORMATION_BARS_SCHEMA`.
    days
        Every session of the exchange that the bars span, ascending.
    lookback_sessions
        Before a bar's own, whose bars scale it.
    """
    place = {day: i for i, day in enumerate(days)}
    parts: list[pl.DataFrame] = []
    for of_symbol in bars.sort("symbol", "session", "bar").partition_by("symbol", maintain_order=True):
        moments: dict[int, tuple[int, float, float, float]] = {}
        for own in of_symbol.partition_by("session", maintain_order=True):
            i = place[own["session"][0]]
            opened, high, low, closed = (own[name].to_numpy() for name in ("open", "high", "low", "close"))
            moved, spread = np.log(closed / opened), np.log(np.maximum(np.log(high / low), LEAST_RANGE))
            before = [moments[j] for j in range(i - lookback_sessions, i) if j in moments]
            count, total, squares, spreads = (sum(one[k] for one in before) for k in range(4))
            variance = (squares - total**2 / count) / (count - 1) if count >= LEAST_SCALE else 0.0
            known = variance > 0.0
            scaled = moved / variance**0.5 if known else np.full(len(own), np.nan)
            centred = spread - spreads / count if known else np.full(len(own), np.nan)
            moments[i] = (len(own), float(moved.sum()), float((moved * moved).sum()), float(spread.sum()))
            parts.append(own.select(KEYS).with_columns(pl.Series("return", scaled), pl.Series("volatility", centred)))
    return pl.concat(parts) if parts else bars.select(*KEYS, *(pl.lit(None, pl.Float64).alias(name) for name in OBSERVED))


def bar_fit_rows(session: date, observations: pl.DataFrame, settings: RegimeSettings) -> pl.DataFrame:
    """The rows of the contract `RegimeFits` of a refit session; none where fewer than `min_train_sessions` sessions have a complete observation.

    Parameters
    ----------
    observations
        What `bar_observations` returns, of the `train_sessions` that end with the session.
    """
    values = observations.select(settings.observations).to_numpy()
    complete = np.asarray(np.isfinite(values).all(axis=1))
    if observations.filter(pl.Series(complete))["session"].n_unique() < settings.min_train_sessions:
        return FITS_SCHEMA.to_frame()
    sequence = _of_symbols(observations)
    made = {k: estimated(values, sequence, settings, k) for k in range(settings.min_states, settings.max_states + 1)}
    return told_fits(session, observations["session"].min(), {k: one for k, one in made.items() if one is not None})


def bar_regimes_of(
    name: str,
    settings: RegimeSettings,
    *,
    observations: pl.DataFrame,
    fits: pl.DataFrame,
    days: Sequence[date],
    sessions: Sequence[date],
    lookback_sessions: int,
) -> pl.DataFrame:
    """The regimes at the bars of some sessions.

    Parameters
    ----------
    observations
        What `bar_observations` returns, of the sessions and the `lookback_sessions` before each.
    fits
        Rows of the contract `RegimeFits`, of the sessions before.
    days
        Every session of the exchange that these span.

    Returns
    -------
    DataFrame
        `bar_regimes_schema`, by session, symbol and time.
    """
    place, schema = {day: i for i, day in enumerate(days)}, bar_regimes_schema(name, settings)
    parts = [schema.to_frame()]
    for session in sessions:
        i = place[session]
        model = regime_at(
            fits.filter(pl.col("session").is_between(days[max(0, i - fits_lookback(settings))], session, closed="left")), settings
        )
        rows = observations.filter(pl.col("session").is_between(days[max(0, i - lookback_sessions)], session))
        wanted = (rows["session"] == session).to_numpy()
        if model is None:
            columns = {column: pl.lit(float("nan"), pl.Float32) for column in schema.names() if column not in KEYS}
        else:
            sequence = _of_symbols(rows)
            first = np.where(wanted, window_starts(sequence, settings.filter_sessions), np.arange(len(rows)) + 1)
            found = filtered_states(model, rows.select(settings.observations).to_numpy(), first, sequence)
            columns = feature_columns(name, found, settings.max_states)
        parts.append(rows.select(KEYS).with_columns(**columns).filter(pl.Series(wanted)).cast(schema))
    return pl.concat(parts)


def _of_symbols(rows: pl.DataFrame) -> np.ndarray:
    """A number for each symbol's rows, which stand together; int64 of shape (n_rows,)."""
    return rows["symbol"].ne_missing(rows["symbol"].shift(1)).fill_null(value=True).cum_sum().cast(pl.Int64).to_numpy()
