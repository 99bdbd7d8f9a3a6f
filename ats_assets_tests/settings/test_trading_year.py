import math
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest

from ats_assets.backtests import EQUITY_SCHEMA, POSITIONS_SCHEMA, TRADES_SCHEMA, UNFILLED_SCHEMA, BacktestResult, backtest_metrics
from ats_assets.deployment import Deployment
from ats_assets.runs.diagnosis import _calendar
from ats_assets.settings import Settings
from ats_assets.settings.trading_year import KNOWN, counted_sessions, sessions_per_year


@pytest.mark.parametrize("exchange", KNOWN)
def test_what_is_known_is_what_the_calendar_has(exchange: str) -> None:
    assert sessions_per_year(exchange) == counted_sessions(exchange)


def test_other_calendars_are_counted() -> None:
    assert sessions_per_year("XSHG") == 243  # it ends with the current year
    assert sessions_per_year("XSAU") in range(245, 255)  # it begins in 2021
    assert sessions_per_year("NOWHERE") is None


def settings_of(exchange: str, **backtest: object) -> Settings:
    return Settings(calendar={"exchange": exchange}, backtest=backtest)  # pyright: ignore[reportArgumentType]


def test_a_year_is_the_calendars_unless_it_is_set() -> None:
    """A crypto source set up as docs/alpaca.md says was given 252 until then."""
    assert settings_of("24/7").backtest.sessions_per_year == 365
    assert settings_of("XTKS").backtest.sessions_per_year == 245
    assert settings_of("XNYS").backtest.sessions_per_year == 252
    assert settings_of("24/7", sessions_per_year=252).backtest.sessions_per_year == 252
    assert settings_of("24/7", initial_cash=5.0).backtest.initial_cash == 5.0


def test_figures_of_a_market_without_weekends() -> None:
    """730 days of +0.1% and -0.05% in turn: two years of 365 sessions."""
    n = 730
    returns = np.where(np.arange(n) % 2 == 0, 0.001, -0.0005)
    equity = 1e6 * np.concatenate([[1.0], np.cumprod(1 + returns)])
    frame = pl.DataFrame({"session": [date(2022, 1, 1) + timedelta(i) for i in range(n + 1)], "equity": equity, "benchmark": equity})
    rest = [pl.lit(0).cast(dtype).alias(name) for name, dtype in EQUITY_SCHEMA.items() if name not in frame.columns]
    empty = {"positions": POSITIONS_SCHEMA, "trades": TRADES_SCHEMA, "unfilled": UNFILLED_SCHEMA}
    made = BacktestResult(
        equity=frame.with_columns(rest).select(EQUITY_SCHEMA.names()),
        **{name: pl.DataFrame(schema=schema) for name, schema in empty.items()},
    )
    figures = backtest_metrics(made, settings_of("24/7").backtest)
    assert figures.annual_return == pytest.approx(math.sqrt(equity[-1] / equity[0]) - 1)
    assert figures.volatility == pytest.approx(returns.std(ddof=1) * math.sqrt(365))
    assert figures.sharpe == pytest.approx(returns.mean() / returns.std(ddof=1) * math.sqrt(365))


def test_doctor_warns_of_a_year_that_is_not_the_calendars() -> None:
    calendar = Deployment(settings_of("24/7")).calendar
    assert _calendar(calendar, 365).status == "ok"
    finding = _calendar(calendar, 252)
    assert finding.status == "warn"
    assert "252 a year, by backtest.sessions_per_year; 24/7 has 365" in finding.text
