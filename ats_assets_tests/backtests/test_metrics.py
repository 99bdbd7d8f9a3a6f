import math
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ats_assets.backtests import EQUITY_SCHEMA, POSITIONS_SCHEMA, TRADES_SCHEMA, UNFILLED_SCHEMA, BacktestResult, backtest_metrics
from ats_assets.backtests.metrics import alpha_beta, annual_return, drawdown_figures, sharpe_ratio, sortino_ratio
from ats_assets.settings import BacktestSettings
from ats_assets_tests.backtests.small_markets import MONDAY

SETTINGS = BacktestSettings()
RETURNS = np.random.default_rng(1).normal(0.0007, 0.01, 750)
VALUES = st.lists(st.floats(0.01, 1e6), min_size=2, max_size=60).map(np.array)


def result_of(equity: list[float], benchmark: list[float] | None = None, realised: list[float | None] | None = None) -> BacktestResult:
    n = len(equity)
    columns = {"session": [MONDAY + timedelta(days=i) for i in range(n)], "equity": equity, "benchmark": benchmark or equity}
    zeros = {name: [False if dtype == pl.Boolean else 0] * n for name, dtype in EQUITY_SCHEMA.items() if name not in columns}
    trades = pl.DataFrame({"realised_pnl": realised or []}, schema={"realised_pnl": pl.Float64})
    trades = trades.with_columns(pl.lit(None, dtype).alias(name) for name, dtype in TRADES_SCHEMA.items() if name != "realised_pnl")
    return BacktestResult(
        equity=pl.DataFrame(columns | zeros, schema_overrides=EQUITY_SCHEMA).select(*EQUITY_SCHEMA),
        positions=pl.DataFrame(schema=POSITIONS_SCHEMA),
        trades=trades.select(*TRADES_SCHEMA),
        unfilled=pl.DataFrame(schema=UNFILLED_SCHEMA),
    )


def test_a_year_by_hand() -> None:
    # 100, 110, 99, 108.9: returns +10%, -10%, +10%
    settings = BacktestSettings(sessions_per_year=3)
    metrics = backtest_metrics(result_of([100, 110, 99, 108.9], [100, 105, 100, 105]), settings)
    assert metrics.sessions == 3
    assert metrics.total_return == pytest.approx(0.089)
    assert metrics.annual_return == pytest.approx(0.089)
    deviation = math.sqrt((2 * (0.1 - 0.1 / 3) ** 2 + (0.1 + 0.1 / 3) ** 2) / 2)
    assert metrics.volatility == pytest.approx(deviation * math.sqrt(3))
    assert metrics.sharpe == pytest.approx(0.1 / 3 / deviation * math.sqrt(3))
    assert metrics.sortino == pytest.approx((0.1 / 3) / math.sqrt(0.01 / 3) * math.sqrt(3))
    assert metrics.max_drawdown == pytest.approx(-0.1)
    assert metrics.max_drawdown_sessions == 2  # from the second session to the end
    assert metrics.current_drawdown == pytest.approx(-0.01)
    assert metrics.calmar == pytest.approx(0.89)
    assert metrics.hit_rate_sessions == pytest.approx(2 / 3)
    assert metrics.benchmark_return == pytest.approx(0.05)


def test_standard_error_of_the_sharpe_ratio_is_what_simulation_shows() -> None:
    random = np.random.default_rng(0)
    ratios = [sharpe_ratio(random.normal(0.1, 1, 500), 252)[0] or 0.0 for _ in range(2000)]
    error = sharpe_ratio(RETURNS[:500] / RETURNS[:500].std(ddof=1) * 1.0, 252)[1]
    assert error is not None
    assert np.std(ratios) == pytest.approx(error, rel=0.06)


def test_lo_2002_by_hand() -> None:
    # 252 sessions at a Sharpe ratio of 0.1 a session: sqrt((1 + 0.005) / 252) = 0.06315 a session, 1.0025 a year
    returns = np.tile([1.0, -1.0], 126)
    returns = returns / returns.std(ddof=1) + 0.1
    ratio, error, _ = sharpe_ratio(returns, 252)
    assert ratio == pytest.approx(0.1 * math.sqrt(252))
    assert error == pytest.approx(math.sqrt(1.005), rel=1e-9)


def test_probability_of_a_positive_sharpe_ratio_against_scipy() -> None:
    ratio, _, probability = sharpe_ratio(RETURNS, 1)
    assert ratio is not None
    skewness, kurtosis = stats.skew(RETURNS), stats.kurtosis(RETURNS, fisher=False)
    z = ratio * math.sqrt(len(RETURNS) - 1) / math.sqrt(1 - skewness * ratio + (kurtosis - 1) / 4 * ratio**2)
    assert probability == pytest.approx(stats.norm.cdf(z))


def test_alpha_and_beta_against_scipy() -> None:
    benchmark = np.random.default_rng(2).normal(0, 0.01, len(RETURNS))
    line = stats.linregress(benchmark, RETURNS + 0.8 * benchmark)
    alpha, beta = alpha_beta(RETURNS + 0.8 * benchmark, benchmark, 252)
    assert beta == pytest.approx(line.slope)
    assert alpha == pytest.approx(line.intercept * 252)


@given(VALUES)
def test_drawdowns_against_the_loop(values: np.ndarray) -> None:
    peak, at, worst, longest = values[0], 0, 0.0, 0
    for i, value in enumerate(values):
        if value >= peak:
            longest = max(longest, i - at if values[at:i].min(initial=peak) < peak else 0)
            peak, at = value, i
        worst = min(worst, value / peak - 1)
    longest = max(longest, len(values) - 1 - at)
    assert drawdown_figures(values) == (pytest.approx(worst), longest, pytest.approx(values[-1] / peak - 1))


@given(VALUES)
def test_annual_return_compounds_back(values: np.ndarray) -> None:
    year = annual_return(values, 252)
    if year is not None and 1e-6 < 1 + year < 1e100:  # a loss of nearly everything has too few digits left
        assert (1 + year) ** ((len(values) - 1) / 252) == pytest.approx(values[-1] / values[0], rel=1e-6)


@pytest.mark.parametrize("equity", [[], [100.0], [100.0, 100.0], [100.0] * 30, [100.0, 101.0], [100.0, -5.0, -5.0], [100.0, 0.0, 0.0, 0.0]])
def test_degenerate_histories_give_none_not_nonsense(equity: list[float]) -> None:
    metrics = backtest_metrics(result_of(equity), SETTINGS)
    assert metrics.sharpe is None
    assert metrics.sharpe_standard_error is None
    assert metrics.volatility is None
    assert metrics.beta is None
    assert metrics.hit_rate_trades is None
    assert all(value is None or not isinstance(value, float) or math.isfinite(value) for value in metrics.to_dict().values())


def test_no_loss_has_no_sortino_and_no_calmar() -> None:
    assert sortino_ratio(np.array([0.01, 0.02]), 252) is None
    assert backtest_metrics(result_of([100, 101, 103]), SETTINGS).calmar is None


def test_hit_rate_of_trades_counts_closing_trades() -> None:
    assert backtest_metrics(result_of([100, 101], realised=[None, 5.0, -1.0, 2.0, None]), SETTINGS).hit_rate_trades == pytest.approx(2 / 3)


@given(VALUES, VALUES)
def test_every_figure_is_a_finite_number_or_none(equity: np.ndarray, benchmark: np.ndarray) -> None:
    n = min(len(equity), len(benchmark))
    metrics = backtest_metrics(result_of(list(equity[:n]), list(benchmark[:n])), SETTINGS)
    assert all(value is None or not isinstance(value, float) or math.isfinite(value) for value in metrics.to_dict().values())
