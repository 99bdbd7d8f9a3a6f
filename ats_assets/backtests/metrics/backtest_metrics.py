"""All figures of a backtest together. A figure that the data do not define (no variance, one session, no trades) is None, never a number that looks like one.

Each figure is a function of its own in the modules beside this one, with its formula and source: `returns`, `ratios`, `drawdowns`, `distribution`, `gain_and_pain`, `rolling`, `trades`,
`cost_cases`, `wanted`. The rest is:
- Calmar ratio: annual return / |maximum drawdown| (Young 1991, over the whole history); recovery factor: total return / |maximum drawdown|.
- Martin ratio: (annual return - risk-free rate) / Ulcer index (Martin and McCann 1989).
- Turnover a year, one-way: (bought + sold) / 2 over equity, mean of a session times q. It is the share of the book that is replaced in a year.
- Tracking error: sd(r - benchmark) * sqrt(q); information ratio: mean(r - benchmark) / sd(r - benchmark) * sqrt(q) (Grinold and Kahn 2000).
"""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl

from ats_assets.backtests.engine import BacktestResult
from ats_assets.backtests.metrics.cost_cases import cost_cases
from ats_assets.backtests.metrics.distribution import conditional_value_at_risk, excess_kurtosis, skewness, value_at_risk
from ats_assets.backtests.metrics.drawdowns import drawdown_figures
from ats_assets.backtests.metrics.gain_and_pain import kelly_fraction, omega_ratio, tail_ratio, ulcer_index
from ats_assets.backtests.metrics.ratios import alpha_beta, risk_free_of_session, sharpe_ratio, sortino_ratio, volatility
from ats_assets.backtests.metrics.returns import Floats, annual_return, session_returns
from ats_assets.backtests.metrics.trades import holding_spells, mean_of, trade_figures
from ats_assets.backtests.metrics.wanted import wanted_figures
from ats_assets.settings import BacktestSettings


@dataclass(frozen=True, kw_only=True)
class BacktestMetrics:
    """Figures of a backtest. Returns, drawdowns, exposures and rates are fractions (0.1 = 10%), money is in currency."""

    first_session: date | None
    last_session: date | None
    sessions: int
    """Sessions with a return: one less than the rows of the equity frame."""
    initial_equity: float | None
    final_equity: float | None
    total_return: float | None
    annual_return: float | None
    volatility: float | None
    sharpe: float | None
    sharpe_standard_error: float | None
    sharpe_probability: float | None
    sortino: float | None
    max_drawdown: float | None
    max_drawdown_sessions: int | None
    """Length of the longest drawdown."""
    current_drawdown: float | None
    calmar: float | None
    recovery_factor: float | None
    ulcer_index: float | None
    martin_ratio: float | None
    omega: float | None
    tail_ratio: float | None
    kelly_fraction: float | None
    skewness: float | None
    kurtosis: float | None
    """Excess kurtosis: zero for normal returns."""
    value_at_risk: float | None
    """Of a session, 95%: the return that one session in twenty falls short of."""
    conditional_value_at_risk: float | None
    """The mean of those sessions."""
    best_session: float | None
    worst_session: float | None
    turnover: float | None
    """Mean of a session: sum of notionals / equity, so both what was bought and what was sold."""
    turnover_a_year: float | None
    """One-way: half of it, a year."""
    turnover_limit_share: float | None
    """Share of the sessions with targets in which the turnover limit cut what was wanted."""
    wanted_positions: float | None
    """Median over these sessions of the symbols that have a target weight."""
    held_positions: float | None
    """Median over these sessions of the symbols held at the close."""
    hit_rate_sessions: float | None
    """Share of the sessions with a return that is not zero that gained."""
    hit_rate_trades: float | None
    """Share of the closing trades that gained, after costs: the win rate."""
    profit_factor: float | None
    """Gains of closing trades over their losses."""
    average_win: float | None
    average_loss: float | None
    payoff_ratio: float | None
    expectancy: float | None
    """Mean profit of a closing trade."""
    holding_sessions: float | None
    """Mean time from flat to flat, in sessions, of the positions that were closed."""
    gross_exposure: float | None
    net_exposure: float | None
    invested_share: float | None
    """Share of the sessions that ended with a position."""
    margin_calls: int
    """Sessions at whose close the account was called for margin."""
    costs: float
    costs_a_year: float | None
    """Costs as a share of mean equity, a year."""
    gross_return: float | None
    """Total return of the same targets traded at no cost."""
    gross_annual_return: float | None
    n_trades: int
    n_unfilled: int
    benchmark_return: float | None
    benchmark_annual_return: float | None
    benchmark_sharpe: float | None
    benchmark_max_drawdown: float | None
    alpha: float | None
    beta: float | None
    tracking_error: float | None
    information_ratio: float | None

    def to_dict(self) -> dict[str, object]:
        """By name; sessions as ISO dates, so that it can be written as JSON."""
        return {key: value.isoformat() if isinstance(value, date) else value for key, value in asdict(self).items()}


def backtest_metrics(
    result: BacktestResult, settings: BacktestSettings, *, costs: pl.DataFrame | None = None, wanted: pl.DataFrame | None = None
) -> BacktestMetrics:
    """All figures of `result`.

    Parameters
    ----------
    settings
        Of them the risk-free rate and the sessions a year.
    costs
        Rows of the contract `CostSensitivity`; without them there are no gross figures.
    wanted
        Rows of the contract `Wanted`; without them nothing is said of the turnover limit.
    """
    equity, trades = result.equity, result.trades
    values, benchmark = equity["equity"].to_numpy(), equity["benchmark"].to_numpy()
    own, reference = session_returns(values), session_returns(benchmark)
    year, n = settings.sessions_per_year, len(own)
    risk_free = risk_free_of_session(settings)
    alpha, beta = alpha_beta(own - risk_free, reference - risk_free, year)
    spells = holding_spells(result.positions, equity["session"])
    gross = next((case for case in cost_cases(costs, settings) if case.multiple == 0.0), None) if costs is not None else None
    return BacktestMetrics(
        first_session=equity["session"][0] if len(equity) else None,
        last_session=equity["session"][-1] if len(equity) else None,
        sessions=n,
        initial_equity=float(values[0]) if len(values) else None,
        final_equity=float(values[-1]) if len(values) else None,
        total_return=float(values[-1] / values[0] - 1) if n else None,
        gross_return=gross.total_return if gross else None,
        gross_annual_return=gross.annual_return if gross else None,
        margin_calls=int(equity["margin_call"].sum()),
        n_trades=len(trades),
        n_unfilled=len(result.unfilled),
        holding_sessions=mean_of(spells.filter("closed")["sessions"]),
        benchmark_return=float(benchmark[-1] / benchmark[0] - 1) if n else None,
        benchmark_annual_return=annual_return(benchmark, year),
        benchmark_sharpe=sharpe_ratio(reference - risk_free, year)[0],
        benchmark_max_drawdown=drawdown_figures(benchmark)[0],
        alpha=alpha,
        beta=beta,
        tracking_error=volatility(own - reference, year),
        information_ratio=sharpe_ratio(own - reference, year)[0],
        **_of_returns(values, settings),
        **_of_trading(equity, year),
        **_of_trades(trades),
        **asdict(wanted_figures(wanted)),
    )


def _of_returns(values: Floats, settings: BacktestSettings) -> dict[str, Any]:
    """Risk and return of the account."""
    own, year = session_returns(values), settings.sessions_per_year
    excess, known = own - risk_free_of_session(settings), own[np.isfinite(own)]
    sharpe, error, probability = sharpe_ratio(excess, year)
    worst, longest, current = drawdown_figures(values)
    annual, moved, pain = annual_return(values, year), own[own != 0.0], ulcer_index(values)
    return {
        "annual_return": annual,
        "volatility": volatility(own, year),
        "sharpe": sharpe,
        "sharpe_standard_error": error,
        "sharpe_probability": probability,
        "sortino": sortino_ratio(excess, year),
        "max_drawdown": worst,
        "max_drawdown_sessions": longest,
        "current_drawdown": current,
        "calmar": annual / -worst if annual is not None and worst else None,
        "recovery_factor": float(values[-1] / values[0] - 1) / -worst if worst else None,
        "ulcer_index": pain,
        "martin_ratio": (annual - settings.risk_free_rate) / pain if annual is not None and pain else None,
        "omega": omega_ratio(excess),
        "tail_ratio": tail_ratio(own),
        "kelly_fraction": kelly_fraction(excess),
        "skewness": skewness(own),
        "kurtosis": excess_kurtosis(own),
        "value_at_risk": value_at_risk(own),
        "conditional_value_at_risk": conditional_value_at_risk(own),
        "best_session": float(known.max()) if len(known) else None,
        "worst_session": float(known.min()) if len(known) else None,
        "hit_rate_sessions": float((moved > 0).mean()) if len(moved) else None,
    }


def _of_trading(equity: pl.DataFrame, year: int) -> dict[str, Any]:
    """Turnover, exposure and costs."""
    values, n = equity["equity"].to_numpy(), len(equity) - 1
    held = equity.filter(pl.col("gross").is_not_null()).slice(1)
    turnover, costs = mean_of(equity["turnover"].slice(1).drop_nulls()), float(equity["costs"].sum())
    return {
        "turnover": turnover,
        "turnover_a_year": turnover / 2 * year if turnover is not None else None,
        "gross_exposure": mean_of(held["gross"]),
        "net_exposure": mean_of(held["net"]),
        "invested_share": mean_of(equity["n_positions"].slice(1) > 0),
        "costs": costs,
        "costs_a_year": costs / float(values.mean()) * year / n if n > 0 and values.mean() > 0 else None,
    }


def _of_trades(trades: pl.DataFrame) -> dict[str, Any]:
    found = trade_figures(trades)
    names = ("profit_factor", "average_win", "average_loss", "payoff_ratio", "expectancy")
    return {"hit_rate_trades": found.win_rate} | {name: getattr(found, name) for name in names}
