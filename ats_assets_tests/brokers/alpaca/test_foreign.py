"""An account that is not for us alone: whatever Alpaca may list in it is described, and nothing raises."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import NoneType
from typing import Any, get_args

import pytest
from alpaca.trading.models import Order, Position

from ats_assets.cli.orders.status import _status
from ats_assets.deployment import Deployment
from ats_assets.execution.context import Timeouts
from ats_assets.execution.executor import Executor
from ats_assets.execution.order import BrokerOrder, ForeignOrder
from ats_assets.execution.trading import TradingServices, request_desk
from ats_assets.orders.broker_frames import positions_frame
from ats_assets.trade_state import TradeState
from ats_assets_tests.alpaca_double.reference import Reference
from ats_assets_tests.alpaca_double.server import AlpacaDouble
from ats_assets_tests.alpaca_double.trading import Trading
from ats_assets_tests.brokers.alpaca.test_broker import EVENING, SESSION, Alpaca

NOTIONAL: dict[str, Any] = {"symbol": "AAA", "side": "buy", "type": "market", "order_type": "market", "notional": "500.5"}
LEGS = (
    {"symbol": "AAA240419C00190000", "side": "buy", "qty": "1", "ratio_qty": "1", "asset_class": "us_option"},
    {"symbol": "AAA240419C00200000", "side": "sell", "qty": "1", "ratio_qty": "1", "asset_class": "us_option"},
)
SPREAD: dict[str, Any] = {"order_class": "mleg", "qty": "1", "type": "limit", "limit_price": "1.2", "client_order_id": "spread"}
NULLABLE = {
    model: [name for name, field in model.model_fields.items() if NoneType in get_args(field.annotation)] for model in (Order, Position)
}
"""As alpaca-py publishes them."""


@pytest.fixture
def alpaca() -> Iterator[Alpaca]:
    reference = Reference()
    reference.add_asset("AAA")
    trading = Trading(reference)
    trading.now = EVENING
    trading.held["AAA"], trading.prices["AAA"] = Decimal(3), Decimal(10)
    with AlpacaDouble([reference, trading], now=EVENING) as double:
        yield Alpaca(double, reference, trading)


@dataclass
class Watcher:
    alpaca: Alpaca
    state: TradeState

    def __post_init__(self) -> None:
        self.broker = self.alpaca.broker()
        timeouts = Timeouts(retries=2, retry_seconds=0.1)
        self.executor = Executor(
            self.broker,
            self.state,
            self.alpaca.settings().orders,
            alert=self.alpaca.alerts.append,
            clock=self.alpaca.clock,
            timeouts=timeouts,
        )


@pytest.fixture
def watcher(alpaca: Alpaca, tmp_path: Path) -> Iterator[Watcher]:
    with TradeState(f"sqlite:///{tmp_path / 's.sqlite'}") as state:
        made = Watcher(alpaca, state)
        assert made.executor.reconcile() == []
        yield made


def test_an_order_for_an_amount_of_money_is_a_foreign_order(watcher: Watcher) -> None:
    """It has no quantity: positions, reconciliation and `ats orders` raised."""
    made = watcher.alpaca.trading.add_foreign(**NOTIONAL)
    (order,) = watcher.broker.open_orders()
    assert order == ForeignOrder(
        broker_order_id=made["id"],
        client_order_id=made["client_order_id"],
        description="simple market order buy an amount of 500.5 AAA new",
    )
    (difference,) = watcher.executor.reconcile()
    assert (difference.kind, difference.subject, difference.theirs) == ("foreign_order", made["id"], None)
    assert difference.message.endswith("which is not ours: simple market order buy an amount of 500.5 AAA new")
    assert watcher.executor.halted() is not None


def test_an_option_order_of_several_legs_is_a_foreign_order(watcher: Watcher) -> None:
    """It has neither side nor symbol."""
    watcher.alpaca.trading.add_foreign(legs=LEGS, **SPREAD)
    (order,) = watcher.broker.open_orders()
    assert isinstance(order, ForeignOrder)
    assert order.description == "mleg limit order 1 new"
    assert [one.kind for one in watcher.executor.reconcile()] == ["foreign_order"]


def test_one_under_an_id_of_ours_is_foreign_too(watcher: Watcher) -> None:
    watcher.alpaca.trading.add_foreign(**NOTIONAL, client_order_id="main-20240301-AAA-open")
    assert [one.kind for one in watcher.executor.reconcile()] == ["foreign_order"]


def test_a_position_without_a_price_is_listed_without_one(watcher: Watcher) -> None:
    watcher.alpaca.trading.position_fields["AAA"] = {
        "current_price": None,
        "market_value": None,
        "unrealized_pl": None,
        "lastday_price": None,
    }
    (position,) = watcher.broker.positions()
    assert (position.symbol, position.quantity, position.price) == ("AAA", 3, None)
    assert watcher.executor.reconcile() == []
    frame = positions_frame(SESSION, [position])
    assert frame.select("price", "value").row(0) == (None, None)
    assert watcher.executor.resume("me", "", accept=True) == 0  # stored as a baseline, and compared with
    assert watcher.executor.reconcile() == []
    assert watcher.executor.settle(SESSION).positions == (position,)
    assert watcher.executor.settle(SESSION).positions == (position,)  # as stored


def test_orders_status_lists_them(watcher: Watcher, home: Path) -> None:
    watcher.alpaca.trading.add_foreign(legs=LEGS, **SPREAD)
    watcher.alpaca.trading.position_fields["AAA"] = {"current_price": None}
    deployment = Deployment(watcher.alpaca.settings())
    told_of = {"broker": watcher.broker, "state": watcher.state, "executor": watcher.executor}
    trading = TradingServices(**told_of, alert=watcher.alpaca.alerts.append, desk=request_desk(deployment, watcher.executor, watcher.state))
    told = json.loads(json.dumps(_status(deployment, trading), default=str))
    (held,) = told["positions"]
    assert (held["symbol"], held["instrument"], held["quantity"], held["cost"]) == ("AAA", "synthetic:AAA", 3.0, 0.0)
    assert all(held[name] is None for name in ("price", "value", "weight", "unrealised", "session_profit"))  # without a price none is known
    (order,) = told["open_orders"]
    assert (order["client_order_id"], order["symbol"], order["status"]) == ("spread", None, "not ours: mleg limit order 1 new")


@pytest.mark.parametrize("model", [Order, Position])
def test_whatever_alpaca_py_says_may_be_null_is_null(watcher: Watcher, model: type) -> None:
    """Each field of the published model alone, and all of them at once."""
    whole = {
        "symbol": "AAA",
        "side": "buy",
        "qty": "1",
        "type": "limit",
        "order_type": "limit",
        "limit_price": "9",
        "filled_avg_price": "9",
    }
    assert len(NULLABLE[model]) >= 10
    for nulls in [[name] for name in NULLABLE[model]] + [NULLABLE[model]]:
        missing = dict.fromkeys(nulls)
        if model is Order:
            watcher.alpaca.trading.orders.clear()
            watcher.alpaca.trading.add_foreign(**(whole | missing))
        else:
            watcher.alpaca.trading.position_fields["AAA"] = missing
        listed, held = watcher.broker.open_orders(), watcher.broker.positions()
        assert len(listed) == (model is Order), nulls
        assert all(isinstance(one, BrokerOrder) != bool({"symbol", "side", "qty"} & set(nulls)) for one in listed), nulls
        assert [(one.symbol, one.quantity) for one in held] == [("AAA", 3)], nulls
    assert [one.kind for one in watcher.executor.reconcile()] == (["foreign_order"] if model is Order else [])
