"""What was wanted against what was held: whether the turnover limit lets the account follow its targets.

A limit on turnover that binds in most sessions makes another portfolio than the one that the strategies want: more names, held for longer, at other weights. It is no fault,
but it has to be said.
"""

import math
from dataclasses import dataclass

import numpy as np
import polars as pl

from ats_assets.backtests.metrics.trades import mean_of
from ats_assets.backtests.schema import WANTED_SCHEMA
from ats_assets.portfolio.allowed_changes import ANY, NONE, change_codes, weight_allowed
from ats_assets.portfolio.drawdown_brake import exposure_factor
from ats_assets.portfolio.kernel_settings import brake_rules
from ats_assets.settings import BrakeSettings, PortfolioSettings

TOLERANCE = 1e-9
WIDEST_BAND = 0.25
"""Of the target weight, as in `ats_assets/portfolio/rebalance.py`."""


@dataclass(frozen=True, kw_only=True)
class WantedFigures:
    """Share of the sessions in which the limit binds, and medians of the numbers of symbols; None without sessions."""

    turnover_limit_share: float | None = None
    wanted_positions: float | None = None
    held_positions: float | None = None


def left_by_brake(targets: pl.DataFrame, equity: pl.DataFrame, brake: BrakeSettings) -> pl.DataFrame:
    """Targets as the account's losses leave them at each close: what the brake takes is not wanted any more, so no turnover limit keeps the account from it.

    Parameters
    ----------
    targets
        Columns session, symbol, target_weight.
    equity
        Columns session, equity, in currency, sorted by session; deposits are no part of a backtest.

    Examples
    --------
    >>> from datetime import date
    >>> days = [date(2024, 1, 2), date(2024, 1, 3)]
    >>> targets = pl.DataFrame({"session": days, "symbol": ["A", "A"], "target_weight": [0.4, 0.4]})
    >>> equity = pl.DataFrame({"session": days, "equity": [100.0, 90.0]})
    >>> left_by_brake(targets, equity, BrakeSettings(brake_from=0.05, max_drawdown=0.15))["target_weight"].round(6).to_list()
    [0.4, 0.2]
    """
    if not brake.is_on or equity.is_empty():
        return targets
    values, rules = equity["equity"].to_numpy(), brake_rules(brake)
    windows = [values[max(0, i - brake.peak_sessions) : i] for i in range(1, len(values) + 1)]
    left = [float(exposure_factor(window, np.zeros(len(window)), rules)) for window in windows]
    factors = pl.DataFrame({"session": equity["session"], "left": left})
    both = targets.join(factors, on="session", how="left", maintain_order="left")
    return both.with_columns(pl.col("target_weight") * pl.col("left").fill_null(1.0)).drop("left")


def wanted_and_held(targets: pl.DataFrame, positions: pl.DataFrame, portfolio: PortfolioSettings, *, kept: bool = True) -> pl.DataFrame:
    """At each close with targets: how many symbols are wanted and held, and the turnover to get from the one to the other.

    Wanted turnover: sum of |target weight - weight held| over the symbols outside the no-trade band, with target weights limited to `max_weight`, and zero for what is held and
    has no target; of a position that stays or is not made larger, what it weighs, or less (`ats_assets.portfolio.allowed_changes`). It is compared with `max_turnover`, which is of the same kind. Symbols that have no bar in the session count as if they could be traded.

    Parameters
    ----------
    targets
        Columns session, symbol, target_weight, perhaps allowed_change.
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
    wanted = targets.select("session", "symbol", pl.col("target_weight").alias("target"), change=pl.Series(change_codes(targets)))
    both = _allowed(wanted.join(held.join(days, on="session", how="semi"), on=["session", "symbol"], how="full", coalesce=True))
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


def _allowed(both: pl.DataFrame) -> pl.DataFrame:
    """With the targets that are left of positions that stay, or may only be made smaller."""
    if (both["change"].fill_null(ANY) == ANY).all():
        return both
    of_others = pl.when((pl.col("change") == ANY).any().over("session")).then(ANY).otherwise(NONE)
    filled = both.with_columns(pl.col("change").fill_null(of_others), pl.col("target", "held").fill_null(0.0))
    rows = filled.select("held", "target", "change").iter_rows()
    return filled.with_columns(target=pl.Series([float(weight_allowed(*row)) for row in rows], dtype=pl.Float64), held=both["held"])


def wanted_figures(wanted: pl.DataFrame | None) -> WantedFigures:
    """The sessions together; those before the first position, in which the book is built up, count too."""
    if wanted is None or wanted.is_empty():
        return WantedFigures()
    medians = {name: wanted[name].cast(pl.Float64).median() for name in ("wanted_positions", "held_positions")}
    found = {name: value if isinstance(value, float) else None for name, value in medians.items()}
    return WantedFigures(turnover_limit_share=mean_of(wanted["limit_binds"]), **found)
