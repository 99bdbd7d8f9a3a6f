"""Alpaca over what all vendors share: the audit log of data and orders, budgets that orders do not wait for, keys that are exchanged."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from queue import Queue

import pytest
from alpaca.data.requests import StockLatestTradeRequest
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import MarketOrderRequest

from ats_assets.settings import AlpacaSettings, Settings, load_settings
from ats_assets.vendors.alpaca import (
    AlpacaAnswerLostError,
    AlpacaKeysError,
    AlpacaUnreachableError,
    TradeUpdates,
    read_credentials,
    stock_client,
    trading_client,
)
from ats_assets.vendors.backoff import Backoff
from ats_assets.vendors.call_log import LoggedCall
from ats_assets.vendors.errors import VendorAnswerLostError, VendorKeysError
from ats_assets.vendors.open_vendor import open_state
from ats_assets_tests.alpaca_double import (
    KEY_ID,
    SECRET_KEY,
    AlpacaDouble,
    Fault,
    Plan,
    Reference,
    Request,
    Response,
    Route,
    Step,
    TradeUpdatesDouble,
    serving,
)
from ats_assets_tests.alpaca_double.trading import Trading
from ats_assets_tests.vendors.alpaca.connections import ENVIRONMENT, Waits, mentions_of_keys

NEXT_ID, NEXT_SECRET = "PKNEXTDOUBLE0000TEST", "nExTsEcReTdOuBlEsEcReTdOuBlE000000000000"
ORDER = MarketOrderRequest(symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.OPG)
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


class Desk:
    """Takes orders, and repeats in a good answer what it was sent."""

    name = "counter"

    def routes(self) -> list[Route]:
        return [
            Route(method="POST", pattern="/v2/orders", handle=self._repeated),
            Route(method="GET", pattern="/v2/stocks/trades/latest", handle=lambda request: Response(body={"trades": {}})),
        ]

    def control(self, what: str, body: object) -> object:
        raise KeyError(what)

    def _repeated(self, request: Request) -> Response:
        body = {"id": "904837e3-3b76-47ec-b432-046db621571b", "echo": f"{request.key_id} {SECRET_KEY}"}
        return Response(body=body, headers={"X-Request-Id": f"r-{request.key_id}"})


@pytest.fixture
def double() -> Iterator[AlpacaDouble]:
    reference = Reference()
    reference.add_asset("AAPL")
    with serving(reference, Desk(), now=datetime(2024, 3, 12, 21, 0, tzinfo=UTC)) as served:
        yield served


@pytest.fixture
def connected(double: AlpacaDouble, tmp_path: Path) -> Settings:
    alpaca = AlpacaSettings(data_url=double.url, trading_url=double.url, timeout_seconds=5, max_attempts=2)
    return load_settings(alpaca=alpaca, vendors={"state": tmp_path / "vendors.sqlite"})


def trading(settings: Settings, environment: dict[str, str] | None = None) -> TradingClient:
    client = trading_client(settings, read_credentials(environment or ENVIRONMENT), backoff=Waits().backoff())
    client._use_raw_data = True  # the desk's answers are no whole orders
    return client


def logged(settings: Settings) -> list[LoggedCall]:
    return open_state(settings).calls(LONG_AGO)


def test_each_request_for_data_and_each_order_is_in_the_audit_log_without_a_key(double: AlpacaDouble, connected: Settings, tmp_path: Path):
    client = trading(connected)
    double.plan = Plan(steps=(Step(fault=Fault.CUT_AFTER, method="POST", times=1),))
    with pytest.raises(AlpacaAnswerLostError) as caught:
        client.submit_order(ORDER)
    assert isinstance(caught.value, VendorAnswerLostError)
    assert KEY_ID not in str(client.submit_order(ORDER))
    double.plan = Plan(steps=(Step(fault=Fault.RATE_LIMIT, method="GET", times=1),))
    data = stock_client(connected, read_credentials(ENVIRONMENT), backoff=Waits().backoff())
    data.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols="AAPL"))
    found = [(one.method, one.path, one.outcome, one.status, one.attempt) for one in logged(connected)]
    assert found == [
        ("POST", "/v2/orders", "lost", None, 1),
        ("POST", "/v2/orders", "answered", 200, 1),
        ("GET", "/v2/stocks/trades/latest?symbols=AAPL", "rate limit", 429, 1),
        ("GET", "/v2/stocks/trades/latest?symbols=AAPL", "answered", 200, 2),
    ]
    assert [(entry.method, entry.status) for entry in double.journal] == [("POST", None), ("POST", 200), ("GET", 429), ("GET", 200)]
    assert logged(connected)[1].request_id == "r-***"
    open_state(connected).close()
    assert mentions_of_keys(tmp_path) == []


def test_an_order_does_not_wait_for_the_budget_nor_for_a_breaker(double: AlpacaDouble, connected: Settings):
    limited = {"requests_per_minute": 1, "breaker_failures": 1}
    settings = connected.model_copy(
        update={"vendors": connected.vendors.model_copy(update={"own": load_settings(vendors={"alpaca": limited}).vendors.own})}
    )
    client = trading(settings)
    for _ in range(5):
        client.submit_order(ORDER)
    assert len(double.requests("POST")) == 5
    assert open_state(settings).budget_use()[0].units == 5
    double.plan = Plan(steps=(Step(fault=Fault.ERROR_BEFORE, times=None),))
    for _ in range(3):
        with pytest.raises(AlpacaAnswerLostError):
            client.submit_order(ORDER)
    assert len(double.requests("POST")) == 8


def test_data_are_not_asked_for_while_alpaca_fails_again_and_again(double: AlpacaDouble, connected: Settings):
    data = stock_client(connected, read_credentials(ENVIRONMENT), backoff=Waits().backoff())
    double.plan = Plan(steps=(Step(fault=Fault.ERROR_BEFORE, times=None),))
    for _ in range(3):
        with pytest.raises(AlpacaAnswerLostError):
            data.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols="AAPL"))
    with pytest.raises(AlpacaUnreachableError, match=r"failed 3 times in a row.*vendors\.alpaca\.breaker_seconds"):
        data.get_stock_latest_trade(StockLatestTradeRequest(symbol_or_symbols="AAPL"))
    assert len(double.journal) == 6


def test_keys_are_exchanged_while_the_process_runs_and_an_order_is_sent_once(double: AlpacaDouble, connected: Settings):
    """Keys were read once, when a client was made."""
    environment = dict(ENVIRONMENT)
    client = trading(connected, environment)
    client.get_clock()
    environment |= {"APCA_API_KEY_ID_NEXT": NEXT_ID}  # half of a key is none
    client.get_clock()
    environment |= {"APCA_API_SECRET_KEY_NEXT": NEXT_SECRET}  # Alpaca does not know it yet
    with pytest.raises(AlpacaKeysError) as caught:
        client.submit_order(ORDER)
    assert isinstance(caught.value, VendorKeysError)
    client.submit_order(ORDER)
    assert [entry.key_id for entry in double.journal] == [KEY_ID, KEY_ID, NEXT_ID, KEY_ID]
    assert len(double.requests("POST")) == 2
    double.keys[NEXT_ID] = NEXT_SECRET
    fresh = {
        "APCA_API_KEY_ID": KEY_ID,
        "APCA_API_SECRET_KEY": SECRET_KEY,
        "APCA_API_KEY_ID_NEXT": NEXT_ID,
        "APCA_API_SECRET_KEY_NEXT": NEXT_SECRET,
    }
    vendors = connected.vendors.model_copy(update={"state": connected.vendors.state.with_name("minutes later.sqlite")})
    later = connected.model_copy(update={"vendors": vendors})
    client = trading(later, fresh)
    client.get_clock()
    del double.keys[NEXT_ID]  # taken back: the old one still works
    client.get_clock()
    assert [entry.key_id for entry in double.journal[4:]] == [NEXT_ID, NEXT_ID, KEY_ID]
    assert [one.outcome for one in logged(later)] == ["answered", "keys refused", "answered"]
    assert len({one.key for one in logged(later)}) == 2


def test_the_stream_of_order_events_is_in_the_audit_log_and_takes_the_other_key(double: AlpacaDouble, connected: Settings):
    """A refused key ended the stream, though there was another one."""
    environment = ENVIRONMENT | {"APCA_API_KEY_ID_NEXT": NEXT_ID, "APCA_API_SECRET_KEY_NEXT": NEXT_SECRET}
    trading = Trading(double.desks["reference"])  # pyright: ignore[reportArgumentType]
    with TradeUpdatesDouble(double, trading) as stream:
        alpaca = connected.alpaca.model_copy(update={"stream_url": stream.url})
        settings = connected.model_copy(update={"alpaca": alpaca})
        heard: Queue[str | None] = Queue()
        with TradeUpdates(settings, read_credentials(environment), heard.put, backoff=Backoff(max_seconds=0.01)):
            assert heard.get(timeout=20) == "listening"
            assert [(one.method, one.outcome) for one in logged(settings)] == [("WS", "keys refused"), ("WS", "sent")]
        assert [(one.path, one.outcome) for one in logged(settings)][1:] == [("/stream", "ended")]
    assert len({one.key for one in logged(settings)}) == 2
