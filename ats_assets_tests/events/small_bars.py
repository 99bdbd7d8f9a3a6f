"""Small frames of bars inside sessions, as a sampler makes them."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta, timezone

import numpy as np
import polars as pl

from ats_assets.intraday import INFORMATION_BARS_SCHEMA


def weekdays(first: date, count: int) -> list[date]:
    """So many days from Monday to Friday."""
    days = (first + timedelta(n) for n in range(2 * count + 7))
    return [day for day in days if day.weekday() < 5][:count]


def random_bars(
    days: Sequence[date], *, symbols: Sequence[str] = ("NZDUSD",), bars_a_session: int = 40, seed: int = 0, drift: float = 0.0
) -> pl.DataFrame:
    """Bars of a random walk that opens at midnight UTC; the number of bars of a session varies, the last one is closed by the session's end."""
    random = np.random.default_rng(seed)
    parts: list[pl.DataFrame] = []
    for symbol in symbols:
        price = 0.85 + 0.1 * random.random()
        for day in days:
            n = int(random.integers(max(2, bars_a_session // 2), bars_a_session + 1))
            path = price * np.exp(np.cumsum(drift + 2e-4 * random.standard_normal(4 * n)))
            price, steps = path[-1], path.reshape(n, 4)
            length = np.sort(random.choice(80_000, size=n + 1, replace=False))
            start = datetime(day.year, day.month, day.day, tzinfo=timezone.utc)  # noqa: UP017
            parts.append(
                pl.DataFrame(
                    {
                        "symbol": [symbol] * n,
                        "session": [day] * n,
                        "bar": np.arange(n, dtype=np.int32),
                        "opened_at": [start + timedelta(seconds=int(s)) for s in length[:-1]],
                        "known_at": [start + timedelta(seconds=int(s) - 1, milliseconds=500) for s in length[1:]],
                        "open": steps[:, 0],
                        "high": steps.max(axis=1),
                        "low": steps.min(axis=1),
                        "close": steps[:, 3],
                        "ticks": random.integers(50, 100, n),
                        "spread": np.full(n, 5e-5),
                        "duration_seconds": np.diff(length) - 0.5,
                        "threshold": np.full(n, 100.0),
                        "closed_by": ["threshold"] * (n - 1) + ["session_end"],
                    }
                )
            )
    return pl.concat(parts).select(
        pl.col(name).cast(dtype) if name in parts[0].columns else pl.lit(None, dtype).alias(name)
        for name, dtype in INFORMATION_BARS_SCHEMA.items()
    )
