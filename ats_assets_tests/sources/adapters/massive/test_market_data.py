"""Minute bars from Massive, by its API and by flat files: each in the session at whose close it was complete."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl
import pytest

from ats_assets.errors import SourceError
from ats_assets.sources.adapters.massive.massive_market import MINUTE_BARS, MassiveMarketData
from ats_assets.sources.adapters.massive.massive_settings import MassiveSourceSettings
from ats_assets.vendors.massive.flat_files import FlatFiles
from ats_assets.vendors.massive.massive_connection import massive_rest
from ats_assets_tests.sources.adapters.massive.markets import AFTER, XNYS, Massive, massive, write_flat_file
from ats_assets_tests.vendors.alpaca.connections import Waits
from ats_assets_tests.vendors.doubles import Told
from ats_assets_tests.vendors.massive_market import DAYS


def market_data(market: Massive, folder: Path, *, now: datetime = AFTER, **own: object) -> MassiveMarketData:
    settings = market.settings(folder)
    chosen = MassiveSourceSettings(**{"collect": ("minute_bars",), "symbols": ("AAPL",), **own})  # type: ignore[arg-type]
    rest = massive_rest(settings, backoff=Waits().backoff())
    return MassiveMarketData(chosen, XNYS, settings, rest=rest, files=FlatFiles(folder / "flat"), now=lambda: now)


def starts(rows: pl.DataFrame) -> list[str]:
    return rows["start"].dt.convert_time_zone("America/New_York").dt.strftime("%d %H:%M").to_list()


def test_a_minute_belongs_to_the_session_at_whose_close_it_was_complete(tmp_path: Path) -> None:
    with massive() as market:
        market.data.page_rows = 2
        data = market_data(market, tmp_path)
        assert starts(data.minute_bars(DAYS[0])) == ["25 08:30", "25 09:30", "25 09:31", "25 10:00", "25 15:59"]
        assert starts(data.minute_bars(DAYS[1])) == ["25 16:00", "25 17:50", "26 08:30", "26 09:30", "26 09:31", "26 10:00", "26 15:59"]
        assert starts(data.minute_bars(DAYS[2])) == ["26 16:00", "26 17:50"], "no trade in the session itself: what came before it"
        rows = data.minute_bars(DAYS[1])
        MINUTE_BARS.contract.validate(rows)
        first = market.data.minutes["AAPL"][int(rows["start"][0].timestamp() * 1000)]
        assert [rows[name][0] for name in ("open", "high", "low", "close", "volume", "trades", "vwap")] == [
            first[key] for key in ("o", "h", "l", "c", "v", "n", "vw")
        ]


def test_a_minute_without_a_time_that_can_be_read_is_a_row_with_its_defect(tmp_path: Path) -> None:
    with massive() as market:
        market.double.answer = lambda _asked: Told({"status": "OK", "results": [{"t": t, "c": 1.5} for t in (10**18, -(10**18), "noon")]})
        rows = market_data(market, tmp_path).minute_bars(DAYS[1])
        MINUTE_BARS.contract.validate(rows)
        assert rows["start"].null_count() == rows.height == 3
        assert all("start: no time that can be read" in defect for defect in rows["defects"])


def test_flat_files_hold_the_same_minutes(tmp_path: Path) -> None:
    with massive() as market:
        lines: dict[date, list[str]] = {}
        for at, bar in sorted(market.data.minutes["AAPL"].items()):
            day = datetime.fromtimestamp(at / 1000, UTC).date()
            lines.setdefault(day, []).append(f"AAPL,{bar['v']},{bar['o']},{bar['c']},{bar['h']},{bar['l']},{at}000000,{bar['n']}")
        header = "ticker,volume,open,close,high,low,window_start,transactions"
        for day, rows in lines.items():
            write_flat_file(tmp_path / "flat", "us_stocks_sip/minute_aggs_v1", day, [header, *rows, "MSFT,1,1,1,1,1,1711456200000000000,1"])
        api = market_data(market, tmp_path)
        files = market_data(market, tmp_path, through="flat_files")
        for day in DAYS[:2]:
            assert files.minute_bars(day).equals(api.minute_bars(day).with_columns(vwap=pl.lit(None, pl.Float64)))
        assert market_data(market, tmp_path, through="flat_files", symbols=()).minute_bars(DAYS[1])["symbol"].unique().sort().to_list() == [
            "AAPL",
            "MSFT",
        ]
        assert files.minute_bars(DAYS[4]).is_empty()


def test_minutes_are_not_asked_for_before_the_plan_delivers_them(tmp_path: Path) -> None:
    with massive() as market:
        early = market_data(market, tmp_path, now=XNYS.closes_at(DAYS[1]) + timedelta(hours=1))
        with pytest.raises(SourceError, match=r"minute bars of 2024-03-26 are delivered from 2024-03-27 04:00 UTC on: wait until then"):
            early.minute_bars(DAYS[1])
        assert not market.double.journal
