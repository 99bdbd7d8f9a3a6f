"""The engine `weights`: against the formulas of returns, against the order engine where both must agree, and against a slow account in dictionaries."""

from dataclasses import replace
from datetime import date
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ats_assets.backtests import BacktestInputs, BacktestResult, engine_of
from ats_assets.backtests.engines.orders import OrdersEngine, OrdersEngineSettings
from ats_assets.backtests.engines.weights import PLUGIN, WeightsEngine, WeightsEngineSettings
from ats_assets.backtests.exact_account import held_exactly, hold_exactly, with_tables
from ats_assets.backtests.exact_trades import ExactRules
from ats_assets.backtests.market import read_market
from ats_assets.backtests.market_terms import market_terms
from ats_assets.errors import ContractError
from ats_assets.settings import BacktestSettings, MarginSettings, PortfolioSettings
from ats_assets_tests.backtests.small_markets import (
    NO_BORROWING,
    actions_of,
    bars_of,
    random_actions,
    random_impact,
    random_market,
    signals_of,
    weekdays,
)
from ats_assets_tests.kits.engines import EngineKit
from ats_assets_tests.rounds import rounds

FREE = PortfolioSettings(max_weight=1, max_gross=10, max_net=10, max_turnover=4, no_trade_band=0)
NO_COSTS = BacktestSettings(commission_bps=0, spread_bps=0, slippage_bps=0, fractional_shares=True, margin=NO_BORROWING)


def weights(inputs: BacktestInputs, returns: Any = "open_to_open") -> BacktestResult:
    return WeightsEngine(WeightsEngineSettings(returns=returns)).run(inputs)


def inputs_of(
    bars: pl.DataFrame, targets: pl.DataFrame, days: list[date], chosen: BacktestSettings = NO_COSTS, **more: Any
) -> BacktestInputs:
    return BacktestInputs(bars=bars, targets=targets, sessions=days, portfolio=FREE, settings=chosen, **more)


def test_a_hand_calculated_case() -> None:
    """Half of 1,000 in A at the open of 10: it closes at 11, opens at 12, where half of 1,100 is left in it: 50.00 are sold for what had cost 41.67."""
    days = weekdays(3)
    bars = bars_of([("A", days[0], 9, 10), ("A", days[1], 10, 11), ("A", days[2], 12, 6)])
    targets = signals_of([("A", day, 0.5) for day in days])
    result = weights(inputs_of(bars, targets, days, NO_COSTS.model_copy(update={"initial_cash": 1_000.0})))
    assert result.equity["equity"].to_list() == [1_000.0, 1_050.0, 825.0]
    assert result.equity["cash"].to_list() == [1_000.0, 500.0, 550.0]
    assert result.trades.select("side", "effect", "shares", "notional").rows() == [
        ("buy", "open", 50.0, 500.0),
        ("sell", "close", pytest.approx(50 - 550 / 12), 50.0),
    ]
    assert result.trades["realised_pnl"].to_list() == [None, 8.33]
    close = weights(inputs_of(bars, targets, days, NO_COSTS.model_copy(update={"initial_cash": 1_000.0})), "close_to_close")
    assert close.equity["equity"].to_list() == [1_000.0, 1_050.0, pytest.approx(1_050 * (1 + 0.5 * (6 / 11 - 1)), abs=0.01)]


def test_costs_are_of_what_is_traded_and_come_out_of_what_is_held() -> None:
    """All of 1,000 at 1 %: what is held, h, and its cost, h / 100, are 1,000 together."""
    days = weekdays(2)
    bars = bars_of([("A", day, 10, 10) for day in days])
    dear = NO_COSTS.model_copy(update={"initial_cash": 1_000.0, "commission_bps": 50.0, "spread_bps": 40.0, "slippage_bps": 30.0})
    row = weights(inputs_of(bars, signals_of([("A", days[0], 1.0)]), days, dear)).equity.row(1, named=True)
    assert row["positions_value"] == pytest.approx(1_000 / 1.01, abs=0.01)
    assert (row["commission"], row["spread_cost"], row["slippage_cost"]) == (4.95, 1.98, 2.97)
    assert row["equity"] == pytest.approx(1_000 / 1.01, abs=0.01)
    assert 0 <= row["cash"] <= 0.01


@pytest.mark.parametrize("rate", [0.05, 0.5, 1.0, 2.0])
def test_costs_are_solved_for_however_high_they_are(rate: float) -> None:
    """What is held and its cost are 1,000 together; then all of it is turned around: h - rate * (h + s) = s, or it ends as far below zero as to end it costs.

    At 100% nothing had been paid, at 200% twice of all.
    """
    days = weekdays(3)
    bars = bars_of([("A", day, 10, 10) for day in days])
    dear = NO_COSTS.model_copy(update={"initial_cash": 1_000.0, "commission_bps": rate * 1e4})
    equity = weights(inputs_of(bars, signals_of([("A", days[0], 1.0), ("A", days[1], -1.0)]), days, dear)).equity["equity"].to_list()
    first = 1_000 / (1 + rate)
    second = first * (1 - rate) / (1 + rate if rate < 1 else 1)
    assert equity == pytest.approx([1_000.0, first, second], abs=0.02)


@settings(deadline=None, max_examples=rounds(25, 150))
@given(st.integers(0, 2**32 - 1), st.integers(2, 20), st.integers(1, 5), st.booleans())
def test_returns_are_those_of_the_formula(seed: int, n_sessions: int, n: int, shorts: bool) -> None:
    """With targets at each session: the product of 1 + sum of weight times return, from close to close, and from open to open up to each open."""
    random, days = np.random.default_rng(seed), weekdays(n_sessions)
    prices = 100 * np.exp(np.cumsum(random.normal(0, 0.03, (2 * n_sessions, n)), axis=0))
    opens, closes = prices[::2], prices[1::2]
    target = random.normal(0, 1, (n_sessions, n)) if shorts else random.random((n_sessions, n))
    target /= np.maximum(1.0, np.abs(target).sum(axis=1, keepdims=True))
    cells = [(i, j) for i in range(n_sessions) for j in range(n)]
    bars = bars_of([(f"S{j}", days[i], opens[i, j], closes[i, j]) for i, j in cells])
    targets = signals_of([(f"S{j}", days[i], target[i, j]) for i, j in cells])
    inputs = inputs_of(bars, targets, days)
    per_close = np.cumprod(1 + (target[:-1] * (closes[1:] / closes[:-1] - 1)).sum(axis=1))
    made = weights(inputs, "close_to_close").equity["equity"].to_numpy()[1:]
    np.testing.assert_allclose(made, 1e6 * per_close, atol=0.006, rtol=1e-12)
    at_open = np.cumprod(np.append(1.0, 1 + (target[:-2] * (opens[2:] / opens[1:-1] - 1)).sum(axis=1)))
    within = 1 + (target[:-1] * (closes[1:] / opens[1:] - 1)).sum(axis=1)
    made = weights(inputs).equity["equity"].to_numpy()[1:]
    np.testing.assert_allclose(made, 1e6 * at_open * within, atol=0.006, rtol=1e-12)


def continuous(seed: int, n_sessions: int, n: int) -> BacktestInputs:
    """Every symbol trades at every session and opens where it closed, in the shares of the session; splits and payments after sessions without targets."""
    random, days = np.random.default_rng(seed), weekdays(n_sessions)
    bars, targets, actions, price = [], [], [], random.uniform(20, 200, n)
    has_targets = [True, *(random.random(n_sessions - 1) < 0.7)]
    for i, day in enumerate(days):
        for j in range(n):
            if i and not has_targets[i - 1] and random.random() < 0.5:
                paid, ratio = float(np.round(price[j] * 0.05, 2)), float(random.choice([2.0, 0.5, 1.5]))
                actions += [(f"S{j}", day, "cash_dividend", None, paid), (f"S{j}", day, "split", ratio, None)]
                price[j] = (price[j] - paid) / ratio
            opened, price[j] = price[j], price[j] * np.exp(random.normal(0, 0.05))
            bars.append((f"S{j}", day, opened, price[j]))
        if has_targets[i]:
            drawn = random.random(n)
            drawn *= random.choice([0.9, 0.999]) / max(1.0, drawn.sum())
            targets += [(f"S{j}", day, float(w)) for j, w in enumerate(drawn)]
    return inputs_of(bars_of(bars), signals_of(targets), days, actions=actions_of(actions))


@pytest.mark.parametrize("returns", ["open_to_open", "close_to_close"])
@settings(deadline=None, max_examples=rounds(15, 80))
@given(seed=st.integers(0, 2**32 - 1), n_sessions=st.integers(2, 20), n=st.integers(1, 5))
def test_it_agrees_with_the_order_engine_where_nothing_stands_between_them(returns: str, seed: int, n_sessions: int, n: int) -> None:
    """No costs, fractional shares, nothing short, no limits, and opens that are the closes before: orders are sized at the price at which they are filled.

    What is left: the order engine fills and credits in whole cents, half a cent off at most for each trade, payment and mark, and weights follow.
    """
    inputs = continuous(seed, n_sessions, n)
    assert inputs.actions is not None
    ours, theirs = weights(inputs, returns), OrdersEngine(OrdersEngineSettings()).run(inputs)
    assert theirs.unfilled.is_empty()
    assert theirs.equity["n_positions"][-1] == ours.equity["n_positions"][-1] == n
    roundings = theirs.trades.height + inputs.actions.height + n_sessions * n
    np.testing.assert_allclose(ours.equity["equity"], theirs.equity["equity"], atol=0.005 * roundings, rtol=1e-10)
    np.testing.assert_allclose(ours.equity["gross"], theirs.equity["gross"], atol=1e-6)
    assert ours.equity["benchmark"].equals(theirs.equity["benchmark"])


def test_what_the_order_engine_can_not_do_it_ignores() -> None:
    """A halted symbol is sold at its last close, a lot of a tenth is bought, and a minimum commission is not paid."""
    days = weekdays(4)
    bars = bars_of(
        [
            ("A", days[0], 10, 10),
            ("A", days[1], 10, 20),
            ("B", days[0], 900, 900),
            ("B", days[1], 900, 900),
            ("B", days[2], 900, 900),
            ("B", days[3], 900, 900),
        ]
    )
    targets = signals_of([("A", days[0], 0.5), ("B", days[1], 0.5)])
    rules = NO_COSTS.model_copy(update={"initial_cash": 100.0, "min_commission": 9.0, "fractional_shares": False})
    result = weights(inputs_of(bars, targets, days, rules))
    assert result.unfilled.is_empty()
    assert result.equity["equity"].to_list() == [100.0, 150.0, 150.0, 150.0]
    assert result.trades.select("symbol", "side", "shares", "reference_price").rows() == [
        ("A", "buy", 5.0, 10.0),
        ("A", "sell", 5.0, 20.0),
        ("B", "buy", pytest.approx(75 / 900), 900.0),
    ]
    assert result.trades["realised_pnl"].to_list() == [None, 50.0, None]


def test_a_flip_is_two_trades_and_realises_what_was_held() -> None:
    days = weekdays(3)
    bars = bars_of([("A", days[0], 10, 10), ("A", days[1], 10, 10), ("A", days[2], 20, 20)])
    result = weights(
        inputs_of(bars, signals_of([("A", days[0], 0.5), ("A", days[1], -0.5)]), days, NO_COSTS.model_copy(update={"initial_cash": 100.0}))
    )
    assert result.trades.select("side", "effect", "shares", "realised_pnl").rows() == [
        ("buy", "open", 5.0, None),
        ("sell", "close", 5.0, 50.0),
        ("sell", "open", 3.75, None),
    ]
    assert result.positions.filter(session=days[2]).select("shares", "value", "basis", "unrealised_pnl").row(0) == (
        -3.75,
        -75.0,
        -75.0,
        0.0,
    )


def test_targets_that_nothing_pays_for_are_refused_with_what_to_do() -> None:
    days = weekdays(2)
    bars = bars_of([(s, day, 10, 10) for s in "AB" for day in days])
    too_much = signals_of([("A", days[0], 0.8), ("B", days[0], 0.4)])
    with pytest.raises(ContractError, match=r"2020-01-06 add up to 1.2 of the equity.*lower portfolio.max_net, or choose backtest.engine"):
        weights(inputs_of(bars, too_much, days))
    hedged = signals_of([("A", days[0], 1.2), ("B", days[0], -0.4)])
    assert weights(inputs_of(bars, hedged, days)).equity["gross"].to_list()[1] == pytest.approx(1.6)


@settings(deadline=None, max_examples=rounds(25, 150))
@given(st.integers(0, 2**32 - 1), st.integers(2, 15), st.integers(1, 5), st.booleans(), st.sampled_from([0.0, 0.0008, 0.01]), st.booleans())
def test_equals_an_account_in_dictionaries(seed: int, n_sessions: int, n: int, shorts: bool, rate: float, at_open: bool) -> None:
    bars, targets, days = random_market(seed, n_sessions, n, shorts=shorts)
    if targets.is_empty() or bars.is_empty():
        return
    days = [day for day in days if day >= targets["session"].min()]
    actions = random_actions(seed, bars).filter(pl.col("session").is_in(days))
    costs = NO_COSTS.model_copy(update={"commission_bps": rate * 1e4, "margin": MarginSettings()})
    inputs = inputs_of(bars.filter(pl.col("session").is_in(days)), targets, days, costs, actions=actions)
    made = weights(inputs, "open_to_open" if at_open else "close_to_close").equity["equity"].to_list()
    assert made == pytest.approx(_slowly(inputs, rate, at_open=at_open), abs=0.05, rel=1e-9)


@settings(deadline=None, max_examples=rounds(10, 100))
@given(seed=st.integers(0, 2**32 - 1), shorts=st.booleans(), at_open=st.booleans(), model=st.sampled_from([None, "square_root", "spread"]))
def test_compiled_or_not_it_comes_to_the_same_account(seed: int, shorts: bool, at_open: bool, model: str | None) -> None:
    """As plain Python each number is what numpy makes of it; a model's powers are as near as powers are."""
    bars, targets, days = random_market(seed, 6, 140, shorts=shorts)
    inputs = inputs_of(bars, targets, days, BacktestSettings(initial_cash=1e5, slippage_bps=30.0), actions=random_actions(seed, bars))
    market = read_market(targets, bars, days, inputs.actions)
    impact = None if model is None else random_impact(seed, bars, model)
    prices = market.prices(MarginSettings(), market_terms(market, inputs.settings, impact)[0])
    rules = ExactRules(1.0, 2.0, 30.0, modelled=model is not None, at_open=at_open)
    first = held_exactly(prices, rules, 1e5)
    fast = with_tables(first, prices, rules, 1e5)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(type(hold_exactly), "compiled", property(lambda kernel: kernel.function))
        plain = with_tables(held_exactly(prices, rules, 1e5), prices, rules, 1e5)
    assert fast.refused == plain.refused == -1
    np.testing.assert_array_equal(fast.held, first.held)
    traded = np.zeros(prices.open.shape)
    np.add.at(traded, (fast.trades.session, fast.trades.at), fast.trades.sign * fast.trades.shares)
    before = np.vstack([np.zeros_like(fast.held[:1]), fast.held[:-1]])
    held = before * prices.ratio + traded if at_open else (before + traded) * prices.ratio
    np.testing.assert_allclose(fast.held, held, rtol=1e-12, atol=1e-9)
    for table in ("sessions", "trades", "positions"):
        for name, ours, theirs in zip(getattr(fast, table)._fields, getattr(fast, table), getattr(plain, table), strict=True):
            np.testing.assert_allclose(
                ours, theirs, rtol=0 if model is None else 1e-12, atol=0 if model is None else 1, err_msg=f"{table}.{name}"
            )


@settings(deadline=None, max_examples=rounds(10, 100))
@given(seed=st.integers(0, 2**32 - 1), shorts=st.booleans(), engine=st.sampled_from(["weights", "orders"]))
def test_the_equity_is_the_same_where_nothing_else_is_asked_for(seed: int, shorts: bool, engine: str) -> None:
    bars, targets, days = random_market(seed, 12, 6, shorts=shorts)
    chosen = engine_of(BacktestSettings(engine=engine))
    inputs = inputs_of(bars, targets, days, BacktestSettings(initial_cash=1e5), actions=random_actions(seed, bars))
    whole, alone = chosen.run(inputs), chosen.run(replace(inputs, equity_only=True))
    assert_frame_equal(alone.equity, whole.equity)
    assert whole.trades is whole.trades  # made once
    assert not hasattr(whole, "orders")
    for table in ("positions", "trades", "unfilled"):
        assert getattr(alone, table).is_empty()
        assert getattr(alone, table).schema == getattr(whole, table).schema


class SlowAccount:
    """One symbol after the other; what costs leave is found by halving."""

    def __init__(self, cash: float, rate: float) -> None:
        self.cash, self.rate = cash, rate
        self.shares: dict[str, float] = {}
        self.last: dict[str, float] = {}

    def value(self, prices: dict[str, float]) -> float:
        return self.cash + sum(held * prices[s] for s, held in self.shares.items())

    def rebalance(self, targets: dict[str, float], prices: dict[str, float]) -> None:
        targets, equity = {s: w for s, w in targets.items() if prices.get(s, 0.0) > 0.0}, self.value(prices)
        if equity <= 0:
            return
        low, high = 0.0, equity
        for _ in range(200):
            middle = (low + high) / 2
            traded = sum(abs(targets.get(s, 0) * middle - self.shares.get(s, 0) * prices.get(s, 0)) for s in {*targets, *self.shares})
            low, high = (middle, high) if equity - middle > self.rate * traded else (low, middle)
        self.cash = high * (1 - sum(targets.values()))
        self.shares = {s: w * high / prices[s] for s, w in targets.items() if w}

    def act(self, symbol: str, ratio: float | None, paid: float | None) -> None:
        held, last = self.shares.get(symbol, 0.0), self.last.get(symbol)
        if paid is not None and last is not None and paid < last:
            self.cash += held * paid
            self.last[symbol] = last - paid
        if ratio is not None and last is not None:
            self.shares |= {symbol: held * ratio} if held else {}
            self.last[symbol] = last / ratio


def _slowly(inputs: BacktestInputs, rate: float, *, at_open: bool) -> list[float]:
    assert inputs.actions is not None
    opens, closes, wanted = ({day: {} for day in inputs.sessions} for _ in range(3))
    for symbol, day, opened, closed in inputs.bars.select("symbol", "session", "open", "close").rows():
        opens[day][symbol], closes[day][symbol] = opened, closed
    for symbol, day, weight in inputs.targets.select("symbol", "session", "target_weight").rows():
        wanted[day][symbol] = weight
    account, found = SlowAccount(inputs.settings.initial_cash, rate), []
    for i, day in enumerate(inputs.sessions):
        targets = wanted[inputs.sessions[i - 1]] if i else {}
        if targets and not at_open:
            account.rebalance(targets, account.last)
        by_symbol = inputs.actions.filter(session=day).sort("kind")  # payments first: they are for old shares
        for symbol, ratio, paid in by_symbol.select("symbol", "ratio", "cash").rows():
            account.act(symbol, ratio, paid)
        if targets and at_open:
            account.rebalance(targets, account.last | opens[day])
        account.last |= closes[day]
        found.append(account.value(account.last))
    return found


class TestOpenToOpen(EngineKit):
    plugin = PLUGIN


class TestCloseToClose(EngineKit):
    plugin = PLUGIN
    small: ClassVar = {"returns": "close_to_close"}
