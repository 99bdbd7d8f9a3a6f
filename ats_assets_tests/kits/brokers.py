"""What every broker must do, whoever runs it: derive a class `Test…` from `BrokerKit`, name the plugin, and put up a market.

class TestMine(BrokerKit):
    plugin = PLUGIN

    @contextmanager
    def market(self, folder): ...
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest
from pydantic import ValidationError

from ats_assets.execution.broker import Broker, BrokerPlugin, DuplicateOrderError, OrderRejectedError
from ats_assets.execution.order import BrokerOrder, Leg, OrderIntent, OrderKind, OrderStatus, Side, client_order_id

LONG_AGO = timedelta(days=400)


class BrokerMarket(ABC):
    """A market for one order, and the broker in it, which stands at the close of `session`."""

    broker: Broker
    session: date
    """At whose close orders are decided."""
    following: date
    """In which they are filled."""
    symbol: str
    """What can be bought in it, at about 10."""
    now: datetime

    @abstractmethod
    def again(self) -> Broker:
        """Another one on the same account, as after a restart of the process."""

    @abstractmethod
    def trade(self) -> None:
        """Let the next session open and close."""


class BrokerKit:
    """The tests of one broker."""

    plugin: ClassVar[BrokerPlugin[Any]]
    unknown: ClassVar[str] = "NOSUCH"
    """A symbol that it refuses."""

    def market(self, folder: Path) -> AbstractContextManager[BrokerMarket]:
        """Put up a market, for the time of a block."""
        raise NotImplementedError

    @contextmanager
    def sent(self, folder: Path) -> Iterator[tuple[BrokerMarket, OrderIntent, BrokerOrder]]:
        with self.market(folder) as market:
            intent = self.intent(market)
            yield market, intent, market.broker.submit(intent)

    def intent(self, market: BrokerMarket, quantity: int = 10) -> OrderIntent:
        return OrderIntent(
            client_order_id=client_order_id(market.session, "main", market.symbol, Leg.OPEN),
            session=market.session,
            strategy="main",
            symbol=market.symbol,
            side=Side.BUY,
            leg=Leg.OPEN,
            quantity=Decimal(quantity),
            kind=OrderKind.MARKET_ON_OPEN,
            decision_price=Decimal(10),
        )

    def test_it_says_what_it_is(self, tmp_path: Path) -> None:
        with self.market(tmp_path) as market:
            broker = market.broker
            assert broker.name
            assert [type(one) for one in (broker.live, broker.reserves_shares, broker.cancels_at_once())] == [bool, bool, bool]
            assert 0 <= broker.fee_in_kind < 1
            assert not broker.live, "a test must never trade real money"

    def test_an_account_that_has_not_traded_is_its_cash(self, tmp_path: Path) -> None:
        with self.market(tmp_path) as market:
            account = market.broker.account()
            assert account.cash == account.equity > 0
            assert account.at.tzinfo is not None
            assert not account.trading_blocked
            assert (market.broker.positions(), [*market.broker.open_orders()]) == ([], [])
            assert market.broker.fills(market.now - LONG_AGO) == []

    def test_each_symbol_is_answered_with_a_reason_where_it_can_not_be_traded(self, tmp_path: Path) -> None:
        with self.market(tmp_path) as market:
            found = market.broker.instruments([market.symbol, self.unknown])
            assert {*found} == {market.symbol, self.unknown}
            assert found[market.symbol].tradable
            assert all(one.tradable or one.reason for one in found.values())

    def test_an_order_is_taken_as_it_was_sent_and_found_by_its_id(self, tmp_path: Path) -> None:
        with self.sent(tmp_path) as (market, intent, taken):
            assert market.broker.may_send(market.session) is None
            assert (taken.client_order_id, taken.symbol, taken.side, taken.quantity) == (
                intent.client_order_id,
                intent.symbol,
                intent.side,
                intent.quantity,
            )
            assert (taken.status, taken.filled_quantity) == (OrderStatus.ACCEPTED, 0)
            for broker in (market.broker, market.again()):
                found = broker.find(intent.client_order_id)
                assert isinstance(found, BrokerOrder)
                assert (found.broker_order_id, found.quantity, found.status) == (taken.broker_order_id, taken.quantity, taken.status)
                assert [one.client_order_id for one in broker.open_orders()] == [intent.client_order_id]
            assert market.broker.find(intent.client_order_id.replace("main", "other")) is None

    def test_a_client_order_id_is_taken_once_for_all_time(self, tmp_path: Path) -> None:
        with self.sent(tmp_path) as (market, intent, taken):
            for again in (intent, replace(intent, quantity=Decimal(3))):
                with pytest.raises(DuplicateOrderError):
                    market.again().submit(again)
            assert len(market.broker.open_orders()) == 1
            market.broker.cancel(taken.broker_order_id)
            with pytest.raises(DuplicateOrderError):
                market.broker.submit(intent)
            found = market.broker.find(intent.client_order_id)
            assert isinstance(found, BrokerOrder)
            assert found.quantity == intent.quantity

    def test_what_it_does_not_know_is_refused_and_leaves_nothing(self, tmp_path: Path) -> None:
        with self.market(tmp_path) as market:
            stranger = replace(
                self.intent(market), symbol=self.unknown, client_order_id=client_order_id(market.session, "main", self.unknown, Leg.OPEN)
            )
            with pytest.raises(OrderRejectedError, match=r"\w+ \w+"):
                market.broker.submit(stranger)
            assert market.broker.find(stranger.client_order_id) is None
            assert [*market.broker.open_orders()] == []

    def test_what_is_cancelled_is_never_filled(self, tmp_path: Path) -> None:
        with self.sent(tmp_path) as (market, intent, taken):
            market.broker.cancel(taken.broker_order_id)
            market.broker.cancel(taken.broker_order_id)  # one that is final already is left as it is
            market.trade()
            assert market.broker.settle(market.following) is None
            found = market.broker.find(intent.client_order_id)
            assert isinstance(found, BrokerOrder)
            assert (found.status, found.filled_quantity) == (OrderStatus.CANCELED, 0)
            assert (market.broker.positions(), market.broker.fills(market.now - LONG_AGO)) == ([], [])
            market.broker.cancel(taken.broker_order_id)

    def test_a_session_is_waited_for_until_it_has_been_traded(self, tmp_path: Path) -> None:
        with self.sent(tmp_path) as (market, _, _taken):
            assert market.broker.settle(market.following)
            market.trade()
            assert market.broker.settle(market.following) is None

    def test_fills_positions_and_cash_say_the_same(self, tmp_path: Path) -> None:
        with self.sent(tmp_path) as (market, intent, _):
            before = market.broker.account().cash
            market.trade()
            assert market.broker.settle(market.following) is None
            told = market.broker.fills(market.now - LONG_AGO)
            assert {one.client_order_id for one in told} == {intent.client_order_id}
            assert len({one.fill_id for one in told}) == len(told)
            assert sum(one.quantity for one in told) == intent.quantity
            (position,) = market.broker.positions()
            assert (position.symbol, position.quantity) == (intent.symbol, intent.quantity)
            paid = sum(one.quantity * one.price + one.fees for one in told)
            entries = sum(one.cash for one in market.broker.entries(market.now - LONG_AGO))
            assert abs(before - paid + entries - market.broker.account().cash) <= Decimal("0.01")
            found = market.broker.find(intent.client_order_id)
            assert isinstance(found, BrokerOrder)
            assert (found.status, found.filled_quantity) == (OrderStatus.FILLED, intent.quantity)
            assert [*market.broker.open_orders()] == []
            assert all(one.at.tzinfo is not None for one in told)
            assert market.broker.fills(max(one.at for one in told) + timedelta(days=1)) == []

    def test_settling_and_asking_again_change_nothing(self, tmp_path: Path) -> None:
        with self.sent(tmp_path) as (market, _, _taken):
            market.trade()
            said = []
            for broker in (market.broker, market.broker, market.again()):
                assert broker.settle(market.following) is None
                since = market.now - LONG_AGO
                said.append((broker.account().cash, broker.positions(), broker.fills(since), broker.entries(since)))
            assert said[0] == said[1] == said[2]

    def test_settings_are_frozen_with_defaults_and_refuse_what_they_do_not_know(self) -> None:
        settings = self.plugin.settings()
        assert self.plugin.settings.model_validate(settings.model_dump(mode="json")) == settings
        assert self.plugin.settings.model_config.get("frozen")
        with pytest.raises(ValidationError):
            self.plugin.settings.model_validate({"no_such_setting": 1})
