"""What was wanted against what was held: whether the turnover limit lets the account follow its targets.

A limit on turnover that binds in most sessions makes another portfolio than the one that the strategies want: more names, held for longer, at other weights. It is no fault,
but it has to be said.
"""

import math
from dataclasses import dataclass

import polars as pl

from ats_assets.backtests.metrics.trades import mean_of
from ats_assets.backtests.schema import WANTED_SCHEMA
from ats_assets.settings import PortfolioSettings

TOLERANCE = 1e-9
WIDEST_BAND = 0.25
"""Of the target weight, as in `ats_assets/portfolio/rebalance.py`."""


@dataclass(frozen=True, kw_only=True)
class WantedFigures:
    """Share of the sessions in which the limit binds, and medians of the numbers of symbols; None without sessions."""

    turnover_limit_share: float | None = None
    wanted_positions: float | None = None
    held_positions: float | None = None


def wanted_and_held(targets: pl.DataFrame, positions: pl.DataFrame, portfolio: PortfolioSettings, *, kept: bool = True) -> pl.DataFrame:
    """At each close with targets: how many symbols are wanted and held, and the turnover to get from the one to the other.

    Wanted turnover: sum of |target weight - weight held| over the symbols outside the no-trade band, with target weights limited to `max_weight`, and zero for what is held and
    has no target. It is compared with `max_turnover`, which is of the same kind. Symbols that have no bar in the session count as if they could be traded.

    Parameters
    ----------
    targets
        Columns session, symbol, target_weight.
    positions
        Columns session, symbol, weight: what is held at each close, in shares of equity.
    kept
        Whether the engine keeps these limits; else there is no turnover limit to bind, no band, and targets count as they are.

    Returns
    -------
    DataFrame
        `WANTED_SCHEMA`, sorted by session.
    """
    held = positions.select("session", "symbol", pl.col("weight").fill_null(0.0).alias("held"))
    days = targets.select("session").unique()
    both = targets.select("session", "symbol", pl.col("target_weight").alias("target")).join(
        held.join(days, on="session", how="semi"), on=["session", "symbol"], how="full", coalesce=True
    )
    limit, band = (portfolio.max_weight, portfolio.no_trade_band) if kept else (math.inf, 0.0)
    target = pl.col("target").fill_null(0.0)
    distance = (target - pl.col("held").fill_null(0.0)).abs()
    outside = (target == 0.0) | (distance >= pl.min_horizontal(pl.lit(band), target.abs() * WIDEST_BAND))
    limited = (target.clip(-limit, limit) - pl.col("held").fill_null(0.0)).abs()
    made = (
        both.sort("session", "symbol")
        .group_by("session", maintain_order=True)
        .agg(
            wanted_positions=(target != 0.0).sum(),
            held_positions=pl.col("held").is_not_null().sum(),
            wanted_turnover=limited.filter(outside).sum(),
        )
        .with_columns(turnover_limit=pl.lit(portfolio.max_turnover if kept else None, pl.Float64))
        .with_columns(limit_binds=(pl.col("wanted_turnover") > pl.col("turnover_limit") + TOLERANCE).fill_null(value=False))
    )
    return made.select(pl.col(name).cast(dtype) for name, dtype in WANTED_SCHEMA.items())


def wanted_figures(wanted: pl.DataFrame | None) -> WantedFigures:
    """The sessions together; those before the first position, in which the book is built up, count too."""
    if wanted is None or wanted.is_empty():
        return WantedFigures()
    medians = {name: wanted[name].cast(pl.Float64).median() for name in ("wanted_positions", "held_positions")}
    found = {name: value if isinstance(value, float) else None for name, value in medians.items()}
    return WantedFigures(turnover_limit_share=mean_of(wanted["limit_binds"]), **found)
