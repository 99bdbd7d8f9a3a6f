"""Figures of an options backtest, of all strategies together and of each.

- Premium capture: of what was received for short options that have ended, the share that was kept: (received - paid to end them) / received. To be assigned costs what the option was worth
  exercised at that close.
- Assignment rate: short contracts assigned over short contracts ended.
- Win rate by cycle: cycles from flat to flat with a gain after costs, over all that have ended.
- Days in trade: calendar days from the first trade of a position to its end, weighted by contracts.
- Return on margin: P&L over the mean of what margin asked for at the sessions at which it asked for anything.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from ats_assets.backtests.metrics import annual_return, drawdown_figures, session_returns, volatility
from ats_assets.option_backtests.greek_attribution import PARTS
from ats_assets.option_strategies.choosing import ALL_STRATEGIES

ALL = ALL_STRATEGIES


def option_metrics(tables: Mapping[str, pl.DataFrame], capital: Mapping[str, float], sessions_per_year: int) -> dict[str, dict[str, Any]]:
    """The figures by strategy, and of all of them by `all`.

    Parameters
    ----------
    tables
        By their names, as `CONTRACTS` has them.
    capital
        What each strategy began with.
    """
    of_each = {name: _of_one(_of_strategy(tables, name), cash, sessions_per_year) for name, cash in capital.items()}
    return {ALL: _of_one(tables, sum(capital.values()), sessions_per_year), **of_each}


def total_equity(equity: pl.DataFrame) -> pl.DataFrame:
    """session, equity: of all strategies together, sorted by session."""
    return equity.group_by("session", maintain_order=True).agg(pl.col("equity").sum()).sort("session")


def _of_strategy(tables: Mapping[str, pl.DataFrame], strategy: str) -> dict[str, pl.DataFrame]:
    return {name: rows.filter(strategy=strategy) for name, rows in tables.items()}


def _of_one(tables: Mapping[str, pl.DataFrame], capital: float, sessions_per_year: int) -> dict[str, Any]:
    equity = tables["equity"]
    values = np.append(capital, total_equity(equity)["equity"].to_numpy())
    pnl = float(equity["pnl"].sum())
    return {
        "sessions": equity["session"].n_unique(),
        "initial_cash": capital,
        "final_equity": float(values[-1]),
        "pnl": pnl,
        "total_return": pnl / capital,
        "annual_return": annual_return(values, sessions_per_year),
        "volatility": volatility(session_returns(values), sessions_per_year) if len(values) > 2 else None,
        "max_drawdown": drawdown_figures(values)[0],
        **_of_positions(tables["closed_positions"]),
        **_of_cycles(tables["cycles"]),
        **_of_margin(equity, pnl),
        **_of_decisions(tables),
        "attribution": {name: round(float(tables["attribution"][name].sum()), 2) for name in ("pnl", *PARTS)},
    }


def _of_positions(ended: pl.DataFrame) -> dict[str, Any]:
    number, units = pl.col("quantity").abs(), pl.col("quantity").abs() * pl.col("multiplier")
    short = ended.filter(pl.col("quantity") < 0)
    received = float(short.select((units * pl.col("open_price")).sum()).item())
    paid = float(short.select((units * pl.col("close_price")).sum()).item())
    contracts = int(short.select(number.sum()).item())
    assigned = int(short.filter(how="assigned").select(number.sum()).item())
    days = (pl.col("session") - pl.col("opened_session")).dt.total_days()
    total = int(ended.select(number.sum()).item())
    return {
        "contracts_ended": total,
        "premium_received": received,
        "premium_kept": received - paid,
        "premium_capture": (received - paid) / received if received else None,
        "short_contracts_ended": contracts,
        "contracts_assigned": assigned,
        "assignment_rate": assigned / contracts if contracts else None,
        "days_in_trade": float(ended.select((days * number).sum()).item()) / total if total else None,
        "ended_by": {
            how: int(rows.select(number.sum()).item()) for (how,), rows in sorted(ended.partition_by("how", as_dict=True).items())
        },
    }


def _of_cycles(cycles: pl.DataFrame) -> dict[str, Any]:
    over = cycles.filter("ended")
    return {
        "cycles": over.height,
        "open_cycles": cycles.height - over.height,
        "win_rate": float((over["pnl"] > 0).mean()) if over.height else None,  # pyright: ignore[reportArgumentType]
        "mean_cycle_pnl": over["pnl"].mean(),
        "mean_cycle_days": over["days"].mean(),
    }


def _of_margin(equity: pl.DataFrame, pnl: float) -> dict[str, Any]:
    by_session = (
        equity.group_by("session", maintain_order=True)
        .agg(pl.col("margin_need").sum())
        .sort("session")
        .filter(pl.col("margin_need") > 0)["margin_need"]
    )
    mean = float(by_session.mean()) if len(by_session) else None  # pyright: ignore[reportArgumentType]
    return {
        "mean_margin": mean,
        "max_margin": float(by_session.max()) if len(by_session) else None,  # pyright: ignore[reportArgumentType]
        "return_on_margin": pnl / mean if mean else None,
        "sessions_over_margin": equity.filter((pl.col("margin_need") > pl.col("equity")).fill_null(value=True)).height,
    }


def _of_decisions(tables: Mapping[str, pl.DataFrame]) -> dict[str, Any]:
    decisions, fills, flows = tables["decisions"], tables["option_fills"], tables["cash_flows"]
    reasons = tables["unfilled"].group_by("reason").len().sort("reason")
    return {
        "decisions": decisions.height,
        "decisions_by_action": dict(decisions.group_by("action").len().sort("action").iter_rows()),
        "fills": fills.height,
        "unfilled": dict(reasons.iter_rows()),
        "fees": 0.0 - float(flows.filter(kind="fee")["cash"].sum()),
        "spread_paid": float(fills["spread_paid"].sum()),
        "dividends": float(flows.filter(kind="dividend")["cash"].sum()),
    }
