from datetime import timedelta

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.backtests import run_backtest
from ats_assets.backtests.metrics import holding_spells, trade_figures
from ats_assets.settings import BacktestSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import MONDAY, random_market

SIDES = st.lists(st.lists(st.sampled_from([-1, 0, 1]), min_size=3, max_size=3), min_size=1, max_size=25)


def test_wins_and_losses_by_hand() -> None:
    """Lean's TradeStatistics on trades of +10, +30, -20, 0: win rate 2 / 4, profit factor 40 / 20, average win 20, average loss -20."""
    figures = trade_figures(pl.DataFrame({"realised_pnl": [10.0, None, 30.0, -20.0, 0.0]}))
    assert (figures.closed, figures.win_rate, figures.profit_factor) == (4, 0.5, 2.0)
    assert (figures.average_win, figures.average_loss, figures.payoff_ratio, figures.expectancy) == (20.0, -20.0, 1.0, 5.0)


def test_gains_and_losses_add_up_to_the_trades_of_a_backtest() -> None:
    bars, signals, days = random_market(4, 60, 8, shorts=True)
    trades = run_backtest(signals, bars, days, portfolio=PortfolioSettings(), settings=BacktestSettings()).trades
    figures = trade_figures(trades)
    assert figures.expectancy is not None
    assert figures.expectancy * figures.closed == pytest.approx(trades["realised_pnl"].sum())


@pytest.mark.parametrize("pnl", [[], [5.0], [-5.0], [0.0]])
def test_what_is_not_there_is_none(pnl: list[float]) -> None:
    figures = trade_figures(pl.DataFrame({"realised_pnl": pnl}, schema={"realised_pnl": pl.Float64}))
    assert figures.profit_factor is None or pnl == [-5.0]
    assert figures.payoff_ratio is None


@given(SIDES)
def test_spells_against_the_loop(held: list[list[int]]) -> None:
    days = [MONDAY + timedelta(days=i) for i in range(len(held))]
    rows = [(days[i], f"S{j}", 10.0 * side) for i, sides in enumerate(held) for j, side in enumerate(sides) if side]
    positions = pl.DataFrame(rows, schema={"session": pl.Date, "instrument": pl.String, "shares": pl.Float64}, orient="row")
    expected = []
    for j in range(3):
        first = None
        for i in range(len(held) + 1):
            side = held[i][j] if i < len(held) else 0
            before = held[i - 1][j] if i else 0
            if before and side != before:
                expected.append((days[first or 0], f"S{j}", i - (first or 0), i < len(held)))
            if side and side != before:
                first = i
    spells = holding_spells(positions, pl.Series(days, dtype=pl.Date))
    assert spells.select("first", "instrument", "sessions", "closed").rows() == sorted(expected)
