"""The watch with the real `TradingStream` against the double over sockets: whatever becomes of the events, each fill is recorded and told once."""

import logging
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from ats_assets.alerts import Alert, Severity
from ats_assets.brokers.alpaca.broker import AlpacaBroker
from ats_assets.errors import SettingsError, TradeStateError
from ats_assets.execution.broker import KeysRefusedError
from ats_assets.execution.context import Timeouts
from ats_assets.execution.executor import Executor
from ats_assets.execution.lease import holding_lease
from ats_assets.execution.watching import WakeSignal, WatchIntervals, _Looking, watch
from ats_assets.settings import Settings
from ats_assets.trade_state import TradeState, tables
from ats_assets.vendors.alpaca import AlpacaKeysError, TradeUpdates, read_credentials
from ats_assets.vendors.backoff import Backoff
from ats_assets_tests.alpaca_double import KEY_ID, SECRET_KEY, AlpacaDouble, Fault, Mishap, Point, Reference, Slip, Step, TradeUpdatesDouble
from ats_assets_tests.alpaca_double.trading import Trading
from ats_assets_tests.execution.exchange import TestClock, intent

SESSION = date(2024, 3, 1)
EVENING = datetime(2024, 3, 2, 0, 30, tzinfo=UTC)
OPEN = datetime(2024, 3, 4, 14, 30, tzinfo=UTC)
ENVIRONMENT = {"APCA_API_KEY_ID": KEY_ID, "APCA_API_SECRET_KEY": SECRET_KEY}
AAA, BBB = intent("AAA", "10"), intent("BBB", "20")
QUICK = Backoff(max_seconds=0.02)
FAR = 1000.0
BY_EVENTS = WatchIntervals(interval_seconds=FAR, gather_seconds=0.005, again_seconds=FAR, backoff=QUICK)
"""Nothing is seen but by an event or a connection."""
SILENCE_SECONDS = 0.5


@dataclass
class Floor:
    """The double with its stream, the orders of AAA and BBB at it, and watches."""

    double: AlpacaDouble
    trading: Trading
    stream: TradeUpdatesDouble
    database: str
    alerts: list[Alert] = field(default_factory=list)
    clock: TestClock = field(default_factory=lambda: TestClock(EVENING))

    def settings(self, **alpaca: Any) -> Settings:
        urls = {"trading_url": self.double.url, "stream_url": self.stream.url}
        return Settings(alpaca=urls | {"timeout_seconds": SILENCE_SECONDS, "max_attempts": 3} | alpaca)  # pyright: ignore[reportArgumentType]

    @contextmanager
    def executor(self, environment: dict[str, str] | None = None) -> Iterator[Executor]:
        settings, credentials = self.settings(), read_credentials(environment or ENVIRONMENT)
        backoff = Backoff(max_seconds=0, sleep=lambda _: None)
        broker = AlpacaBroker(settings, credentials, alert=self.alerts.append, now=self.clock.now, backoff=backoff)
        timeouts = Timeouts(settling_seconds=3, retry_seconds=0.1, lease_wait_seconds=0)
        with TradeState(self.database) as state:
            yield Executor(broker, state, settings.orders, alert=self.alerts.append, clock=self.clock, timeouts=timeouts)

    @contextmanager
    def watching(self, intervals: WatchIntervals = BY_EVENTS, *, environment: dict[str, str] | None = None) -> Iterator[Future[int]]:
        """A watch in a thread of its own; it gives its number of looks."""
        wake_signal = WakeSignal()
        credentials = read_credentials(environment or ENVIRONMENT)
        with (
            self.executor(environment) as executor,
            TradeUpdates(self.settings(), credentials, wake_signal.wake, backoff=QUICK) as updates,
            ThreadPoolExecutor(1) as pool,
        ):
            watched = pool.submit(
                watch, executor, wake_signal, alert=self.alerts.append, alive=updates.check, clock=self.clock, intervals=intervals
            )
            try:
                yield watched
            except AssertionError as error:
                raise error from (watched.exception() if watched.done() else None)
            finally:
                wake_signal.stop()

    def fill(self, planned: Any, quantity: str, price: str) -> None:
        with self.double.lock:
            self.trading.fill(planned.client_order_id, Decimal(quantity), Decimal(price), OPEN)

    def readings(self) -> int:
        """How often the positions were read; the last thing in each reading of the account."""
        return len(self.double.requests("GET", "/v2/positions"))

    def told(self) -> list[str]:
        return sorted(alert.title for alert in list(self.alerts) if alert.key.startswith("fill:"))

    def recorded(self) -> list[tuple[str, Decimal, Decimal]]:
        with TradeState(self.database) as state, state.begin() as connection:
            columns = (tables.fills.c.client_order_id, tables.fills.c.quantity, tables.fills.c.price)
            return sorted((row.client_order_id, row.quantity, row.price) for row in connection.execute(select(*columns)))

    def statuses(self) -> dict[str, str]:
        with TradeState(self.database) as state, state.begin() as connection:
            found = connection.execute(select(tables.orders.c.client_order_id, tables.orders.c.status))
            return {row.client_order_id: row.status for row in found}


FILLS = ((AAA, "4", "10.01"), (AAA, "6", "10.02"), (BBB, "20", "9.99"))
TOLD = ["buy 20 BBB at 9.99", "buy 4 AAA at 10.01", "buy 6 AAA at 10.02"]


def until(done: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.005)


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[Floor]:
    reference = Reference()
    for symbol in ("AAA", "BBB"):
        reference.add_asset(symbol)
    trading = Trading(reference)
    trading.prices = {symbol: Decimal(10) for symbol in reference.assets}
    with AlpacaDouble([reference, trading], now=EVENING) as double, TradeUpdatesDouble(double, trading) as stream:
        floor = Floor(double, trading, stream, f"sqlite:///{tmp_path / 'state.sqlite'}")
        with floor.executor() as executor:
            assert executor.execute(SESSION, [AAA, BBB]).stopped is None
        assert [message["data"]["event"] for message in stream.events] == ["new", "new"]
        double.now = floor.clock.at = OPEN
        yield floor


def check_all_is_well(floor: Floor) -> None:
    until(lambda: len(floor.told()) >= len(FILLS))
    assert floor.told() == TOLD
    assert floor.recorded() == sorted((planned.client_order_id, Decimal(q), Decimal(p)) for planned, q, p in FILLS)
    assert [alert.title for alert in floor.alerts if alert.severity is not Severity.INFO] == []


WHILE_CONNECTING = [
    *((Point.HANDSHAKE, mishap) for mishap in (Mishap.CUT, Mishap.REFUSE, Mishap.REDIRECT)),
    *((Point.CONNECTED, mishap) for mishap in (Mishap.CUT, Mishap.CLOSE, Mishap.MUTE, Mishap.NOT_JSON, Mishap.NO_MESSAGE)),
    *(
        (Point.AUTHENTICATE, mishap)
        for mishap in (Mishap.CUT, Mishap.CLOSE, Mishap.MUTE, Mishap.NOT_JSON, Mishap.NO_MESSAGE, Mishap.HALF, Mishap.DROP, Mishap.TWICE)
    ),
    *((Point.AUTHORIZED, mishap) for mishap in (Mishap.CUT, Mishap.CLOSE, Mishap.MUTE)),
    *(
        (Point.LISTEN, mishap)
        for mishap in (Mishap.CUT, Mishap.CLOSE, Mishap.MUTE, Mishap.NOT_JSON, Mishap.HALF, Mishap.DROP, Mishap.TWICE)
    ),
    *((Point.LISTENING, mishap) for mishap in (Mishap.CUT, Mishap.CLOSE, Mishap.MUTE)),
]
OF_EVENTS = [
    *((Point.EVENT, mishap, n) for mishap in (Mishap.DROP, Mishap.LATE) for n in (1, 2)),  # an event follows; the last one is below
    *((Point.EVENT, mishap, n) for mishap in (Mishap.TWICE, Mishap.CUT, Mishap.HALF, Mishap.CLOSE) for n in (1, 2, 3)),
    *((Point.EVENT, mishap, n) for mishap in (Mishap.NOT_JSON, Mishap.NO_MESSAGE) for n in (1, 3)),
    *((Point.SENT, Mishap.CUT, n) for n in (1, 2, 3)),
    (Point.EVENT, Mishap.MUTE, 1),
    (Point.SENT, Mishap.MUTE, 1),
]


class TestFills:
    @pytest.mark.parametrize(("point", "mishap"), WHILE_CONNECTING)
    def test_while_connecting(self, floor: Floor, point: Point, mishap: Mishap) -> None:
        floor.stream.slips = (Slip(point=point, mishap=mishap, times=None),)
        before = floor.readings()
        with floor.watching():
            floor.stream.reached(point, 1 if mishap is Mishap.TWICE else 2)
            until(lambda: floor.readings() >= before + 2)  # the look at the start is over, and can't have seen what follows
            for fill in FILLS:
                floor.fill(*fill)
            floor.stream.slips = ()
            check_all_is_well(floor)
            floor.stream.reached(Point.LISTENING)
            listening = next(one for one in floor.stream.messages if one["action"] == "listen")
            assert listening == {"action": "listen", "data": {"streams": ["trade_updates"]}}

    @pytest.mark.parametrize(("point", "mishap", "n"), OF_EVENTS)
    def test_while_events_come(self, floor: Floor, point: Point, mishap: Mishap, n: int) -> None:
        floor.stream.slips = (Slip(point=point, mishap=mishap, first=n),)
        with floor.watching():
            floor.stream.reached(Point.LISTENING)
            for fill in FILLS:
                floor.fill(*fill)
                time.sleep(0.01)
            check_all_is_well(floor)

    def test_an_event_is_reason_enough(self, floor: Floor) -> None:
        with floor.watching():
            floor.stream.reached(Point.LISTENING)
            for i, fill in enumerate(FILLS):
                floor.fill(*fill)
                until(lambda n=i + 1: len(floor.told()) == n)
            check_all_is_well(floor)
        assert [message["data"]["event"] for message in floor.stream.events[2:]] == ["partial_fill", "fill", "fill"]
        assert floor.stream.passed[Point.HANDSHAKE] == 1

    def test_without_any_event_the_interval_finds_them(self, floor: Floor) -> None:
        floor.stream.slips = (Slip(point=Point.EVENT, mishap=Mishap.DROP, times=None),)
        with floor.watching(WatchIntervals(interval_seconds=0.05, gather_seconds=0.005, again_seconds=0.05, backoff=QUICK)):
            floor.stream.reached(Point.LISTENING)
            for fill in FILLS:
                floor.fill(*fill)
            check_all_is_well(floor)
        assert floor.stream.passed[Point.SENT] == 3  # as far as the server can tell

    def test_nobody_there_but_the_books(self, floor: Floor) -> None:
        floor.stream.slips = (Slip(point=Point.HANDSHAKE, mishap=Mishap.REFUSE, times=None),)
        with floor.watching(WatchIntervals(interval_seconds=0.05, gather_seconds=0.005, backoff=QUICK)):
            floor.stream.reached(Point.HANDSHAKE, 3)
            for fill in FILLS:
                floor.fill(*fill)
            check_all_is_well(floor)

    def test_an_event_before_the_books_show_it(self, floor: Floor) -> None:
        with floor.watching(WatchIntervals(interval_seconds=FAR, gather_seconds=0.005, again_seconds=5.0, backoff=QUICK)):
            floor.stream.reached(Point.LISTENING)  # it looks as it listens, and once more some seconds later
            listener = floor.trading.listeners.pop()
            for fill in FILLS:
                floor.fill(*fill)
            floor.trading.listeners.append(listener)
            check_all_is_well(floor)

    def test_a_burst_is_one_reason_to_look(self, floor: Floor) -> None:
        intervals = WatchIntervals(interval_seconds=FAR, gather_seconds=0.5, again_seconds=FAR, backoff=QUICK)
        with floor.watching(intervals) as watched:
            floor.stream.reached(Point.LISTENING)
            for _ in range(10):
                floor.fill(BBB, "2", "9.99")
            until(lambda: len(floor.told()) == 10)
        assert watched.result() <= 3

    def test_two_watches(self, floor: Floor) -> None:
        with ExitStack() as both:
            for _ in range(2):
                both.enter_context(floor.watching())
            floor.stream.reached(Point.LISTENING, 2)
            for fill in FILLS:
                floor.fill(*fill)
            until(lambda: len(floor.told()) >= 3)
        assert floor.told() == TOLD
        assert len(floor.recorded()) == 3


class TestOtherEvents:
    @pytest.mark.parametrize("status", ["canceled", "expired", "rejected"])
    def test_the_end_of_an_order(self, floor: Floor, status: str) -> None:
        with floor.watching():
            floor.stream.reached(Point.LISTENING)
            with floor.double.lock:
                if status == "canceled":
                    floor.trading._end(floor.trading._named(AAA.client_order_id), "canceled", "canceled_at", OPEN)
                elif status == "expired":
                    floor.trading.auction({"BBB": Decimal(10)}, OPEN)
                else:
                    floor.trading.reject(AAA.client_order_id, OPEN)
            until(lambda: floor.statuses()[AAA.client_order_id] == status)
        assert status in [message["data"]["event"] for message in floor.stream.events]

    def test_an_order_that_somebody_replaced_stops_trading(self, floor: Floor) -> None:
        with floor.watching():
            floor.stream.reached(Point.LISTENING)
            with floor.double.lock:
                stranger = floor.trading.replace(AAA.client_order_id, Decimal(11), OPEN)
            until(lambda: any(alert.severity is Severity.CRITICAL for alert in list(floor.alerts)))
        halts = [alert for alert in floor.alerts if alert.severity is Severity.CRITICAL]
        assert len(halts) == 1
        assert f"open order {stranger} to buy 11, which is not ours" in halts[0].text
        with floor.executor() as executor:
            assert executor.halted() is not None


class TestTroubles:
    def test_books_that_cannot_be_read(self, floor: Floor) -> None:
        floor.double.plan.steps = (Step(fault=Fault.ERROR_BEFORE, method="GET", path="/v2/account", times=None),)
        with floor.watching():
            until(lambda: any(alert.key == "watch:failing" for alert in list(floor.alerts)))
            for fill in FILLS:
                floor.fill(*fill)
            floor.double.plan.steps = ()
            until(lambda: len(floor.told()) == 3)
        assert [(alert.severity, alert.title) for alert in floor.alerts if alert.key.startswith("watch:")] == [
            (Severity.WARNING, "The account can't be reconciled")
        ]

    def test_another_executor_at_work_is_waited_for(self, floor: Floor) -> None:
        with TradeState(floor.database) as state:
            with holding_lease(state, floor.clock, seconds=120, wait_seconds=0), ExitStack() as stack:
                stack.enter_context(floor.watching())
                until(lambda: any(alert.key == "watch:failing" for alert in list(floor.alerts)))
                assert "another executor holds" in floor.alerts[-1].text
                later = stack.pop_all()
            with later:
                for fill in FILLS:
                    floor.fill(*fill)
                until(lambda: floor.told() == TOLD)

    def test_a_stop_waits_for_the_look(self, floor: Floor) -> None:
        wake_signal, looks = WakeSignal(), threading.Event()
        floor.double.plan.steps = (Step(fault=Fault.DELAY, method="GET", path="/v2/account", seconds=0.2),)
        with floor.executor() as executor, ThreadPoolExecutor(1) as pool:
            watched = pool.submit(
                watch, executor, wake_signal, alert=floor.alerts.append, clock=floor.clock, alive=looks.set, intervals=BY_EVENTS
            )
            looks.wait(10)
            wake_signal.stop()
            assert watched.result(timeout=30) <= 1
            assert executor.reconcile() == []  # the lease is free

    def test_live_needs_both_settings(self, floor: Floor) -> None:
        with pytest.raises(SettingsError, match=r"orders\.live is not true"):
            TradeUpdates(floor.settings(account="live"), read_credentials(ENVIRONMENT), lambda _: None)


WRONG_SECRET = "wRoNgSeCrEtWrOnGsEcReT0000000000000000000"


class TestKeys:
    def test_wrong_ones_end_the_watch(self, floor: Floor) -> None:
        wrong = ENVIRONMENT | {"APCA_API_SECRET_KEY": WRONG_SECRET}
        with floor.watching(environment=wrong) as watched, pytest.raises((AlpacaKeysError, KeysRefusedError), match="wrong, expired"):
            watched.result(timeout=30)
        assert [(alert.severity, alert.title) for alert in floor.alerts] == [(Severity.WARNING, "Orders are no longer watched")]

    @pytest.mark.parametrize("point", [Point.AUTHENTICATE, Point.LISTEN])
    def test_refused_by_the_stream_alone(self, floor: Floor, point: Point) -> None:
        floor.stream.slips = (Slip(point=point, mishap=Mishap.REFUSE),)
        with (
            floor.watching() as watched,
            pytest.raises(AlpacaKeysError, match="APCA_API_KEY_ID and APCA_API_SECRET_KEY are wrong, expired"),
        ):
            watched.result(timeout=30)
        assert floor.stream.passed[Point.HANDSHAKE] == 1  # never tried again

    def test_refused_by_the_books_alone(self, floor: Floor) -> None:
        with floor.watching(WatchIntervals(interval_seconds=0.05, backoff=QUICK)) as watched:
            floor.stream.reached(Point.LISTENING)
            floor.double.keys = {}
            with pytest.raises(KeysRefusedError, match="wrong, expired"):
                watched.result(timeout=30)

    @pytest.mark.parametrize("secret", [SECRET_KEY, WRONG_SECRET])
    def test_they_are_in_no_output(
        self, floor: Floor, secret: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
    ) -> None:
        floor.stream.slips = tuple(Slip(point=point, mishap=Mishap.CLOSE) for point in Point)
        with caplog.at_level(logging.DEBUG), floor.watching(environment=ENVIRONMENT | {"APCA_API_SECRET_KEY": secret}) as watched:
            if secret == SECRET_KEY:
                floor.stream.reached(Point.LISTENING, 2)
                for fill in FILLS:
                    floor.fill(*fill)
                until(lambda: floor.told() == TOLD)
            else:
                until(watched.done)
                assert isinstance(watched.exception(), KeysRefusedError)
        told = f"{caplog.text} {capfd.readouterr()} {floor.alerts} {watched.exception()!r}"
        shown = [message["data"] for message in floor.stream.messages[:1]]
        if shown or secret == SECRET_KEY:  # wrong keys may be refused at the books before the stream is reached
            assert shown == [{"key_id": KEY_ID, "secret_key": secret}]
        if secret == SECRET_KEY:
            assert caplog.text.count("trade stream is lost") >= 3
        for n in range(len(secret) - 12):
            assert secret[n : n + 12] not in told
        assert KEY_ID not in told

    def test_they_are_not_sent_where_a_redirection_leads(self, floor: Floor) -> None:
        floor.stream.slips = (Slip(point=Point.HANDSHAKE, mishap=Mishap.REDIRECT),)
        with floor.watching():
            floor.stream.reached(Point.CONNECTED)
            floor.stream.reached(Point.LISTENING)
        assert (floor.stream.passed[Point.CONNECTED], floor.stream.passed[Point.AUTHENTICATE]) == (2, 1)


def test_leaving_together_with_a_message(floor: Floor) -> None:
    """The loop is held where it has read an event and a second one lies there, until whoever leaves has asked it to end."""
    filled, leaving, held = threading.Event(), threading.Event(), threading.Event()

    def heard(event: str | None) -> None:
        if event == "listening":
            filled.wait(20)
        elif event in ("fill", "partial_fill") and not held.is_set():
            held.set()
            leaving.wait(20)
            time.sleep(0.2)

    with TradeUpdates(floor.settings(), read_credentials(ENVIRONMENT), heard, backoff=QUICK):
        floor.stream.reached(Point.LISTENING)
        for fill in FILLS:
            floor.fill(*fill)
        time.sleep(0.1)
        filled.set()
        assert held.wait(20)
        leaving.set()
    assert held.is_set()


class TestWakeSignal:
    def test_many_calls_are_one(self) -> None:
        wake_signal = WakeSignal()
        assert not wake_signal.wait(0)
        for _ in range(5):
            wake_signal.wake("fill")
        assert wake_signal.wait(10)
        assert not wake_signal.wait(0)

    def test_sleep_ends_at_stop_alone(self) -> None:
        wake_signal = WakeSignal()
        wake_signal.wake()
        wake_signal.sleep(0.02)
        assert not wake_signal.wait(0)
        threading.Timer(0.02, wake_signal.stop).start()
        wake_signal.sleep(1000)
        assert wake_signal.stopped


def test_that_requests_can_not_be_looked_for_is_said_once_and_not_each_second(caplog: pytest.LogCaptureFixture) -> None:
    told = iter([TradeStateError("refused")] * 4 + [None, TradeStateError("refused"), TradeStateError("gone")])

    def requests() -> int:
        error = next(told, None)
        if error is not None:
            raise error
        return 0

    looking = _Looking(None, requests)  # pyright: ignore[reportArgumentType] - it is not asked
    assert not looking.wait(WakeSignal(), 0.2, 0.01)
    said = [record.getMessage().rpartition(": ")[2] for record in caplog.records if "what people ask for" in record.getMessage()]
    assert said == ["refused", "refused", "gone"]
