"""The paper broker calls its holdings and the orders that wait by the tickers of the day, as the backtest does."""

import tempfile
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from ats_assets.backtests import run_backtest
from ats_assets.brokers.paper import PaperBroker
from ats_assets.corporate_actions.identity import identities_of
from ats_assets.execution.order import OrderIntent, OrderStatus
from ats_assets.settings import OrdersSettings
from ats_assets.trade_state import TradeState
from ats_assets_tests.backtests.small_markets import bars_of, random_actions, random_impact, random_market, weekdays
from ats_assets_tests.bars.companies import ACTIONS_SCHEMA, name_change_actions
from ats_assets_tests.brokers.paper.small_broker import FREE, order
from ats_assets_tests.brokers.paper.test_against_backtest import CASES, Case, Frames, _compare, _send, orders_of, working_of
from ats_assets_tests.rounds import rounds

RENAMES = st.lists(st.tuples(st.integers(1, 11), st.integers(0, 5)), max_size=4, unique_by=lambda drawn: drawn[1])


class NamedFrames(Frames):
    """A market whose actions name the tickers from the open on, as that of the warehouse does."""

    def __init__(self, bars: pl.DataFrame, actions: pl.DataFrame) -> None:
        super().__init__(bars, actions)
        self._known = identities_of(actions)

    def actions(self, session: date) -> pl.DataFrame:
        return self._known.actions_at_open(self._actions, session)


@given(CASES, RENAMES)
@settings(max_examples=rounds(6, 15), phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_paper_and_backtest_agree_to_the_cent_across_renames(case: Case, drawn: list[tuple[int, int]]) -> None:
    seed, n_sessions, n_symbols, shorts, costs, portfolio, limits, model, most, collar, bracket = case
    costs = costs.model_copy(update={"min_commission": 0.0})
    bars, signals, days = random_market(seed, n_sessions, n_symbols, shorts=shorts)
    if signals.is_empty():
        return
    changes = [(days[i], f"S{j}", f"S{j}X") for i, j in drawn if i < n_sessions]

    def renamed(rows: pl.DataFrame, lag: int = 0) -> pl.DataFrame:
        for day, old, new in changes:
            first = days.index(day) + lag
            late = pl.col("session") >= (days[first] if first < len(days) else date.max)
            rows = rows.with_columns(pl.when(late & (pl.col("symbol") == old)).then(pl.lit(new)).otherwise("symbol").alias("symbol"))
        return rows

    none = pl.lit(None, pl.String).alias("new_symbol"), pl.lit(None, pl.Float64).alias("new_ratio")
    events = renamed(random_actions(seed, bars).with_columns(none).select(*ACTIONS_SCHEMA), 1)
    actions = pl.concat([name_change_actions(*changes), events])
    bars, signals = renamed(bars), renamed(signals)
    days = [day for day in days if day >= signals["session"].min()]
    impact = None if model is None else random_impact(seed, bars, model, most=most)
    frames, orders = NamedFrames(bars, actions), orders_of(limits, collar, bracket=bracket)
    how: dict[str, Any] = {"portfolio": portfolio, "settings": costs, "limits": limits, "actions": actions, "impact": impact}
    expected = run_backtest(signals, frames.prices, days, working=working_of(orders, frames) if orders.has_limits else None, **how)
    with tempfile.TemporaryDirectory() as folder, TradeState(f"sqlite:///{Path(folder) / 'state.sqlite'}") as state:
        broker = PaperBroker(state, frames, costs, orders, impact=lambda _: impact)
        sent: list[OrderIntent] = []
        for day in days:
            assert broker.settle(day) is None
            _compare(day, broker, expected, sent)
            sent = _send(day, broker, signals, bars, portfolio, orders, costs)


def test_the_holding_and_the_order_that_waits_get_the_new_ticker_and_both_sides_of_the_change_are_booked(tmp_path: Path) -> None:
    days = weekdays(4)
    bars = bars_of([("A", day, 10.0, 10.0) for day in days[:2]] + [("B", day, 11.0, 11.0) for day in days[2:]])
    with TradeState(f"sqlite:///{tmp_path / 'state.sqlite'}") as state:
        broker = PaperBroker(state, NamedFrames(bars, name_change_actions((days[2], "A", "B"))), FREE, OrdersSettings())
        broker.settle(days[0])
        broker.submit(order(0, "buy", 100))
        broker.settle(days[1])
        sold = broker.submit(order(1, "sell", 40))
        broker.settle(days[2])
        assert [(one.symbol, one.quantity, one.price) for one in broker.positions()] == [("B", 60, Decimal("11.0"))]
        filled = broker.find(sold.client_order_id)
        assert filled is not None
        assert (filled.symbol, filled.status, filled.filled_average_price) == ("B", OrderStatus.FILLED, 11)
        booked = broker.entries(broker._market.calendar.opens_at(days[2]))
        assert [(one.symbol, one.quantity, one.cash) for one in booked] == [("A", -100, 0), ("B", 100, 0)]


def test_who_loses_the_ticker_is_closed_and_its_order_is_not_filled_at_the_others_price(tmp_path: Path) -> None:
    days = weekdays(4)
    bars = bars_of(
        [("A", day, 10.0, 10.0) for day in days[:2]]
        + [("Z", day, 500.0, 500.0) for day in days[:2]]
        + [("A", day, 500.0, 500.0) for day in days[2:]]
    )
    with TradeState(f"sqlite:///{tmp_path / 'state.sqlite'}") as state:
        broker = PaperBroker(state, NamedFrames(bars, name_change_actions((days[2], "Z", "A"))), FREE, OrdersSettings())
        broker.settle(days[0])
        broker.submit(order(0, "buy", 100))
        broker.settle(days[1])
        more = broker.submit(order(1, "buy", 5))
        broker.settle(days[2])
        assert broker.positions() == []
        assert broker.account().cash == 10_000
        ended = broker.find(more.client_order_id)
        assert ended is not None
        assert (ended.status, ended.filled_quantity) == (OrderStatus.CANCELED, 0)
