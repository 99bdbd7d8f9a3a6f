"""Figures of a backtest. A figure that the data do not define (no variance, one session, no trades) is None, never a number that looks like one.

Returns are simple returns from close to close, r_t = equity_t / equity_{t-1} - 1; "excess" means less the risk-free rate of a session,
(1 + risk_free_rate)^(1 / sessions_per_year) - 1. With n returns and q = sessions_per_year:
- Sharpe ratio: mean(excess) / sd(excess) * sqrt(q). Its standard error is that of Lo (2002, "The Statistics of Sharpe Ratios", Financial Analysts
  Journal 58(4), eq. 9) for independent returns, sqrt((1 + SR^2 / 2) / n) with SR of one session, times sqrt(q).
- Probability that the true Sharpe ratio is above zero, given skewness and kurtosis of the returns: Bailey and López de Prado (2012, "The Sharpe Ratio
  Efficient Frontier", Journal of Risk 15(2)), Phi(SR sqrt(n - 1) / sqrt(1 - skew SR + (kurtosis - 1) / 4 SR^2)).
- Sortino ratio: mean(excess) / sqrt(mean(min(excess, 0)^2)) * sqrt(q) (Sortino and Price 1994).
- Drawdown: equity / highest equity so far - 1; its length is counted in sessions from the peak to the recovery, or to the end.
- Calmar ratio: annual return / |maximum drawdown|.
- Alpha and beta: least squares of excess returns on the benchmark's (Jensen 1968), alpha times q.
- Tracking error: sd(r - benchmark) * sqrt(q); information ratio: mean(r - benchmark) / sd(r - benchmark) * sqrt(q).
"""

import math
from dataclasses import asdict, dataclass
from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray
from scipy.special import ndtr

from ats_assets.backtests.engine import BacktestResult
from ats_assets.settings import BacktestSettings

Floats = NDArray[np.float64]

_NO_VARIANCE = 1e-14
"""A standard deviation of returns below this is rounding."""


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
    turnover: float | None
    """Mean of a session: sum of notionals / equity."""
    hit_rate_sessions: float | None
    """Share of the sessions with a return that is not zero that gained."""
    hit_rate_trades: float | None
    """Share of the closing trades that gained, after costs."""
    gross_exposure: float | None
    net_exposure: float | None
    invested_share: float | None
    """Share of the sessions that ended with a position."""
    margin_calls: int
    """Sessions at whose close the account was called for margin."""
    costs: float
    costs_a_year: float | None
    """Costs as a share of mean equity, a year."""
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


def backtest_metrics(result: BacktestResult, settings: BacktestSettings) -> BacktestMetrics:
    """All figures of `result`; risk-free rate and sessions a year from `settings`."""
    equity, trades = result.equity, result.trades
    values, benchmark = equity["equity"].to_numpy(), equity["benchmark"].to_numpy()
    own, reference = _returns(values), _returns(benchmark)
    year = settings.sessions_per_year
    risk_free = math.expm1(math.log1p(settings.risk_free_rate) / year)
    sharpe, error, probability = sharpe_ratio(own - risk_free, year)
    worst, longest, current = drawdown_figures(values)
    annual = annual_return(values, year)
    alpha, beta = alpha_beta(own - risk_free, reference - risk_free, year)
    moved = own[own != 0.0]
    closed = trades["realised_pnl"].drop_nulls()
    held = equity.filter(pl.col("gross").is_not_null()).slice(1)
    costs = float(equity["costs"].sum())
    n = len(own)
    return BacktestMetrics(
        first_session=equity["session"][0] if len(equity) else None,
        last_session=equity["session"][-1] if len(equity) else None,
        sessions=n,
        initial_equity=float(values[0]) if len(values) else None,
        final_equity=float(values[-1]) if len(values) else None,
        total_return=float(values[-1] / values[0] - 1) if n else None,
        annual_return=annual,
        volatility=_deviation(own, year),
        sharpe=sharpe,
        sharpe_standard_error=error,
        sharpe_probability=probability,
        sortino=sortino_ratio(own - risk_free, year),
        max_drawdown=worst,
        max_drawdown_sessions=longest,
        current_drawdown=current,
        calmar=annual / -worst if annual is not None and worst else None,
        turnover=_mean(equity["turnover"].slice(1).drop_nulls()),
        hit_rate_sessions=float((moved > 0).mean()) if len(moved) else None,
        hit_rate_trades=_mean(closed > 0),
        gross_exposure=_mean(held["gross"]),
        net_exposure=_mean(held["net"]),
        invested_share=_mean(equity["n_positions"].slice(1) > 0),
        margin_calls=int(equity["margin_call"].sum()),
        costs=costs,
        costs_a_year=costs / float(values.mean()) * year / n if n and values.mean() > 0 else None,
        n_trades=len(trades),
        n_unfilled=len(result.unfilled),
        benchmark_return=float(benchmark[-1] / benchmark[0] - 1) if n else None,
        benchmark_annual_return=annual_return(benchmark, year),
        benchmark_sharpe=sharpe_ratio(reference - risk_free, year)[0],
        benchmark_max_drawdown=drawdown_figures(benchmark)[0],
        alpha=alpha,
        beta=beta,
        tracking_error=_deviation(own - reference, year),
        information_ratio=sharpe_ratio(own - reference, year)[0],
    )


def annual_return(values: Floats, sessions_per_year: int) -> float | None:
    """Compound return a year of the values at each close, shape (n_sessions,)."""
    if len(values) < 2 or values[-1] <= 0 or values[0] <= 0:
        return -1.0 if len(values) > 1 and values[-1] <= 0 else None
    power = math.log(values[-1] / values[0]) * sessions_per_year / (len(values) - 1)
    return math.expm1(power) if power < 700 else None


def sharpe_ratio(excess: Floats, sessions_per_year: int) -> tuple[float | None, float | None, float | None]:
    """Annual Sharpe ratio, its standard error, and the probability that the true one is above zero; None where not defined."""
    n = len(excess)
    if _deviation(excess, sessions_per_year) is None:
        return None, None, None
    ratio = float(excess.mean() / excess.std(ddof=1))
    error = math.sqrt((1 + ratio**2 / 2) / n)
    standard = (excess - excess.mean()) / excess.std()
    skewness, kurtosis = float((standard**3).mean()), float((standard**4).mean())
    variance = 1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2
    probability = float(ndtr(ratio * math.sqrt(n - 1) / math.sqrt(variance))) if variance > 0 else None
    year = math.sqrt(sessions_per_year)
    return ratio * year, error * year, probability


def sortino_ratio(excess: Floats, sessions_per_year: int) -> float | None:
    """Annual Sortino ratio; None without a loss."""
    if len(excess) < 2:
        return None
    downside = math.sqrt(float((np.minimum(excess, 0.0) ** 2).mean()))
    return float(excess.mean()) / downside * math.sqrt(sessions_per_year) if downside > _NO_VARIANCE else None


def drawdowns(values: Floats) -> Floats:
    """Values / highest value so far - 1, shape (n_sessions,)."""
    return values / np.maximum.accumulate(values) - 1.0 if len(values) else np.zeros(0)


def drawdown_figures(values: Floats) -> tuple[float | None, int | None, float | None]:
    """The deepest drawdown (negative), the length of the longest in sessions, and the drawdown at the end."""
    if len(values) < 2:
        return None, None, None
    depth = drawdowns(values)
    since_peak = np.arange(len(values)) - np.maximum.accumulate(np.where(depth == 0.0, np.arange(len(values)), 0))
    recovered = (depth == 0.0) & (np.append(-1.0, depth[:-1]) < 0.0)  # the session of recovery still belongs to the drawdown
    lengths = np.where(recovered, np.append(0, since_peak[:-1]) + 1, since_peak)
    lengths[0] = 0
    return float(depth.min()), int(lengths.max()), float(depth[-1])


def alpha_beta(excess: Floats, benchmark: Floats, sessions_per_year: int) -> tuple[float | None, float | None]:
    """Annual alpha, and beta; None where the benchmark does not move."""
    if len(excess) < 3 or not np.isfinite(excess).all() or _deviation(benchmark, sessions_per_year) is None:
        return None, None
    centred = benchmark - benchmark.mean()
    beta = float((centred * (excess - excess.mean())).sum() / (centred**2).sum())
    return float(excess.mean() - beta * benchmark.mean()) * sessions_per_year, beta


def _returns(values: Floats) -> Floats:
    """NaN from where the value is not positive: nothing after it has a meaning."""
    if len(values) < 2:
        return np.zeros(0)
    alive = np.logical_and.accumulate(values > 0)
    before = np.where(alive[:-1], values[:-1], np.nan)
    return values[1:] / before - 1.0


def _deviation(returns: Floats, sessions_per_year: int) -> float | None:
    if len(returns) < 2 or not np.isfinite(returns).all():
        return None
    deviation = float(returns.std(ddof=1))
    return deviation * math.sqrt(sessions_per_year) if deviation > _NO_VARIANCE else None


def _mean(values: pl.Series) -> float | None:
    mean = values.cast(pl.Float64).mean()
    return mean if isinstance(mean, float) else None
