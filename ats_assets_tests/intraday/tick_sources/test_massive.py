"""Massive as a source of ticks: by the SIP's time to the nanosecond, page by page, from its API and from its flat files alike."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest

from ats_assets.calendar import session_calendar
from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.intraday.quote_screening import screen_quotes
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.tick_source import TickSource, What
from ats_assets.intraday.tick_sources import files, massive
from ats_assets.intraday.tick_sources.files.settings import TickFilesSettings
from ats_assets.intraday.tick_sources.massive import MassiveTicks
from ats_assets.intraday.trade_screening import screen_trades
from ats_assets.settings import TickScreeningSettings
from ats_assets.vendors.massive.massive_rest import MassivePlanError
from ats_assets_tests.kits.tick_sources import TickSourceKit
from ats_assets_tests.small_market import small_market
from ats_assets_tests.sources.adapters.massive.markets import XNYS, write_flat_file
from ats_assets_tests.vendors.doubles import Mishap, VendorDouble, Wrong
from ats_assets_tests.vendors.massive_double import KEY, MassiveData, massive_double
from ats_assets_tests.vendors.massive_market import DAYS, market, nanos, trade
from ats_assets_tests.vendors.quick_vendors import quick_tables

OWN: dict[str, Any] = {"symbols": ("AAPL", "BRK.B"), "first_session": DAYS[0]}
HOURS = SessionHours(session_calendar("XNYS", date(2024, 1, 2)), {})
POLYGON = TickScreeningSettings(conditions="polygon")
HEADERS = {
    "trades": "ticker,conditions,correction,exchange,id,participant_timestamp,price,sequence_number,sip_timestamp,size,tape,trf_id,trf_timestamp",
    "quotes": "Ticker,ask_exchange,ask_price,ask_size,bid_exchange,bid_price,bid_size,conditions,indicators,participant_timestamp,sequence_number,sip_timestamp,tape,trf_timestamp",
}


def deployed(folder: Path, url: str, **more: Any) -> Deployment:
    connection = {"url": url, "flat_files": folder / "flat"}
    return small_market(folder, massive=connection, vendors=quick_tables(), calendar={"first_session": XNYS.first}, **more)


@contextmanager
def vendor(data: MassiveData | None = None) -> Iterator[tuple[VendorDouble, MassiveData]]:
    with massive_double(known := data or market()) as double, pytest.MonkeyPatch.context() as environment:
        environment.setenv("MASSIVE_API_KEY", KEY)
        yield double, known


def source(deployment: Deployment, what: What = "trades", **own: Any) -> MassiveTicks:
    settings = massive.MassiveTicksSettings(**OWN | own)
    return MassiveTicks(settings, what, HOURS, deployment)


def write_ticks(folder: Path, data: MassiveData) -> None:
    """The market's ticks as flat files: a file a day of New York, sorted by ticker and time."""
    for what, header in HEADERS.items():
        names = header.lower().split(",")
        rows = [{**row, "ticker": ticker} for ticker, ticks in getattr(data, what).items() for row in ticks]
        for day in DAYS[:3]:
            own = [row for row in rows if nanos(day, "00:00:00") <= row["sip_timestamp"] < nanos(day, "00:00:00") + 86_400 * 10**9]
            lines = [header.lower()]
            for row in sorted(own, key=lambda row: (row["ticker"], row["sip_timestamp"])):
                cells = [row.get(name, "") for name in names]
                lines.append(",".join(f'"{",".join(map(str, cell))}"' if isinstance(cell, list) else str(cell) for cell in cells))
            write_flat_file(folder / "flat", f"us_stocks_sip/{what}_v1", day, lines)  # type: ignore[arg-type]


class TestApi(TickSourceKit):
    plugin = massive.PLUGIN
    own: ClassVar[dict[str, Any]] = OWN
    wrong: ClassVar[dict[str, Any]] = {"through": "pigeon"}
    calendar = HOURS.calendar
    hours = HOURS

    @contextmanager
    def opened(self, folder: Path) -> Iterator[TickSource]:
        with vendor() as (double, data):
            data.page_rows = 3
            yield source(deployed(folder, double.url), self.what, **self.own)

    @contextmanager
    def unreadable(self, folder: Path) -> Iterator[TickSource]:
        with vendor() as (double, data):
            data.without = ("/v3/",)
            yield source(deployed(folder, double.url), self.what, **self.own)


class TestQuotes(TestApi):
    what = "quotes"


class TestFlatFiles(TestApi):
    own: ClassVar[dict[str, Any]] = {**OWN, "through": "flat_files"}
    wrong: ClassVar[dict[str, Any]] = {"first_session": "soon"}

    @contextmanager
    def opened(self, folder: Path) -> Iterator[TickSource]:
        with vendor() as (double, data):
            write_ticks(folder, data)
            yield source(deployed(folder, double.url), self.what, **self.own)

    @contextmanager
    def unreadable(self, folder: Path) -> Iterator[TickSource]:
        with self.opened(folder) as found:
            for path in (folder / "flat").rglob("*.gz"):
                path.write_bytes(path.read_bytes()[:50])
            yield found


def test_no_tick_is_lost_to_screening_or_in_two_sessions(tmp_path: Path) -> None:
    with vendor() as (double, data):
        deployment = deployed(tmp_path, double.url)
        for what, screen in (("trades", screen_trades), ("quotes", screen_quotes)):
            frames = [source(deployment, what).ticks(day) for day in DAYS[:4]]  # type: ignore[arg-type]
            assert sum(frame.height for frame in frames) == sum(len(rows) for rows in getattr(data, what).values())
            for frame in frames:
                kept, others = screen(frame, HOURS, POLYGON)
                assert kept.height + others.height == frame.height


@pytest.mark.parametrize("what", ["trades", "quotes"])
def test_the_api_and_flat_files_deliver_the_same_ticks(tmp_path: Path, what: What) -> None:
    with vendor() as (double, data):
        data.page_rows = 4
        write_ticks(tmp_path, data)
        deployment = deployed(tmp_path, double.url)
        api, flat = source(deployment, what), source(deployment, what, through="flat_files")
        for day in DAYS[:3]:
            assert api.ticks(day).drop("part").equals(flat.ticks(day).drop("part"))
            assert api.ticks(day).height == 12 if day == DAYS[1] else True, (
                "six of two symbols: what came after the close is the next session's"
            )
        assert flat.sessions() == DAYS[:3]
        assert source(deployment, what, through="flat_files", symbols=()).ticks(DAYS[1]).equals(flat.ticks(DAYS[1]))


def test_the_sips_time_counts_to_the_nanosecond(tmp_path: Path) -> None:
    with vendor() as (double, data):
        rows = source(deployed(tmp_path, double.url)).ticks(DAYS[1]).filter(symbol="AAPL")
        told = sorted(row["sip_timestamp"] for row in data.trades["AAPL"])
        assert set(rows["at"].dt.epoch("ns")) <= set(told)
        assert not set(rows["at"].dt.epoch("ns")) & {row["participant_timestamp"] for row in data.trades["AAPL"]}
        assert (rows["at"].dt.epoch("ns") % 1000 != 0).any()
        first, last = XNYS.closes_at(DAYS[0]), XNYS.closes_at(DAYS[1])
        assert rows.filter((pl.col("at") < first) | (pl.col("at") >= last)).is_empty(), "by when it was published, not by when it happened"


def test_codes_of_odd_lots_and_of_extended_hours_keep_a_trade_out_of_prices(tmp_path: Path) -> None:
    with vendor() as (double, _):
        deployment = deployed(tmp_path, double.url)
        rows = source(deployment, symbols=("AAPL",)).ticks(DAYS[1])
        assert rows["conditions"].to_list()[:2] == [["37"], ["12", "41"]]
        kept, others = screen_trades(rows, HOURS, POLYGON)
        by_code = {tuple(codes): (price, volume) for codes, price, volume in kept.select("conditions", "for_price", "for_volume").rows()}
        assert by_code == {("37",): (False, True), ("12", "41"): (False, True)}, "odd lots and form T set no price, and count for volume"
        assert others["reasons"].to_list() == [["outside_hours"]] * 3, "after the close before, and before the open"


def test_cancelled_and_fractional_trades_and_what_can_not_be_read(tmp_path: Path) -> None:
    data = MassiveData()
    day = DAYS[1]
    data.trades["AAPL"] = [
        trade(day, "10:00:00", 1, correction=8),
        trade(day, "10:00:00", 2, correction=1),
        trade(day, "10:00:00", 3, size=0, decimal_size="0.125"),
        trade(day, "10:00:00", 4, conditions="odd"),
        trade(day, "10:00:00", 5, price="dear", conditions=None, tape=2),
    ]
    with vendor(data) as (double, _):
        rows = source(deployed(tmp_path, double.url), symbols=("AAPL",)).ticks(day)
        assert rows["cancelled"].to_list() == [True, False, None, None, None]
        assert rows["size"].to_list()[2] == 0.125
        assert rows["tape"].to_list() == ["C", "C", "C", "C", "B"]
        assert rows["defects"].to_list() == [None, None, None, "conditions: 'odd' is no list of codes", "price: 'dear' is not a number"]
        assert rows["exchange"].unique().to_list() == ["11"]


def test_ticks_of_one_instant_keep_their_sequence_and_one_that_comes_twice_counts_once(tmp_path: Path) -> None:
    data, at = MassiveData(page_rows=2), nanos(DAYS[1], "10:00:00")
    made = [trade(DAYS[1], "10:00:00", n, sip_timestamp=at) for n in (3, 1, 2)]
    data.trades["AAPL"] = [*made, made[0]]
    with vendor(data) as (double, _):
        rows = source(deployed(tmp_path, double.url), symbols=("AAPL",)).ticks(DAYS[1])
        assert rows.select("trade_id", "sequence").rows() == [("1", 0), ("2", 1), ("3", 2)]


@pytest.mark.parametrize("wrong", [Wrong.RATE_LIMIT, Wrong.CUT, Wrong.TRUNCATED, Wrong.NO_ANSWER])
def test_pages_that_break_off_lose_and_double_no_tick(tmp_path: Path, wrong: Wrong) -> None:
    with vendor() as (double, data):
        data.page_rows = 2
        deployment = deployed(tmp_path, double.url)
        right = source(deployment).ticks(DAYS[1])
        double.script += [Mishap(wrong, skip=skip) for skip in (1, 2)]
        assert source(deployment).ticks(DAYS[1]).equals(right)


def test_an_empty_session_an_unknown_symbol_and_a_plan_without_ticks(tmp_path: Path) -> None:
    with vendor() as (double, data):
        deployment = deployed(tmp_path, double.url)
        assert source(deployment).ticks(DAYS[4]).is_empty(), "no results at all, and what came after the close before is of DAYS[3]"
        assert source(deployment, symbols=("NOBODY",)).ticks(DAYS[1]).is_empty(), "Massive answers as of one that did not trade"
        data.without = ("/v3/quotes",)
        with pytest.raises(MassivePlanError, match="does not include GET /v3/quotes/AAPL"):
            source(deployment, "quotes").ticks(DAYS[1])
        with pytest.raises(SourceError, match=r"intraday.trades.symbols is empty: name the symbols, or set through"):
            source(deployment, symbols=())


def test_known_when_the_plan_delivers_it(tmp_path: Path) -> None:
    with vendor() as (double, _):
        deployment = deployed(tmp_path, double.url)
        one = source(deployment)
        assert one.known_at(DAYS[1]) == datetime(2024, 3, 27, 4, tzinfo=UTC), "an end-of-day plan: midnight in New York"
        assert source(deployment, through="flat_files").known_at(DAYS[1]) == datetime(2024, 3, 27, 15, tzinfo=UTC)
        early = MassiveTicks(one._own, "trades", HOURS, deployment, now=lambda: one.known_at(DAYS[1]) - timedelta(seconds=1))
        assert early.sessions() == DAYS[:1]


def test_half_a_flat_file_is_an_error_and_a_missing_day_an_empty_one(tmp_path: Path) -> None:
    with vendor() as (double, data):
        write_ticks(tmp_path, data)
        deployment = deployed(tmp_path, double.url)
        path = next((tmp_path / "flat").rglob(f"trades_v1/**/{DAYS[1]}.csv.gz"))
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(SourceError, match="may be truncated"):
            source(deployment, through="flat_files").ticks(DAYS[1])
        path.unlink()
        rows = source(deployment, through="flat_files").ticks(DAYS[1])
        assert rows.height == 4, "what was traded after the close before, from the file of that day"


@pytest.mark.parametrize("what", ["trades", "quotes"])
def test_the_source_of_files_reads_the_same_ticks_of_the_same_folder(tmp_path: Path, what: What) -> None:
    """Which recognises what any file holds, without knowing Massive: an oracle for what its columns mean."""
    with vendor() as (double, data):
        write_ticks(tmp_path, data)
        deployment = deployed(tmp_path, double.url)
        own = TickFilesSettings(path=tmp_path / f"flat/us_stocks_sip/{what}_v1")
        recognised = files.PLUGIN.make(own, what, HOURS, deployment)
        ours = source(deployment, what, through="flat_files", symbols=())
        for day in DAYS[:3]:
            left, right = (one.ticks(day).drop("sequence", "part") for one in (ours, recognised))
            assert left.equals(right)
            assert left.height > 0
