"""Orders that people ask for beside those of a plan: one account, each order filled for itself."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from ats_assets.execution.order import Leg, OrderIntent, OrderKind, OrderStatus
from ats_assets_tests.brokers.paper.small_broker import day, order, paper

FLAT = (10.0, 10.0, 10.0, 10.0)


def asked(i: int, side: str, quantity: int, name: str = "x", **more: object) -> OrderIntent:
    made = order(i, side, quantity, OrderKind.MARKET)
    return replace(made, client_order_id=f"manual-{name}", book="manual", **more)  # pyright: ignore[reportArgumentType]


def test_a_plan_that_sells_and_a_person_who_buys_at_one_open_are_two_trades(tmp_path: Path) -> None:
    """Netted, the plan's sale of 100 and the purchase of 30 were one sale of 70, and the person had none of it."""
    with paper(tmp_path, FLAT, FLAT, FLAT) as broker:
        broker.submit(order(0, "buy", 100))
        broker.settle(day(1))
        sale, bought = broker.submit(order(1, "sell", 100)), broker.submit(asked(1, "buy", 30))
        broker.settle(day(2))
        done = [broker.find(one.client_order_id) for one in (sale, bought)]
        assert [(one.status, one.filled_quantity) for one in done if one] == [(OrderStatus.FILLED, 100), (OrderStatus.FILLED, 30)]
        assert [(one.side, one.quantity) for one in broker.fills(bought.submitted_at)] == [("sell", 100), ("buy", 30)]
        assert ([one.quantity for one in broker.positions()], broker.account().cash) == ([Decimal(30)], Decimal(9700))


def test_a_plan_and_a_person_on_one_side_get_what_each_asked_for(tmp_path: Path) -> None:
    with paper(tmp_path, FLAT, FLAT) as broker:
        mine, theirs = broker.submit(asked(0, "buy", 30)), broker.submit(order(0, "buy", 100))
        broker.settle(day(1))
        done = [broker.find(one.client_order_id) for one in (mine, theirs)]
        assert [one.filled_quantity for one in done if one] == [30, 100]
        assert broker.positions()[0].quantity == 130


def test_without_the_cash_the_plan_comes_first_and_the_person_is_told(tmp_path: Path) -> None:
    with paper(tmp_path, FLAT, FLAT) as broker:
        mine, theirs = broker.submit(asked(0, "buy", 300)), broker.submit(order(0, "buy", 1000))
        broker.settle(day(1))
        done = [broker.find(one.client_order_id) for one in (mine, theirs)]
        assert [(one.status, one.filled_quantity, one.reason) for one in done if one] == [
            (OrderStatus.EXPIRED, 0, "cash"),
            (OrderStatus.FILLED, 1000, None),
        ]


def test_a_person_sells_after_the_plan_has_sold_its_own(tmp_path: Path) -> None:
    with paper(tmp_path, FLAT, FLAT, FLAT) as broker:
        broker.submit(order(0, "buy", 100))
        broker.submit(asked(0, "buy", 30))
        broker.settle(day(1))
        sale = broker.submit(order(1, "sell", 100))
        own = broker.submit(asked(1, "sell", 30, "y", leg=Leg.CLOSE))
        broker.settle(day(2))
        assert [one.quantity for one in broker.fills(sale.submitted_at)] == [100, 30]
        assert broker.positions() == []
        assert own.client_order_id == "manual-y"
