"""Markets of one's own for strategies over prices."""

from datetime import date, timedelta

import numpy as np
import polars as pl

from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.settings import TrainingSettings
from ats_assets.sources.schema import BARS_SCHEMA
from ats_assets.strategies.strategy import Strategy

FIRST = date(2023, 1, 1)


def bars_of(closes: np.ndarray, symbols: list[str] | None = None) -> pl.DataFrame:
    """Bars of closes of shape (n_sessions, n_symbols), whose other prices are the close; a NaN is no bar."""
    names = symbols or [f"S{j}" for j in range(closes.shape[1])]
    rows = [
        (name, FIRST + timedelta(days=i), float(closes[i, j]))
        for i in range(len(closes))
        for j, name in enumerate(names)
        if np.isfinite(closes[i, j])
    ]
    frame = pl.DataFrame(rows, schema=["symbol", "session", "close"], orient="row")
    same = dict.fromkeys(("open", "high", "low", "vwap"), pl.col("close"))
    return frame.with_columns(**same, volume=pl.lit(1e6)).select(BARS_SCHEMA.names()).cast(dict(BARS_SCHEMA)).sort("session", "symbol")


def weights_of(strategy: Strategy, closes: np.ndarray, **frames: pl.DataFrame) -> np.ndarray:
    """The target weights at each session and symbol, of shape (n_sessions, n_symbols); 0 where there is none."""
    bars = bars_of(closes)
    days = [FIRST + timedelta(days=i) for i in range(len(closes))]
    given = {
        "bars": bars,
        "corporate_actions": pl.DataFrame(schema=CORPORATE_ACTIONS_SCHEMA),
        "universe": bars.select("symbol", "session"),
        **frames,
    }
    made = strategy.scores(given, days, days, TrainingSettings())
    weights = np.zeros(closes.shape)
    for symbol, session, weight in made.select("symbol", "session", "target_weight").iter_rows():
        weights[(session - FIRST).days, int(symbol[1:])] = weight
    return weights


def profit(weights: np.ndarray, closes: np.ndarray) -> float:
    """The sum of what each session's weights make over the next one."""
    returns = closes[1:] / closes[:-1] - 1
    return float((weights[:-1] * returns).sum())
