"""Gross and net: what the same targets come to at other costs.

Every case is a backtest of its own (`ats_assets/backtests/cost_sensitivity.py`), so shares, cash and limits follow the costs; nothing is added back to a curve.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from ats_assets.backtests.metrics.drawdowns import drawdown_figures
from ats_assets.backtests.metrics.ratios import risk_free_of_session, sharpe_ratio
from ats_assets.backtests.metrics.returns import annual_return, session_returns
from ats_assets.settings import BacktestSettings


@dataclass(frozen=True, kw_only=True)
class CostCase:
    """The backtest at `multiple` times the costs of the settings; returns are fractions, `costs` is currency."""

    multiple: float
    total_return: float | None
    annual_return: float | None
    sharpe: float | None
    max_drawdown: float | None
    costs: float


def cost_cases(costs: pl.DataFrame, settings: BacktestSettings) -> list[CostCase]:
    """The figures of each multiple, ascending, with the formulas of the backtest itself.

    Parameters
    ----------
    costs
        Rows of the contract `CostSensitivity`.
    """
    year = settings.sessions_per_year
    free, found = risk_free_of_session(settings), []
    for (multiple,), rows in costs.sort("cost_multiple", "session").group_by("cost_multiple", maintain_order=True):
        values = rows["equity"].to_numpy()
        found.append(
            CostCase(
                multiple=float(multiple),  # pyright: ignore[reportArgumentType]
                total_return=float(values[-1] / values[0] - 1.0) if len(values) > 1 else None,
                annual_return=annual_return(values, year),
                sharpe=sharpe_ratio(session_returns(values) - free, year)[0],
                max_drawdown=drawdown_figures(values)[0],
                costs=float(rows["costs"].sum()),
            )
        )
    return found


def break_even_multiple(cases: Sequence[CostCase]) -> float | None:
    """The multiple of the costs at which the annual return is zero, by linear interpolation between the two cases around it; None where no two are."""
    known = [(case.multiple, case.annual_return) for case in cases if case.annual_return is not None]
    for (low, before), (high, after) in itertools.pairwise(known):
        if before >= 0.0 > after:
            return low + (high - low) * before / (before - after)
    return None
