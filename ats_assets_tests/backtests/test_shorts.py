"""Short positions over sessions: fees, payments that they owe, margin calls, delistings after a rise; cash below zero has a rule, and the contract holds."""

from datetime import date

import polars as pl
import pytest
from pandera.errors import SchemaError

from ats_assets.backtests import BacktestPositions, BacktestResult, Equity, Trades, Unfilled, backtest_metrics, run_backtest
from ats_assets.settings import BacktestSettings, MarginSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import NO_BORROWING, actions_of, bars_of, signals_of, weekdays

FREE = PortfolioSettings(max_weight=1, max_turnover=4, no_trade_band=0.0, max_gross=2, max_net=2)
COSTS = BacktestSettings(commission_bps=0, spread_bps=0, slippage_bps=0, initial_cash=10_000)
LENT_FOR_NOTHING = COSTS.model_copy(update={"margin": NO_BORROWING})


def traded(
    closes: dict[str, list[float | None]],
    weights: list[tuple[str, int, float]],
    settings: BacktestSettings = LENT_FOR_NOTHING,
    *,
    days: list[date] | None = None,
    actions: pl.DataFrame | None = None,
) -> BacktestResult:
    """Bars that open where they close, on these days; weights of (symbol, day, weight)."""
    on = days or weekdays(max(map(len, closes.values())))
    bars = bars_of([(s, on[i], p, p) for s, prices in closes.items() for i, p in enumerate(prices) if p is not None])
    signals = signals_of([(s, on[i], w) for s, i, w in weights])
    result = run_backtest(signals, bars, on, portfolio=FREE, settings=settings, actions=actions)
    for frame, contract in zip(vars(result).values(), (Equity, BacktestPositions, Trades, Unfilled), strict=True):
        contract.validate(frame)
    return result


def test_a_short_position_pays_for_each_calendar_day_and_at_its_own_rate() -> None:
    """500 of A and 250 of B at 10, from Friday's open. A: 5,000.00 at 50 basis points is 0.0694 a day, B: 2,500.00 at 7,200 is 5.00. Monday pays three days, Tuesday one."""
    on = [date(2024, 3, day) for day in (7, 8, 11, 12)]
    rates = COSTS.model_copy(update={"margin": MarginSettings(borrow_bps_by_symbol={"B": 7_200.0})})
    result = traded({"A": [10.0] * 4, "B": [10.0] * 4}, [("A", 0, -0.5), ("B", 0, -0.25)], rates, days=on)
    assert result.equity["financing_cost"].to_list() == [0, 0, 0.21 + 15.00, 0.07 + 5.00]
    assert result.equity["costs"].to_list() == result.equity["financing_cost"].to_list()
    assert result.equity["equity"].to_list() == [10_000, 10_000, 9_984.79, 9_979.72]
    assert backtest_metrics(result, rates).costs == pytest.approx(20.28)


def test_a_short_position_owes_the_payment() -> None:
    paid = actions_of([("A", weekdays(3)[2], "cash_dividend", None, 0.4)])
    result = traded({"A": [10.0, 10.0, 9.6]}, [("A", 0, -0.5)], actions=paid)
    assert result.equity["income"].to_list() == [0, 0, -200]
    assert result.equity["equity"].to_list() == [10_000] * 3


def test_a_delisting_after_a_rise_takes_cash_below_zero_by_rule() -> None:
    """500 of A short at 10 and all cash in B. A closes at 40 and is gone: called for margin, B is sold; A is closed at 40 when it is delisted, 5,000 are owed.

    Cash below zero bears interest, 800 basis points a year: 1.11 a day. The contract of `equity` was broken, since nothing said that cash may be negative.
    """
    rules = LENT_FOR_NOTHING.model_copy(
        update={"max_missing_sessions": 2, "margin": MarginSettings(borrow_bps_a_year=0, debit_bps_a_year=800)}
    )
    result = traded({"A": [10.0, 10.0, 40.0] + [None] * 5, "B": [10.0] * 8}, [("A", 0, -0.5), ("B", 0, 1.0)], rules)
    assert result.equity["cash"].to_list() == [10_000, 5_000, 5_000, 15_000, 15_000, -5_000, -5_001.11, -5_002.22]
    assert result.equity["margin_call"].to_list() == [False, False, True, True, True, False, False, False]
    assert result.trades.select("symbol", "side", "reason").rows()[2:] == [("B", "sell", "rebalance"), ("A", "buy", "delisted")]
    assert backtest_metrics(result, rules).margin_calls == 3


def test_a_margin_call_cuts_without_signals_and_the_account_goes_on() -> None:
    """1,000 of A short at 10 on equity 10,000; at 16 equity is 4,000 < 0.3 * 16,000. 8,000 may be held then: 500 are covered at the next open."""
    result = traded({"A": [10.0, 10.0, 16.0, 16.0, 16.0]}, [("A", 0, -1.0), ("A", 3, -1.0)])
    assert result.equity["margin_call"].to_list() == [False, False, True, False, False]
    assert result.positions.filter(symbol="A")["shares"].to_list() == [-1000, -1000, -500, -250]
    assert result.unfilled.select("session", "reason").rows() == [(weekdays(5)[3], "margin_call")]
    assert result.equity["equity"].to_list() == [10_000, 10_000, 4_000, 4_000, 4_000]


def test_a_cover_is_not_refused_for_want_of_cash() -> None:
    """500 of A short at 10 and 1,000 of B: cash 5,000. At an open of 12 the cover takes 6,000 (100 of A were left); B at 90% of 9,000 pays off the debit."""
    result = traded({"A": [10.0] * 3 + [12.0] * 2, "B": [10.0] * 5}, [("A", 0, -0.5), ("B", 0, 1.0), ("B", 2, 1.0), ("B", 3, 0.9)])
    assert result.equity["cash"].to_list() == [10_000, 5_000, 5_000, -1_000, 900]
    assert result.positions.filter(symbol="A")["session"].max() == weekdays(5)[2]


def test_the_contract_of_equity_is_no_decoration() -> None:
    """Cash below zero in an account that never was short, and sums that do not add up."""
    good = traded({"A": [10.0] * 3}, [("A", 0, 0.5)]).equity
    for broken in (
        good.with_columns(cash=pl.lit(-1.0), equity=pl.col("positions_value") - 1.0),
        good.with_columns(cash=pl.col("cash") + 0.01),
        good.with_columns(costs=pl.col("costs") + 0.01),
        good.with_columns(pnl=pl.col("pnl") + 0.01),
    ):
        with pytest.raises(SchemaError):
            Equity.validate(broken)
