from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ats_assets.brokers.paper import PaperBroker
from ats_assets.execution.broker import BrokerError, DuplicateOrderError, OrderRejectedError
from ats_assets.execution.order import Leg, OrderKind, OrderStatus
from ats_assets.settings import BacktestSettings, MarginSettings, OrdersSettings
from ats_assets.trade_state import TradeState
from ats_assets_tests.brokers.paper.small_broker import FREE, Bar, Days, day, order, paper

FLAT: Bar = (10, 10, 10, 10)
BRACKET = {"limit_price": "10.50", "take_profit": "12", "stop_loss": "9"}


def test_an_order_is_filled_at_the_next_open_with_the_costs_of_the_backtest(tmp_path: Path) -> None:
    """100 at 10 are 1,000.00; commission 10 bp is 1.00, half the spread and the slippage are 2.00 and 3.00 in the price: 10.05."""
    costs = BacktestSettings(commission_bps=10, spread_bps=40, slippage_bps=30, initial_cash=10_000)
    with paper(tmp_path, FLAT, (10, 12, 10, 11), settings=costs) as broker:
        sent = broker.submit(order(0, "buy", 100))
        assert (sent.status, sent.submitted_at) == (OrderStatus.ACCEPTED, broker._market.calendar.closes_at(day(0)))
        assert broker.settle(day(1)) is None
        (fill,) = broker.fills(sent.submitted_at)
        assert (fill.quantity, fill.price, fill.fees) == (100, Decimal("10.05"), 1)
        done = broker.find(sent.client_order_id)
        assert done is not None
        assert (done.status, done.filled_quantity, done.filled_average_price) == (OrderStatus.FILLED, 100, Decimal("10.05"))
        assert (broker.account().cash, broker.account().equity) == (Decimal("8994.00"), Decimal("10094.00"))
        (position,) = broker.positions()
        assert (position.quantity, position.cost, position.price) == (100, Decimal("1006.00"), 11)


def test_settling_again_changes_nothing_and_missing_bars_are_waited_for(tmp_path: Path) -> None:
    with paper(tmp_path, FLAT, FLAT) as broker:
        broker.submit(order(0, "buy", 100))
        assert broker.settle(day(1)) is None
        before = broker.account(), broker.positions(), broker.fills(broker.account().at.replace(year=2000))
        assert broker.settle(day(1)) is None
        assert broker.settle(day(0)) is None
        assert (broker.account(), broker.positions(), broker.fills(broker.account().at.replace(year=2000))) == before
        assert "bars of 2020-01-08 are not stored" in (broker.settle(day(3)) or "")


def test_the_same_id_makes_no_second_order(tmp_path: Path) -> None:
    with paper(tmp_path, FLAT, FLAT) as broker:
        broker.submit(order(0, "buy", 100))
        with pytest.raises(DuplicateOrderError):
            broker.submit(replace(order(0, "buy", 100), quantity=Decimal(50)))
        broker.settle(day(1))
        assert [p.quantity for p in broker.positions()] == [100]


def test_what_does_not_belong_is_refused(tmp_path: Path) -> None:
    with paper(tmp_path, FLAT, FLAT) as broker:
        with pytest.raises(OrderRejectedError, match="stands at the close of 2020-01-06"):
            broker.submit(order(1, "buy", 1))
        with pytest.raises(OrderRejectedError, match="ZZZ has no bar"):
            broker.submit(replace(order(0, "buy", 1), symbol="ZZZ"))
        assert "can't be sent" in (broker.may_send(day(1)) or "")
    with TradeState(f"sqlite:///{tmp_path / 'new.sqlite'}") as state:
        broker = PaperBroker(state, Days(FLAT), FREE, OrdersSettings())
        assert "not open yet" in (broker.may_send(day(0)) or "")
        with pytest.raises(BrokerError, match="not open"):
            broker.account()


def test_a_halt_leaves_the_order_unfilled_and_it_is_not_carried_over(tmp_path: Path) -> None:
    with paper(tmp_path, FLAT, None, FLAT) as broker:
        sent = broker.submit(order(0, "buy", 100))
        broker.settle(day(2))
        done = broker.find(sent.client_order_id)
        assert done is not None
        assert (done.status, done.reason, broker.positions()) == (OrderStatus.EXPIRED, "no_bar", [])


def test_a_cancelled_order_is_not_filled(tmp_path: Path) -> None:
    with paper(tmp_path, FLAT, FLAT) as broker:
        sent = broker.submit(order(0, "buy", 100))
        assert [one.broker_order_id for one in broker.open_orders()] == [sent.broker_order_id]
        broker.cancel(sent.broker_order_id)
        broker.settle(day(1))
        assert broker.positions() == []
        assert broker.open_orders() == []


@pytest.mark.parametrize(
    ("bar", "price"),
    [
        ((10.2, 11, 10, 11), "10.2"),  # the open is better than the limit
        ((10.8, 11, 10.5, 11), "10.5"),  # the low touches it
        ((10.8, 11, 10.6, 11), None),
    ],
)
def test_a_limit_order_is_filled_at_its_limit_or_better(tmp_path: Path, bar: Bar, price: str | None) -> None:
    with paper(tmp_path, FLAT, bar) as broker:
        sent = broker.submit(order(0, "buy", 100, OrderKind.LIMIT, limit_price="10.50"))
        broker.settle(day(1))
        assert [str(f.price.normalize()) for f in broker.fills(sent.submitted_at)] == ([price] if price else [])
        done = broker.find(sent.client_order_id)
        assert done is not None
        assert (done.status, done.reason) == ((OrderStatus.FILLED, None) if price else (OrderStatus.EXPIRED, "limit_not_reached"))


@pytest.mark.parametrize(
    ("bars", "price", "left"),
    [
        ([(10, 11, 9.5, 10), (10, 12.5, 9.5, 11)], 12, 0),  # take-profit in the next session
        ([(10, 12.5, 9.5, 10)], 12, 0),  # or in the same, where it was bought at the open
        ([(10, 12.5, 8.5, 10)], 9, 0),  # both touched: the stop-loss is taken to have come first
        ([(10, 11, 9.5, 10), (8, 8.5, 7, 8)], 8, 0),  # a gap beyond the stop-loss
        ([(10, 11, 9.5, 10), (13, 14, 12.5, 13)], 13, 0),  # a gap beyond the take-profit
        ([(11, 12.5, 10, 10)], None, 100),  # bought within the session: whether 12 came after it, the bar does not tell
        ([(11, 11, 8, 10)], 9, 0),  # but the stop-loss lies below the limit, so it came after
    ],
)
def test_the_exits_of_a_bracket(tmp_path: Path, bars: list[Bar], price: float | None, left: int) -> None:
    with paper(tmp_path, FLAT, *bars, FLAT) as broker:
        sent = broker.submit(order(0, "buy", 100, OrderKind.BRACKET, **BRACKET))
        broker.settle(day(len(bars)))
        sells = [f for f in broker.fills(sent.submitted_at) if f.side == "sell"]
        assert [float(f.price) for f in sells] == ([price] if price else [])
        assert sum(p.quantity for p in broker.positions()) == left
        legs = getattr(broker.find(sent.client_order_id), "legs", ())
        assert sorted(leg.status for leg in legs) == (
            sorted([OrderStatus.ACCEPTED] * 2) if left else sorted([OrderStatus.FILLED, OrderStatus.CANCELED])
        )


def test_an_exit_never_makes_a_position(tmp_path: Path) -> None:
    with paper(tmp_path, FLAT, (10, 11, 9.5, 10), FLAT, (8, 8, 8, 8)) as broker:
        broker.submit(order(0, "buy", 100, OrderKind.BRACKET, **BRACKET))
        broker.settle(day(1))
        broker.submit(order(1, "sell", 100))
        broker.settle(day(3))
        assert broker.positions() == []
        assert broker.open_orders() == []


def test_a_delisted_position_is_an_entry_of_the_account(tmp_path: Path) -> None:
    rules = FREE.model_copy(update={"max_missing_sessions": 1, "delisting_haircut": 0.5})
    with paper(tmp_path, FLAT, FLAT, None, None, settings=rules) as broker:
        sent = broker.submit(order(0, "buy", 100))
        broker.settle(day(3))
        (entry,) = broker.entries(sent.submitted_at)
        assert (entry.symbol, entry.quantity, entry.cash) == ("A", -100, 500)
        assert (broker.account().cash, broker.positions()) == (9500, [])


def test_what_is_borrowed_is_paid_for_in_entries_of_the_account(tmp_path: Path) -> None:
    """100 sold short at 10 cost 1% a day (10.00), at 200 (200.00). Their cover takes 20,000 of 10,790: 9,210 bear 0.0222% a day."""
    rules = FREE.model_copy(update={"margin": MarginSettings(borrow_bps_by_symbol={"A": 36_000.0})})
    with paper(tmp_path, FLAT, FLAT, (200, 200, 200, 200), (200, 200, 200, 200), FLAT, settings=rules) as broker:
        sent = broker.submit(replace(order(0, "sell", 100), leg=Leg.OPEN))
        broker.settle(day(2))
        broker.submit(replace(order(2, "buy", 100), leg=Leg.CLOSE))
        broker.settle(day(4))
        told = [(one.kind, one.symbol, one.quantity, one.cash) for one in broker.entries(sent.submitted_at)]
        assert told == [("fee", "A", 0, -10), ("fee", "A", 0, -200), ("interest", None, 0, Decimal("-2.05"))]
        assert (broker.account().cash, broker.positions()) == (Decimal("-9212.05"), [])
        assert broker.account().buying_power == 0


def test_a_split_and_a_dividend_on_a_held_position(tmp_path: Path) -> None:
    """101 bought at 10. Day 2: 3 for 2 makes 151.5: 151, and half a share at 10 / 1.5 = 3.33 in cash. Day 3: 0.20 for each of 151 is 30.20."""
    actions = {2: ("split", 1.5, None), 3: ("cash_dividend", None, 0.2)}
    with paper(tmp_path, FLAT, FLAT, (7, 7, 7, 7), (7, 7, 7, 7), actions=actions) as broker:
        sent = broker.submit(order(0, "buy", 101))
        broker.settle(day(2))
        assert (broker.positions()[0].quantity, broker.account().cash) == (151, Decimal("8993.33"))
        broker.settle(day(3))
        assert broker.account().cash == Decimal("9023.53")
        told = [(one.kind, one.quantity, one.cash) for one in broker.entries(sent.submitted_at)]
        assert told == [("split", 50, Decimal("3.33")), ("dividend", 0, Decimal("30.20"))]


def test_an_order_in_old_shares_is_cancelled_and_the_exits_of_a_bracket_go_on_in_new_ones(tmp_path: Path) -> None:
    with paper(tmp_path, FLAT, FLAT, (5, 5, 5, 5), (4.4, 4.6, 4.4, 4.5), actions={2: ("split", 2.0, None)}) as broker:
        bought = broker.submit(order(0, "buy", 100, OrderKind.BRACKET, **BRACKET))
        broker.settle(day(1))
        sold = broker.submit(order(1, "sell", 50))
        broker.settle(day(2))
        done = broker.find(sold.client_order_id)
        assert done is not None
        assert (done.status, done.reason) == (OrderStatus.CANCELED, "corporate_action")
        assert [p.quantity for p in broker.positions()] == [200]
        broker.settle(day(3))  # the stop-loss of 9 is one of 4.50 now
        assert [(f.side, f.quantity, f.price) for f in broker.fills(bought.submitted_at)][1:] == [("sell", 200, Decimal("4.4"))]


@pytest.mark.parametrize("bar", [(8.0, 8.5, 7.0, 8.0), (10.0, 10.5, 8.0, 9.0), (13.0, 13.0, 13.0, 13.0), (11.0, 12.5, 10.0, 12.0)])
@pytest.mark.parametrize("sale", [{}, {"kind": OrderKind.LIMIT, "limit_price": "7"}])
def test_an_exit_and_a_sale_in_one_session_sell_once(tmp_path: Path, bar: Bar, sale: dict[str, Any]) -> None:
    """A gap beyond the stop-loss, a touch of it, a gap beyond the take-profit, a touch of it: the plan's sale of all comes first, so nothing is left to exit."""
    with paper(tmp_path, FLAT, (10, 11, 9.5, 10), bar) as broker:
        bought = broker.submit(order(0, "buy", 100, OrderKind.BRACKET, **BRACKET))
        broker.settle(day(1))
        sold = broker.submit(order(1, "sell", 100, **sale))
        broker.settle(day(2))
        assert broker.positions() == []
        assert [f.client_order_id for f in broker.fills(bought.submitted_at)][1:] == [sold.client_order_id]
        assert broker.open_orders() == []
