"""Words that the installed alpaca-py does not know: one such order or position is described, and the others are listed as ever."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any, get_args

import pytest
from alpaca.trading.models import Order, Position, TradeAccount
from pydantic import BaseModel, TypeAdapter, ValidationError

from ats_assets.brokers.alpaca.answers import Unknown, lenient, read_order
from ats_assets.execution import state as states
from ats_assets.execution.order import BrokerOrder, ForeignOrder, OrderStatus
from ats_assets.execution.outcome import IntentState
from ats_assets.orders.broker_frames import positions_frame
from ats_assets.trade_state import TradeState
from ats_assets_tests.alpaca_double.reference import Reference
from ats_assets_tests.alpaca_double.server import AlpacaDouble
from ats_assets_tests.alpaca_double.trading import Trading
from ats_assets_tests.brokers.alpaca.test_broker import EVENING, SESSION, Alpaca
from ats_assets_tests.brokers.alpaca.test_foreign import NOTIONAL, Watcher
from ats_assets_tests.execution.exchange import intent
from ats_assets_tests.execution.test_state import AUTHOR

WORD = "brand_new"
WHOLE: dict[str, Any] = {"symbol": "AAA", "side": "buy", "qty": "1", "type": "limit", "order_type": "limit", "limit_price": "9"}
NAME = "main-20240301-AAA-open"


def enums(model: type[BaseModel]) -> list[str]:
    """The fields of a model of alpaca-py that take the members of an enum, as it publishes them."""
    fields = model.model_fields.items()
    return [n for n, f in fields if any(isinstance(t, type) and issubclass(t, Enum) for t in (f.annotation, *get_args(f.annotation)))]


@pytest.fixture
def watcher(tmp_path: Path) -> Iterator[Watcher]:
    """A bought AAA, and an order of another program beside whatever is to come."""
    reference = Reference()
    for symbol in ("AAA", "BBB", "ETH/BTC", "ETH/USD"):
        reference.add_asset(symbol, **({"class": "crypto"} if "/" in symbol else {}))
    trading = Trading(reference)
    trading.now = EVENING
    trading.held["AAA"], trading.prices["AAA"] = Decimal(3), Decimal(10)
    with AlpacaDouble([reference, trading], now=EVENING) as double, TradeState(f"sqlite:///{tmp_path / 's.sqlite'}") as state:
        made = Watcher(Alpaca(double, reference, trading), state)
        assert made.executor.reconcile() == []
        yield made


def states_of(watcher: Watcher) -> tuple[str, str | None, int]:
    with watcher.state.begin() as connection:
        row = states.load(connection, NAME)
    assert row is not None
    return str(row.state), row.reason, row.attempts


@pytest.mark.parametrize("field", enums(Order))
def test_an_order_with_a_word_that_is_not_known_is_listed_beside_the_others(watcher: Watcher, field: str) -> None:
    """The whole list failed, and with it reconciliation and `ats orders`. What the double lists otherwise is what alpaca-py's own model takes."""
    trading = watcher.alpaca.trading
    plain = trading.add_foreign(**WHOLE, client_order_id="plain")
    TypeAdapter(list[Order]).validate_python([plain])
    odd = trading.add_foreign(**(WHOLE | {field: WORD}), client_order_id="odd")
    with pytest.raises(ValidationError):
        TypeAdapter(list[Order]).validate_python([odd])
    found = {one.client_order_id: one for one in watcher.broker.open_orders()}
    assert isinstance(found["plain"], BrokerOrder)
    assert isinstance(found["odd"], ForeignOrder if field == "side" else BrokerOrder)
    if isinstance(found["odd"], BrokerOrder):
        assert found["odd"].status == (OrderStatus.UNKNOWN if field == "status" else OrderStatus.ACCEPTED)
    kinds = [one.kind for one in watcher.executor.reconcile()]
    assert kinds == ["foreign_order", "foreign_order"]


def test_what_lacks_a_field_or_has_no_number_is_described() -> None:
    order = Trading(Reference()).add_foreign(**WHOLE, client_order_id="x", at=EVENING)
    described = read_order({name: value for name, value in order.items() if name != "created_at"})
    assert isinstance(described, ForeignOrder)
    assert (described.client_order_id, described.description) == ("x", "an order that can't be read (created_at): limit buy 1 AAA new")
    legs = read_order(order | {"order_class": "mleg", "legs": [order | {"side": WORD}]})
    assert not isinstance(legs, ForeignOrder)
    assert [str(leg.side) for leg in legs.legs or ()] == [WORD]


def test_a_quantity_that_is_no_number_is_described(watcher: Watcher) -> None:
    watcher.alpaca.trading.add_foreign(**(WHOLE | {"qty": "some"}))
    (order,) = watcher.broker.open_orders()
    assert isinstance(order, ForeignOrder)
    assert "some AAA" in order.description


@pytest.mark.parametrize("field", [*enums(Position)])
def test_a_position_with_a_word_that_is_not_known_is_listed(watcher: Watcher, field: str) -> None:
    trading = watcher.alpaca.trading
    (plain,) = [trading._position("AAA", Decimal(3))]
    Position(**plain)
    trading.position_fields["AAA"] = {field: WORD}
    with pytest.raises(ValidationError):
        Position(**trading._position("AAA", Decimal(3)))
    (position,) = watcher.broker.positions()
    assert (position.symbol, position.quantity, position.price) == ("AAA", 3, 10)
    assert watcher.executor.reconcile() == []


@pytest.mark.parametrize("field", enums(TradeAccount))
def test_an_account_in_a_status_that_is_not_known_sends_nothing_and_is_read(watcher: Watcher, field: str) -> None:
    watcher.alpaca.trading.account_fields[field] = WORD
    account = watcher.broker.account()
    assert account.trading_blocked == (field == "status")
    assert watcher.executor.reconcile() == []


class TestOurs:
    """Told by its client order id: it is there, so it is not sent again, and a person hears of it."""

    def sent(self, watcher: Watcher) -> dict[str, Any]:
        assert watcher.executor.execute(SESSION, [intent("AAA")]).stopped is None
        return next(one for one in watcher.alpaca.trading.orders.values() if one["client_order_id"] == NAME)

    def test_in_a_status_that_is_not_known(self, watcher: Watcher) -> None:
        order = self.sent(watcher)
        order["status"] = WORD
        assert watcher.executor.execute(SESSION, [intent("AAA")]).stopped is None
        state, reason, attempts = states_of(watcher)
        assert (state, attempts, len(watcher.alpaca.double.requests("POST"))) == ("unknown", 1, 1)
        assert reason is not None
        assert f"its status is {WORD}, which the installed alpaca-py does not know" in reason
        assert not IntentState.UNKNOWN.final
        order["status"] = "new"
        watcher.alpaca.trading.fill(NAME, Decimal(10), Decimal(10))
        assert watcher.executor.reconcile() == []
        assert states_of(watcher)[0] == "filled"

    def test_in_a_status_that_is_not_known_in_the_very_answer(self, watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
        made = watcher.alpaca.trading._made
        monkeypatch.setattr(watcher.alpaca.trading, "_made", lambda *given: made(*given) | {"status": WORD})
        self.sent(watcher)
        assert states_of(watcher)[0] == "unknown"
        assert [one.title for one in watcher.alpaca.alerts if "status" in one.title] == ["An order's status is not known"]
        assert watcher.executor.execute(SESSION, [intent("AAA")]).stopped is None
        assert len(watcher.alpaca.double.requests("POST")) == 1

    @pytest.mark.parametrize("being_sent", [True, False])
    def test_in_a_form_that_is_not_ours_it_halts_once_and_is_described(self, watcher: Watcher, being_sent: bool) -> None:
        """`find` raised: each start failed again, and nothing said what there was."""
        order = watcher.alpaca.trading.add_foreign(**NOTIONAL, client_order_id=NAME)
        with watcher.state.begin() as connection:
            states.record_plan(connection, AUTHOR, SESSION, "main", [intent("AAA")])
            row = states.load(connection, NAME)
            assert row is not None
            if being_sent:
                states.write_ahead(connection, replace(AUTHOR, now=EVENING), row, 1)
        watcher.executor.execute(SESSION, [intent("AAA")])
        halted = watcher.executor.halted()
        assert halted is not None
        assert "simple market order buy an amount of 500.5 AAA new" in halted.reason
        if being_sent:
            assert states_of(watcher)[0] == "unknown"
        assert watcher.alpaca.double.requests("POST") == []
        order["status"] = "canceled"
        watcher.executor.resume("me", "it was mine")
        assert watcher.executor.reconcile() == []
        watcher.executor.execute(SESSION, [intent("AAA")])
        assert (watcher.executor.halted() is None) == being_sent
        assert states_of(watcher)[0] == "unknown"

    def test_an_order_that_has_lost_its_form_is_a_difference(self, watcher: Watcher) -> None:
        order = self.sent(watcher)
        order["qty"], order["notional"] = None, "100"
        found = watcher.executor.reconcile()
        assert {one.kind for one in found} == {"order", "foreign_order"}
        assert "at the broker simple market order buy an amount of 100 AAA" in " ".join(one.message for one in found)


def test_a_pair_in_another_currency_is_listed_and_not_valued_in_dollars(watcher: Watcher) -> None:
    """2 ETH/BTC at 0.05 BTC counted as 0.10 dollars."""
    trading = watcher.alpaca.trading
    trading.held |= {"ETH/BTC": Decimal(2), "ETH/USD": Decimal(1)}
    trading.prices |= {"ETH/BTC": Decimal("0.05"), "ETH/USD": Decimal(3000)}
    held = {one.symbol: one for one in watcher.broker.positions()}
    assert (held["ETH/BTC"].quantity, held["ETH/BTC"].price, held["ETH/BTC"].cost) == (2, None, None)
    assert (held["ETH/USD"].price, held["ETH/USD"].cost) == (3000, 0)
    frame = positions_frame(SESSION, held.values()).filter(symbol="ETH/BTC")
    assert frame.select("price", "value", "cost").row(0) == (None, None, None)
    assert watcher.executor.resume("me", "", accept=True) == 0
    assert watcher.executor.settle(SESSION).positions == tuple(sorted(held.values(), key=lambda one: one.symbol))
    told = watcher.broker.instruments(["ETH/BTC", "ETH/USD"])
    assert (told["ETH/BTC"].tradable, told["ETH/BTC"].reason) == (
        False,
        "ETH/BTC is priced in BTC: only what is priced in US dollars is traded",
    )
    assert told["ETH/USD"].tradable


def test_words_that_are_known_stay_members_of_their_enums() -> None:
    order = Trading(Reference()).add_foreign(**WHOLE, at=EVENING)
    strict, read = Order(**order), lenient(Order)(**order)
    assert {name: getattr(read, name) for name in Order.model_fields} == {name: getattr(strict, name) for name in Order.model_fields}
    assert not any(isinstance(getattr(read, name), Unknown) for name in enums(Order))
