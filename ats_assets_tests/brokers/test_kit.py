"""The kit that every broker passes, passed by those that come with the package."""

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from ats_assets.alerts import Alert
from ats_assets.brokers import alpaca, paper
from ats_assets.brokers.paper import PaperBroker
from ats_assets.deployment import Deployment
from ats_assets.execution.broker import Broker, BrokerOpening
from ats_assets.settings import OrdersSettings
from ats_assets.trade_state import TradeState
from ats_assets_tests.alpaca_double.reference import Reference
from ats_assets_tests.alpaca_double.server import AlpacaDouble
from ats_assets_tests.alpaca_double.trading import Trading
from ats_assets_tests.brokers.alpaca.test_broker import CLOSE, ENVIRONMENT, EVENING, NEXT, OPEN, SESSION, Alpaca
from ats_assets_tests.brokers.paper.small_broker import FREE, MONDAY, Bar, Days, day
from ats_assets_tests.kits.brokers import BrokerKit, BrokerMarket

FLAT: Bar = (10, 10, 10, 10)


class PaperMarket(BrokerMarket):
    """Bars that are there from the moment when they are traded."""

    session, following, symbol = MONDAY, day(1), "A"

    def __init__(self, state: TradeState) -> None:
        self._state = state
        self._days = Days(FLAT)
        self.broker = self.again()
        assert self.broker.settle(MONDAY) is None
        self.now = self._days.calendar.closes_at(MONDAY)

    def again(self) -> Broker:
        return PaperBroker(self._state, self._days, FREE, OrdersSettings())

    def trade(self) -> None:
        self._days._bars[1] = FLAT


class TestPaper(BrokerKit):
    plugin = paper.PLUGIN

    @contextmanager
    def market(self, folder: Path) -> Iterator[BrokerMarket]:
        with TradeState(f"sqlite:///{folder / 'state.sqlite'}") as state:
            yield PaperMarket(state)


class AlpacaMarket(BrokerMarket):
    """The double of Alpaca."""

    session, following, symbol, now = SESSION, NEXT, "AAA", EVENING

    def __init__(self, alpaca: Alpaca) -> None:
        self._alpaca = alpaca
        self.broker = self.again()

    def again(self) -> Broker:
        return self._alpaca.broker()

    def trade(self) -> None:
        self._alpaca.at(OPEN)
        self._alpaca.trading.end_cancels(OPEN)
        self._alpaca.trading.auction({"AAA": Decimal("10.07")}, OPEN)
        self._alpaca.at(CLOSE)
        self._alpaca.trading.close(CLOSE)


class TestAlpaca(BrokerKit):
    plugin = alpaca.PLUGIN

    @contextmanager
    def double(self) -> Iterator[Alpaca]:
        reference = Reference()
        reference.add_asset("AAA")
        trading = Trading(reference)
        trading.prices = {"AAA": Decimal(10)}
        with AlpacaDouble([reference, trading], now=EVENING) as double:
            yield Alpaca(double, reference, trading)

    @contextmanager
    def market(self, folder: Path) -> Iterator[BrokerMarket]:
        with self.double() as alpaca:
            yield AlpacaMarket(alpaca)

    def test_it_is_opened_by_name_with_the_keys_of_the_environment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in ENVIRONMENT.items():
            monkeypatch.setenv(name, value)
        alerts: list[Alert] = []
        with self.double() as double, TradeState(f"sqlite:///{tmp_path / 'state.sqlite'}") as state:
            opening = BrokerOpening(deployment=Deployment(double.settings()), state=state, alert=alerts.append, clock=double.clock)
            broker = self.plugin.make(self.plugin.settings(), opening)
            assert broker.account().cash == 100_000
            assert self.plugin.calendar is not None
            calendar = self.plugin.calendar(self.plugin.settings(), double.settings())
            assert (calendar.timezone, calendar.now()) == ("America/New_York", EVENING)
            assert [*calendar.days(SESSION, NEXT)] == [SESSION, NEXT]
        assert alerts == []
