"""Excursions of trades: by hand, against a loop, and against the accounts of a backtest."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from ats_assets.backtests import run_backtest
from ats_assets.backtests.metrics import excursion_figures, holding_spells, longest_run, trade_excursions
from ats_assets.backtests.schema import POSITIONS_SCHEMA, TRADES_SCHEMA
from ats_assets.settings import BacktestSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import random_market

DAYS = pl.Series([date(2024, 3, day) for day in (4, 5, 6, 7, 8)])
HELD = ("session", "symbol", "instrument", "shares", "price", "basis", "unrealised_pnl")
SOLD = ("session", "instrument", "realised_pnl")


def frames(held: list[tuple], sold: list[tuple], bars: list[tuple]) -> tuple[pl.DataFrame, ...]:
    positions = pl.DataFrame(held, schema={name: POSITIONS_SCHEMA[name] for name in HELD}, orient="row")
    trades = pl.DataFrame(sold, schema={name: TRADES_SCHEMA[name] for name in SOLD}, orient="row")
    prices = {"symbol": pl.String, "session": pl.Date, "high": pl.Float64, "low": pl.Float64}
    return positions, trades, pl.DataFrame(bars, schema=prices, orient="row")


def test_a_long_trade_by_hand() -> None:
    """10 shares for 100 in all at the open of the 4th; 4 of them sold on the 5th for a gain of 8, the rest on the 7th for a loss of 6.

    On the 4th from -20 (low 8) to +30 (high 13). On the 5th 8 are realised, 6 shares of basis 60 are left: 8 + 6 * 9 - 60 = 2 to 8 + 6 * 12 - 60 = 20.
    On the 6th 8 + 6 * 5 - 60 = -22 to 8 + 6 * 10 - 60 = 8. At the end 8 - 6 = 2.
    """
    positions, trades, bars = frames(
        [
            (DAYS[0], "A", "s:A", 10.0, 12.0, 100.0, 20.0),
            (DAYS[1], "A", "s:A", 6.0, 11.0, 60.0, 6.0),
            (DAYS[2], "A", "s:A", 6.0, 9.0, 60.0, -6.0),
        ],
        [(DAYS[0], "s:A", None), (DAYS[1], "s:A", 8.0), (DAYS[3], "s:A", -6.0)],
        [("A", DAYS[0], 13.0, 8.0), ("A", DAYS[1], 12.0, 9.0), ("A", DAYS[2], 10.0, 5.0), ("A", DAYS[3], 99.0, 1.0)],
    )
    found = trade_excursions(positions, trades, DAYS, bars)
    assert found.rows() == [("s:A", "A", 1, DAYS[0], 3, True, 100.0, 2.0, -22.0, 30.0, 28.0)]
    figures = excursion_figures(found)
    assert (figures.adverse_share, figures.favourable_share, figures.duration) == (-0.22, 0.3, 3.0)


def test_a_short_trade_that_is_held_still_by_hand_and_a_day_without_a_bar() -> None:
    """5 shares sold short for 50: at a high of 12 it is 50 - 60 = -10, at a low of 9 it is +5; on the 5th there is no bar, so its price of 8 counts: +10."""
    positions, trades, bars = frames(
        [(day, "B", "s:B", -5.0, price, -50.0, gain) for day, price, gain in ((DAYS[3], 10.0, 0.0), (DAYS[4], 8.0, 10.0))],
        [(DAYS[3], "s:B", None)],
        [("B", DAYS[3], 12.0, 9.0)],
    )
    assert trade_excursions(positions, trades, DAYS, bars).rows() == [("s:B", "B", -1, DAYS[3], 2, False, 50.0, 10.0, -10.0, 10.0, 0.0)]


def test_a_flip_ends_one_trade_and_begins_another() -> None:
    positions, trades, bars = frames(
        [(DAYS[0], "C", "s:C", 1.0, 10.0, 10.0, 0.0), (DAYS[1], "C", "s:C", -1.0, 9.0, -9.5, 0.5)],
        [(DAYS[0], "s:C", None), (DAYS[1], "s:C", -0.5), (DAYS[1], "s:C", None), (DAYS[2], "s:C", 1.5)],
        [("C", DAYS[0], 10.0, 10.0), ("C", DAYS[1], 9.0, 9.0)],
    )
    found = trade_excursions(positions, trades, DAYS, bars)
    assert found.select("side", "profit", "adverse", "favourable").rows() == [(1, -0.5, -0.5, 0.0), (-1, 1.5, 0.0, 1.5)]


@pytest.mark.parametrize("seed", range(3))
def test_of_a_backtest_profits_add_up_spells_are_the_same_and_excursions_are_a_loop(seed: int) -> None:
    market, signals, days = random_market(seed, 60, 6, shorts=True)
    result = run_backtest(signals, market, days, portfolio=PortfolioSettings(), settings=BacktestSettings())
    bars = market.select("symbol", "session", high=pl.max_horizontal("open", "close"), low=pl.min_horizontal("open", "close"))
    sessions = result.equity["session"]
    found = trade_excursions(result.positions, result.trades, sessions, bars)
    same = ("instrument", "first", "sessions", "closed")
    assert found.select(same).equals(holding_spells(result.positions, sessions).select(same))
    at_end = float(result.positions.filter(session=sessions[-1])["unrealised_pnl"].sum())
    assert found["profit"].sum() == pytest.approx(float(result.trades["realised_pnl"].sum()) + at_end, abs=0.01)
    range_of = {row[:2]: row[2:] for row in bars.select("symbol", "session", "low", "high").iter_rows()}
    realised = result.trades.group_by("instrument", "session").agg(pl.col("realised_pnl").sum()).rows()
    sold = {row[:2]: row[2] or 0.0 for row in realised}
    place = {day: i for i, day in enumerate(sessions)}
    for spell in found.iter_rows(named=True):
        own = result.positions.filter(pl.col("instrument") == spell["instrument"], pl.col("session") >= spell["first"]).head(
            spell["sessions"]
        )
        so_far, path = 0.0, [0.0]
        for row in own.iter_rows(named=True):
            so_far += sold.get((row["instrument"], row["session"]), 0.0) if row["session"] > spell["first"] else 0.0
            prices = range_of.get((row["symbol"], row["session"]), (row["price"], row["price"]))
            path += [so_far + row["shares"] * price - row["basis"] for price in prices]
        if spell["closed"]:
            path.append(so_far + sold[spell["instrument"], sessions[place[own["session"][-1]] + 1]])
        assert spell["adverse"] == pytest.approx(min(path), abs=0.02)
        assert spell["favourable"] == pytest.approx(max(path), abs=0.02)
        assert np.isclose(spell["given_back"], spell["favourable"] - spell["profit"])


def test_nothing_was_held() -> None:
    positions, trades, bars = frames([], [], [])
    found = trade_excursions(positions, trades, DAYS, bars)
    assert found.is_empty()
    assert excursion_figures(found).adverse is None
    assert longest_run(pl.Series([], dtype=pl.Boolean)) == 0
