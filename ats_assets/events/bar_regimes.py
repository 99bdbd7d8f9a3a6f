"""Regimes inside the session: which state of calm or stress each bar is in, as far as it was known at its close.

Bars of session D are filtered by an estimation that has seen only the sessions before D: parameters are refitted at each session, and within it they stay. What is observed of a bar
is its own return and the logarithm of its range. States are matched with those of the estimations before (`regimes.state_matching`), the calmest is 0. A row is a function of
the bars of a fixed window of sessions up to its own bar: it is the same alone and in any range.
"""

from collections.abc import Mapping, MutableMapping, Sequence
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.features.family import ROW_KEYS
from ats_assets.regimes import RegimeModel, estimated, filtered_states, state_order, window_starts
from ats_assets.settings import BarRegimeSettings, RegimeSettings

BAR_REGIMES = "bar_regimes"
"""The asset."""
LEAST_RANGE = 1e-7
"""Of a bar, as a share of its price: a smaller one counts as this, since it has a logarithm."""


def bar_regime_columns(settings: BarRegimeSettings) -> dict[str, str]:
    """The features, and what each says.

    Examples
    --------
    >>> list(bar_regime_columns(BarRegimeSettings(states=2)))
    ['bar_regime_p0', 'bar_regime_p1', 'bar_regime_entropy', 'bar_regime_state']
    """
    return {
        **{f"bar_regime_p{k}": f"filtered probability of state {k}; the calmest is 0" for k in range(settings.states)},
        "bar_regime_entropy": "entropy of these probabilities: 0 is certain, 1 nothing known",
        "bar_regime_state": "the most likely state",
    }


def bar_regimes_schema(settings: BarRegimeSettings) -> pl.Schema:
    """The columns and types: symbol, session, known_at, then one float32 column a feature."""
    keys: dict[str, pl.DataType] = {"symbol": pl.String(), "session": pl.Date(), "known_at": pl.Datetime("ns", "UTC")}
    return pl.Schema(keys | dict.fromkeys(bar_regime_columns(settings), pl.Float32()))


def bar_regimes(
    bars: pl.DataFrame,
    settings: BarRegimeSettings,
    *,
    days: Sequence[date],
    sessions: Sequence[date],
    fits: MutableMapping[date, RegimeModel | None] | None = None,
) -> pl.DataFrame:
    """The regimes of the bars of some sessions, sorted by session, symbol, bar; NaN before there is an estimation.

    Parameters
    ----------
    bars
        The contract `InformationBars`, from `settings.back` sessions before the first of the sessions on.
    days
        Every session of the calendar that the bars span, ascending.
    sessions
        Those that are wanted, each one of `days`.
    fits
        The estimations by the session that they are for, each of the bars of sessions before it: what is there is taken, what is not is added.
    """
    ordered = bars.sort("session", "symbol", "bar")
    of_day = {key[0]: rows for key, rows in ordered.partition_by("session", as_dict=True, maintain_order=True).items()}
    place = {day: i for i, day in enumerate(days)}
    fits = {} if fits is None else fits
    parts = [bar_regimes_schema(settings).to_frame()]
    for session in sessions:
        if session not in of_day:
            continue
        at = place[session]
        wanted = days[max(0, at - settings.match_fits) : at + 1]
        for day in wanted:
            if day not in fits:
                fits[day] = _fit(of_day, days[max(0, place[day] - settings.train_sessions) : place[day]], settings)
        known = [model for model in (fits[day] for day in wanted) if model is not None]
        model = None if fits[session] is None else known[-1].ordered(state_order(known))
        before = [of_day[day] for day in days[max(0, at - 1) : at] if day in of_day]
        parts.append(_filtered(pl.concat([*before, of_day[session]]), session, model, settings))
    return pl.concat(parts)


def _fit(of_day: Mapping[date, pl.DataFrame], window: Sequence[date], settings: BarRegimeSettings) -> RegimeModel | None:
    """The estimation of the sessions of a window; None of too few bars, or where EM found none."""
    rows = [of_day[day] for day in window if day in of_day]
    if sum(map(len, rows)) < settings.min_bars:
        return None
    whole = pl.concat(rows)
    sequence = whole.select(pl.struct("session", "symbol").rle_id()).to_series().to_numpy().astype(np.int64)
    how = RegimeSettings(
        kind=settings.kind, min_states=settings.states, max_states=settings.states, seed=settings.seed, starts=settings.starts
    )
    found = estimated(_observed(whole), sequence, how, settings.states)
    return None if found is None else found.model


def _filtered(rows: pl.DataFrame, session: date, model: RegimeModel | None, settings: BarRegimeSettings) -> pl.DataFrame:
    """The features of a session's bars; the windows reach into the session before."""
    rows = rows.sort("symbol", "session", "bar", maintain_order=True)
    own = rows.filter(session=session)
    names = list(bar_regime_columns(settings))
    if model is None:
        return own.select(ROW_KEYS).with_columns(pl.lit(float("nan"), pl.Float32).alias(name) for name in names)
    sequence = rows["symbol"].rle_id().to_numpy().astype(np.int64)
    found = filtered_states(model, _observed(rows), window_starts(sequence, settings.filter_bars), sequence)
    values = [*found.probabilities.T, found.entropy, np.where(found.state >= 0, found.state, np.nan)]
    made = rows.select("session", *ROW_KEYS[:1], "known_at").with_columns(
        pl.Series(name, column, dtype=pl.Float32) for name, column in zip(names, values, strict=True)
    )
    return made.filter(session=session).select(*ROW_KEYS, *names)


def _observed(rows: pl.DataFrame) -> NDArray[np.float64]:
    """Return in basis points, and the logarithm of the range, of shape (n_bars, 2)."""
    returns = 10_000.0 * (pl.col("close") / pl.col("open")).log()
    spans = (pl.col("high") / pl.col("low") - 1.0).clip(LEAST_RANGE).log()
    return rows.select(returns.alias("return"), spans.alias("range")).to_numpy()
