"""The ticks that the kit of samplers runs on: twelve sessions of four symbols, with what goes wrong in real ones.

Several ticks of one instant, trades that count for volume only or for nothing, a halted session, a session of one tick, a session of equal prices, a symbol that is listed late,
one block that is a hundred times as large as other trades.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from functools import cache

import numpy as np
import polars as pl

from ats_assets.intraday.schema import QUOTES_SCHEMA, TRADES_SCHEMA

TICK_DAYS = [date(2024, 3, 4) + timedelta(days=i) for i in range(12)]
HALTED, SINGLE, EQUAL, LISTED = TICK_DAYS[6], TICK_DAYS[7], TICK_DAYS[8], TICK_DAYS[5]
"""Sessions in which one symbol has no tick (A), one tick (B), one price only (C); the first one of another (D)."""
TickFrames = Mapping[str, pl.DataFrame]


def closes(_symbol: str, session: date) -> datetime:
    """When a session ends."""
    return datetime(session.year, session.month, session.day, 16, tzinfo=UTC)


@cache
def tick_frames() -> TickFrames:
    """Trades and quotes by the name of their asset."""
    random = np.random.default_rng(11)
    trades, quotes = [], []
    for day in TICK_DAYS:
        for symbol, price in (("A", 20.0), ("B", 180.0), ("C", 55.0), ("D", 7.0)):
            if (symbol == "A" and day == HALTED) or (symbol == "D" and day < LISTED):
                continue
            n = 1 if (symbol == "B" and day == SINGLE) else int(random.integers(250, 500))
            made = _session(random, symbol, day, price, n)
            trades.append(made.with_columns(price=pl.lit(price)) if (symbol == "C" and day == EQUAL) else made)
            quotes.append(_quotes(random, made))
    return {"trades": pl.concat(trades), "quotes": pl.concat(quotes)}


def _session(random: np.random.Generator, symbol: str, day: date, price: float, n: int) -> pl.DataFrame:
    sides = np.where(random.random(n) < 0.2, -1, 1).cumprod() * (1 if random.random() < 0.5 else -1)  # sides persist
    moves = sides * 0.01 * (random.random(n) < 0.5)
    size = np.ceil(random.lognormal(4.0, 1.0, n))
    size[random.integers(0, n)] *= 100.0
    seconds = np.sort(np.round(random.random(n) * 6.0 * 3600.0, 0 if random.random() < 0.3 else 2))
    opening = datetime(day.year, day.month, day.day, 10, tzinfo=UTC)
    rows = pl.DataFrame(
        {
            "symbol": [symbol] * n,
            "session": [day] * n,
            "at": pl.Series((seconds * 1e9).astype(np.int64)) + int(opening.timestamp()) * 1_000_000_000,
            "sequence": np.arange(n),
            "price": np.round(price + np.cumsum(moves), 2),
            "size": size,
            "exchange": ["X"] * n,
            "conditions": pl.Series([[]] * n, dtype=pl.List(pl.String)),
            "for_price": random.random(n) < 0.95,
            "for_high_low": random.random(n) < 0.95,
            "for_volume": random.random(n) < 0.97,
        }
    )
    return rows.select(pl.col(name).cast(dtype) for name, dtype in TRADES_SCHEMA.items())


def _quotes(random: np.random.Generator, trades: pl.DataFrame) -> pl.DataFrame:
    n = trades.height
    half = random.integers(1, 4, n) / 100.0
    moved = {"bid": pl.col("price") - pl.Series(half), "ask": pl.col("price") + pl.Series(half)}
    sizes = {name: pl.Series(random.integers(1, 30, n) * 100.0) for name in ("bid_size", "ask_size")}
    before = pl.col("at") - pl.duration(milliseconds=30)
    return trades.with_columns(at=before, **moved, **sizes).select(pl.col(name).cast(dtype) for name, dtype in QUOTES_SCHEMA.items())


@cache
def other_ticks_after(instant: datetime, left: float) -> TickFrames:
    """The same up to an instant; after it other prices and sizes, and only a share of the ticks is left."""
    made: dict[str, pl.DataFrame] = {}
    for asset, rows in tick_frames().items():
        random = np.random.default_rng(3)
        later = pl.col("at") > instant
        factor = pl.Series(np.exp(random.standard_normal(rows.height)))
        names = ("price", "size") if asset == "trades" else ("bid", "ask", "bid_size", "ask_size")
        other = rows.with_columns(pl.when(later).then(pl.col(name) * factor).otherwise(name) for name in names)
        made[asset] = other.filter(~later | pl.Series(random.random(rows.height) < left))
    return made
