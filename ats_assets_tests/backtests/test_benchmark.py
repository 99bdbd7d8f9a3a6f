"""The benchmark is of the market that the strategy trades in: what a split or a payment does to prices is no loss in either."""

from datetime import date
from fractions import Fraction

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.backtests import backtest_metrics, run_backtest
from ats_assets.settings import BacktestSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import actions_of, bars_of, random_actions, random_market, signals_of, weekdays
from ats_assets_tests.rounds import rounds

FREE = PortfolioSettings(max_weight=1, max_turnover=4, no_trade_band=0.0, max_gross=2, max_net=2)
NO_COSTS = BacktestSettings(commission_bps=0, spread_bps=0, slippage_bps=0)


@pytest.mark.parametrize("symbol", [None, "AAA", "BBB"])
def test_a_split_and_a_payment_are_no_loss_of_the_benchmark(symbol: str | None) -> None:
    """400 to 100 on a split of four for one, and 2.00 of 50.00 paid: held without costs nobody gains or loses (the benchmark lost 38.75%)."""
    d = weekdays(5)
    prices = {"AAA": [(400, 400)] * 3 + [(100, 100)] * 2, "BBB": [(50, 50)] * 4 + [(48, 48)]}
    bars = bars_of([(s, d[i], float(o), float(c)) for s, row in prices.items() for i, (o, c) in enumerate(row)])
    actions = actions_of([("AAA", d[3], "split", 4.0, None), ("BBB", d[4], "cash_dividend", None, 2.0)])
    signals = signals_of([(s, day, 0.5) for day in d for s in prices])
    rules = NO_COSTS.model_copy(update={"benchmark": symbol})
    result = run_backtest(signals, bars, d, portfolio=FREE, settings=rules, actions=actions)
    assert result.equity["equity"].to_list() == result.equity["benchmark"].to_list() == [1_000_000.0] * 5
    assert backtest_metrics(result, rules).benchmark_return == 0.0


@given(st.integers(0, 2**32 - 1), st.integers(2, 12), st.integers(1, 5), st.booleans())
@settings(max_examples=rounds(20, 60))
def test_the_benchmark_is_that_of_fractions_with_actions_and_missing_bars(seed: int, n_sessions: int, n_symbols: int, one: bool) -> None:
    """The oracle holds shares and cash in dictionaries: actions on what is held, then an even spread at each open."""
    bars, signals, days = random_market(seed, n_sessions, n_symbols, shorts=False)
    if signals.is_empty() or bars.is_empty():
        return
    days = [day for day in days if day >= signals["session"].min()]
    actions = random_actions(seed, bars)
    symbol = sorted(set(bars.filter(pl.col("session").is_in(days))["symbol"]))[:1] if one else []
    rules = NO_COSTS.model_copy(update={"benchmark": symbol[0] if symbol else None})
    made = run_backtest(signals, bars, days, portfolio=FREE, settings=rules, actions=actions).equity["benchmark"].to_list()
    assert made == pytest.approx(list(map(float, _spread_evenly(bars, signals, actions, days, symbol))), abs=0.011, rel=1e-9)


def _spread_evenly(bars: pl.DataFrame, signals: pl.DataFrame, actions: pl.DataFrame, days: list[date], only: list[str]) -> list[Fraction]:
    prices = {(s, day): (Fraction(str(o)), Fraction(str(c))) for s, day, o, c in bars.select("symbol", "session", "open", "close").rows()}
    cash, shares, last, members, values = Fraction(1_000_000), {}, {}, [], []
    for i, day in enumerate(days):
        for s, kind, ratio, paid in actions.filter(session=day).sort("kind").select("symbol", "kind", "ratio", "cash").rows():
            if kind == "cash_dividend":  # sorts first: it is for old shares, and none pays all that it is worth, or more
                known, told = last.get(s), Fraction(str(paid))
                counted = told if known is None or told < known else Fraction(0)
                cash += shares.get(s, 0) * counted
                last[s] = None if known is None else known - counted
            else:
                shares[s] = shares.get(s, 0) * Fraction(str(ratio))
                last[s] = last[s] / Fraction(str(ratio)) if last.get(s) else None
        marks = {s: last[s] for s in last if last[s] is not None} | {s: o for (s, on), (o, _) in prices.items() if on == day}
        if i:
            today = signals.filter(session=days[i - 1])["symbol"].to_list()
            members = (only or today) if today else members
            members = [s for s in members if marks.get(s, 0) > 0]
            cash += sum(n * marks[s] for s, n in shares.items() if n)
            shares = {s: cash / len(members) / marks[s] for s in members}
            cash = Fraction(0) if members else cash
        last = marks | {s: c for (s, on), (_, c) in prices.items() if on == day}
        values.append(cash + sum(n * last[s] for s, n in shares.items() if n))
    return values
