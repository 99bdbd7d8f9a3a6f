"""Exits on paper: one pair for each symbol, for all that is held, whatever brackets, sales, splits and stops follow one another."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.brokers.paper import PaperBroker
from ats_assets.execution.order import OrderKind, OrderStatus
from ats_assets_tests.brokers.paper.small_broker import FREE, Bar, day, order, paper
from ats_assets_tests.rounds import rounds

FLAT: Bar = (10, 10, 10, 10)
BRACKET = {"limit_price": "10.50", "take_profit": "12", "stop_loss": "9"}


@pytest.mark.parametrize(("last", "cash"), [((8, 8.2, 7.5, 8), 9900), ((10, 10, 8.5, 9), 9950), ((13, 13, 13, 13), 10150)])
def test_two_brackets_reduced_and_stopped_out_end_at_zero(tmp_path: Path, last: Bar, cash: int) -> None:
    """Brackets of 60 and 40, 50 sold, then a gap below the stops, a touch of them, a gap beyond the profit: it ended at -40."""
    with paper(tmp_path, FLAT, FLAT, FLAT, FLAT, last) as broker:
        broker.submit(order(0, "buy", 60, OrderKind.BRACKET, **BRACKET))
        broker.settle(day(1))
        broker.submit(order(1, "buy", 40, OrderKind.BRACKET, **BRACKET))
        broker.settle(day(2))
        assert exits(broker) == {"paper-main-20200107-A-open": 100}
        broker.submit(order(2, "sell", 50, OrderKind.LIMIT, limit_price="9.50"))
        broker.settle(day(3))
        assert exits(broker) == {"paper-main-20200107-A-open": 50}
        broker.settle(day(4))
        assert (broker.positions(), broker.account().cash, broker.open_orders()) == ([], cash, [])


def test_what_is_sold_at_once_is_shared_out_to_the_orders(tmp_path: Path) -> None:
    """A sale of 30 at an open below the stop-loss of the other 70: the whole fill was one order's."""
    with paper(tmp_path, FLAT, FLAT, (8, 8, 8, 8)) as broker:
        bought = broker.submit(order(0, "buy", 100, OrderKind.BRACKET, **BRACKET))
        broker.settle(day(1))
        sold = broker.submit(order(1, "sell", 30))
        broker.settle(day(2))
        told = {one.client_order_id: one.quantity for one in broker.fills(bought.submitted_at) if one.side == "sell"}
        assert told == {sold.client_order_id: 30, f"{bought.client_order_id}-stop_loss": 70}


def test_an_entry_and_a_stop_loss_at_one_open_are_two_trades(tmp_path: Path) -> None:
    """40 bought while the stop-loss of 60 is hit: they were netted to a sale of 20, and 40 were left without exits by a stop-loss that was filled for a third."""
    with paper(tmp_path, FLAT, FLAT, (8, 10, 8, 9.5), (9.5, 9.5, 9.5, 9.5)) as broker:
        first = broker.submit(order(0, "buy", 60, OrderKind.BRACKET, **BRACKET))
        broker.settle(day(1))
        second = broker.submit(order(1, "buy", 40, OrderKind.BRACKET, **BRACKET | {"stop_loss": "7"}))
        broker.settle(day(2))
        told = [(one.client_order_id, one.side, one.quantity) for one in broker.fills(second.submitted_at)]
        assert told == [(second.client_order_id, "buy", 40), (f"{first.client_order_id}-stop_loss", "sell", 60)]
        assert exits(broker) == {second.broker_order_id: 40}
        assert [position.quantity for position in broker.positions()] == [40]


def test_a_position_made_beyond_its_stop_loss_is_left_at_the_open_and_not_at_a_price_that_the_market_never_had(tmp_path: Path) -> None:
    """Bought at 8 with a stop-loss at 9: it was sold at 9, above the session's high."""
    with paper(tmp_path, FLAT, (8, 8.5, 7.5, 8)) as broker:
        broker.submit(order(0, "buy", 60, OrderKind.BRACKET, **BRACKET))
        broker.settle(day(1))
        assert (broker.positions(), broker.account().cash) == ([], 10_000)


def test_a_sale_that_is_not_filled_leaves_the_exits_working(tmp_path: Path) -> None:
    """It would bring in less than it costs: the exits had made room for it, and were gone for good."""
    costly = FREE.model_copy(update={"commission_bps": 12_000})
    with paper(tmp_path, FLAT, FLAT, FLAT, settings=costly) as broker:
        bought = broker.submit(order(0, "buy", 10, OrderKind.BRACKET, **BRACKET))
        broker.settle(day(1))
        sold = broker.submit(order(1, "sell", 10))
        broker.settle(day(2))
        found = broker.find(sold.client_order_id)
        assert found is not None
        assert (found.status, found.reason) == (OrderStatus.EXPIRED, "costs_exceed_value")
        assert exits(broker) == {bought.broker_order_id: 10}


def test_a_sale_within_a_session_finds_nothing_where_a_stop_came_first(tmp_path: Path) -> None:
    """The stop sells all at the open; the limit of the sale is reached later, and would sell short."""
    with paper(tmp_path, FLAT, FLAT, (8, 10, 8, 9)) as broker:
        broker.submit(order(0, "buy", 100, OrderKind.BRACKET, **BRACKET))
        broker.settle(day(1))
        broker.submit(order(1, "sell", 100, OrderKind.LIMIT, limit_price="9.50"))
        broker.settle(day(2))
        assert broker.positions() == []


def test_exits_of_coins_keep_their_prices_on_the_grid_over_a_split(tmp_path: Path) -> None:
    with paper(tmp_path, FLAT, FLAT, (3.4, 3.5, 3.3, 3.4), actions={2: ("split", 3.0, None)}) as broker:
        bought = broker.submit(order(0, "buy", 100, OrderKind.BRACKET, limit_price="10.50", take_profit="12.10", stop_loss="9"))
        broker.settle(day(2))
        found = broker.find(bought.client_order_id)
        assert found is not None
        with broker._state.begin() as connection:
            rows = connection.exec_driver_sql("select kind, limit_price, quantity from paper_orders where parent_id is not null").all()
        assert {(kind, Decimal(price), Decimal(quantity)) for kind, price, quantity in rows} == {
            ("take_profit", Decimal("4.04"), Decimal(300)),  # 4.0333, up
            ("stop_loss", Decimal(3), Decimal(300)),
        }


def exits(broker: PaperBroker) -> dict[str, Decimal]:
    """Shares of each pair of working exits, by the order whose exits they are."""
    found: dict[str, set[Decimal]] = {}
    for one in broker.open_orders():
        for kind in ("take_profit", "stop_loss"):
            if one.client_order_id.endswith(kind):
                found.setdefault(one.broker_order_id.removesuffix(f"-{kind}"), set()).add(one.quantity)
    assert all(len(quantities) == 1 for quantities in found.values())
    return {name: quantities.pop() for name, quantities in found.items()}


@dataclass(frozen=True)
class Step:
    """What is planned at a close, and the bar and action of the next session."""

    bought: int
    sold_share: float
    limit: bool
    moves: tuple[float, float, float, float]
    ratio: float | None


STEPS = st.builds(
    Step,
    bought=st.sampled_from([0, 0, 10, 40, 60]),
    sold_share=st.sampled_from([0.0, 0.0, 0.3, 0.5, 1.0]),
    limit=st.booleans(),
    moves=st.tuples(*[st.sampled_from([-0.25, -0.06, 0.0, 0.0, 0.06, 0.25])] * 4),
    ratio=st.sampled_from([None, None, None, 2.0, 0.5, 3.0]),
)


def walk(steps: list[Step]) -> tuple[list[Bar], dict[int, tuple[str, float | None, float | None]]]:
    """The bars of a random walk, and the splits, which divide its prices."""
    bars, actions, close = [FLAT], {}, 10.0
    for i, step in enumerate(steps, start=1):
        if step.ratio is not None:
            actions[i] = ("split", step.ratio, None)
            close /= step.ratio
        opened, closed, *ends = (round(close * (1 + move), 2) for move in step.moves)
        bars.append((opened, max(opened, closed, *ends), min(opened, closed, *ends), closed))
        close = closed
    return bars, actions


@given(st.lists(STEPS, min_size=3, max_size=12))
@settings(max_examples=rounds(15, 60), deadline=None)
def test_an_exit_never_changes_the_side_of_a_position_and_each_symbol_has_one_pair_for_all_of_it(steps: list[Step]) -> None:
    """Whatever comes: nothing is sold short by exits or by orders to close, and what is held by brackets has one pair of exits, for all of it."""
    bars, actions = walk(steps)
    with TemporaryDirectory() as folder, paper(Path(folder), *bars, settings=FREE, actions=actions) as broker:
        follow(broker, steps, lambda i: bars[i][3])


def follow(broker: PaperBroker, steps: list[Step], close: Callable[[int], float]) -> None:
    start = broker.account().at
    for i, step in enumerate(steps):
        held = sum((one.quantity for one in broker.positions()), Decimal(0))
        price = Decimal(str(close(i)))
        if step.bought:
            bounds = {"limit_price": price * Decimal("1.05"), "take_profit": price * Decimal("1.1"), "stop_loss": price * Decimal("0.9")}
            broker.submit(order(i, "buy", step.bought, OrderKind.BRACKET, **{name: f"{value:.2f}" for name, value in bounds.items()}))
        if sold := int(float(held) * step.sold_share):
            limit = {"kind": OrderKind.LIMIT, "limit_price": f"{price * Decimal('0.95'):.2f}"} if step.limit else {}
            broker.submit(order(i, "sell", sold, **limit))
        broker.settle(day(i + 1))
        held = sum((one.quantity for one in broker.positions()), Decimal(0))
        assert held >= 0
        assert list(exits(broker).values()) == ([held] if held else [])
    filled: dict[str, Decimal] = {}
    for fill in broker.fills(start):
        filled[fill.client_order_id] = filled.get(fill.client_order_id, Decimal(0)) + fill.quantity
    for name, quantity in filled.items():
        found = broker.find(name)
        assert found is not None
        assert found.filled_quantity == quantity
        assert quantity <= found.quantity
        assert found.status is OrderStatus.FILLED or quantity < found.quantity
