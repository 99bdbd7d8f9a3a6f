"""Risk does not rest: where the primary strategy has no signals its last book is judged on, and what is cut is sold, nothing else traded and nothing bought back."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.backtests import run_backtest
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.plugins import STRATEGIES
from ats_assets.portfolio.targets import targets_of
from ats_assets.settings import BacktestSettings, PortfolioSettings, TrainingSettings
from ats_assets.strategies.strategy import Strategy, signals_of
from ats_assets_tests.backtests.small_markets import NO_BORROWING
from ats_assets_tests.bars.companies import name_change_actions
from ats_assets_tests.rounds import rounds
from ats_assets_tests.strategies.rules.price_market import FIRST, bars_of

EXITS: dict[str, Any] = {"atr_sessions": 2, "peak_atr": None, "stop_percent": 8.0, "max_sessions": 12}
KINDS: dict[str, dict[str, Any]] = {
    "peak_exits": EXITS,
    "risk_ruled": {"rule": "stops", "options": EXITS},
}
NONE = pl.DataFrame(schema=CORPORATE_ACTIONS_SCHEMA)
WIDE = PortfolioSettings(max_weight=1.0, max_turnover=4.0, no_trade_band=0.05)


def following(kind: str, kept: int = 63) -> Strategy:
    return STRATEGIES.made(kind, {"primary": "winners", "without_signals_sessions": kept, **KINDS[kind]}, setting=f"strategies.{kind}")


def signals(bars: pl.DataFrame, weights: dict[str, float]) -> pl.DataFrame:
    """Those of the primary strategy, the same book in each session."""
    rows = bars.filter(pl.col("symbol").is_in(list(weights))).select("symbol", "session")
    weight = pl.col("symbol").replace_strict(weights, return_dtype=pl.Float64)
    return rows.with_columns(score=weight * 2, target_weight=weight, model_session=pl.lit(None, pl.Date))


def scores(made: Strategy, bars: pl.DataFrame, primary: pl.DataFrame, days: Sequence[date], wanted: Sequence[date]) -> pl.DataFrame:
    frames = {"bars": bars, "corporate_actions": NONE, "universe": bars.select("symbol", "session"), signals_of("winners"): primary}
    return made.scores(frames, days, wanted, TrainingSettings()).sort("session", "symbol")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("halted", [False, True])
def test_a_stop_that_is_hit_while_the_primary_strategy_rests_closes_the_position_and_trades_nothing_else(kind: str, halted: bool) -> None:
    """The first has no signals from the fifth session on; the stop is hit in the seventh. The other symbol moves by 4 % meanwhile."""
    closes = np.array([[100.0] * 6 + [91.0, 99, 99, 99, 99], [50.0] * 5 + [52.0] * 6]).T
    bars = bars_of(closes)
    days = [FIRST + timedelta(days=i) for i in range(len(closes))]
    primary = signals(bars, {"S0": 0.4, "S1": 0.4}).filter(pl.col("session") < days[4])
    traded_bars = bars.filter(~((pl.col("symbol") == "S0") & (pl.col("session") == days[7]))) if halted else bars
    made = scores(following(kind), traded_bars, primary, days, days)
    assert made["session"].unique().sort().to_list() == days[:4] + days[6:]
    cut = made.filter(pl.col("session") >= days[6])
    assert cut.filter(symbol="S0")["target_weight"].unique().to_list() == [0.0]
    assert cut.filter(symbol="S1")["target_weight"].min() > 0.4
    assert "stop: the close of 2023-01-07" in cut.filter(symbol="S0")["reason"][0]
    told = {"bars": traded_bars, "corporate_actions": NONE}
    books = {"mine": made.select("symbol", "session", "target_weight")}
    for kept in (0, 63):  # alone, and where held books are looked at
        wanted = targets_of(books, {"mine": 1.0}, kept=kept, frames=told, days=days, sessions=days)
        backtest = BacktestSettings(engine="orders", margin=NO_BORROWING, initial_cash=100_000.0)
        trades = run_backtest(wanted, traded_bars, days, portfolio=WIDE, settings=backtest, actions=NONE).trades
        sold = trades.filter(side="sell").select("session", "symbol").rows()
        assert sold == [(days[8] if halted else days[7], "S0")]
        assert trades.filter(side="buy").height == 2


def test_a_rule_that_eases_while_the_primary_strategy_rests_adds_nothing() -> None:
    """A volatility target: wild sessions make the position smaller, quiet ones after them don't make it larger again."""
    returns = [0.001, -0.001] * 5 + [0.05, -0.05] * 2 + [0.001, -0.001] * 6
    closes = 100 * np.cumprod(1 + np.array(returns))[:, None]
    bars, days = bars_of(closes), [FIRST + timedelta(days=i) for i in range(len(closes))]
    primary = signals(bars, {"S0": 0.8}).filter(pl.col("session") < days[10])
    rule = {"rule": "volatility_target", "options": {"lookback_sessions": 4, "target_volatility": 0.2}, "primary": "winners"}
    made = scores(STRATEGIES.made("risk_ruled", rule, setting="strategies.mine"), bars, primary, days, days)
    weights = made.filter(pl.col("session") >= days[10])["target_weight"].to_numpy()
    assert len(weights) == len(days) - 10
    assert weights[-1] < 0.4
    shares = weights / closes[10:, 0] * 100
    assert (np.diff(shares) < 0.02).all()  # as prices move the capital beside it


def test_a_position_begins_anew_after_a_rest_that_outlasts_its_book_whatever_else_is_asked_for() -> None:
    """The rest has 7 sessions, and the book is known for 4: moved books of these would bridge it in a range, and in no session alone."""
    bars = bars_of(np.array([120.0] + [100.0] * 9)[:, None])
    days = [FIRST + timedelta(days=i) for i in range(10)]
    primary = signals(bars, {"S0": 0.3}).filter(~pl.col("session").is_between(days[1], days[7]))
    made = following("peak_exits", kept=4)
    whole, alone = (scores(made, bars, primary, days, wanted) for wanted in (days, days[8:9]))
    assert whole.filter(pl.col("session") < days[8])["target_weight"].to_list() == [0.3, 0.0, 0.0, 0.0, 0.0]
    assert whole.filter(session=days[8])["target_weight"].to_list() == [0.3]
    assert alone.equals(whole.filter(session=days[8]))


@settings(max_examples=rounds(2, 100), deadline=None)
@given(st.integers(0, 10_000), st.lists(st.integers(0, 39), max_size=30, unique=True), st.sampled_from([*KINDS]))
def test_each_session_is_a_function_of_its_own_windows(seed: int, gaps: list[int], kind: str) -> None:
    """Six sessions of a last book, so that gaps outlast it; and a change of name."""
    random = np.random.default_rng(seed)
    closes = 100 * np.cumprod(1 + random.normal(0, 0.04, (40, 3)), axis=0)
    closes[random.random(closes.shape) < 0.05] = np.nan
    bars, days = bars_of(closes), [FIRST + timedelta(days=i) for i in range(40)]
    day = days[int(random.integers(5, 35))]
    renamed = pl.when((pl.col("session") >= day) & (pl.col("symbol") == "S0")).then(pl.lit("N0")).otherwise("symbol").alias("symbol")
    bars = bars.with_columns(renamed)
    primary = signals(bars, {"S0": 0.3, "N0": 0.3, "S1": -0.3, "S2": 0.2}).filter(~pl.col("session").is_in([days[i] for i in gaps]))
    made = following(kind, kept=6)
    needs = {one.asset: one.back for one in made.needs(TrainingSettings())}
    frames = {
        "bars": bars,
        "corporate_actions": name_change_actions((day, "S0", "N0")),
        "universe": bars.select("symbol", "session"),
        signals_of("winners"): primary,
    }

    def of(wanted: Sequence[date]) -> pl.DataFrame:
        first, last = days.index(wanted[0]), days.index(wanted[-1])
        inside = {
            name: rows.filter(pl.col("session").is_between(days[max(0, first - needs.get(name, 0))], days[last]))
            for name, rows in frames.items()
        }
        window = days[max(0, first - max(needs.values())) : last + 1]
        return made.scores(inside, window, wanted, TrainingSettings()).sort("session", "symbol")

    whole = of(days)
    for one in days:
        assert of([one]).equals(whole.filter(session=one)), one
