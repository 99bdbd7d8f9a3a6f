"""Synthetic FX quotes, for who has no ticks of their own: a random walk whose volatility comes and goes, with busy hours and a spread that widens when it is quiet.

    python make_ticks.py data/ticks.parquet [SESSIONS]

There is nothing in it to predict: what the example finds in it is what chance looks like.
"""

import sys
from datetime import date, datetime, timedelta, timezone
from pathlib import Path

import numpy as np
import polars as pl

FIRST = date(2014, 5, 1)
QUOTES = 30_000
"""Of a session, on average."""
SECONDS = 86_400


def session(day: date, price: float, seed: int) -> pl.DataFrame:
    """The quotes of a day: symbol, ts, bid, ask."""
    random = np.random.default_rng([seed, day.toordinal()])
    n = int(random.normal(QUOTES, QUOTES / 10))
    busy = 1.0 + 0.8 * np.sin(2 * np.pi * (np.arange(SECONDS) / SECONDS - 0.35))  # most quotes come in the afternoon of London
    at = np.sort(random.choice(SECONDS, size=n, p=busy / busy.sum()) * 1_000 + random.integers(0, 1_000, n))
    level = np.repeat(np.exp(0.4 * random.standard_normal(24)), SECONDS // 24)[at // 1_000]
    mid = price * np.exp(np.cumsum(6e-4 / np.sqrt(n) * 6 * level * random.standard_normal(n)))
    half = np.round(random.gamma(4.0, 0.7e-5, n) / busy[at // 1_000] ** 0.5, 6)
    start = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)  # noqa: UP017
    times = pl.Series("ts", [start]).cast(pl.Datetime("us", "UTC")).new_from_index(0, n) + pl.Series(at).cast(pl.Duration("ms"))
    return pl.DataFrame({"symbol": ["NZDUSD"] * n, "ts": times, "bid": np.round(mid - half, 5), "ask": np.round(mid + half, 5) + 1e-5})


def make_ticks(file: Path, sessions: int = 12, seed: int = 7) -> None:
    """Write a Parquet file of so many sessions."""
    days = [FIRST + timedelta(n) for n in range(2 * sessions + 7)]
    price, parts = 0.86, []
    for day in [day for day in days if day.weekday() < 5][:sessions]:
        parts.append(session(day, price, seed))
        price = parts[-1]["bid"][-1]
    file.parent.mkdir(parents=True, exist_ok=True)
    pl.concat(parts).write_parquet(file)


if __name__ == "__main__":
    make_ticks(Path(sys.argv[1]), *(int(argument) for argument in sys.argv[2:3]))
