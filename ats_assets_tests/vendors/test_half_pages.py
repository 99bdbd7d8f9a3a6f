"""A vendor that sends half a page: whichever adapter reads it, no row is lost and none is doubled. It is asked again, or says that it can't be read; it is never read as if it were whole.

What is half is the answer itself (its connection ends, its JSON is cut, its list is cut while what is said of it stays, its gzip file is cut), or the listing (a page that comes
again, a token that leads back). Vendors that don't say how many rows a page has can't be told from honest ones by a list that is cut: those pairs are not here, and docs/vendors.md
says so.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest

from ats_assets.errors import SourceError
from ats_assets.sources.adapters.alpaca.market_data import AlpacaMarketData
from ats_assets_tests.alpaca_double import Plan
from ats_assets_tests.alpaca_double.market_data import MarketData
from ats_assets_tests.alpaca_double.misbehaviour import Fault, Step
from ats_assets_tests.intraday.tick_sources import test_ccxt as exchange_ticks
from ats_assets_tests.intraday.tick_sources import test_massive as massive_ticks
from ats_assets_tests.options.flow import test_unusual_whales as whale_tests
from ats_assets_tests.small_market import small_market
from ats_assets_tests.sources.adapters.alpaca.markets import XNYS, bar, stocks
from ats_assets_tests.sources.adapters.ccxt import markets as exchange_bars
from ats_assets_tests.sources.adapters.coingecko import coins
from ats_assets_tests.sources.adapters.coingecko.gecko_double import GeckoMarket
from ats_assets_tests.sources.adapters.massive.markets import massive
from ats_assets_tests.vendors.alpaca.connections import Waits
from ats_assets_tests.vendors.doubles import Mishap, VendorDouble, Wrong
from ats_assets_tests.vendors.massive import test_flat_files as buckets
from ats_assets_tests.vendors.massive_market import DAYS
from ats_assets_tests.vendors.quick_vendors import quick_tables

Half = Literal["broken off", "cut JSON", "cut list", "page again", "token again", "cut gzip"]
ANSWERS: tuple[Half, ...] = ("broken off", "cut JSON")
LISTINGS: tuple[Half, ...] = ("page again", "token again")
ONCE, AGAIN, ALWAYS, NEXT_ALWAYS = (0, 1), (1, 1), (0, None), (1, None)
"""From which request on, and how often: a listing contradicts itself from its second page on. A list that is always cut is an honest one to whom does not count."""
TURNS: Mapping[Half, tuple[tuple[int, int | None], ...]] = {
    **dict.fromkeys((*ANSWERS, "cut gzip"), (ONCE, AGAIN, ALWAYS)),
    **dict.fromkeys(LISTINGS, (AGAIN, NEXT_ALWAYS)),
    "cut list": (ONCE, AGAIN),
}
WRONG: Mapping[Half, Wrong] = {
    "broken off": Wrong.CUT,
    "cut JSON": Wrong.TRUNCATED,
    "cut list": Wrong.HALF_PAGE,
    "page again": Wrong.REPEATED_PAGE,
    "token again": Wrong.LOOP,
}


@dataclass(frozen=True, kw_only=True)
class Adapter:
    """What is asked, and how the vendor is made to misbehave: from which request on, and how often."""

    ask: Callable[[], pl.DataFrame]
    spoil: Callable[[Half, int, int | None], None]
    heal: Callable[[], None]


def of_double(double: VendorDouble, ask: Callable[[], pl.DataFrame]) -> Adapter:
    def spoil(half: Half, skip: int, times: int | None) -> None:
        double.script.append(Mishap(WRONG[half], skip=skip, times=times))

    return Adapter(ask=ask, spoil=spoil, heal=double.script.clear)


@contextmanager
def massive_listing(folder: Path, what: str) -> Iterator[Adapter]:
    with massive() as market:
        market.data.page_rows = 2
        source = market.source(folder, symbols=("AAPL",))
        yield of_double(market.double, lambda: getattr(source, what)(DAYS))


@contextmanager
def massive_tick_pages(folder: Path, what: Any) -> Iterator[Adapter]:
    with massive_ticks.vendor() as (double, data):
        data.page_rows = 2
        deployment = massive_ticks.deployed(folder, double.url)
        yield of_double(double, lambda: massive_ticks.source(deployment, what).ticks(DAYS[1]))


@contextmanager
def massive_bucket(folder: Path) -> Iterator[Adapter]:
    """A file that is downloaded in parts, anew at each question."""
    files, asked = {buckets.KEY: buckets.CONTENT}, iter(range(1000))
    with pytest.MonkeyPatch.context() as environment, buckets.bucket_double(files) as double:

        def ask() -> pl.DataFrame:
            found = buckets.rows(buckets.bucket(double, folder / str(next(asked)), environment), "ticker", "open")
            return pl.DataFrame(found, schema=["ticker", "open", "defects"], orient="row")

        def spoil(half: Half, skip: int, times: int | None) -> None:
            if half == "cut gzip":
                files[buckets.KEY] = buckets.CONTENT[: len(buckets.CONTENT) // 2]
            else:
                double.script.append(Mishap(WRONG[half], skip=skip, times=times))

        def heal() -> None:
            files[buckets.KEY] = buckets.CONTENT
            double.script.clear()

        yield Adapter(ask=ask, spoil=spoil, heal=heal)


@contextmanager
def ccxt_candles(_folder: Path) -> Iterator[Adapter]:
    with exchange_bars.market().double() as double:
        source = exchange_bars.source(double)
        source._exchange.library.features["spot"]["fetchOHLCV"]["limit"] = 10
        yield of_double(double, lambda: source.bars(exchange_bars.DAYS[:-1]))


@contextmanager
def ccxt_trades(_folder: Path) -> Iterator[Adapter]:
    with exchange_ticks.market().double() as double:
        yield of_double(double, lambda: exchange_ticks.source(double).ticks(exchange_ticks.FIRST))


@contextmanager
def coingecko(_folder: Path) -> Iterator[Adapter]:
    """A coin without a whole answer has no bar: its row says so, and is quarantined."""
    with GeckoMarket(now=coins.NOW).double() as double:
        source = coins.source(double)
        yield of_double(double, lambda: source.bars([coins.LAST]))


@contextmanager
def whale_flow(folder: Path) -> Iterator[Adapter]:
    market = small_market(folder, calendar={"first_session": date(2024, 1, 2)}, vendors=quick_tables())
    with whale_tests.whales() as (double, _):
        source = whale_tests.source(double, market)
        yield of_double(double, lambda: source.flow(whale_tests.DAYS[1]))


@contextmanager
def alpaca_pages(folder: Path, what: str) -> Iterator[Adapter]:
    """Its listings lead on by a token; the double's faults have no token that leads back, so its answer is changed."""
    days = XNYS.sessions(date(2024, 3, 12), date(2024, 3, 13))
    opens, back = XNYS.opens_at(days[-1]), {"skip": 0, "times": 0}
    real = MarketData._historical

    def leads_back(self: MarketData, request: Any) -> Any:
        answer = real(self, request)
        if (token := request.query.get("page_token")) and back["times"]:
            back["times"] -= 1
            return replace(answer, body={**answer.body, "next_page_token": token})
        return answer

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(MarketData, "_historical", leads_back)
        with stocks(days, symbols=("AAPL", "MSFT"), page_limit=3) as market:
            trades = [
                {"t": opens + timedelta(seconds=i), "x": "V", "i": i, "p": 10 + i / 8, "s": 1, "c": ["@"], "z": "C"} for i in range(8)
            ]
            for symbol in ("AAPL", "MSFT"):
                market.data.add("stocks", "bars/1Min", symbol, [bar(opens + timedelta(minutes=i), i) for i in range(8)], feed="iex")
                market.data.add("stocks", "trades", symbol, trades)
            settings = market.source(folder, symbols=("AAPL", "MSFT"))._settings
            data = AlpacaMarketData(settings, XNYS, backoff=Waits().backoff(), now=lambda: market.double.now)

            def spoil(half: Half, skip: int, times: int | None) -> None:
                if half == "token again":
                    back["times"] = times or 1000
                else:
                    fault = Fault.CUT_BODY if half == "broken off" else Fault.TRUNCATED_JSON
                    market.double.plan = Plan(steps=(Step(fault=fault, path=r"/v2/stocks/", first=skip + 1, times=times),))

            def heal() -> None:
                back["times"], market.double.plan = 0, Plan()

            yield Adapter(ask=lambda: data.of(what, days[-1]), spoil=spoil, heal=heal)


ADAPTERS: Mapping[str, tuple[Callable[[Path], AbstractContextManager[Adapter]], tuple[Half, ...]]] = {
    "massive bars": (lambda folder: massive_listing(folder, "bars"), (*ANSWERS, *LISTINGS, "cut list")),
    "massive actions": (lambda folder: massive_listing(folder, "actions"), ANSWERS),
    "massive trades": (lambda folder: massive_tick_pages(folder, "trades"), (*ANSWERS, *LISTINGS)),
    "massive quotes": (lambda folder: massive_tick_pages(folder, "quotes"), (*ANSWERS, *LISTINGS)),
    "massive flat files": (massive_bucket, ("broken off", "cut gzip")),
    "ccxt candles": (ccxt_candles, (*ANSWERS, "page again", "cut list")),
    "ccxt trades": (ccxt_trades, (*ANSWERS, "page again", "cut list")),
    "coingecko": (coingecko, ANSWERS),
    "unusual whales": (whale_flow, (*ANSWERS, "cut list")),
    "alpaca minute bars": (lambda folder: alpaca_pages(folder, "minute_bars"), (*ANSWERS, "token again")),
    "alpaca trades": (lambda folder: alpaca_pages(folder, "trades"), (*ANSWERS, "token again")),
}


def is_whole(found: pl.DataFrame, whole: pl.DataFrame) -> bool:
    """Whether all is there once; of a row that says that it is not whole, nothing is to be read, and its symbol must be there."""
    said = found.filter(pl.col("defects").is_not_null()) if "defects" in found.columns else found.clear()
    if said.is_empty() or whole["defects"].null_count() < whole.height:
        return found.equals(whole)
    sound = found.filter(pl.col("defects").is_null())
    left = whole.filter(~pl.col("symbol").is_in(said["symbol"].to_list()))
    return sound.equals(left) and found.select("session", "symbol").equals(whole.select("session", "symbol"))


@pytest.mark.parametrize(("name", "half"), [(name, half) for name, (_, halves) in ADAPTERS.items() for half in halves])
def test_half_a_page_loses_and_doubles_nothing(name: str, half: Half, tmp_path: Path) -> None:
    with ADAPTERS[name][0](tmp_path) as adapter:
        whole = adapter.ask()
        assert whole.height > 1
        refused: list[str] = []
        for skip, times in TURNS[half]:
            adapter.spoil(half, skip, times)
            try:
                assert is_whole(adapter.ask(), whole), (skip, times)
            except SourceError as error:
                refused.append(str(error))
            adapter.heal()
            assert adapter.ask().equals(whole), "nothing of the half page is kept"
        assert all(len(told.split()) > 3 for told in refused), "each says what and where"
        assert refused or half == "cut list", "what never comes whole is told"
