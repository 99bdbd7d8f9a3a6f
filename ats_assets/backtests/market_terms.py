"""What trades cost in a backtest's market: the fixed rates of the settings, or a model of market impact."""

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.backtests.market import Market
from ats_assets.impact import ImpactTerms, fixed_terms
from ats_assets.impact.market_impact import MarketImpact, turnover_of
from ats_assets.impact.schema import MARKET_SCHEMA
from ats_assets.kernels.weight_limits import Floats
from ats_assets.settings import BacktestSettings


def market_terms(market: Market, costs: BacktestSettings, impact: MarketImpact | None) -> tuple[ImpactTerms, NDArray[np.int64]]:
    """Of shape (n_sessions, n_instruments), or of one row that holds for all, and of the same shape why a cost is not the model's own (`ats_assets.impact.WHY`)."""
    if impact is None:
        return fixed_terms(costs, 1, len(market.instruments)), np.zeros((1, len(market.instruments)), dtype=np.int64)
    scales = np.array([impact.scale_before(day) for day in market.sessions]).reshape(-1, 1) if impact.scales else 1.0
    return impact.terms(known_before(market, impact), costs, volume=market.volume, scale=scales)


def known_before(market: Market, impact: MarketImpact) -> dict[str, Floats]:
    """What was known of each instrument at the close before each session, matrices of shape (n_sessions, n_instruments); NaN where nothing was."""
    shape = market.open.shape
    found = {name: np.full(shape, np.nan) for name in ("dollar_volume", "volatility", "spread", "turnover_days")}
    after: dict[date, int] = {day: i + 1 for i, day in enumerate(market.sessions[:-1])}
    rows = impact.inputs.filter(pl.col("session").is_in(list(after))).select(MARKET_SCHEMA.names())
    row = rows["session"].replace_strict(after, return_dtype=pl.Int64).to_numpy().astype(np.int64)
    naming = market.naming[row - 1]
    for number in np.unique(market.naming):
        sessions = np.flatnonzero(market.naming == number)
        named = market.tickers[int(sessions[0])]
        column = {str(name): j for j, name in enumerate(named)}
        found["turnover_days"][sessions] = turnover_of(impact.settings, named)
        at = rows["symbol"].replace_strict(column, default=-1, return_dtype=pl.Int64).to_numpy().astype(np.int64)
        here = (naming == number) & (at >= 0)
        for name in rows.columns[2:]:
            found[name][row[here], at[here]] = rows[name].fill_null(float("nan")).to_numpy()[here]
    return found
