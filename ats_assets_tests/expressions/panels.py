"""Small panels for the tests: random walks with late listings, gaps, missing values, ties and flat stretches."""

from datetime import date, timedelta

import numpy as np
import polars as pl

FIELDS = ("open", "high", "low", "close", "volume", "vwap")


def calendar(n: int) -> list[date]:
    """Weekdays."""
    days = (date(2020, 1, 1) + timedelta(days=number) for number in range(2 * n))
    return [day for day in days if day.weekday() < 5][:n]


def random_walks(symbols: int, sessions: int, *, seed: int, gaps: bool = True, missing: bool = True) -> pl.DataFrame:
    """Bars of `symbols` random walks over up to `sessions` weekdays; each second symbol is listed late or delisted early.

    gaps: runs of sessions without rows. missing: rows with null prices, fields missing on their own, days without volume.
    """
    random = np.random.default_rng(seed)
    days = calendar(sessions)
    frames = []
    for number in range(symbols):
        first = int(random.integers(0, sessions * 2 // 3)) if number % 2 else 0
        last = int(random.integers(first + sessions // 4, sessions)) if number % 4 == 3 else sessions
        frames.append(_bars(f"S{number:02d}", days[first:last], random, gaps=gaps, missing=missing))
    return pl.concat(frames)


def _bars(symbol: str, days: list[date], random: np.random.Generator, *, gaps: bool, missing: bool) -> pl.DataFrame:
    n = len(days)
    close = np.round(20 * np.exp(np.cumsum(0.02 * random.standard_normal(n))), 2)
    still = int(random.choice([7, 70]))
    close[n // 2 : n // 2 + still] = close[n // 2]
    opening = np.round(close * np.exp(0.01 * random.standard_normal(n)), 2)
    high = np.round(np.maximum(opening, close) * (1 + 0.01 * random.random(n)), 2)
    low = np.round(np.minimum(opening, close) * (1 - 0.01 * random.random(n)), 2)
    volume = np.round(np.exp(random.normal(12, 0.5, n)), -2)
    volume[n // 2 + 30 : n // 2 + still] = volume[n // 2]
    values = np.stack([opening, high, low, close, volume, np.round((high + low + close) / 3, 4)])
    kept = np.ones(n, dtype=bool)
    for start in np.flatnonzero(random.random(n) < 0.02)[1:]:
        stop = start + int(random.integers(1, 9))
        if gaps and random.random() < 0.5:
            kept[start : min(stop, n - 1)] = False
        elif missing:
            values[:, start:stop] = np.nan
    if missing:
        values[3, random.random(n) < 0.01] = np.nan
        values[4, random.random(n) < 0.01] = 0.0
    columns = {name: pl.Series(column).fill_nan(None) for name, column in zip(FIELDS, values, strict=True)}
    return pl.DataFrame({"symbol": [symbol] * n, "session": days, **columns}).filter(pl.Series(kept))


def edge_cases(sessions: int) -> pl.DataFrame:
    """Histories of one row, of two, three, five and sixty-one; constants; a field without values; missing values at either end and in the middle."""
    days = calendar(sessions)
    random = np.random.default_rng(sessions)
    frames = [_bars("S00", days, random, gaps=False, missing=False)]
    frames += [
        _bars(f"H{rows:02d}", days[sessions - rows - number :][:rows], random, gaps=False, missing=False)
        for number, rows in enumerate((1, 2, 3, 5, 61))
    ]
    whole = _bars("S", days, random, gaps=False, missing=False)
    place = pl.int_range(pl.len())
    frames.append(
        whole.with_columns(
            pl.lit("C00").alias("symbol"), *(pl.lit(value).alias(name) for name, value in zip(FIELDS, [7.3] * 6, strict=True))
        )
    )
    frames.append(whole.with_columns(pl.lit("N00").alias("symbol"), close=None, volume=None))
    for name, missing in (("M00", place < 70), ("M01", place >= 70), ("M02", (place > 20) & (place < 90)), ("M03", place % 2 == 0)):
        values = [pl.when(~missing).then(pl.col(field)).alias(field) for field in FIELDS]
        frames.append(whole.with_columns(pl.lit(name).alias("symbol"), *values))
    return pl.concat([frame.cast(dict.fromkeys(FIELDS, pl.Float64)) for frame in frames])


def with_sectors(panel: pl.DataFrame) -> pl.DataFrame:
    """With a column of three sectors, of which one is unknown; symbols change their sector now and then."""
    number = (pl.col("symbol").str.tail(2).cast(pl.Int32) + pl.col("session").dt.month() // 2) % 3
    return panel.with_columns(sector=pl.when(number > 0).then(pl.lit("sector ") + number.cast(pl.String)))


def same_bits(left: pl.DataFrame, right: pl.DataFrame) -> bool:
    """Are two results equal to the last bit, NaN like NaN, whatever the order of their rows?"""
    left, right = left.sort("session", "symbol"), right.sort("session", "symbol")
    if left.schema != right.schema or not left.select("symbol", "session").equals(right.select("symbol", "session")):
        return False
    columns = [name for name in left.columns if name not in {"symbol", "session"}]
    return all(np.array_equal(left[name].to_numpy().view(np.uint32), right[name].to_numpy().view(np.uint32)) for name in columns)
