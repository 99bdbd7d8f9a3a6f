"""Trades of an exchange, a session at a time, and minute bars of them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import polars as pl
import pytest

from ats_assets.calendar import session_calendar
from ats_assets.errors import SourceError
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.tick_source import TickSource
from ats_assets.intraday.tick_sources import ccxt, files
from ats_assets.intraday.tick_sources.ccxt import ExchangeTicks
from ats_assets.settings import HoursSettings
from ats_assets.vendors.ccxt import ExchangeSettings
from ats_assets_tests.kits.tick_sources import TickSourceKit
from ats_assets_tests.sources.dumps import write_dump
from ats_assets_tests.vendors.ccxt.binance_double import BinanceMarket, aggregate, milliseconds
from ats_assets_tests.vendors.ccxt.exchanges import opened
from ats_assets_tests.vendors.doubles import VendorDouble

FIRST = date(2024, 3, 4)
NOW = datetime(2024, 3, 7, 12, tzinfo=UTC)
ALWAYS = session_calendar("24/7", date(2024, 1, 1))
PAIRS = ("BTC/USDT", "ETH/USDT")


def market(*, skip: frozenset[int] = frozenset()) -> BinanceMarket:
    """Three and a half days of trades, some at the first and the last millisecond of a day."""
    found = BinanceMarket(now=NOW)
    random = np.random.default_rng(3)
    for n, pair in enumerate(PAIRS):
        base, quote = pair.split("/")
        edges = [milliseconds(FIRST + timedelta(days=i)) + more for i in range(4) for more in (-1, 0, 0)]
        times = np.sort(np.concatenate([random.integers(milliseconds(FIRST) - 3_600_000, int(NOW.timestamp() * 1000), 1500), edges]))
        trades = [aggregate(50 + i, int(at), 100.0 * (n + 1) + i / 64, 0.25 + i % 7) for i, at in enumerate(times) if i not in skip]
        found.add(base, quote, trades=trades)
    return found


def source(double: VendorDouble, hours: SessionHours | None = None, *, now: datetime = NOW, max_attempts: int = 6) -> ExchangeTicks:
    settings = ExchangeSettings(base_url=double.url, symbols=PAIRS, first_session=FIRST)
    return ExchangeTicks(settings, "trades", hours or SessionHours(ALWAYS, {}), opened(double, max_attempts=max_attempts), now=lambda: now)


class TestExchangeTicks(TickSourceKit):
    plugin = ccxt.PLUGIN
    own: ClassVar[dict[str, Any]] = {"symbols": PAIRS, "first_session": FIRST}
    wrong: ClassVar[dict[str, Any]] = {"symbols": ["BTCUSDT"]}
    calendar = ALWAYS

    @contextmanager
    def opened(self, folder: Path) -> Iterator[TickSource]:
        with market().double() as double:
            yield source(double)

    @contextmanager
    def unreadable(self, folder: Path) -> Iterator[TickSource]:
        with market().double() as double:
            gone = source(double, max_attempts=1)
        yield gone


@pytest.fixture(scope="class")
def dumps(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("dumps")
    for day in (FIRST, FIRST + timedelta(days=2)):
        at = milliseconds(day)
        write_dump(folder / f"BTCUSDT-trades-{day}.zip", [f"{i},65000.5,0.25,16250.1,{at + i * 1000},True,True" for i in range(20)])
    request.cls.own = {"path": folder}


@pytest.mark.usefixtures("dumps")
class TestDumps(TickSourceKit):
    plugin = files.PLUGIN
    wrong: ClassVar[dict[str, Any]] = {"time": "noon"}
    calendar = ALWAYS

    @contextmanager
    def opened(self, folder: Path) -> Iterator[TickSource]:
        yield files.TickFiles(files.TickFilesSettings(**self.own), "trades", self.hours, folder / "kept")


def test_each_trade_is_in_the_session_of_its_time_once() -> None:
    found = market()
    with found.double() as double:
        ticks = source(double)
        assert ticks.sessions() == [FIRST + timedelta(days=i) for i in range(3)]
        got = pl.concat([ticks.ticks(day) for day in ticks.sessions()])
    begin, end = milliseconds(FIRST), milliseconds(FIRST + timedelta(days=3))
    for pair in PAIRS:
        own = got.filter(pl.col("symbol") == pair)
        expected = [
            (str(trade["a"]), trade["T"], float(trade["p"]), float(trade["q"]))
            for trade in found.trades[pair.replace("/", "")]
            if begin <= trade["T"] < end
        ]
        assert own.select("trade_id", pl.col("at").dt.epoch("ms"), "price", "size").rows() == expected
        assert set(own["exchange"]) == {"binance"}


def test_a_number_that_the_exchange_skipped_is_told() -> None:
    with market(skip=frozenset({700, 701})).double() as double:
        ticks = source(double)
        for day in ticks.sessions():
            ticks.ticks(day)
        said = ticks.describe()
    assert said.count("warning: trades that binance does not have: BTC/USDT, 2024-03-0") == 1
    assert "number 750 to 751" in said


def test_hours_of_ones_own_are_kept_to() -> None:
    hours = SessionHours(ALWAYS, {"default": HoursSettings.model_validate({"start": "08:00", "end": "09:00"})})
    with market().double() as double:
        at = source(double, hours).ticks(FIRST)["at"]
    assert (at.dt.hour() == 8).all()
    assert len(at) > 20


def test_a_session_that_runs_is_not_offered() -> None:
    with market().double() as double:
        assert source(double, now=datetime(2024, 3, 5, 0, 0, 30, tzinfo=UTC)).sessions() == []
        assert source(double, now=datetime(2024, 3, 5, 0, 1, tzinfo=UTC)).sessions() == [FIRST]


def test_quotes_and_no_pairs_are_refused() -> None:
    hours = SessionHours(ALWAYS, {})
    with market().double() as double:
        with pytest.raises(SourceError, match="exchanges keep no quotes of the past"):
            ExchangeTicks(ExchangeSettings(symbols=PAIRS), "quotes", hours, opened(double))
        with pytest.raises(SourceError, match=r"intraday\.trades\.symbols is empty"):
            ExchangeTicks(ExchangeSettings(), "trades", hours, opened(double))
