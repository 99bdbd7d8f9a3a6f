"""What regimes are told by, from daily bars: of a market as a whole, or of each symbol against its own past.

    return       100 * (close / close before - 1), corporate actions taken out: the mean over the universe
    volatility   ln of the mean over the universe of ln(high / low): the range of a session needs no window, so that two sessions share nothing
    breadth      (risen - fallen) / known, of the universe

Of a symbol (micro) the return is divided by the standard deviation of its returns of the `scale_sessions` before, and of ln ln(high / low) the mean of
the sessions before is taken off: symbols are then alike, and one estimation serves them all. A session without a bar, or after one, has no return.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.corporate_actions.adjustment import adjustments
from ats_assets.corporate_actions.identity import INSTRUMENT, identities_of
from ats_assets.regimes.regime_model import Floats
from ats_assets.regimes.schema import OBSERVATIONS_SCHEMA
from ats_assets.settings import Adjust, RegimeSettings

LEAST_RANGE = 1e-6
"""Of ln(high / low): what does not move within a session."""
LEAST_SYMBOLS = 2
"""With a return, for one of the market."""
LEAST_SCALE = 20
"""Returns before a session that a symbol's deviation needs."""


@dataclass(frozen=True, kw_only=True)
class DailyMoves:
    """Bars as matrices of shape (n_sessions, n_series), a series for each instrument.

    Attributes
    ----------
    returns, ranges, dollars
        Return from close to close in per cent, ln(high / low), close times volume; NaN where there is none.
    place, symbols
        The place of each bar among the rows, −1 where there is none, and the symbols of the rows.
    """

    returns: Floats
    ranges: Floats
    dollars: Floats
    place: NDArray[np.int64]
    symbols: pl.Series


def regime_observations(
    bars: pl.DataFrame,
    actions: pl.DataFrame,
    universe: pl.DataFrame,
    settings: RegimeSettings,
    *,
    days: Sequence[date],
    sessions: Sequence[date],
    adjust: Adjust,
) -> pl.DataFrame:
    """The observations of neighbouring sessions.

    Parameters
    ----------
    bars
        Rows of `bars` from `observation_lookback` sessions before the first of the sessions on.
    actions
        Rows of `corporate_actions` that tell of these.
    universe
        symbol, session of the members at the sessions.
    days
        Every session of the exchange that the bars span.
    sessions
        Those that are wanted, ascending, up to the last of the days.

    Returns
    -------
    DataFrame
        The contract `RegimeObservations`.
    """
    laid = daily_moves(bars, actions, days, adjust)
    row = {day: i for i, day in enumerate(days)}
    members = {day: set(found["symbol"]) for (day,), found in universe.partition_by("session", as_dict=True).items()}
    if settings.symbols:
        members = {day: found & {*settings.symbols} for day, found in members.items()}
    make = _of_market if settings.form == "macro" else _of_symbols
    parts = [make(laid, row[day], day, members.get(day, set()), settings) for day in sessions]
    return pl.concat([OBSERVATIONS_SCHEMA.to_frame(), *parts])


def observation_lookback(settings: RegimeSettings) -> int:
    """Sessions before the one observed that its observation is made of."""
    return 1 if settings.form == "macro" else settings.scale_sessions + 1


def daily_moves(bars: pl.DataFrame, actions: pl.DataFrame, days: Sequence[date], adjust: Adjust) -> DailyMoves:
    """Lay out bars: returns are free of corporate actions, and follow an instrument through a change of its name.

    Parameters
    ----------
    bars
        symbol, session, high, low, close, perhaps volume.
    actions
        Rows of `corporate_actions` that tell of them.
    days
        Every session of the exchange that is wanted; bars of others are not looked at.
    """
    known = identities_of(actions)
    volume = pl.col("volume") if "volume" in bars.columns else pl.lit(float("nan"))
    rows = known.named(bars.select("symbol", "session", "high", "low", "close", volume.cast(pl.Float64).alias("volume")))
    series = rows[INSTRUMENT].unique().sort()
    places = pl.DataFrame({"session": pl.Series(days, dtype=pl.Date)}).with_row_index("i")
    rows = rows.join(places, on="session", how="inner", maintain_order="left")
    at = rows["i"].to_numpy(), series.search_sorted(rows[INSTRUMENT]).to_numpy()
    shape = (len(days), len(series))
    closes, ranges, dollars, factors = np.full(shape, np.nan), np.full(shape, np.nan), np.full(shape, np.nan), np.ones(shape)
    place = np.full(shape, -1, np.int64)
    closes[at] = rows["close"].to_numpy()
    ranges[at] = np.log(rows["high"].to_numpy() / rows["low"].to_numpy())
    dollars[at] = rows["close"].to_numpy() * rows["volume"].to_numpy()
    place[at] = np.arange(rows.height)
    index, column = {day: i for i, day in enumerate(days)}, {one: i for i, one in enumerate(series)}
    for one, day, factor in adjustments(known.of_actions(actions), rows, adjust).select(INSTRUMENT, "session", "price").iter_rows():
        if one in column and day in index:
            factors[index[day], column[one]] = factor
    returns = np.full(shape, np.nan)
    returns[1:] = 100.0 * (closes[1:] / (closes[:-1] * factors[1:]) - 1.0)
    return DailyMoves(returns=returns, ranges=ranges, dollars=dollars, place=place, symbols=rows["symbol"])


def _of_market(laid: DailyMoves, i: int, day: date, members: set[str], _: RegimeSettings) -> pl.DataFrame:
    there = np.flatnonzero(laid.place[i] >= 0)
    symbols = laid.symbols.gather(laid.place[i, there])
    counted = there[symbols.is_in(list(members)).to_numpy()] if len(there) else there
    order = (
        np.argsort(laid.symbols.gather(laid.place[i, counted]).to_numpy()) if len(counted) else counted
    )  # sums in the order of the names
    counted = counted[order]
    returns, ranges = laid.returns[i, counted], laid.ranges[i, counted]
    known = returns[np.isfinite(returns)]
    values: dict[str, float | None] = {"return": None, "volatility": None, "breadth": None}
    if len(known) >= LEAST_SYMBOLS:
        values = {
            "return": float(known.mean()),
            "volatility": float(np.log(max(float(ranges.mean()), LEAST_RANGE))),
            "breadth": float(((known > 0).sum() - (known < 0).sum()) / len(known)),
        }
    return pl.DataFrame([{"symbol": None, "session": day, **values, "symbols": len(known), "member": True}], schema=OBSERVATIONS_SCHEMA)


def _of_symbols(laid: DailyMoves, i: int, day: date, members: set[str], settings: RegimeSettings) -> pl.DataFrame:
    there = np.flatnonzero(laid.place[i] >= 0)
    before = slice(max(0, i - settings.scale_sessions), i)
    scale, centre = _deviation(laid.returns[before][:, there]), _mean(np.log(np.maximum(laid.ranges[before][:, there], LEAST_RANGE)))
    returns = laid.returns[i, there] / scale
    volatility = np.log(np.maximum(laid.ranges[i, there], LEAST_RANGE)) - centre
    symbols = laid.symbols.gather(laid.place[i, there])
    frame = pl.DataFrame(
        {
            "symbol": symbols,
            "session": pl.Series([day] * len(there), dtype=pl.Date),
            "return": pl.Series(returns).fill_nan(None),
            "volatility": pl.Series(np.where(np.isfinite(returns), volatility, np.nan)).fill_nan(None),
            "breadth": pl.Series([None] * len(there), dtype=pl.Float64),
            "symbols": pl.Series(np.isfinite(returns).astype(np.uint32)),
            "member": symbols.is_in(list(members)),
        },
        schema=OBSERVATIONS_SCHEMA,
    )
    return frame.sort("symbol")


def _mean(values: Floats) -> Floats:
    """Of each column, from its first row to its last; NaN with fewer than `LEAST_SCALE` numbers."""
    known = np.isfinite(values)
    total = np.zeros(values.shape[1])
    for row, there in zip(values, known, strict=True):  # in this order, however many columns there are
        total = total + np.where(there, row, 0.0)
    count = known.sum(axis=0)
    return np.where(count >= LEAST_SCALE, total / np.maximum(count, 1), np.nan)


def _deviation(values: Floats) -> Floats:
    mean = _mean(values)
    count = np.isfinite(values).sum(axis=0)
    found = np.sqrt(_mean((values - mean) ** 2) * count / np.maximum(count - 1, 1))
    return np.where(found > 1e-9, found, np.nan)
