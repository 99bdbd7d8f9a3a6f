from dataclasses import replace
from datetime import date
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.backtests import BacktestPositions, BacktestResult, Equity, Trades, Unfilled, run_backtest
from ats_assets.errors import ContractError
from ats_assets.settings import BacktestSettings, OrderLimitSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import NO_BORROWING, actions_of, bars_of, random_impact, random_market, signals_of, weekdays
from ats_assets_tests.rounds import rounds

FREE = PortfolioSettings(max_weight=1, max_turnover=4, no_trade_band=0.0, max_gross=2, max_net=2)
NO_COSTS = BacktestSettings(commission_bps=0, spread_bps=0, slippage_bps=0, initial_cash=10_000, margin=NO_BORROWING)


def cents(value: float | Fraction) -> int:
    return round(Fraction(value).limit_denominator(10**12) * 100)


def flat_market(closes: dict[str, list[float | None]]) -> tuple[pl.DataFrame, list[date]]:
    """Bars that open where they close."""
    days = weekdays(max(len(prices) for prices in closes.values()))
    return bars_of([(s, days[i], p, p) for s, prices in closes.items() for i, p in enumerate(prices) if p is not None]), days


def test_five_sessions_of_three_symbols_by_hand() -> None:
    """Commission, half spread and slippage are 10 bp each. Cash 10,000.

    d1 open, signals of d0 (A 50%, B 40%, C flat): buy 500 A at 10 = 5,000.00, costs 3 * 5.00; 200 B at 20 = 4,000.00, costs 3 * 4.00.
       Cash 10,000 - 5,015 - 4,012 = 973.00. Close: A 500 * 11 + B 200 * 19 = 9,300.00. Equity 10,273.00.
    d2 open, signals of d1 (C -30%): B has no bar, its exit is unfilled. Sell 500 A at 11 = 5,500.00, costs 3 * 5.50. Short C:
       0.3 * 10,273 / 50 = 61.6: 61 at 50 = 3,050.00, costs 3 * 3.05. Cash 973 + 5,483.50 + 3,040.85 = 9,497.35.
       Close: B 200 * 19 (the last) - C 61 * 52 = 628.00. Equity 10,125.35.
       C is at -31.33%, within 2% of -30%: not traded. B is to leave, though it had no bar.
    d3 open: sell 200 B at 18 = 3,600.00, costs 3 * 3.60.
       Cash 9,497.35 + 3,589.20 = 13,086.55. Close: C -61 * 50 = -3,050.00. Equity 10,036.55.
    d4 open, signals of d3 (A 50%): cover 61 C at 50 = 3,050.00, costs 3 * 3.05; A: 5,018.275 / 12 (its close) = 418.19: 418 at 13 = 5,434.00, costs 3 * 5.43.
       Cash 13,086.55 - 3,059.15 - 5,450.29 = 4,577.11. Close: A 418 * 13 = 5,434.00. Equity 10,011.11.
    """
    d = weekdays(5)
    prices = {
        "A": [(10, 10), (10, 11), (11, 12), (12, 12), (13, 13)],
        "B": [(20, 20), (20, 19), None, (18, 18), (18, 17)],
        "C": [(50, 50), (50, 50), (50, 52), (52, 50), (50, 49)],
    }
    bars = bars_of([(s, d[i], *map(float, bar)) for s, row in prices.items() for i, bar in enumerate(row) if bar])
    weights = [(0.5, 0.4, 0), (0, 0, -0.3), (0, 0, -0.3), (0.5, 0, 0), (1, 0, 0)]
    signals = signals_of([(s, d[i], float(w)) for i, row in enumerate(weights) for s, w in zip("ABC", row, strict=True)])
    limits = FREE.model_copy(update={"no_trade_band": 0.02})
    costs = BacktestSettings(initial_cash=10_000, commission_bps=10, spread_bps=20, slippage_bps=10, margin=NO_BORROWING)

    result = run_backtest(signals, bars, d, portfolio=limits, settings=costs)

    assert result.equity["cash"].to_list() == [10_000, 973, 9_497.35, 13_086.55, 4_577.11]
    assert result.equity["positions_value"].to_list() == [0, 9_300, 628, -3_050, 5_434]
    assert result.equity["equity"].to_list() == [10_000, 10_273, 10_125.35, 10_036.55, 10_011.11]
    assert result.equity["pnl"].to_list() == [0, 300, -122, -78, 0]  # A +500 B -200; C -122; B -200 C +122; nothing moved
    assert result.equity["costs"].to_list() == [0, 27, 25.65, 10.8, 25.44]
    trades = result.trades.select(
        "session", "symbol", "side", "effect", "shares", pl.col("price").round(9), "cash_flow", "realised_pnl"
    ).rows()
    assert trades == [
        (d[1], "A", "buy", "open", 500, 10.02, -5_015, None),
        (d[1], "B", "buy", "open", 200, 20.04, -4_012, None),
        (d[2], "A", "sell", "close", 500, 10.978, 5_483.5, 468.5),  # 5,483.50 - 5,015.00
        (d[2], "C", "sell", "open", 61, 49.9, 3_040.85, None),
        (d[3], "B", "sell", "close", 200, 17.964, 3_589.2, -422.8),  # 3,589.20 - 4,012.00
        (d[4], "C", "buy", "close", 61, 50.1, -3_059.15, -18.3),  # 3,040.85 - 3,059.15
        (d[4], "A", "buy", "open", 418, 13.025980861, -5_450.29, None),  # (5,434.00 + 2 * 5.43) / 418
    ]
    assert result.unfilled.select("session", "symbol", "side", "reason", "ordered_shares", "filled_shares").rows() == [
        (d[2], "B", "sell", "no_bar", 200, 0)
    ]
    # the benchmark: a third in each at each open, so open to open (and to the last close) it earns the mean of the three
    to_d2 = (Fraction(11, 10) + Fraction(19, 20) + 1) / 3
    to_d3 = (Fraction(12, 11) + Fraction(18, 19) + Fraction(52, 50)) / 3
    to_d4 = (Fraction(13, 12) + 1 + Fraction(50, 52)) / 3
    to_end = (1 + Fraction(17, 18) + Fraction(49, 50)) / 3
    assert result.equity["benchmark"][-1] == round(float(10_000 * to_d2 * to_d3 * to_d4 * to_end), 2)
    assert result.equity["benchmark"][1] == round(float(10_000 * to_d2), 2)


def test_a_delisted_position_is_closed_at_its_last_close_less_the_haircut() -> None:
    bars, days = flat_market({"A": [10.0, 10.0, 8.0] + [None] * 5, "B": [1.0] * 8})
    signals = signals_of([("A", days[i], 0.5) for i in (0, 4, 5, 6)])
    rules = NO_COSTS.model_copy(update={"max_missing_sessions": 2, "delisting_haircut": 0.25})
    result = run_backtest(signals, bars, days, portfolio=FREE, settings=rules)
    # 500 A bought at 10; no bar on d3, d4 and d5: on d5 it is closed at 8 * 0.75 = 6, then nothing can be bought
    closing = result.trades.filter(reason="delisted").row(0, named=True)
    assert (closing["session"], closing["signal_session"], closing["shares"], closing["reference_price"], closing["price"]) == (
        days[5],
        None,
        500,
        8,
        6,
    )
    assert closing["realised_pnl"] == -2000
    assert closing["commission"] == 0
    assert result.positions.filter(symbol="A")["missing_sessions"].to_list() == [0, 0, 1, 2]
    assert result.equity["equity"].to_list() == [10_000, 10_000, 9_000, 9_000, 9_000, 8_000, 8_000, 8_000]
    assert result.unfilled.filter(pl.col("session") > days[4])["reason"].to_list() == ["no_bar"] * 3


def test_a_delisted_short_is_closed_at_its_last_close_plus_the_haircut() -> None:
    bars, days = flat_market({"A": [10.0, 10.0] + [None] * 3, "B": [1.0] * 5})
    rules = NO_COSTS.model_copy(update={"max_missing_sessions": 1, "delisting_haircut": 0.1})
    result = run_backtest(signals_of([("A", days[0], -0.5)]), bars, days, portfolio=FREE, settings=rules)
    assert result.equity["equity"].to_list() == [10_000, 10_000, 10_000, 9_500, 9_500]


@pytest.mark.parametrize("weight", [0.5, -0.5])
def test_payments_of_more_than_a_share_is_worth_do_not_count_and_break_no_contract(weight: float) -> None:
    """6 and 6 are announced of a last close of 10, in a halt. A price of zero broke the contracts of positions and trades, and the second 6, more than the 4 that are left, is none in labels either."""
    bars, days = flat_market({"A": [10.0, 10.0], "B": [5.0] * 7})
    paid = actions_of([("A", day, "cash_dividend", None, 6.0) for day in days[2:4]])
    settings = NO_COSTS.model_copy(update={"max_missing_sessions": 3})
    result = run_backtest(signals_of([("A", days[0], weight)]), bars, days, portfolio=FREE, settings=settings, actions=paid)
    assert result.equity["equity"].to_list() == [10_000] * 7
    assert result.equity["income"].to_list() == [0, 0, 6_000 * weight, 0, 0, 0, 0]
    assert result.trades["reason"].to_list() == ["rebalance", "delisted"]
    for frame, contract in ((result.equity, Equity), (result.positions, BacktestPositions), (result.trades, Trades)):
        contract.validate(frame)


def test_a_bar_without_volume_marks_but_does_not_trade() -> None:
    bars, days = flat_market({"A": [10.0, 10.0, 12.0, 12.0]})
    bars = bars.with_columns(volume=pl.when(session=days[2]).then(0.0).otherwise(1.0))
    signals = signals_of([("A", days[0], 0.5), ("A", days[1], 0.0), ("A", days[2], 0.0)])
    result = run_backtest(signals, bars, days, portfolio=FREE, settings=NO_COSTS)
    assert result.equity["equity"].to_list() == [10_000, 10_000, 11_000, 11_000]
    assert result.unfilled.select("session", "reason").rows() == [(days[2], "no_volume")]
    assert result.trades["session"].to_list() == [days[1], days[3]]


def test_the_signals_of_the_last_session_are_not_traded_and_early_sessions_are_left_out() -> None:
    bars, days = flat_market({"A": [10.0] * 4})
    result = run_backtest(signals_of([("A", days[3], 1.0)]), bars, days, portfolio=FREE, settings=NO_COSTS)
    assert result.equity["session"].to_list() == [days[3]]
    assert result.trades.is_empty()


def test_a_session_without_signals_is_no_opinion_but_a_symbol_without_signal_leaves() -> None:
    bars, days = flat_market({"A": [10.0] * 5, "B": [10.0] * 5})
    signals = signals_of([("A", days[0], 0.5), ("B", days[2], 0.5)])
    result = run_backtest(signals, bars, days, portfolio=FREE, settings=NO_COSTS)
    assert result.trades.select("session", "symbol", "side").rows() == [
        (days[1], "A", "buy"),
        (days[3], "A", "sell"),
        (days[3], "B", "buy"),
    ]


def test_buys_are_scaled_to_the_cash_alike() -> None:
    bars, days = flat_market({"A": [10.0] * 2, "B": [20.0] * 2})
    costs = BacktestSettings(commission_bps=100, spread_bps=0, slippage_bps=0, initial_cash=10_000)
    result = run_backtest(signals_of([("A", days[0], 0.5), ("B", days[0], 0.5)]), bars, days, portfolio=FREE, settings=costs)
    # 10,100 needed: 500 A and 250 B become 495 and 247
    assert result.trades["shares"].to_list() == [495, 247]
    assert result.unfilled.select("symbol", "reason", "ordered_shares", "filled_shares").rows() == [
        ("A", "cash", 500, 495),
        ("B", "cash", 250, 247),
    ]


def test_the_proceeds_of_short_sales_do_not_pay_for_longs() -> None:
    bars, days = flat_market({"A": [10.0] * 2, "B": [10.0] * 2})
    signals = signals_of([("A", days[0], 1.0), ("B", days[0], -1.0)])
    result = run_backtest(signals, bars, days, portfolio=FREE, settings=NO_COSTS)
    assert result.positions["shares"].to_list() == [1000, -1000]
    signals = signals_of([("A", days[0], 1.4), ("B", days[0], -0.5)])
    result = run_backtest(signals, bars, days, portfolio=FREE.model_copy(update={"max_weight": 2.0}), settings=NO_COSTS)
    assert result.positions["shares"].to_list() == [1000, -500]


def test_a_flip_closes_then_opens() -> None:
    bars, days = flat_market({"A": [10.0] * 3})
    result = run_backtest(signals_of([("A", days[0], 0.5), ("A", days[1], -0.2)]), bars, days, portfolio=FREE, settings=NO_COSTS)
    assert result.trades.select("side", "effect", "shares").rows() == [("buy", "open", 500), ("sell", "close", 500), ("sell", "open", 200)]


def test_a_symbol_that_never_had_a_bar_is_unfilled() -> None:
    bars, days = flat_market({"A": [10.0] * 2})
    result = run_backtest(signals_of([("X", days[0], 0.5)]), bars, days, portfolio=FREE, settings=NO_COSTS)
    assert result.unfilled.select("symbol", "side", "reason", "ordered_shares").rows() == [("X", "buy", "no_bar", None)]


def test_a_ruined_account_is_closed_and_stops_trading() -> None:
    """1,000 sold short at 10 are worth 50,000 at the second close, and equity -30,000: they are covered at the next open, and what is owed stays."""
    bars, days = flat_market({"A": [10.0, 10.0, 50.0, 60.0, 60.0], "B": [10.0] * 5})
    signals = signals_of([("A", day, -1.0) for day in days] + [("B", days[3], 0.5)])
    result = run_backtest(signals, bars, days, portfolio=FREE, settings=NO_COSTS)
    assert result.equity["equity"].to_list() == [10_000, 10_000, -30_000, -40_000, -40_000]
    assert result.equity["cash"].to_list() == [10_000, 20_000, 20_000, -40_000, -40_000]
    assert result.equity["margin_call"].to_list() == [False, False, True, False, False]
    assert result.unfilled.select("session", "symbol", "reason").rows() == [
        (days[3], "A", "no_equity"),
        (days[4], "A", "no_equity"),
        (days[4], "B", "no_equity"),
    ]
    for frame, contract in zip(vars(result).values(), (Equity, BacktestPositions, Trades, Unfilled), strict=True):
        contract.validate(frame)


def test_no_signals_no_rows() -> None:
    bars, days = flat_market({"A": [10.0] * 2})
    result = run_backtest(signals_of([]), bars, days, portfolio=FREE, settings=NO_COSTS)
    for frame, contract in zip(vars(result).values(), (Equity, BacktestPositions, Trades, Unfilled), strict=True):
        assert frame.is_empty()
        contract.validate(frame)


@pytest.mark.parametrize(
    ("signals", "close", "message"),
    [
        ([("A", date(1999, 1, 1), 0.5)], 1.0, "outside the sessions"),
        ([("A", weekdays(1)[0], float("nan"))], 1.0, "no finite target_weight"),
        ([("A", weekdays(1)[0], 0.5)] * 2, 1.0, "targets: 2 row.* comes twice"),
        ([("A", weekdays(1)[0], 0.5)], 0.0, "no positive open"),
    ],
)
def test_broken_input_is_refused(signals: list[tuple[str, date, float]], close: float, message: str) -> None:
    bars, days = flat_market({"A": [close, close]})
    with pytest.raises(ContractError, match=message):
        run_backtest(signals_of(signals), bars, days, portfolio=FREE, settings=NO_COSTS)


RUNS = st.tuples(
    st.integers(0, 2**32 - 1),
    st.integers(1, 14),
    st.integers(1, 7),
    st.booleans(),
    st.builds(
        BacktestSettings,
        initial_cash=st.sampled_from([500.0, 10_000.0, 1e6, 123_456.78]),
        commission_bps=st.floats(0, 50),
        spread_bps=st.floats(0, 50),
        slippage_bps=st.floats(0, 50),
        min_commission=st.sampled_from([0.0, 1.0, 5.0]),
        fractional_shares=st.booleans(),
        max_missing_sessions=st.integers(1, 4),
        delisting_haircut=st.sampled_from([0.0, 0.3, 1.0]),
    ),
    st.builds(
        PortfolioSettings,
        max_weight=st.floats(0.1, 1),
        max_gross=st.floats(0.5, 2),
        max_turnover=st.floats(0.2, 4),
        no_trade_band=st.floats(0, 0.1),
    ),
    st.sampled_from([None, "square_root", "almgren", "spread"]),
    st.sampled_from([None, 0.01, 0.0001]),
)
Case = tuple[int, int, int, bool, BacktestSettings, PortfolioSettings, str | None, float | None]


def run(case: Case) -> tuple[BacktestResult, pl.DataFrame, list[date]]:
    seed, n_sessions, n_symbols, shorts, costs, limits, model, most = case
    bars, signals, days = random_market(seed, n_sessions, n_symbols, shorts=shorts)
    impact = None if model is None else random_impact(seed, bars, model, most=most, fitted=seed % 2 == 0)
    return run_backtest(signals, bars, days, portfolio=limits, settings=costs, impact=impact), bars, days


@given(RUNS)
@settings(max_examples=rounds(40, 150))
def test_accounts_replayed_from_the_trades_agree_to_the_cent(case: Case) -> None:
    """The oracle goes through trades and bars with integers, fractions and dictionaries, without the engine's account; with a model of impact as without."""
    result, bars, _ = run(case)
    initial = cents(case[4].initial_cash)
    cash, shares, last, values = initial, {}, {}, {}
    equity_before = cash
    closes = {(s, day): close for s, day, close in bars.select("symbol", "session", "close").iter_rows()}
    trades = result.trades.partition_by("session", as_dict=True)
    held_by = {key[0]: rows for key, rows in result.positions.partition_by("session", as_dict=True).items()}
    realised = lent = 0
    since, rates = None, case[4].margin
    for row in result.equity.iter_rows(named=True):
        day, pnl = row["session"], 0
        paid = cents(row["financing_cost"])
        nights = (day - since).days if since else 0
        short = sum(max(0, -value) * rates.borrow_bps_a_year * nights / 3.6e6 for value in values.values())
        assert abs(paid - short - max(0, -cash) * rates.debit_bps_a_year * nights / 3.6e6) <= 0.51 * (len(values) + 1)
        cash, lent, since = cash - paid, lent + paid, day
        for t in trades.get((day,), pl.DataFrame()).iter_rows(named=True):
            sign = 1 if t["side"] == "buy" else -1
            costs = cents(t["commission"]) + cents(t["spread_cost"]) + cents(t["slippage_cost"])
            assert cents(t["cash_flow"]) == -sign * cents(t["notional"]) - costs
            if t["reason"] == "rebalance":
                assert abs(Fraction(t["shares"]) * Fraction(t["reference_price"]) * 100 - cents(t["notional"])) <= Fraction(501, 1000)
            cash += cents(t["cash_flow"])
            pnl -= sign * cents(t["notional"])
            paid += costs
            realised += cents(t["realised_pnl"] or 0.0)
            shares[t["symbol"]] = round(shares.get(t["symbol"], 0.0) + sign * t["shares"], 9)
        last.update({s: close for (s, on), close in closes.items() if on == day})
        now = {s: round(Fraction(n) * Fraction(last[s]) * 100) for s, n in shares.items() if n}
        pnl += sum(now.values()) - sum(values.values())
        values = now
        equity = cash + sum(values.values())
        assert [cents(row[name]) for name in ("cash", "equity", "costs", "pnl")] == [cash, equity, paid, pnl]
        assert equity - equity_before == pnl - paid
        equity_before = equity
        held = held_by.get(day, result.positions.clear())
        assert {s: cents(v) for s, v in zip(held["symbol"], held["value"], strict=True)} == values
        assert equity == initial + realised + sum(map(cents, held["unrealised_pnl"])) - lent


@given(RUNS)
@settings(max_examples=rounds(25, 100))
def test_frames_satisfy_their_contracts_and_limits_hold_at_the_open(
    case: Case,
) -> None:
    result, bars, _ = run(case)
    for frame, contract in zip(vars(result).values(), (Equity, BacktestPositions, Trades, Unfilled), strict=True):
        contract.validate(frame)
    if not case[4].fractional_shares:
        assert (result.trades["shares"] == result.trades["shares"].floor()).all()
    opens = {(s, day) for s, day, volume in bars.select("symbol", "session", "volume").iter_rows() if volume > 0}
    for s, day, reason, signal in result.trades.select("symbol", "session", "reason", "signal_session").iter_rows():
        assert ((s, day) in opens) == (reason == "rebalance")
        assert (signal is None) == (reason == "delisted")
        assert signal is None or signal < day


@given(RUNS, st.integers(1, 13))
@settings(max_examples=rounds(15, 50))
def test_the_past_does_not_depend_on_the_future(case: Case, cut: int) -> None:
    seed, n_sessions, n_symbols, shorts, costs, limits, model, most = case
    bars, signals, days = random_market(seed, n_sessions, n_symbols, shorts=shorts)
    impact = None if model is None else random_impact(seed, bars, model, most=most, fitted=True)
    whole = run_backtest(signals, bars, days, portfolio=limits, settings=costs, impact=impact)
    until = days[:cut]
    if impact is not None:
        scales = {day: scale for day, scale in impact.scales.items() if day <= until[-1]}
        impact = replace(impact, inputs=impact.inputs.filter(pl.col("session") <= until[-1]), scales=scales)
    known = (f.filter(pl.col("session") <= until[-1]) for f in (signals, bars))
    part = run_backtest(*known, until, portfolio=limits, settings=costs, impact=impact)
    for name, frame in vars(part).items():
        assert frame.equals(getattr(whole, name).filter(pl.col("session") <= until[-1])), name


def test_rows_in_any_order_give_the_same_result() -> None:
    bars, signals, days = random_market(5, 30, 9, shorts=True)
    straight = run_backtest(signals, bars, days, portfolio=FREE, settings=NO_COSTS)
    mixed = run_backtest(
        signals.sample(fraction=1, shuffle=True, seed=1),
        bars.sample(fraction=1, shuffle=True, seed=2),
        days,
        portfolio=FREE,
        settings=NO_COSTS,
    )
    assert all(a.equals(b) for a, b in zip(vars(straight).values(), vars(mixed).values(), strict=True))
    assert np.isfinite(straight.equity["equity"].to_numpy()).all()


@given(st.integers(0, 2**32 - 1), st.randoms(use_true_random=False))
@settings(max_examples=rounds(8, 25))
def test_symbols_under_other_names_have_the_same_positions(seed: int, random: Random) -> None:
    """Few weights and a low turnover limit, so that there are ties; commissions that eat the cash. What a bar has beside the columns of `TRADED_COLUMNS` is not looked at."""
    bars, signals, days = random_market(seed, 12, 6, shorts=True)
    signals = signals.with_columns((pl.col("target_weight") * 5).round() / 5)
    names = bars["symbol"].unique().sort().to_list()
    others = dict(zip(names, random.sample(names, len(names)), strict=True))
    how: dict[str, Any] = {
        "portfolio": PortfolioSettings(max_weight=0.4, max_gross=1.5, max_turnover=0.5),
        "settings": BacktestSettings(initial_cash=20_000, min_commission=5.0),
        "limits": OrderLimitSettings(allow_short=True),
    }
    made = run_backtest(signals, bars, days, **how)
    rename = pl.col("symbol").replace(others)
    again = run_backtest(signals.with_columns(rename), bars.with_columns(rename, vwap=pl.lit(-1.0), high=pl.lit(None)), days, **how)
    held = made.positions.with_columns(rename, pl.col("instrument").replace(others))
    assert again.positions.equals(held.sort("session", "symbol"))
    money = ["session", "cash", "positions_value", "equity", "costs", "traded"]
    assert again.equity.select(money).equals(made.equity.select(money))
