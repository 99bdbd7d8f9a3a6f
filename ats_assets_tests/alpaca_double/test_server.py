"""The double itself, asked by the real clients and by plain sockets: wire format, keys, paging, and each way to misbehave."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import requests
from alpaca.common.exceptions import APIError
from alpaca.data.enums import DataFeed
from alpaca.data.historical import CryptoHistoricalDataClient, OptionHistoricalDataClient, StockHistoricalDataClient
from alpaca.data.historical.corporate_actions import CorporateActionsClient
from alpaca.data.requests import (
    CorporateActionsRequest,
    CryptoBarsRequest,
    OptionChainRequest,
    StockBarsRequest,
    StockSnapshotRequest,
    StockTradesRequest,
)
from alpaca.data.timeframe import TimeFrame
from alpaca.trading.client import TradingClient
from alpaca.trading.requests import GetCalendarRequest

from ats_assets_tests.alpaca_double import KEY_ID, SECRET_KEY, AlpacaDouble, Fault, MarketData, Plan, Reference, Step, serving

NOW = datetime(2024, 3, 12, 21, 0, tzinfo=UTC)
KEYS = {"api_key": KEY_ID, "secret_key": SECRET_KEY}
HEADERS = {"APCA-API-KEY-ID": KEY_ID, "APCA-API-SECRET-KEY": SECRET_KEY}


def bar(at: datetime, price: float = 10.0) -> dict[str, object]:
    return {"t": at, "o": price, "h": price + 1, "l": price - 1, "c": price, "v": 100, "n": 3, "vw": price}


@pytest.fixture
def double() -> Iterator[AlpacaDouble]:
    data, reference = MarketData(page_limit=3), Reference()
    days = [datetime(2024, 3, d, 5 if d < 11 else 4, tzinfo=UTC) for d in (7, 8, 11, 12)]
    for symbol in ("AAPL", "MSFT"):
        data.add("stocks", "bars/1Day", symbol, [bar(at) for at in days], feed="iex")
        reference.add_asset(symbol)
    data.add("crypto", "bars/1Day", "BTC/USD", [bar(datetime(2024, 3, d, tzinfo=UTC)) for d in (10, 11)])
    trades = [{"t": NOW - timedelta(hours=4, seconds=i), "x": "V", "p": 10.5, "s": 10, "c": ["@"], "i": i, "z": "C"} for i in range(5)]
    data.add("stocks", "trades", "AAPL", trades)
    data.add_snapshot(
        "stocks", "AAPL", {"latestTrade": {"t": "2024-03-12T20:00:00.123456789Z", "x": "V", "p": 1, "s": 2, "i": 3, "z": "C"}}
    )
    greeks = {"delta": 0.5, "gamma": 0.1, "rho": 0.01, "theta": -0.2, "vega": 0.3}
    data.add_chain("AAPL", {f"AAPL240419C0010{i}000": {"greeks": greeks, "impliedVolatility": 0.3} for i in range(7)})
    split = {"id": "6d3b3c2c-1d5b-4d6e-9b57-1d2f3a4b5c6d", "symbol": "AAPL", "cusip": "1", "new_rate": 4, "old_rate": 1}
    data.add_action("forward_splits", split | {"process_date": "2024-03-11", "ex_date": "2024-03-11"})
    with serving(reference, data, now=NOW) as served:
        yield served


def test_the_real_clients_read_what_it_serves(double: AlpacaDouble) -> None:
    stocks = StockHistoricalDataClient(**KEYS, url_override=double.url)
    span = {"start": datetime(2024, 3, 7, tzinfo=UTC), "end": NOW}
    bars = stocks.get_stock_bars(
        StockBarsRequest(symbol_or_symbols=["AAPL", "MSFT", "NONE"], timeframe=TimeFrame.Day, feed=DataFeed.IEX, **span)
    )
    assert {symbol: len(rows) for symbol, rows in bars.data.items()} == {"AAPL": 4, "MSFT": 4}
    assert len(double.requests("GET", "/v2/stocks/bars")) == 3  # three bars a page
    trades = stocks.get_stock_trades(
        StockTradesRequest(symbol_or_symbols="AAPL", start=NOW - timedelta(days=1), end=NOW - timedelta(hours=1))
    )
    assert [trade.id for trade in trades.data["AAPL"]] == [4, 3, 2, 1, 0]
    assert stocks.get_stock_snapshot(StockSnapshotRequest(symbol_or_symbols="AAPL"))["AAPL"].latest_trade.size == 2
    crypto = CryptoHistoricalDataClient(url_override=double.url)
    coins = crypto.get_crypto_bars(CryptoBarsRequest(symbol_or_symbols="BTC/USD", timeframe=TimeFrame.Day, start=datetime(2024, 3, 1)))  # noqa: DTZ001
    assert len(coins.data["BTC/USD"]) == 2
    chain = OptionHistoricalDataClient(**KEYS, url_override=double.url).get_option_chain(OptionChainRequest(underlying_symbol="AAPL"))
    assert len(chain) == 7
    assert chain["AAPL240419C00100000"].greeks.delta == 0.5
    actions = CorporateActionsClient(**KEYS, url_override=double.url).get_corporate_actions(
        CorporateActionsRequest(symbols=["AAPL"], start=datetime(2024, 3, 1).date(), end=NOW.date())  # noqa: DTZ001
    )
    assert actions.data["forward_splits"][0].new_rate == 4


def test_clock_calendar_and_assets(double: AlpacaDouble) -> None:
    trading = TradingClient(**KEYS, url_override=double.url)
    clock = trading.get_clock()
    assert (clock.timestamp, clock.is_open) == (NOW, False)
    assert clock.next_open == datetime(2024, 3, 13, 13, 30, tzinfo=UTC)
    days = trading.get_calendar(GetCalendarRequest(start=datetime(2024, 11, 27).date(), end=datetime(2024, 12, 1).date()))  # noqa: DTZ001
    assert [(day.date.day, day.close.hour) for day in days] == [(27, 16), (29, 13)]
    assert trading.get_asset("AAPL").tradable
    with pytest.raises(APIError) as caught:
        trading.get_asset("NONE")
    assert caught.value.code == 40410000


def test_keys_and_parameters_are_checked(double: AlpacaDouble) -> None:
    url = f"{double.url}/v2/stocks/bars?symbols=AAPL&timeframe=1Day"
    assert requests.get(url, timeout=5).status_code == 401
    assert requests.get(url, headers=HEADERS | {"APCA-API-SECRET-KEY": "x"}, timeout=5).json()["message"] == "unauthorized."
    recent = requests.get(url + "&feed=sip", headers=HEADERS, timeout=5)
    assert (recent.status_code, recent.json()["message"]) == (403, "subscription does not permit querying recent SIP data")
    for wrong in ("&feed=delayed_sip", "&limit=0", "&page_token=zz", "&start=soon"):
        assert requests.get(url + wrong, headers=HEADERS, timeout=5).status_code == 400
    double.expired.add(KEY_ID)
    assert requests.get(url, headers=HEADERS, timeout=5).status_code == 403


@pytest.mark.parametrize("fault", list(Fault))
def test_each_fault_shows_on_the_wire(double: AlpacaDouble, fault: Fault) -> None:
    double.plan = Plan(steps=(Step(fault=fault, method="GET", retry_after="7", seconds=0.01),))
    url = f"{double.url}/v2/clock"
    outcome: requests.Response | type[Exception]
    try:
        outcome = requests.get(url, headers=HEADERS, timeout=5)
        text = outcome.text
    except requests.RequestException:
        outcome, text = requests.RequestException, ""
    entry = double.requests("GET", "/v2/clock")[0]
    assert entry.fault == fault
    assert entry.handled == {Fault.DUPLICATE: 2, Fault.RATE_LIMIT: 0, Fault.ERROR_BEFORE: 0, Fault.CUT_BEFORE: 0}.get(fault, 1)
    if fault in (Fault.CUT_BEFORE, Fault.CUT_AFTER, Fault.CUT_BODY):
        assert outcome is requests.RequestException
    else:
        assert isinstance(outcome, requests.Response)
        assert outcome.status_code == {Fault.RATE_LIMIT: 429, Fault.ERROR_BEFORE: 503, Fault.ERROR_AFTER: 503}.get(fault, 200)
        assert (outcome.headers.get("Retry-After") == "7") is (fault is Fault.RATE_LIMIT)
        whole = text.startswith('{"') and text.endswith("}")
        assert whole is (fault in (Fault.DELAY, Fault.HANG, Fault.DUPLICATE, Fault.RATE_LIMIT))
    assert requests.get(url, headers=HEADERS, timeout=5).status_code == 200


def test_chance_is_the_same_for_each_seed_and_ends() -> None:
    def decided(seed: int) -> list[str | None]:
        plan = Plan(seed=seed, share=0.7, most=4)
        return [step and step.fault for _ in range(30) for step in [plan.decide("GET", "/v2/clock", "")]]

    assert decided(1) == decided(1) != decided(2)
    assert sum(fault is not None for fault in decided(1)) == 4
    plan = Plan(steps=(Step(fault=Fault.NOT_JSON, path="clock", first=2, times=None),), seed=3, share=0.1)
    assert Plan.from_json(plan.to_json()) == plan


def test_in_a_process_of_its_own() -> None:
    with subprocess.Popen([sys.executable, "-m", "ats_assets_tests.alpaca_double"], stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip()
            requests.post(f"{url}/_double/now", json=NOW.isoformat(), timeout=5)
            requests.post(f"{url}/_double/reference/add_asset", json={"symbol": "AAPL"}, timeout=5)
            requests.post(f"{url}/_double/plan", json=Plan(steps=(Step(fault=Fault.CUT_AFTER),)).to_json(), timeout=5)
            with pytest.raises(requests.ConnectionError):
                requests.get(f"{url}/v2/assets/AAPL", headers=HEADERS, timeout=5)
            assert requests.get(f"{url}/v2/assets/AAPL", headers=HEADERS, timeout=5).json()["tradable"] is True
            assert [entry["handled"] for entry in requests.get(f"{url}/_double/journal", timeout=5).json()] == [1, 1]
        finally:
            process.kill()
