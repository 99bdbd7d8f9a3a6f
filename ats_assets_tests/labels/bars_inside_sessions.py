"""Random bars inside sessions: prices on a coarse grid, so that barriers are met exactly, both in one bar, and jumped over; sessions without a bar, or with one."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

import numpy as np
import polars as pl

DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(8)]
SYMBOLS = ("A", "B", "C")


def random_bars(
    seed: int, *, bars: int = 20, tick: float = 0.25, symbols: Sequence[str] = SYMBOLS, days: Sequence[date] = DAYS
) -> pl.DataFrame:
    """Information bars: symbol, session, bar, opened_at, known_at, open, high, low, close."""
    random = np.random.default_rng(seed)
    parts = []
    for symbol in symbols:
        price = 100.0
        for day in days:
            n = int(random.integers(0, bars))
            steps = tick * random.integers(-3, 4, size=(n, 4)).astype(float)
            opens = price + np.cumsum(steps.sum(axis=1)) - steps[:, 1]
            closes = opens + steps[:, 1]
            price = closes[-1] if n else price
            start = datetime(day.year, day.month, day.day, 14, 30, tzinfo=UTC)
            known = [start + timedelta(seconds=int(second)) for second in np.cumsum(1 + random.integers(1, 90, size=n))]
            parts.append(
                pl.DataFrame(
                    {
                        "symbol": [symbol] * n,
                        "session": [day] * n,
                        "bar": np.arange(n, dtype=np.int32),
                        "opened_at": [start, *known[:-1]][:n],
                        "known_at": known,
                        "open": opens,
                        "high": np.maximum(opens, closes) + np.abs(steps[:, 2]),
                        "low": np.minimum(opens, closes) - np.abs(steps[:, 3]),
                        "close": closes,
                    },
                    schema_overrides=dict.fromkeys(("opened_at", "known_at"), pl.Datetime("ns", "UTC"))
                    | {"session": pl.Date, "symbol": pl.String},
                )
            )
    return pl.concat(parts)
