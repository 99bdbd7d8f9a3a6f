from datetime import date

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.backtests import REASONS, backtest_metrics, run_backtest
from ats_assets.backtests.metrics import period_returns
from ats_assets.reports.formatting import DASH, decimal, percent, whole
from ats_assets.reports.page_blocks import Table
from ats_assets.reports.report_section import ReportInputs
from ats_assets.reports.report_tables import UNFILLED_REASONS, symbol_tables, trade_tables, unfilled_table
from ats_assets.reports.sections import all_figures
from ats_assets.reports.sections.return_history import heat_map
from ats_assets.settings import BacktestSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import random_market

BARS, SIGNALS, DAYS = random_market(4, 60, 8, shorts=True)
RESULT = run_backtest(SIGNALS, BARS, DAYS, portfolio=PortfolioSettings(), settings=BacktestSettings())


def number(text: str) -> float:
    return float(text.replace(",", "").replace("−", "-"))


def test_numbers_are_written_with_a_true_minus_and_no_negative_zero() -> None:
    assert percent(-0.1234) == "−12.3%"
    assert percent(0.05, signed=True) == "+5.0%"
    assert whole(-0.2) == "0"
    assert decimal(1234.5) == "1,234.50"
    assert percent(None) == percent(float("nan")) == DASH


@given(st.floats(-1e12, 1e12))
def test_what_is_written_can_be_read_back(value: float) -> None:
    assert number(decimal(value, 3)) == pytest.approx(value, abs=0.000501, rel=1e-12)


def test_months_compound_to_the_year() -> None:
    days = [date(2019, 12, 30), date(2019, 12, 31), date(2020, 1, 31), date(2020, 2, 28)]
    equity = pl.DataFrame({"session": days, "equity": [100.0, 110.0, 99.0, 148.5], "benchmark": [50.0, 50.0, 55.0, 44.0]})
    rows = heat_map(period_returns(equity, "month"), period_returns(equity, "year")).rows
    assert [row.name for row in rows] == ["2019", "benchmark", "2020", "benchmark"]
    own_2019, _, own, other = ([text for text, _ in row.cells] for row in rows)
    assert own_2019[-2:] == ["+10.0", "+10.0"]
    assert own[:3] == ["−10.0", "+50.0", ""]
    assert other[:2] == ["+10.0", "−20.0"]
    assert (own[-1], other[-1]) == ("+35.0", "−12.0")


def test_profit_by_symbol_adds_up_to_the_change_of_equity() -> None:
    winners, losers = symbol_tables(RESULT)
    assert len(winners.rows) + len(losers.rows) == len(set(RESULT.trades["symbol"])) <= 8
    total = sum(number(row[1].replace("+", "")) for table in (winners, losers) for row in table.rows)
    change = RESULT.equity["equity"][-1] - RESULT.equity["equity"][0] + RESULT.equity["financing_cost"].sum()
    assert total == pytest.approx(change, abs=0.5 * len(RESULT.trades["symbol"].unique()))


def test_the_largest_trades_come_first() -> None:
    for table, sign in zip(trade_tables(RESULT.trades), (1, -1), strict=True):
        values = [sign * number(row[-1].replace("+", "")) for row in table.rows]
        assert values == sorted(values, reverse=True)
        assert all(value >= 0 for value in values)


def test_every_reason_has_words() -> None:
    assert set(UNFILLED_REASONS) == set(REASONS)
    assert sum(int(number(row[1])) for row in unfilled_table(RESULT.unfilled).rows) == len(RESULT.unfilled)


def test_every_figure_is_explained() -> None:
    metrics = backtest_metrics(RESULT, BacktestSettings())
    _, table = all_figures.make(ReportInputs(result=RESULT, metrics=metrics))
    assert isinstance(table, Table)
    assert all(name and value for name, value, _ in table.rows)
    assert len({name for name, _, _ in table.rows}) == len(table.rows)
