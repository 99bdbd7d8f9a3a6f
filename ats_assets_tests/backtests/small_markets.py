"""Small markets for the tests of the backtest: rows to frames, and random markets with halts, quiet sessions, listings and delistings."""

from datetime import date, timedelta
from itertools import product

import numpy as np
import polars as pl

from ats_assets.impact import model_named
from ats_assets.impact.market_impact import MarketImpact
from ats_assets.impact.schema import MARKET_SCHEMA
from ats_assets.settings import ImpactSettings, MarginSettings

NO_BORROWING = MarginSettings(borrow_bps_a_year=0, debit_bps_a_year=0)
"""Shares and cash are lent for nothing."""
MONDAY = date(2020, 1, 6)


def weekdays(n: int) -> list[date]:
    """n days that follow each other; what a session is does not matter here."""
    return [MONDAY + timedelta(days=i) for i in range(n)]


def bars_of(rows: list[tuple[str, date, float, float]]) -> pl.DataFrame:
    """Rows of (symbol, session, open, close)."""
    frame = pl.DataFrame(rows, schema={"symbol": pl.String, "session": pl.Date, "open": pl.Float64, "close": pl.Float64}, orient="row")
    return frame.with_columns(volume=pl.lit(1000.0))


def signals_of(rows: list[tuple[str, date, float]]) -> pl.DataFrame:
    """Rows of (symbol, session, target weight)."""
    return pl.DataFrame(rows, schema={"symbol": pl.String, "session": pl.Date, "target_weight": pl.Float64}, orient="row")


def actions_of(rows: list[tuple[str, date, str, float | None, float | None]]) -> pl.DataFrame:
    """Rows of (symbol, ex-session, kind, ratio, cash)."""
    schema = {"symbol": pl.String, "session": pl.Date, "kind": pl.String, "ratio": pl.Float64, "cash": pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row")


def random_market(seed: int, n_sessions: int, n_symbols: int, *, shorts: bool) -> tuple[pl.DataFrame, pl.DataFrame, list[date]]:
    """Bars, signals and sessions: prices in whole cents that move a lot, bars that are missing, have no volume, start late or end early."""
    random = np.random.default_rng(seed)
    days = weekdays(n_sessions)
    bars, signals = [], []
    for j in range(n_symbols):
        price = float(random.uniform(1, 300))
        listed, delisted = random.integers(0, n_sessions), random.integers(1, 2 * n_sessions)
        for i in range(n_sessions):
            opened = max(0.01, round(price * float(np.exp(random.normal(0, 0.05))), 2))
            price = max(0.01, round(opened * float(np.exp(random.normal(0, 0.1))), 2))
            if listed // 2 <= i < delisted and random.random() > 0.15:
                bars.append((f"S{j}", days[i], opened, price, 0.0 if random.random() < 0.05 else 1e6))
    for day in days:
        if random.random() < 0.8:
            weights = random.normal(0 if shorts else 0.3, 0.4, n_symbols)
            weights = np.where(random.random(n_symbols) < 0.4, 0.0, weights if shorts else np.abs(weights))
            weights /= max(1.0, np.abs(weights).sum())
            signals += [(f"S{j}", day, float(w)) for j, w in enumerate(weights) if random.random() < 0.9]
    schema = {"symbol": pl.String, "session": pl.Date, "open": pl.Float64, "close": pl.Float64, "volume": pl.Float64}
    return pl.DataFrame(bars, schema=schema, orient="row"), signals_of(signals), days


def random_impact(seed: int, bars: pl.DataFrame, model: str, *, most: float | None = None, fitted: bool = False) -> MarketImpact:
    """What was known of each bar's symbol at its close: small and large volumes, some that are not known, or zero, and a scale that fills have shown."""
    random = np.random.default_rng(seed + 1)
    n = bars.height
    known = bars.select("symbol", "session").with_columns(
        dollar_volume=pl.Series(np.where(random.random(n) < 0.1, 0.0, 10.0 ** random.uniform(3, 8, n))),
        volatility=pl.Series(np.where(random.random(n) < 0.1, np.nan, random.uniform(0.0, 0.1, n))).fill_nan(None),
        spread=pl.Series(np.where(random.random(n) < 0.1, np.nan, random.uniform(0.0, 0.02, n))).fill_nan(None),
    )
    inputs = known.filter(pl.Series(random.random(n) < 0.9)).select(pl.col(name).cast(kind) for name, kind in MARKET_SCHEMA.items())
    days = bars["session"].unique().sort().to_list()
    scales = {day: float(random.uniform(0.2, 3.0)) for day in days[1::3]} if fitted else {}
    return MarketImpact(
        model=model_named(model), settings=ImpactSettings(model=model, max_participation=most), inputs=inputs, scales=scales
    )


def random_actions(seed: int, bars: pl.DataFrame) -> pl.DataFrame:
    """Splits, reverse splits, stock dividends and dividends of some symbols at some sessions, several on one day and days without a bar among them."""
    random = np.random.default_rng(seed)
    rows = []
    for symbol, session in product(sorted(set(bars["symbol"])), sorted(set(bars["session"]))):
        if random.random() < 0.15:
            rows.append((symbol, session, "split", float(random.choice([2.0, 1.5, 0.1, 1.05, 7.0])), None))
        if random.random() < 0.15:
            rows.append((symbol, session, "cash_dividend", None, round(float(random.uniform(0.001, 2)), 3)))
    return actions_of(rows)
