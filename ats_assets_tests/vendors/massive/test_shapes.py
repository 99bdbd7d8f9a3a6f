"""The double is held to what Massive publishes: its own client reads every answer, page by page, and knows every field and filter that our code reads and asks with.

So a double can't flatter our client: a field or a filter that Massive's models and methods do not have fails here.
"""

import inspect
from collections.abc import Iterator
from dataclasses import asdict, fields
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from massive import RESTClient
from massive.rest.models import (
    Agg,
    GroupedDailyAgg,
    OptionContractSnapshot,
    OptionsContract,
    Quote,
    StockDividend,
    StockSplit,
    Ticker,
    TickerChangeResults,
    Trade,
)
from massive.rest.models.benzinga import BenzingaEarning

from ats_assets.intraday.tick_sources import massive as ticks
from ats_assets.scheduled_events.event_sources.massive import earnings_calendar
from ats_assets.settings import MassiveSettings, Settings
from ats_assets.sources.adapters.massive import massive_actions, massive_bars, massive_market
from ats_assets.vendors.massive.massive_connection import massive_rest
from ats_assets.vendors.massive.massive_rest import MassiveRest
from ats_assets_tests.vendors.alpaca.connections import Waits
from ats_assets_tests.vendors.doubles import VendorDouble
from ats_assets_tests.vendors.massive_double import KEY, MassiveData, massive_double
from ats_assets_tests.vendors.massive_market import DAYS, market
from ats_assets_tests.vendors.quick_vendors import quick_vendors

DAY = DAYS[1]


@pytest.fixture
def double() -> Iterator[VendorDouble]:
    data = market()
    data.page_rows = 2
    with massive_double(data) as double:
        yield double


@pytest.fixture
def client(double: VendorDouble) -> RESTClient:
    """Massive's own."""
    return RESTClient(KEY, base=double.url, retries=0)


@pytest.fixture
def ours(double: VendorDouble, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MassiveRest:
    monkeypatch.setenv("MASSIVE_API_KEY", KEY)
    return massive_rest(Settings(massive=MassiveSettings(url=double.url), vendors=quick_vendors(tmp_path)), backoff=Waits().backoff())


def parsed(model: Any, rows: Any) -> list[Any]:
    return [asdict(model.from_dict(row)) for row in rows]


def same(theirs: Any, model: Any, rows: Any) -> list[Any]:
    """What Massive's client reads of all pages is what ours does; its rows."""
    found = [asdict(one) for one in theirs]
    assert found == parsed(model, rows) != []
    return found


def test_bars_of_all_stocks_and_of_one(client: RESTClient, ours: MassiveRest) -> None:
    grouped = same(client.get_grouped_daily_aggs(DAY, adjusted=False), GroupedDailyAgg, ours.grouped_daily(DAY, include_otc=False))
    assert {row["ticker"] for row in grouped} == {"AAPL", "BRK.B", "OLD"}
    every = same(
        client.get_grouped_daily_aggs(DAY, adjusted=False, include_otc=True), GroupedDailyAgg, ours.grouped_daily(DAY, include_otc=True)
    )
    assert {row["ticker"] for row in every} == {"AAPL", "BRK.B", "OLD", "OTCX"}
    first, last = DAYS[0], DAYS[-1]
    days = same(client.list_aggs("AAPL", 1, "day", first, last, adjusted=False), Agg, ours.aggregates("AAPL", "day", str(first), str(last)))
    assert len(days) == len(DAYS), "both ends included, over several pages"
    at = sorted(market().minutes["AAPL"])
    minutes = ours.aggregates("AAPL", "minute", str(at[1]), str(at[4]))
    same(client.list_aggs("AAPL", 1, "minute", at[1], at[4], adjusted=False, limit=50_000), Agg, minutes)
    assert [row["t"] for row in minutes] == at[1:5]


def test_trades_and_quotes(client: RESTClient, ours: MassiveRest) -> None:
    for what, model, theirs in (("trades", Trade, client.list_trades), ("quotes", Quote, client.list_quotes)):
        stamps = sorted(row["sip_timestamp"] for row in getattr(market(), what)["AAPL"])
        rows = [row for page in ours.ticks(what, "AAPL", stamps[1], stamps[-1]) for row in page]  # type: ignore[arg-type]
        same(theirs("AAPL", timestamp_gte=stamps[1], timestamp_lt=stamps[-1], order="asc", sort="timestamp"), model, rows)
        assert [row["sip_timestamp"] for row in rows] == stamps[1:-1], "from the first included to the last not included, ascending"


def test_splits_dividends_and_changes_of_ticker(client: RESTClient, ours: MassiveRest) -> None:
    first, last = DAYS[0], DAYS[-1]
    span = {"execution_date_gte": first, "execution_date_lte": last, "sort": "execution_date.asc,ticker.asc"}
    same(client.list_stocks_splits(**span), StockSplit, ours.splits(first, last, None))
    span = {"ex_dividend_date_gte": first, "ex_dividend_date_lte": last, "sort": "ex_dividend_date.asc,ticker.asc"}
    same(client.list_stocks_dividends(**span), StockDividend, ours.dividends(first, last, None))
    same(client.list_stocks_dividends(**span, ticker_any_of=["AAPL"]), StockDividend, ours.dividends(first, last, ["AAPL"]))
    events = client.get_ticker_events("META")
    assert isinstance(events, TickerChangeResults)
    assert events.events == ours.ticker_changes("META") != []
    assert ours.ticker_changes("NOBODY") == []


def test_earnings(client: RESTClient, ours: MassiveRest) -> None:
    first, last = date(2024, 4, 30), date(2024, 5, 4)
    span = {"date_gte": first, "date_lte": last, "sort": "date.asc,ticker.asc"}
    same(client.list_benzinga_earnings(**span), BenzingaEarning, ours.earnings(first, last, None))
    same(client.list_benzinga_earnings(**span, ticker_any_of="AAPL"), BenzingaEarning, ours.earnings(first, last, ["AAPL"]))


def test_tickers_contracts_and_snapshots(client: RESTClient, ours: MassiveRest) -> None:
    same(client.list_tickers(market="stocks", active=False, limit=1000), Ticker, ours.tickers(active=False))
    there = ours.option_contracts("AAPL", DAY)
    same(client.list_options_contracts("AAPL", as_of=DAY, expired=False), OptionsContract, there)
    assert [row["ticker"] for row in there] == sorted(row["ticker"] for row in there)
    same(client.list_snapshot_options_chain("AAPL", params={"limit": 250}), OptionContractSnapshot, ours.option_snapshot("AAPL"))


def test_every_field_that_is_read_is_one_of_massives_models() -> None:
    def known(model: Any) -> set[str]:
        return {one.name for one in fields(model)}

    for what, model in (("trades", Trade), ("quotes", Quote)):
        assert {key for _, key, _ in ticks._OF[what]} | {"conditions"} <= known(model)  # type: ignore[index]
    marks = {column.key: i for i, column in enumerate((*massive_bars._COLUMNS, *massive_market.MINUTE_BARS.columns))}
    for model, keys in ((GroupedDailyAgg, massive_bars._COLUMNS), (Agg, massive_market.MINUTE_BARS.columns)):
        read = asdict(model.from_dict(marks)).values()
        assert all(marks[column.key] in read for column in keys), "Massive's model reads each of the short keys"
    snapshot = OptionContractSnapshot.from_dict(market().snapshots["AAPL"][0])
    for column in massive_market.OPTION_CHAINS.columns:
        part = next((part for part in massive_market._PARTS if column.key.startswith(f"{part}_")), None)
        if part is not None:
            assert column.key.removeprefix(f"{part}_") in known(type(getattr(snapshot, part))), column.key
        elif column.key not in {"taken_at", "underlying"}:  # what our code adds
            assert column.key in known(OptionContractSnapshot)
    source = inspect.getsource(massive_actions)
    for model, names in (
        (StockSplit, ("split_to", "split_from", "adjustment_type", "execution_date", "ticker")),
        (StockDividend, ("cash_amount", "currency", "declaration_date", "pay_date", "ex_dividend_date", "ticker")),
    ):
        assert all(f'"{name}"' in source for name in names)
        assert set(names) <= known(model)
    names = ("ticker", "date", "time", "date_status", "benzinga_id", "last_updated")
    assert all(f'"{name}"' in inspect.getsource(earnings_calendar) for name in names)
    assert set(names) <= known(BenzingaEarning)


FILTERS = {
    "/v2/aggs/grouped": ("get_grouped_daily_aggs", set()),
    "/v2/aggs/ticker": ("list_aggs", set()),
    "/v3/trades": ("list_trades", set()),
    "/v3/quotes": ("list_quotes", set()),
    "/stocks/v1/splits": ("list_stocks_splits", set()),
    "/stocks/v1/dividends": ("list_stocks_dividends", set()),
    "/benzinga/v1/earnings": ("list_benzinga_earnings", set()),
    "/vX/reference/tickers": ("get_ticker_events", set()),
    "/v3/reference/tickers": ("list_tickers", set()),
    "/v3/reference/options": ("list_options_contracts", set()),
    "/v3/snapshot/options": ("list_snapshot_options_chain", {"sort", "order", "limit"}),
}
"""Path -> the method of Massive's client, and the filters that are in its OpenAPI document but left to `params` in the client."""


def test_every_filter_that_is_asked_with_is_one_of_massives_client(double: VendorDouble, ours: MassiveRest) -> None:
    ours.grouped_daily(DAY, include_otc=True)
    ours.aggregates("AAPL", "day", str(DAY), str(DAY))
    list(ours.ticks("trades", "AAPL", 0, 1))
    list(ours.ticks("quotes", "AAPL", 0, 1))
    ours.splits(DAY, DAY, ["AAPL"])
    ours.dividends(DAY, DAY, ["AAPL"])
    ours.earnings(DAY, DAY, ["AAPL"])
    ours.ticker_changes("META")
    ours.tickers(active=True, ticker="AAPL")
    ours.option_contracts("AAPL", DAY)
    ours.option_snapshot("AAPL")
    seen = set()
    for asked in double.journal:
        begin = next(begin for begin in FILTERS if asked.path.startswith(begin))
        method, others = FILTERS[begin]
        names = set(inspect.signature(getattr(RESTClient, method)).parameters)
        for name in set(asked.query) - {"cursor"} - others:
            assert name.replace(".", "_") in names, (begin, name)
        seen.add(begin)
    assert seen == set(FILTERS)


def test_prices_are_asked_for_as_traded(ours: MassiveRest) -> None:
    """AAPL is split four for one after the first days: an adjusted answer would be a quarter of what was traded."""
    day = DAYS[0]
    traded = market().bars["AAPL"][day]["c"]
    assert next(row["c"] for row in ours.grouped_daily(day, include_otc=False) if row["T"] == "AAPL") == traded
    assert ours.aggregates("AAPL", "day", str(day), str(day))[0]["c"] == traded


def test_the_double_refuses_what_is_not_documented(double: VendorDouble) -> None:
    client = RESTClient(KEY, base=double.url, retries=0)
    for refused in (
        lambda: list(client.list_trades("AAPL", limit=50_001)),
        lambda: list(client.list_stocks_splits(limit=5_001)),
        lambda: client.get_grouped_daily_aggs(date(2024, 3, 7), params={"sort": "asc"}),
    ):
        with pytest.raises(Exception, match=r"limit|not documented"):
            refused()
    newest = [trade.sip_timestamp for trade in client.list_trades("AAPL")]
    assert newest == sorted(newest, reverse=True), "newest first, unless asked otherwise"
    assert [split.execution_date for split in client.list_stocks_splits()] == sorted(
        (row["execution_date"] for row in market().splits), reverse=True
    )
    assert isinstance(market(), MassiveData)
