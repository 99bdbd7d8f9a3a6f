"""The paper account is the backtest's: both trade the same signals, one through orders and a database, the other in arrays."""

import tempfile
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ats_assets.algorithms.algorithm import MINUTE_SCHEMA
from ats_assets.algorithms.price_grid import exact
from ats_assets.algorithms.stored_days import StoredDays
from ats_assets.backtests import BacktestResult, run_backtest
from ats_assets.brokers.paper import PaperBroker
from ats_assets.calendar import SessionCalendar, session_calendar
from ats_assets.execution.order import OrderIntent, OrderStatus
from ats_assets.orders.broker_frames import account_frame, instruments_frame, positions_frame
from ats_assets.orders.order_plan import intents_of, order_plan
from ats_assets.orders.schema import AccountAtClose, Instruments, OrderPlan, Positions
from ats_assets.portfolio import CANCELLED, TRADE_REASONS
from ats_assets.portfolio.working_rules import WorkingRules
from ats_assets.settings import BacktestSettings, MarginSettings, OrderLimitSettings, OrdersSettings, PortfolioSettings
from ats_assets.trade_state import TradeState
from ats_assets_tests.backtests.small_markets import random_actions, random_impact, random_market
from ats_assets_tests.rounds import rounds


class Frames:
    """A market of frames, each day a session."""

    def __init__(self, bars: pl.DataFrame, actions: pl.DataFrame) -> None:
        self._actions = actions
        self.prices = bars.with_columns(high=pl.max_horizontal("open", "close") * 1.006, low=pl.min_horizontal("open", "close") * 0.994)
        self._bars = {key[0]: rows for key, rows in self.prices.partition_by("session", as_dict=True).items()}
        self._none = self.prices.clear()

    @property
    def calendar(self) -> SessionCalendar:
        return session_calendar("24/7", date(2019, 12, 1))

    def bars(self, session: date) -> pl.DataFrame | None:
        return self._bars.get(session, self._none)

    def actions(self, session: date) -> pl.DataFrame:
        return self._actions.filter(session=session)


CASES = st.tuples(
    st.integers(0, 2**32 - 1),
    st.integers(2, 12),
    st.integers(1, 6),
    st.booleans(),
    st.builds(
        BacktestSettings,
        initial_cash=st.sampled_from([500.0, 10_000.0, 123_456.78]),
        commission_bps=st.floats(0, 50),
        spread_bps=st.floats(0, 50),
        slippage_bps=st.floats(0, 50),
        min_commission=st.sampled_from([0.0, 1.0]),
        fractional_shares=st.booleans(),
        max_missing_sessions=st.integers(1, 4),
        delisting_haircut=st.sampled_from([0.0, 0.3]),
        margin=st.builds(
            MarginSettings,
            borrow_bps_a_year=st.sampled_from([0.0, 50.0, 9_000.0]),
            borrow_bps_by_symbol=st.just({"S1": 20_000.0}),
            debit_bps_a_year=st.sampled_from([0.0, 800.0]),
            initial_share=st.sampled_from([0.5, 1.0]),
            maintenance_share_short=st.sampled_from([0.3, 0.5]),
        ),
    ),
    st.builds(
        PortfolioSettings,
        max_weight=st.floats(0.1, 1),
        max_gross=st.floats(0.5, 2),
        max_turnover=st.floats(0.2, 4),
        no_trade_band=st.floats(0, 0.1),
    ),
    st.builds(OrderLimitSettings, allow_short=st.booleans(), max_order_share=st.floats(0.05, 1), max_gross_share=st.floats(0.5, 3)),
    st.sampled_from([None, "square_root", "almgren", "spread"]),
    st.sampled_from([None, 0.001]),
    st.sampled_from([None, 0.0, 20.0, 300.0]),
    st.booleans(),
)
Case = tuple[int, int, int, bool, BacktestSettings, PortfolioSettings, OrderLimitSettings, str | None, float | None, float | None, bool]


@given(CASES)
@settings(max_examples=rounds(8, 60), phases=[Phase.explicit, Phase.reuse, Phase.generate])  # shrinking a case takes minutes
def test_orders_on_paper_come_to_the_account_of_the_backtest_to_the_cent(case: Case) -> None:
    """At the market, or with a limit: at the open where it is within, else within the session where the market comes to it, else not; brackets with their exits, session after session."""
    seed, n_sessions, n_symbols, shorts, costs, portfolio, limits, model, most, collar, bracket = case
    bars, signals, days = random_market(seed, n_sessions, n_symbols, shorts=shorts)
    if signals.is_empty():
        return
    days = [day for day in days if day >= signals["session"].min()]
    actions = random_actions(seed, bars)
    impact = None if model is None else random_impact(seed, bars, model, most=most, fitted=seed % 2 == 0)
    frames, orders = Frames(bars, actions), orders_of(limits, collar, bracket=bracket)
    how: dict[str, Any] = {"portfolio": portfolio, "settings": costs, "limits": limits, "actions": actions, "impact": impact}
    expected = run_backtest(signals, frames.prices, days, working=working_of(orders, frames) if orders.has_limits else None, **how)
    with tempfile.TemporaryDirectory() as folder, TradeState(f"sqlite:///{Path(folder) / 'state.sqlite'}") as state:
        broker = PaperBroker(state, frames, costs, orders, impact=lambda _: impact)
        sent: list[OrderIntent] = []
        for day in days:
            assert broker.settle(day) is None
            _compare(day, broker, expected, sent)
            sent = _send(day, broker, signals, bars, portfolio, orders, costs)
        start = frames.calendar.opens_at(days[0])
        flows = [*(fill.cash_flow for fill in broker.fills(start)), *(entry.cash for entry in broker.entries(start))]
        assert sum(flows, exact(costs.initial_cash)) == broker.account().cash, "a ledger of executions and entries alone"


def orders_of(limits: OrderLimitSettings, collar: float | None, *, bracket: bool) -> OrdersSettings:
    """Orders at the market, or with a limit so far from the decision; brackets whose exits are near."""
    if collar is None:
        return OrdersSettings(limits=limits)
    near = {"take_profit_bps": 150.0, "stop_loss_bps": 100.0}
    return OrdersSettings(limits=limits, kind="bracket" if bracket else "limit", collar_bps=collar, **near)


def working_of(orders: OrdersSettings, frames: Frames) -> WorkingRules:
    """How a backtest sends them: none is worked in parts."""
    return WorkingRules(orders=orders, days=StoredDays(lambda _: MINUTE_SCHEMA.to_frame(), frames.calendar, 0.0), algorithms={})


def _send(
    day: date,
    broker: PaperBroker,
    signals: pl.DataFrame,
    bars: pl.DataFrame,
    portfolio: PortfolioSettings,
    orders: OrdersSettings,
    costs: BacktestSettings,
) -> list[OrderIntent]:
    today = signals.filter(session=day)
    held = broker.positions()
    symbols = sorted({*today["symbol"], *(p.symbol for p in held)})
    frames = {
        "positions": positions_frame(day, held),
        "account": account_frame(day, "paper", broker.account(), []),
        "instruments": instruments_frame(day, broker.instruments(symbols)),
    }
    for frame, contract in zip(frames.values(), (Positions, AccountAtClose, Instruments), strict=True):
        contract.validate(frame)
    plan = order_plan(
        day,
        targets=today,
        bars=bars.filter(session=day),
        portfolio=portfolio,
        orders=orders,
        fractional=costs.fractional_shares,
        margin=costs.margin,
        **frames,
    )
    OrderPlan.validate(plan)
    intents = intents_of(plan, orders.strategy)
    for intent in intents:
        broker.submit(intent)
    return intents


def _compare(day: date, broker: PaperBroker, expected: BacktestResult, sent: Sequence[OrderIntent]) -> None:
    account = broker.account()
    row = expected.equity.filter(session=day).row(0, named=True)
    assert (float(account.cash), float(account.equity)) == (row["cash"], row["equity"]), day
    ours = [(p.symbol, float(p.quantity), float(p.cost), float(p.price)) for p in broker.positions()]
    assert ours == expected.positions.filter(session=day).select("symbol", "shares", "basis", "price").rows(), day
    opens, closes = broker._market.calendar.opens_at(day), broker._market.calendar.closes_at(day)
    fills = [f for f in broker.fills(opens) if opens <= f.at <= closes and f"-{day:%Y%m%d}-" in f.fill_id]
    trades = expected.trades.filter(pl.col("session") == day, pl.col("reason") != "delisted")
    assert sorted((f.symbol, str(f.side), float(f.quantity), float(f.fees)) for f in fills) == sorted(
        trades.select("symbol", "side", "shares", "commission").rows()
    )
    orders = [order for intent in sent if (order := broker.find(intent.client_order_id)) is not None]
    left = {
        (one.symbol, one.reason, float(one.quantity), float(one.filled_quantity)) for one in orders if one.status == OrderStatus.EXPIRED
    }
    unfilled = set(expected.unfilled.filter(session=day).select("symbol", "reason", "ordered_shares", "filled_shares").rows())
    assert left <= unfilled, day
    assert left >= {one for one in unfilled if one[1] not in {CANCELLED, *TRADE_REASONS}}, "the others are of the plan, and were not sent"
