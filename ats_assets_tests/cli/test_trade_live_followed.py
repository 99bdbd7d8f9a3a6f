"""`ats trade live` as a process against the doubles of Alpaca: it works an order by TWAP, loses the stream and comes back, halts at a breach, and ends on SIGTERM."""

import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from ats_assets.algorithms import Leg, OrderKind, Side
from ats_assets.algorithms.stepping import DayEnd
from ats_assets.execution.order import OrderIntent, client_order_id
from ats_assets.execution.state import Author, plan_one
from ats_assets.execution.worked_intents import WorkPlan
from ats_assets.trade_state import TradeState
from ats_assets_tests.alpaca_double import AlpacaDouble, MarketData, Reference, TradeUpdatesDouble
from ats_assets_tests.alpaca_double.market_stream import MarketStreamDouble
from ats_assets_tests.alpaca_double.trading import Trading
from ats_assets_tests.cli.market import ROOT, environment, make_home
from ats_assets_tests.ending_with_tests import ends_with_tests
from ats_assets_tests.live.told_time import tell
from ats_assets_tests.vendors.alpaca.connections import ENVIRONMENT

BEFORE, SESSION = date(2024, 3, 1), date(2024, 3, 4)
OPENS = datetime(2024, 3, 4, 14, 30, tzinfo=UTC)
PARENT = client_order_id(BEFORE, "main", "AAA", Leg.OPEN)
TWAP = WorkPlan(algorithm="twap", kind="twap", settings={"slice_minutes": 2}, minutes=20, day_end=DayEnd(unfilled="end"))


def bar(minute: int, price: float) -> dict[str, Any]:
    at = OPENS + timedelta(minutes=minute)
    return {
        "T": "b",
        "S": "AAA",
        "o": price,
        "h": price,
        "l": price,
        "c": price,
        "v": 900,
        "t": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "n": 7,
        "vw": price,
    }


def plan(url: str) -> None:
    """An order for 1,000 AAA, ten slices of 100."""
    intent = OrderIntent(
        client_order_id=PARENT,
        session=BEFORE,
        strategy="main",
        symbol="AAA",
        side=Side.BUY,
        leg=Leg.OPEN,
        quantity=Decimal(1000),
        kind=OrderKind.WORKED,
        decision_price=Decimal(10),
        work=TWAP,
    )
    with TradeState(url) as state, state.begin() as connection:
        plan_one(connection, Author(who="plan", now=OPENS - timedelta(hours=15)), intent)


@dataclass
class Floor:
    """The doubles, and the processes that trade at them."""

    home: Path
    double: AlpacaDouble
    trading: Trading
    data: MarketData
    stream: MarketStreamDouble
    updates: TradeUpdatesDouble
    database: str

    def move(self, minute: float) -> None:
        """The time, in steps that no two clocks differ by too much."""
        until = OPENS + timedelta(minutes=minute)
        while self.double.now < until:
            at = min(self.double.now + timedelta(seconds=20), until)
            self.double.now = self.trading.now = at
            tell(self.home / "now", at)
            time.sleep(0.02)

    def hear(self, minute: int, price: float) -> None:
        """A bar, one second after its end."""
        self.move(minute + 1 + 1 / 60)
        self.stream.send(bar(minute, price))

    def sent(self) -> list[str]:
        with self.double.lock:
            return [order["client_order_id"] for order in self.trading.orders.values()]

    def fill(self, count: int, price: str) -> None:
        """The child that was sent as so many, once it is there."""
        self.wait(lambda: len(self.sent()) >= count, f"{count} children")
        with self.double.lock:
            order = list(self.trading.orders.values())[count - 1]  # a part whose time was over before it was sent has left out its number
            self.trading.fill(order["client_order_id"], Decimal(order["qty"]), Decimal(price))

    def wait(self, done: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        until = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < until, f"not within {seconds} s: {what}; sent: {self.sent()}; said: {self.said()}"
            time.sleep(0.02)

    def said(self) -> str:
        return "\n".join(file.read_text() for file in sorted(self.home.glob("*.err")))

    def start(self, name: str, *arguments: str) -> "subprocess.Popen[bytes]":
        changes = ENVIRONMENT | {
            "ATS_ORDERS__BROKER": "alpaca",
            "ATS_ALPACA__TRADING_URL": self.double.url,
            "ATS_ALPACA__DATA_URL": self.double.url,
            "ATS_ALPACA__STREAM_URL": self.updates.url,
            "ATS_LIVE__STREAMS": f'{{"alpaca": {{"url": "{self.stream.url}", "feed": "iex", "max_wait_seconds": 0.2}}}}',
            "ATS_LIVE__TICK_SECONDS": "0.05",
            "ATS_LIVE__RULES": '{"limits": {"max_weight": 0.05}}',
            "DB_CONNECTION_STR": self.database,
        }
        command = [sys.executable, "-m", "ats_assets_tests.live.told_time", str(self.home / "now"), *arguments]
        with (self.home / f"{name}.err").open("wb") as said:
            return ends_with_tests(subprocess.Popen(command, cwd=ROOT, env=environment(self.home, **changes), stdout=said, stderr=said))


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    home, reference, data = make_home(tmp_path / "home"), Reference(), MarketData(realtime_sip=True)
    reference.add_asset("AAA")
    desk, database = Trading(reference), f"sqlite:///{home / 'state.sqlite'}"
    desk.prices = {"AAA": Decimal(10)}
    plan(database)
    begin = OPENS - timedelta(seconds=30)
    tell(home / "now", begin)
    with (
        AlpacaDouble([reference, desk, data], now=begin) as double,
        TradeUpdatesDouble(double, desk) as updates,
        MarketStreamDouble() as stream,
    ):
        yield Floor(home=home, double=double, trading=desk, data=data, stream=stream, updates=updates, database=database)


def test_a_session_is_followed_to_its_breach(floor: Floor) -> None:
    live = floor.start("live", "trade", "live", "--session", str(SESSION))
    watch = floor.start("watch", "orders", "watch")
    try:
        floor.stream.listened(seconds=120)
        for minute in range(5):
            floor.hear(minute, 10.0)
            if minute % 2 == 0:
                floor.fill(minute // 2 + 1, "10")
        before = floor.sent()
        floor.stream.cut_all()
        floor.wait(lambda: "the stream is lost" in floor.said(), "the loss is told")
        floor.data.add("stocks", "bars/1Min", "AAA", [bar(minute, 10.0) for minute in range(5, 7)], feed="iex")
        floor.stream.listened(2)
        floor.hear(7, 10.0)
        floor.fill(len(before) + 1, "10")
        floor.hear(8, 30.0)
        floor.wait(lambda: "A limit is broken" in floor.said(), "the breach is told")
        at_breach = floor.sent()
        for minute in range(9, 14):
            floor.hear(minute, 30.0)
        time.sleep(0.5)
        for one in (live, watch):
            one.send_signal(signal.SIGTERM)
        assert [one.wait(60) for one in (live, watch)] == [0, 0], floor.said()
    finally:
        for one in (live, watch):
            one.kill()
            one.wait()
    assert floor.sent() == at_breach
    assert len(set(at_breach)) == len(at_breach) >= 4
    requests = floor.double.requests("POST", "/v2/orders")
    assert len(requests) == len(at_breach), "each child was asked for once, by one of both processes"
    with sqlite3.connect(floor.home / "state.sqlite") as connection:
        decided = connection.execute("SELECT what FROM live_decisions ORDER BY number").fetchall()
        known = {name for (name,) in connection.execute("SELECT client_order_id FROM orders")}
    assert known == set(at_breach), "none is lost"
    assert ("breach",) in decided
    assert ("send",) not in decided[decided.index(("breach",)) :]
    assert "what was heard and decided is written down" in floor.said()
    assert not any(key in floor.said() for key in ENVIRONMENT.values())
