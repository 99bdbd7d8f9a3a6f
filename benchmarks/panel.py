"""The market that the benchmarks run on: many symbols with what real panels have, from nothing but a seed."""

from datetime import date, timedelta

import numpy as np
import polars as pl

FIELDS = ("open", "high", "low", "close", "volume", "vwap")
FIRST = date(2007, 1, 1)


def weekdays(years: float) -> list[date]:
    """The calendar."""
    days = (FIRST + timedelta(days=number) for number in range(round(years * 365.25)))
    return [day for day in days if day.weekday() < 5]


def make_panel(symbols: int, years: float) -> pl.DataFrame:
    """Bars of random walks, by symbol, then session, Float32.

    Volatility changes between two states; one symbol in ten is listed late; about 1.5% of the sessions are suspended (a row of nulls), 2% are
    locked at one price; prices are rounded to cents, so there are ties; now and then a close does not move for 75 sessions.
    """
    days = weekdays(years)
    frames = [_bars(number, days) for number in range(symbols)]
    return pl.concat(frames, rechunk=True)


def _bars(number: int, days: list[date]) -> pl.DataFrame:
    random = np.random.default_rng([2007, number])
    first = int(random.integers(0, len(days) * 2 // 3)) if number % 10 == 3 else 0
    n = len(days) - first
    calm = 0.01 + 0.02 * random.random()
    volatility = calm * np.where(np.cumsum(random.random(n) < 0.01) % 2, 2.2, 1.0)
    moves = np.clip(volatility * random.standard_normal(n), -0.2, 0.2)
    close = np.round(np.clip(random.uniform(5, 65) * np.exp(np.cumsum(moves - moves.mean())), 1, 5_000), 2)
    if number % 97 == 5:
        for start in range(200, n - 100, 700):
            close[start : start + 75] = close[start]
    opening = np.round(np.append(close[0], close[:-1]) * np.exp(0.4 * volatility * random.standard_normal(n)), 2)
    high = np.round(np.maximum(opening, close) * np.exp(0.5 * volatility * np.abs(random.standard_normal(n))), 2)
    low = np.round(np.minimum(opening, close) * np.exp(-0.5 * volatility * np.abs(random.standard_normal(n))), 2)
    locked = random.random(n) < 0.02
    opening[locked] = high[locked] = low[locked] = close[locked]
    volume = np.maximum(np.round(np.exp(random.normal(13, 1) + 0.5 * random.standard_normal(n)), -2), 100)
    values = np.stack([opening, high, low, close, volume, np.round((opening + high + low + close) / 4, 4)])
    for start in np.flatnonzero(random.random(n) < 0.0025):
        values[:, start + 1 : start + 1 + int(random.integers(1, 13))] = np.nan
    columns = {name: pl.Series(column, dtype=pl.Float32).fill_nan(None) for name, column in zip(FIELDS, values, strict=True)}
    return pl.DataFrame({"symbol": [f"S{number:05d}"] * n, "session": days[first:], **columns})
