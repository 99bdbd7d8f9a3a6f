"""Alpaca's stream of market data against a server of ours: what is understood, and what happens to connections that fail. alpaca-py's models are the oracle of the wire format."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from alpaca.data.models import Bar, Quote, Trade, TradingStatus

from ats_assets.deployment import Deployment
from ats_assets.live.alpaca_messages import event_of
from ats_assets.live.stream import EventKind, StreamEvent, StreamOpening
from ats_assets.live.streams.alpaca import AlpacaStream, AlpacaStreamSettings
from ats_assets.settings import LiveSettings
from ats_assets.vendors.alpaca.errors import AlpacaKeysError
from ats_assets.vendors.backoff import Backoff
from ats_assets_tests.alpaca_double import AlpacaDouble, MarketData
from ats_assets_tests.alpaca_double.market_stream import MarketStreamDouble, Odd
from ats_assets_tests.vendors.alpaca.connections import ENVIRONMENT, connected

SESSION = date(2024, 3, 4)
NOW = datetime(2024, 3, 4, 14, 40, 5, tzinfo=UTC)
KINDS = frozenset({EventKind.BAR, EventKind.QUOTE, EventKind.TRADE, EventKind.STATUS})


def bar(minute: int, close: float = 10.0, symbol: str = "AAA", kind: str = "b") -> dict[str, Any]:
    at = datetime(2024, 3, 4, 14, minute, tzinfo=UTC)
    return {"T": kind, "S": symbol, "o": 10, "h": 12.5, "l": 9.5, "c": close, "v": 300, "t": f"{at:%Y-%m-%dT%H:%M:%SZ}", "n": 7, "vw": 10.2}


class _Fixed:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.at = NOW

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class _Listener:
    """What a stream has told so far, read in a thread."""

    heard: list[StreamEvent] = field(default_factory=list)
    error: BaseException | None = None
    stopped: bool = False
    changed: threading.Condition = field(default_factory=threading.Condition)

    def read(self, stream: AlpacaStream) -> None:
        try:
            with stream.events() as events:
                for event in events:
                    with self.changed:
                        self.heard += [event] if event is not None else []
                        self.changed.notify_all()
        except BaseException as error:  # noqa: BLE001 - told to the test
            with self.changed:
                self.error = error
                self.changed.notify_all()

    def wait(self, count: int, kind: EventKind | None = None) -> list[StreamEvent]:
        def found() -> list[StreamEvent]:
            return [one for one in self.heard if kind is None or one.kind is kind]

        with self.changed:
            assert self.changed.wait_for(lambda: len(found()) >= count or self.error, 20), self.heard
            assert not self.error, repr(self.error)
        return found()


@contextmanager
def listening(
    stream: MarketStreamDouble,
    double: AlpacaDouble,
    monkeypatch: pytest.MonkeyPatch,
    *,
    symbols: tuple[str, ...] = ("AAA", "BBB"),
    **how: Any,
) -> Iterator[tuple[_Listener, _Fixed]]:
    for name, value in (how.pop("keys", ENVIRONMENT)).items():
        monkeypatch.setenv(name, value)
    clock, listener = _Fixed(), _Listener()
    settings = connected(double.url, alpaca=how.pop("alpaca", None)).model_copy(update={"live": LiveSettings(tick_seconds=0.05)})
    opening = StreamOpening(
        deployment=Deployment(settings),
        session=SESSION,
        symbols=symbols,
        kinds=KINDS,
        since=how.pop("since", None),
        clock=clock,
        stopped=lambda: listener.stopped,
        each_trade_of=frozenset(how.pop("each_trade_of", ())),
    )
    own = AlpacaStreamSettings(url=stream.url, silence_seconds=how.pop("silence", 5.0))
    made = AlpacaStream(own, opening, backoff=Backoff(max_seconds=0.05))
    thread = threading.Thread(target=listener.read, args=(made,))
    thread.start()
    try:
        yield listener, clock
    finally:
        listener.stopped = True
        thread.join(timeout=20)


@pytest.fixture
def desk() -> MarketData:
    return MarketData(realtime_sip=True)


@pytest.fixture
def double(desk: MarketData) -> Iterator[AlpacaDouble]:
    with AlpacaDouble([desk], now=NOW) as found:
        yield found


def test_messages_are_understood_as_by_alpacas_own_models() -> None:
    quote = {
        "T": "q",
        "S": "AAA",
        "bx": "V",
        "bp": 10.01,
        "bs": 3,
        "ax": "Q",
        "ap": 10.03,
        "as": 1,
        "c": ["R"],
        "z": "C",
        "t": "2024-03-04T14:30:01.123456789Z",
    }
    trade = {"T": "t", "S": "AAA", "i": 96921, "x": "D", "p": 126.55, "s": 1, "t": "2024-03-04T14:30:01.208Z", "c": ["@", "I"], "z": "C"}
    status = {"T": "s", "S": "AAA", "sc": "H", "sm": "Trading Halt", "rc": "T12", "rm": "x", "t": "2024-03-04T14:30:01.208Z", "z": "C"}
    theirs = Bar("AAA", bar(30))
    ours = event_of(bar(30), NOW)
    assert ours is not None
    assert (ours.symbol, ours.fields["starts_at"]) == (theirs.symbol, theirs.timestamp)
    assert [ours.fields[name] for name in ("open", "high", "low", "close", "volume")] == [
        theirs.open,
        theirs.high,
        theirs.low,
        theirs.close,
        theirs.volume,
    ]
    told, made = Quote("AAA", quote), event_of(quote, NOW)
    assert made is not None
    assert [made.fields[name] for name in ("bid", "ask", "bid_size", "ask_size")] == [
        told.bid_price,
        told.ask_price,
        told.bid_size,
        told.ask_size,
    ]
    assert made.fields["at"] == told.timestamp
    sold, one = Trade("AAA", trade), event_of(trade, NOW)
    assert one is not None
    found = [one.fields[name] for name in ("price", "size", "trade_id", "at", "exchange", "conditions", "tape")]
    assert found == [sold.price, sold.size, str(sold.id), sold.timestamp, sold.exchange, sold.conditions, sold.tape]
    finer = event_of(trade | {"t": "2024-03-04T14:30:01.20800012Z"}, NOW)
    assert finer is not None
    assert (finer.fields["at"], finer.fields["nanoseconds"]) == (sold.timestamp, 120)
    halted = event_of(status, NOW)
    assert halted is not None
    assert (halted.fields["halted"], halted.fields["code"]) == (True, TradingStatus("AAA", status).status_code)
    assert event_of(status | {"sc": "T"}, NOW).fields["halted"] is False  # pyright: ignore[reportOptionalMemberAccess]
    assert event_of(status | {"sc": "5"}, NOW) is None
    assert event_of(bar(30, kind="u"), NOW).fields["revised"] is True  # pyright: ignore[reportOptionalMemberAccess]


def test_what_was_missed_is_asked_for_before_the_stream_counts_as_there(
    desk: MarketData, double: AlpacaDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.add("stocks", "bars/1Min", "AAA", [bar(minute) for minute in range(30, 40)], feed="iex")
    with MarketStreamDouble() as stream, listening(stream, double, monkeypatch) as (listener, clock):
        listener.wait(1, EventKind.RESUMED)
        assert [one.fields["starts_at"].minute for one in listener.heard[:-1]] == list(range(30, 40)), listener.heard
        assert all(one.fields["repaired"] for one in listener.heard[:-1])
        stream.listened()
        clock.at = NOW + timedelta(minutes=1)
        stream.send(bar(40))
        listener.wait(11, EventKind.BAR)
        desk.add("stocks", "bars/1Min", "AAA", [bar(minute) for minute in (41, 42)], feed="iex")
        clock.at = double.now = NOW + timedelta(minutes=3)
        stream.cut_all()
        assert "connection is lost" in listener.wait(1, EventKind.LOST)[0].fields["reason"]
        assert listener.wait(2, EventKind.RESUMED)[1].fields == {}
        repaired = [one for one in listener.wait(13, EventKind.BAR) if one.fields.get("repaired")]
        assert [one.fields["starts_at"].minute for one in repaired[-2:]] == [41, 42]
    assert stream.asked[1]["bars"] == ["AAA", "BBB"]
    assert {"quotes", "trades", "statuses", "updatedBars"} <= stream.asked[1].keys()


def test_a_minute_that_a_symbol_lacks_between_two_bars_is_asked_for(
    desk: MarketData, double: AlpacaDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MarketStreamDouble() as stream, listening(stream, double, monkeypatch, symbols=("AAA",)) as (listener, clock):
        listener.wait(1, EventKind.RESUMED)
        stream.listened()
        clock.at = double.now = NOW + timedelta(minutes=5)
        desk.add("stocks", "bars/1Min", "AAA", [bar(42), bar(43)], feed="iex")
        stream.send(bar(41), bar(44))
        found = listener.wait(4, EventKind.BAR)
    assert [(one.fields["starts_at"].minute, bool(one.fields.get("repaired"))) for one in found] == [
        (41, False),
        (44, False),
        (42, True),
        (43, True),
    ]


def test_a_gap_that_can_not_be_repaired_is_named(double: AlpacaDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "ats_assets.live.streams.alpaca.AlpacaStream._repair", lambda *_: "minute bars from 14:30 to 14:39 are missing: down"
    )
    with MarketStreamDouble() as stream, listening(stream, double, monkeypatch) as (listener, _):
        assert "14:30 to 14:39 are missing" in listener.wait(1, EventKind.RESUMED)[0].fields["gap"]


@pytest.mark.parametrize("odd", [Odd.REFUSED, Odd.BUSY, Odd.NOT_JSON, Odd.FEWER])
def test_a_connection_that_fails_is_made_again(odd: Odd, double: AlpacaDouble, monkeypatch: pytest.MonkeyPatch) -> None:
    with MarketStreamDouble(odd, odd) as stream, listening(stream, double, monkeypatch) as (listener, clock):
        listener.wait(2, EventKind.LOST)
        stream.listened()
        clock.at = NOW + timedelta(minutes=1)
        with listener.changed:  # a connection that fails late has resumed before: the last one counts
            assert listener.changed.wait_for(lambda: listener.heard[-1].kind is EventKind.RESUMED or listener.error, 20), listener.heard
        stream.send(bar(40))
        assert listener.wait(1, EventKind.BAR)
    assert stream.connections >= 3


@pytest.mark.parametrize(
    ("odd", "keys", "said"),
    [(None, {**ENVIRONMENT, "APCA_API_SECRET_KEY": "wrong"}, "refuses the keys"), (Odd.NO_PLAN, ENVIRONMENT, "refuses what is asked for")],
)
def test_what_no_repetition_mends_ends_it_with_a_message(
    odd: Odd | None, keys: dict[str, str], said: str, double: AlpacaDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MarketStreamDouble(odd) as stream, listening(stream, double, monkeypatch, keys=keys) as (listener, _), listener.changed:
        listener.changed.wait_for(lambda: listener.error, 20)
    assert isinstance(listener.error, AlpacaKeysError)
    assert said in str(listener.error)
    assert ENVIRONMENT["APCA_API_SECRET_KEY"] not in str(listener.error)
    assert stream.connections == 1


def test_what_has_waited_is_known_when_it_is_taken(double: AlpacaDouble) -> None:
    """The loop has done something meanwhile, and nothing is heard before what it has done."""
    clock = _Fixed()
    opening = StreamOpening(
        deployment=Deployment(connected(double.url)),
        session=SESSION,
        symbols=("AAA",),
        kinds=KINDS,
        since=None,
        clock=clock,
        stopped=lambda: False,
    )
    stream = AlpacaStream(AlpacaStreamSettings(), opening)
    stream._tell(EventKind.LOST)
    clock.at += timedelta(seconds=3)
    event = next(stream._taken())
    assert event is not None
    assert event.known_at == NOW + timedelta(seconds=3)


def test_trades_that_were_missed_are_asked_for_where_each_one_counts(
    desk: MarketData, double: AlpacaDouble, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In order of time, with their ids."""

    def trade(second: int) -> dict[str, Any]:
        return {
            "t": f"2024-03-04T14:39:{second:02d}.123456789Z",
            "x": "V",
            "p": 10.0,
            "s": 100,
            "c": ["@"],
            "i": 5 * 10**13 + second,
            "z": "C",
        }

    desk.add("stocks", "trades", "AAA", [trade(second) for second in (50, 51, 52)], feed="iex")
    with MarketStreamDouble() as stream, listening(stream, double, monkeypatch, each_trade_of=("AAA",)) as (listener, _):
        assert listener.wait(1, EventKind.RESUMED)[0].fields == {}
        found = [one.fields for one in listener.heard if one.kind is EventKind.TRADE]
        assert [(one["trade_id"], one["nanoseconds"], one["repaired"]) for one in found] == [
            (str(5 * 10**13 + s), 789, True) for s in (50, 51, 52)
        ]
