"""Crypto at Alpaca: all days are sessions, fees are taken in coin and booked later, prices have many decimals; and exits that Alpaca replaces."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.algorithms.price_grid import plain
from ats_assets.brokers.alpaca.broker import AlpacaBroker
from ats_assets.brokers.alpaca.orders import to_request
from ats_assets.execution.executor import Executor
from ats_assets.execution.order import Leg, OrderIntent, OrderKind, Side, exact
from ats_assets.settings import Settings
from ats_assets.trade_state import TradeState
from ats_assets.vendors.alpaca import read_credentials
from ats_assets.vendors.backoff import Backoff
from ats_assets_tests.alpaca_double.reference import Reference
from ats_assets_tests.alpaca_double.server import KEY_ID, SECRET_KEY, AlpacaDouble
from ats_assets_tests.alpaca_double.trading import Trading
from ats_assets_tests.execution.exchange import TestClock, intent

SATURDAY = date(2024, 3, 2)
KEYS = {"APCA_API_KEY_ID": KEY_ID, "APCA_API_SECRET_KEY": SECRET_KEY}


@dataclass
class Desk:
    """An executor at the double's crypto desk."""

    double: AlpacaDouble
    trading: Trading
    clock: TestClock
    broker: AlpacaBroker
    executor: Executor

    def at(self, now: datetime) -> datetime:
        self.double.now = self.clock.at = now
        return now


@contextmanager
def desk(folder: Path, calendar: str = "24/7", now: datetime = datetime(2024, 3, 3, 0, 20, tzinfo=UTC), **orders: object) -> Iterator[Desk]:
    """Twenty minutes after the end of Saturday, if nothing else is said."""
    reference = Reference()
    reference.add_asset("AAA")
    reference.add_asset("BTC/USD", shortable=False, marginable=False)
    reference.add_asset("SHIB/USD", shortable=False, marginable=False)
    trading = Trading(reference)
    trading.prices = {"BTC/USD": Decimal(60000), "SHIB/USD": Decimal("0.0000105"), "AAA": Decimal(10)}
    clock = TestClock(now)
    settings = Settings(
        alpaca={"max_attempts": 3},  # pyright: ignore[reportArgumentType]
        calendar={"exchange": calendar},  # pyright: ignore[reportArgumentType]
        orders={"kill_file": folder / "KILL"} | orders,  # pyright: ignore[reportArgumentType]
    )
    with AlpacaDouble([reference, trading], now=now) as double, TradeState(f"sqlite:///{folder / 'state.sqlite'}") as state:
        settings = settings.model_copy(update={"alpaca": settings.alpaca.model_copy(update={"trading_url": double.url})})
        backoff = Backoff(max_seconds=0, sleep=lambda _: None)
        broker = AlpacaBroker(settings, read_credentials(KEYS), alert=lambda _: None, now=clock.now, backoff=backoff)
        executor = Executor(broker, state, settings.orders, alert=lambda _: None, clock=clock)
        executor.reconcile()
        yield Desk(double, trading, clock, broker, executor)


def order(symbol: str, quantity: str, price: str, side: Side = Side.BUY, kind: OrderKind = OrderKind.MARKET_ON_OPEN) -> OrderIntent:
    planned = intent(symbol, quantity, side, Leg.OPEN if side is Side.BUY else Leg.CLOSE, SATURDAY)
    limit = Decimal(price) if kind is OrderKind.LIMIT else None
    return replace(planned, decision_price=Decimal(price), kind=kind, limit_price=limit)


@pytest.mark.parametrize("days", range(4))
def test_every_day_of_the_week_is_traded_and_settled(tmp_path: Path, days: int) -> None:
    """On Saturday and Sunday both said that Alpaca's calendar, which is that of stocks, has no such session."""
    session = date(2024, 3, 1) + timedelta(days=days)
    with desk(tmp_path) as alpaca:
        midnight = datetime.combine(session + timedelta(days=1), time(), UTC)
        alpaca.at(midnight - timedelta(seconds=10))
        assert "taken from" in str(alpaca.broker.may_send(session))
        assert "closes at 00:00" in str(alpaca.broker.settle(session))
        alpaca.at(midnight + timedelta(minutes=20))
        assert (alpaca.broker.may_send(session), alpaca.broker.settle(session)) == (None, None)
        alpaca.at(midnight + timedelta(days=1, seconds=1))
        assert "too late" in str(alpaca.broker.may_send(session))


def test_a_limit_order_without_a_fill_ends_with_its_day(tmp_path: Path) -> None:
    """Alpaca has no day orders for crypto: the order would stay, and the session would never be settled."""
    with desk(tmp_path, kind="limit") as alpaca:
        bought = order("BTC/USD", "0.5", "59000", kind=OrderKind.LIMIT)
        alpaca.executor.execute(SATURDAY, [bought])
        alpaca.at(datetime(2024, 3, 4, 0, 10, tzinfo=UTC))
        settled = alpaca.executor.settle(SATURDAY + timedelta(days=1))
        assert (settled.waiting, [str(one.status) for one in settled.orders]) == (None, ["canceled"])


def test_settling_cancels_no_order_of_others(tmp_path: Path) -> None:
    with desk(tmp_path) as alpaca:
        other = replace(order("BTC/USD", "0.5", "59000", kind=OrderKind.LIMIT), client_order_id="by-hand")
        alpaca.broker.submit(other)
        alpaca.at(datetime(2024, 3, 4, 0, 10, tzinfo=UTC))
        assert alpaca.broker.settle(SATURDAY + timedelta(days=1)) is None
        assert [one.client_order_id for one in alpaca.broker.open_orders()] == ["by-hand"]


@pytest.mark.parametrize("calendar", ["24/7", "XNYS"])
def test_a_fee_in_coin_halts_nothing_before_and_after_it_is_booked(tmp_path: Path, calendar: str) -> None:
    """0.5 bought and 0.49875 held was a difference; and the fee, booked under BTCUSD, a position of its own."""
    with desk(tmp_path, calendar) as alpaca:
        bought = replace(order("BTC/USD", "0.5", "60000"), session=SATURDAY)
        alpaca.broker.submit(bought)
        alpaca.trading.orders.clear()  # only the executor's own order is to be known
        alpaca.at(datetime(2024, 3, 2, 0, 30, tzinfo=UTC) if calendar == "XNYS" else alpaca.clock.now())
        mine = replace(bought, session=date(2024, 3, 1) if calendar == "XNYS" else SATURDAY)
        assert alpaca.executor.execute(mine.session, [mine]).stopped is None
        alpaca.trading.fill(mine.client_order_id, Decimal("0.5"), Decimal(60000), alpaca.clock.now())
        alpaca.trading.held["BTC/USD"] -= Decimal("0.00125")
        assert alpaca.executor.reconcile() == []
        if calendar == "24/7":  # the account of the session is stored while the fee is outstanding
            alpaca.at(datetime(2024, 3, 4, 0, 10, tzinfo=UTC))
            assert alpaca.executor.settle(SATURDAY + timedelta(days=1)).waiting is None
        alpaca.trading.book("CFEE", alpaca.clock.now(), symbol="BTCUSD", qty="-0.00125", price="60000")
        assert alpaca.executor.reconcile() == []
        alpaca.at(alpaca.clock.now() + timedelta(days=5))
        assert alpaca.executor.reconcile() == []
        assert alpaca.executor.halted() is None


@pytest.mark.parametrize(("missing", "days"), [("0.0013", 0), ("-0.0001", 0), ("0.00125", 4)])
def test_more_than_the_fee_or_later_than_it_is_booked_is_a_difference(tmp_path: Path, missing: str, days: int) -> None:
    with desk(tmp_path) as alpaca:
        bought = order("BTC/USD", "0.5", "60000")
        alpaca.executor.execute(SATURDAY, [bought])
        alpaca.trading.fill(bought.client_order_id, Decimal("0.5"), Decimal(60000), alpaca.clock.now())
        alpaca.trading.held["BTC/USD"] -= Decimal(missing)
        alpaca.at(alpaca.clock.now() + timedelta(days=days))
        assert [one.kind for one in alpaca.executor.reconcile()] == ["position"]


@pytest.mark.parametrize("settled", [False, True])
def test_the_fee_of_a_sale_is_taken_in_dollars_and_booked_later(tmp_path: Path, settled: bool) -> None:
    with desk(tmp_path) as alpaca:
        alpaca.trading.held["BTC/USD"] = Decimal("0.5")
        alpaca.executor.resume("a person", "has 0.5 BTC", accept=True)
        sold = order("BTC/USD", "0.5", "60000", Side.SELL)
        alpaca.executor.execute(SATURDAY, [sold])
        alpaca.trading.fill(sold.client_order_id, Decimal("0.5"), Decimal(60000), alpaca.clock.now())
        alpaca.trading.cash -= Decimal(75)
        assert alpaca.executor.reconcile() == []
        if settled:  # the account of the session is stored while the fee is outstanding
            alpaca.at(datetime(2024, 3, 4, 0, 10, tzinfo=UTC))
            assert alpaca.executor.settle(SATURDAY + timedelta(days=1)).waiting is None
        alpaca.trading.cash += Decimal(75)
        alpaca.trading.book("FEE", alpaca.clock.now(), cash="-75")
        assert alpaca.executor.reconcile() == []
        alpaca.trading.cash -= Decimal(1)
        assert [one.kind for one in alpaca.executor.reconcile()] == ["cash"]


def test_a_fee_on_what_the_baseline_has_already_is_not_counted_twice(tmp_path: Path) -> None:
    with desk(tmp_path) as alpaca:
        bought = order("BTC/USD", "0.5", "60000")
        alpaca.executor.execute(SATURDAY, [bought])
        alpaca.trading.fill(bought.client_order_id, Decimal("0.5"), Decimal(60000), alpaca.clock.now())
        alpaca.trading.held["BTC/USD"] -= Decimal("0.00125")
        alpaca.executor.resume("a person", "it is as it is", accept=True)
        alpaca.trading.book("CFEE", alpaca.clock.now(), symbol="BTCUSD", qty="-0.00125", price="60000")
        assert alpaca.executor.reconcile() == []


@pytest.mark.parametrize("side", list(Side))
def test_a_coin_of_a_hundred_thousandth_of_a_dollar_is_ordered_at_its_price(tmp_path: Path, side: Side) -> None:
    """0.000011 was sent as 0.0 by buyers and as 0.0001 by sellers; and a double of it is written with an exponent."""
    with desk(tmp_path, kind="limit") as alpaca:
        alpaca.trading.held["SHIB/USD"] = Decimal(1_000_000)
        alpaca.broker.submit(order("SHIB/USD", "1000000.5" if side is Side.BUY else "0.000000012", "0.000011", side, OrderKind.LIMIT))
        (sent,) = alpaca.double.requests("POST")
        (taken,) = alpaca.trading.orders.values()
        assert (taken["limit_price"], taken["qty"]) == ("0.000011", "1000000.5" if side is Side.BUY else "0.000000012")
        assert "e-" not in str(sent)


def test_increments_of_the_asset_are_told_with_it(tmp_path: Path) -> None:
    with desk(tmp_path) as alpaca:
        alpaca.trading.reference.add_asset("ETH/USD", min_order_size="0.001", min_trade_increment="0.0001", price_increment="0.1")
        found = alpaca.broker.instruments(["ETH/USD", "AAA"])
        eth, share = found["ETH/USD"], found["AAA"]
        assert (eth.min_quantity, eth.quantity_increment, eth.price_increment) == (Decimal("0.001"), Decimal("0.0001"), Decimal("0.1"))
        assert (share.min_quantity, share.quantity_increment, share.price_increment) == (None, None, None)
        alpaca.broker.submit(order("ETH/USD", "0.01", "3123.46", kind=OrderKind.LIMIT))
        assert [one["limit_price"] for one in alpaca.trading.orders.values()] == ["3123.4"]


@given(st.decimals("0.000000001", "999999", places=9), st.decimals("0.000000001", "1", places=9), st.sampled_from(Side))
def test_a_limit_never_pays_more_or_takes_less_and_is_written_without_an_exponent(quantity: Decimal, price: Decimal, side: Side) -> None:
    planned = order("SHIB/USD", str(exact(float(quantity))), str(exact(float(price))), side, OrderKind.LIMIT)
    fields = to_request(planned, "SHIB/USD").to_request_fields()
    assert fields["qty"] == plain(planned.quantity)
    assert Decimal(fields["limit_price"]) == planned.limit_price
    assert not {"e", "E"} & {*fields["qty"], *fields["limit_price"]}


class TestReplacedExits:
    """When a stop is triggered, Alpaca may go on with another order in its place: the fill was foreign, and halted trading."""

    EVENING, OPEN = datetime(2024, 3, 2, 0, 30, tzinfo=UTC), datetime(2024, 3, 4, 14, 30, tzinfo=UTC)

    @contextmanager
    def entered(self, folder: Path) -> Iterator[tuple[Desk, dict[str, str]]]:
        with desk(folder, "XNYS", self.EVENING, kind="bracket") as alpaca:
            prices = {"limit_price": Decimal("10.5"), "take_profit": Decimal(11), "stop_loss": Decimal("9.5")}
            entry = replace(intent("AAA"), kind=OrderKind.BRACKET, **prices)
            assert alpaca.executor.execute(entry.session, [entry]).stopped is None
            alpaca.at(self.OPEN)
            alpaca.trading.fill(entry.client_order_id, Decimal(10), Decimal(10), self.OPEN)
            assert alpaca.executor.reconcile() == []
            sent = next(one for one in alpaca.trading.orders.values() if one["client_order_id"] == entry.client_order_id)
            yield alpaca, {leg["type"]: leg["client_order_id"] for leg in sent["legs"]}

    @pytest.mark.parametrize("times", [1, 2])
    @pytest.mark.parametrize("seen", [False, True])
    def test_the_order_in_place_of_a_stop_is_ours(self, tmp_path: Path, times: int, seen: bool) -> None:
        with self.entered(tmp_path) as (alpaca, legs):
            name = legs["stop"]
            for _ in range(times):
                name = alpaca.trading.replace(name, Decimal(10), self.OPEN)
                assert not seen or alpaca.executor.reconcile() == []
            alpaca.trading.fill(name, Decimal(10), Decimal("9.45"), self.OPEN)
            assert alpaca.executor.reconcile() == []
            assert alpaca.executor.halted() is None
            assert alpaca.broker.open_orders() == []

    def test_an_entry_that_somebody_replaces_is_not_ours(self, tmp_path: Path) -> None:
        with desk(tmp_path, "XNYS", self.EVENING) as alpaca:
            entry = intent("AAA")
            alpaca.executor.execute(entry.session, [entry])
            alpaca.trading.replace(entry.client_order_id, Decimal(20), self.EVENING)
            assert [one.kind for one in alpaca.executor.reconcile()] == ["foreign_order"]
