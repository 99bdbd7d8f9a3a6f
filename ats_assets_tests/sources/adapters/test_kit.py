"""The kit that every source passes, passed by those that come with the package."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import AtsError
from ats_assets.settings import FilesSettings, SyntheticSettings
from ats_assets.sources import BarSource
from ats_assets.sources.adapters import alpaca, ccxt, coingecko, files, synthetic
from ats_assets.sources.adapters.files.file_state import SETTLED_SECONDS
from ats_assets.sources.adapters.files.source import FileSource
from ats_assets.sources.adapters.synthetic.source import SyntheticSource
from ats_assets_tests.kits.sources import SourceKit
from ats_assets_tests.sources.adapters.alpaca.markets import ALWAYS, SYMBOLS, XNYS, stocks
from ats_assets_tests.sources.adapters.ccxt import markets
from ats_assets_tests.sources.adapters.coingecko import coins
from ats_assets_tests.sources.adapters.coingecko.gecko_double import GeckoMarket

DAYS = {"first_session": "2023-01-03", "last_session": "2023-02-28"}
SESSIONS = XNYS.sessions(date(2024, 2, 20), date(2024, 3, 8))


class TestSynthetic(SourceKit):
    plugin = synthetic.PLUGIN
    own: ClassVar[dict[str, Any]] = {"symbols": 8, "splits_per_year": 4.0, "defective_share": 0.02, **DAYS}
    wrong: ClassVar[dict[str, Any]] = {"symbols": 0}

    @contextmanager
    def unreadable(self, folder: Path) -> Iterator[BarSource]:
        own = SyntheticSettings(first_session=date(2023, 1, 1), last_session=date(2023, 1, 2))  # a weekend and a holiday
        yield self.plugin.make(own, self.calendar, self.settings(folder))


@pytest.fixture(scope="class")
def delivery(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> None:
    """A file of the synthetic market's bars and one of its splits."""
    folder = tmp_path_factory.mktemp("delivery")
    market = SyntheticSource(SyntheticSettings.model_validate(TestSynthetic.own), SourceKit.calendar)
    days = SourceKit.calendar.sessions(market.first_session(), market.latest_session())
    bars = market.bars(days).drop("session", "defects")
    bars.write_parquet(folder / "bars.parquet")
    actions = market.actions(days).select("symbol", "date", "kind", "ratio")
    assert actions.height > 0
    actions.write_csv(folder / "actions.csv")
    request.cls.own = {"path": folder / "bars.parquet", "actions": folder / "actions.csv"}


@pytest.mark.usefixtures("delivery")
class TestFiles(SourceKit):
    plugin = files.PLUGIN
    wrong: ClassVar[dict[str, Any]] = {"stamp": "noon"}

    @contextmanager
    def opened(self, folder: Path) -> Iterator[BarSource]:
        """A while after the files were written: before that it tells no state, and the second one that is opened might be the first to tell it."""
        with super().opened(folder) as source:
            assert isinstance(source, FileSource)
            source._now = lambda: datetime.now(UTC) + timedelta(seconds=2 * SETTLED_SECONDS)
            yield source

    @contextmanager
    def unreadable(self, folder: Path) -> Iterator[BarSource]:
        yield self.plugin.make(FilesSettings(path=folder / "nowhere"), self.calendar, self.settings(folder))


class TestAlpaca(SourceKit):
    plugin = alpaca.PLUGIN
    own: ClassVar[dict[str, Any]] = {"symbols": SYMBOLS, "first_session": SESSIONS[0]}
    wrong: ClassVar[dict[str, Any]] = {"feed": "free"}

    @contextmanager
    def opened(self, folder: Path) -> Iterator[BarSource]:
        with stocks(SESSIONS) as market:
            yield market.source(folder, **self.own)

    @contextmanager
    def unreadable(self, folder: Path) -> Iterator[BarSource]:
        with stocks(SESSIONS) as market:
            gone = market.source(folder, alpaca={"max_attempts": 1}, **self.own)
        yield gone

    def test_it_is_opened_by_name_with_the_connection_of_its_section(self, tmp_path: Path) -> None:
        with stocks(SESSIONS) as market:
            one = market.source(tmp_path, **self.own)
            settings = one._settings
            again = self.plugin.make(settings.source.alpaca, XNYS, settings)
            assert again.first_session() == SESSIONS[0]
            with pytest.raises(AtsError, match=r"calendar.exchange is 24/7: set it to XNYS"):
                self.plugin.make(settings.source.alpaca, ALWAYS, settings)


class TestExchange(SourceKit):
    plugin = ccxt.PLUGIN
    own: ClassVar[dict[str, Any]] = {"symbols": markets.PAIRS, "first_session": markets.FIRST}
    wrong: ClassVar[dict[str, Any]] = {"symbols": ["BTCUSDT"]}
    calendar = markets.ALWAYS

    @contextmanager
    def opened(self, folder: Path) -> Iterator[BarSource]:
        with markets.market({"SOL/USDT": {markets.DAYS[3]}}).double() as double:
            yield markets.source(double)

    @contextmanager
    def unreadable(self, folder: Path) -> Iterator[BarSource]:
        with markets.market().double() as double:
            gone = markets.source(double, max_attempts=1)
        yield gone


class TestCoinGecko(SourceKit):
    plugin = coingecko.PLUGIN
    own: ClassVar[dict[str, Any]] = {"symbols": coins.COINS, "ids": {"BTC": "bitcoin"}}
    wrong: ClassVar[dict[str, Any]] = {"symbols": ["bitcoin"]}
    calendar = coins.ALWAYS

    @contextmanager
    def opened(self, folder: Path) -> Iterator[BarSource]:
        hole = coins.DAYS[9]
        with GeckoMarket(now=coins.NOW, absent={"solana": {coingecko.gecko_client.midnight(hole) + 4 * 3_600_000}}).double() as double:
            yield coins.source(double)

    @contextmanager
    def unreadable(self, folder: Path) -> Iterator[BarSource]:
        with GeckoMarket(now=coins.NOW).double() as double:
            gone = coins.source(double, max_attempts=1)
        yield gone


class Faulty(SyntheticSource):
    """A source with a fault of the kind that the kit is there to find."""

    fault = ""
    asked = 0

    def bars(self, sessions: Sequence[date], symbols: Sequence[str] | None = None) -> pl.DataFrame:
        found = super().bars(sessions, symbols)
        self.asked += 1
        if self.fault == "differs each time":
            return found.with_columns(pl.col("volume") + self.asked)
        if self.fault == "depends on the range":
            return found.with_columns(pl.col("close") / pl.col("close").max())
        if self.fault == "delivers more than was asked for":
            return super().bars([*sessions, *self._calendar.window(sessions[0], 2)] if sessions else [], symbols)
        return found.sort("symbol", "session")

    def known_at(self, session: date) -> datetime:
        return super().known_at(session) - timedelta(hours=1)


@pytest.mark.parametrize(
    ("fault", "found_by"),
    [
        ("differs each time", "test_two_that_are_opened_alike_deliver_the_same_bytes"),
        ("depends on the range", "test_a_session_asked_for_alone_and_in_any_range_is_the_same"),
        ("delivers more than was asked for", "test_nothing_comes_of_sessions_that_were_not_asked_for"),
        ("is in another order", "test_rows_keep_to_the_contracts_and_their_order"),
        ("is known too early", "test_no_version_is_known_before_the_sessions_close"),
    ],
)
def test_the_kit_finds_what_it_is_there_for(tmp_path: Path, fault: str, found_by: str) -> None:
    def opened(own: SyntheticSettings, calendar: SessionCalendar, _settings: object) -> Faulty:
        made = Faulty(own, calendar)
        made.fault = fault
        return made

    class Kit(SourceKit):
        plugin = replace(synthetic.PLUGIN, make=opened)
        own: ClassVar[dict[str, Any]] = {"symbols": 4, **DAYS}

    with pytest.raises(AssertionError):
        getattr(Kit(), found_by)(tmp_path)
