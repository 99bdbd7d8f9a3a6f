import logging
import pickle
import socket
import threading
import traceback
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from alpaca.trading.client import TradingClient
from alpaca.trading.enums import OrderSide, TimeInForce
from alpaca.trading.requests import MarketOrderRequest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import SettingsError
from ats_assets.vendors.alpaca import (
    AlpacaAnswerLostError,
    AlpacaError,
    AlpacaKeysError,
    AlpacaRateLimitError,
    AlpacaRefusedError,
    AlpacaUnreachableError,
    read_credentials,
    trading_client,
)
from ats_assets.vendors.alpaca.paging import PageWatch
from ats_assets.vendors.backoff import Backoff
from ats_assets_tests.alpaca_double import KEY_ID, SECRET_KEY, AlpacaDouble, Fault, Plan, Reference, Request, Response, Route, Step, serving
from ats_assets_tests.rounds import rounds
from ats_assets_tests.vendors.alpaca.connections import ENVIRONMENT, Waits, connected, keys

NOW = datetime(2024, 3, 12, 21, 0, tzinfo=UTC)


class Counter:
    """A desk that counts orders, and echoes what it was sent where it is asked to."""

    name = "counter"

    def __init__(self) -> None:
        self.orders = 0

    def routes(self) -> list[Route]:
        return [
            Route(method="POST", pattern="/v2/orders", handle=self._order),
            Route(method="DELETE", pattern="/v2/orders/(?P<id>.*)", handle=lambda _: Response(status=204)),
            Route(method="GET", pattern="/v2/account", handle=self._echo),
        ]

    def control(self, what: str, body: object) -> object:
        raise KeyError(what)

    def _order(self, request: Request) -> Response:
        self.orders += 1
        return Response(body={"id": "904837e3-3b76-47ec-b432-046db621571b"})

    def _echo(self, request: Request) -> Response:
        return Response(status=422, body={"code": 1, "message": f"no account for {request.key_id} with {SECRET_KEY}"})


@pytest.fixture
def counter() -> Counter:
    return Counter()


@pytest.fixture
def double(counter: Counter) -> Iterator[AlpacaDouble]:
    reference = Reference()
    reference.add_asset("AAPL")
    with serving(reference, counter, now=NOW) as served:
        yield served


def client(url: str, waits: Waits | None = None, **alpaca: object) -> TradingClient:
    return trading_client(connected(url, alpaca=alpaca), keys(), backoff=(waits or Waits()).backoff())


ORDER = MarketOrderRequest(symbol="AAPL", qty=1, side=OrderSide.BUY, time_in_force=TimeInForce.OPG)
PASSING = [fault for fault in Fault if fault is not Fault.HANG]


@pytest.mark.parametrize("fault", PASSING)
def test_a_get_comes_through_each_fault_with_one_answer(double: AlpacaDouble, fault: Fault) -> None:
    double.plan = Plan(steps=(Step(fault=fault, times=3),))
    waits = Waits()
    assert client(double.url, waits).get_clock().timestamp == NOW
    spoilt = fault not in (Fault.DELAY, Fault.DUPLICATE)
    assert len(double.requests("GET")) == (4 if spoilt else 1)
    assert waits.seconds == {Fault.RATE_LIMIT: [1.0, 1.0, 1.0]}.get(fault, [0.5, 1.0, 2.0] if spoilt else [])


@settings(max_examples=rounds(15, 40))
@given(seed=st.integers(0, 10**6), share=st.floats(0.2, 1.0))
def test_any_mix_of_faults_ends_in_the_right_answer(seed: int, share: float) -> None:
    with serving(Reference(), now=NOW) as double:
        double.plan = Plan(seed=seed, share=share, most=5)
        asked = client(double.url)
        assert [asked.get_clock().timestamp for _ in range(3)] == [NOW] * 3


@pytest.mark.parametrize(
    ("fault", "error", "orders"),
    [
        (Fault.RATE_LIMIT, AlpacaRateLimitError, 0),
        (Fault.ERROR_BEFORE, AlpacaAnswerLostError, 0),
        (Fault.CUT_BEFORE, AlpacaAnswerLostError, 0),
        *(
            (fault, AlpacaAnswerLostError, 1)
            for fault in (Fault.ERROR_AFTER, Fault.CUT_AFTER, Fault.CUT_BODY, Fault.TRUNCATED_JSON, Fault.NOT_JSON)
        ),
    ],
)
def test_an_order_is_sent_once_and_what_is_known_of_it_is_said(
    double: AlpacaDouble, counter: Counter, fault: Fault, error: type[AlpacaError], orders: int
) -> None:
    double.plan = Plan(steps=(Step(fault=fault, method="POST", times=None),))
    waits = Waits()
    with pytest.raises(error):
        client(double.url, waits).submit_order(ORDER)
    assert (len(double.requests("POST")), counter.orders, waits.seconds) == (1, orders, [])
    client(double.url).cancel_order_by_id("904837e3-3b76-47ec-b432-046db621571b")  # 204, without a body


def test_an_answer_that_is_late(double: AlpacaDouble, counter: Counter) -> None:
    double.plan = Plan(steps=(Step(fault=Fault.DELAY, method="POST", seconds=0.5),))
    with pytest.raises(AlpacaAnswerLostError, match=r"no answer within 0.1 seconds"):
        client(double.url, timeout_seconds=0.1).submit_order(ORDER)
    assert counter.orders == 1


def test_a_body_that_drips_is_not_waited_for_without_end() -> None:
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
                while not stop.wait(0.02):
                    try:
                        connection.sendall(b" " * 5)
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        try:
            with pytest.raises(AlpacaAnswerLostError, match="broke off"):
                client(f"http://127.0.0.1:{listening.getsockname()[1]}", timeout_seconds=0.2, max_attempts=1).get_clock()
        finally:
            stop.set()
            thread.join()


def test_a_server_that_is_not_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    waits = Waits()
    with pytest.raises(AlpacaUnreachableError, match=r"GET /v2/clock: no connection .* 4 times: check the network"):
        client(f"http://127.0.0.1:{port}", waits, max_attempts=4).get_clock()
    assert len(waits.seconds) == 3
    with pytest.raises(AlpacaUnreachableError):
        client(f"http://127.0.0.1:{port}").submit_order(ORDER)


def test_attempts_end_with_a_clear_error(double: AlpacaDouble) -> None:
    double.plan = Plan(steps=(Step(fault=Fault.NOT_JSON, times=None),))
    with pytest.raises(AlpacaAnswerLostError, match=r"GET /v2/clock: the answer \(200, text/html, \d+ bytes\) is not JSON, 6 times"):
        client(double.url).get_clock()
    double.plan = Plan(steps=(Step(fault=Fault.RATE_LIMIT, times=None),))
    with pytest.raises(AlpacaRateLimitError, match=r"too many requests \(429\), 2 times: wait a minute"):
        client(double.url, max_attempts=2).get_clock()


@pytest.mark.parametrize("wrong", ["id", "secret", "expired"])
def test_keys_that_are_refused(double: AlpacaDouble, wrong: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    double.expired = {KEY_ID} if wrong == "expired" else set()
    environment = ENVIRONMENT | {"id": {"APCA_API_KEY_ID": "PKOTHER"}, "secret": {"APCA_API_SECRET_KEY": "other"}}.get(wrong, {})
    asked = trading_client(connected(double.url), read_credentials(environment))
    with pytest.raises(
        AlpacaKeysError, match=r"APCA_API_KEY_ID and APCA_API_SECRET_KEY are missing, wrong, expired, or not .* the paper account"
    ) as caught:
        asked.get_account()
    assert caught.value.status == (403 if wrong == "expired" else 401)
    assert len(double.journal) == 1
    again = pickle.loads(pickle.dumps(caught.value))
    assert (str(again), again.status, type(again)) == (str(caught.value), caught.value.status, AlpacaKeysError)
    values = {*environment.values(), SECRET_KEY}
    del environment
    everything = caplog.text + str(caught.value) + "".join(traceback.format_tb(caught.tb))
    assert not any(value in everything for value in values)


@pytest.mark.parametrize("fault", [None, *PASSING])
def test_no_error_holds_a_key(double: AlpacaDouble, fault: Fault | None, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    double.plan = Plan(steps=() if fault is None else (Step(fault=fault, times=None),))
    with pytest.raises(AlpacaError) as caught:
        client(double.url).get_account()
    error = caught.value
    assert error.__cause__ is None
    parts = [str(error), repr(error), str(vars(error)), caplog.text]
    parts += traceback.TracebackException.from_exception(error, capture_locals=True).format()
    chain = error.__context__
    while chain is not None:
        parts += [repr(chain), str(vars(chain)), str(getattr(getattr(chain, "request", None), "headers", ""))]
        chain = chain.__context__
    assert KEY_ID not in "".join(parts)
    assert SECRET_KEY not in "".join(parts)


def test_refusals_keep_status_code_and_reason(double: AlpacaDouble) -> None:
    with pytest.raises(AlpacaRefusedError, match=r"GET /v2/assets/NONE: refused \(404, asset not found for NONE\)") as caught:
        client(double.url).get_asset("NONE")
    assert (caught.value.status, caught.value.code, caught.value.reason) == (404, 40410000, "asset not found for NONE")
    assert len(double.journal) == 1


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": "700"}, 60.0),
        ({"Retry-After": "Tue, 12 Mar 2024 21:00:20 GMT", "Date": "Tue, 12 Mar 2024 21:00:15 GMT"}, 5.0),
        ({"Retry-After": "Tue, 12 Mar 2024 21:00:20 GMT"}, 20.0),
        ({"Retry-After": "Tue, 12 Mar 2024 20:00:00 GMT"}, 0.0),
        ({"X-Ratelimit-Reset": str(int(NOW.timestamp()) + 11)}, 11.0),
        ({"Retry-After": "soon"}, 2.0),
        ({}, 2.0),
        (None, 2.0),
    ],
)
def test_waits(headers: dict[str, str] | None, seconds: float) -> None:
    waited: list[float] = []
    Backoff(max_seconds=60, sleep=waited.append, draw=lambda: 0.5, now=lambda: NOW).before(4, headers)
    assert waited == [seconds]


@given(attempt=st.integers(2, 200) | st.integers(1_000, 1_000_000), draw=st.floats(0, 1, exclude_max=True), most=st.floats(0.1, 600))
def test_no_wait_is_longer_than_allowed(attempt: int, draw: float, most: float) -> None:
    wait = Backoff(max_seconds=most, draw=lambda: draw).seconds(attempt)
    assert 0 <= wait <= min(most, 2.0 ** (min(attempt, 200) - 2))


def test_pages_that_turn_back_are_noticed() -> None:
    watch = PageWatch()
    pages = [("?a=1", "x"), ("?a=1&page_token=x", "y"), ("?a=1&page_token=y", "z")]
    assert not any(watch.turns_back(f"http://h/p{query}", token) for query, token in pages)
    assert not watch.turns_back("http://h/p?a=2&page_token=y", "x")  # another listing
    assert watch.turns_back("http://h/p?a=1&page_token=z", "x")
    assert not any(watch.turns_back(f"http://h/p{query}", token) for query, token in [*pages, ("?a=1&page_token=z", None)])
    assert watch.turns_back("http://h/p?page_token=x", "x")


def test_a_live_account_needs_two_settings(double: AlpacaDouble) -> None:
    with pytest.raises(SettingsError, match=r"alpaca.account is live, but orders.live is not true"):
        client(double.url, account="live")
    addresses = {
        (account, live): trading_client(
            connected(double.url, alpaca={"account": account, "trading_url": None}, live=live), keys()
        )._base_url
        for account, live in (("paper", False), ("paper", True), ("live", True))
    }
    assert addresses == {
        ("paper", False): "https://paper-api.alpaca.markets",
        ("paper", True): "https://paper-api.alpaca.markets",
        ("live", True): "https://api.alpaca.markets",
    }


def test_a_server_whose_clock_differs(double: AlpacaDouble) -> None:
    double.now = NOW - timedelta(days=400)
    assert client(double.url).get_clock().timestamp == NOW - timedelta(days=400)
