"""Binance's dumps as they are published, in their own folders: daily and monthly ones, milliseconds and microseconds, with holes that are named."""

import zipfile
from datetime import date, timedelta
from pathlib import Path

import pytest

from ats_assets.bars.screening import screen
from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError
from ats_assets.settings import FilesSettings
from ats_assets.sources.adapters.files.source import FileSource
from ats_assets_tests.sources.dumps import kline, write_dump

ALWAYS = SessionCalendar("24/7", date(2024, 1, 1))
NEW_YEAR = date(2025, 1, 1)
DECEMBER = [date(2024, 12, 1) + timedelta(days=i) for i in range(31)]


def daily(folder: Path, day: date, price: float = 100.0, symbol: str = "BTCUSDT") -> Path:
    return write_dump(folder / f"data/spot/daily/klines/{symbol}/1d/{symbol}-1d-{day}.zip", [kline(day, price)])


def monthly(folder: Path, days: list[date], symbol: str = "BTCUSDT") -> Path:
    name = f"{symbol}-1d-{days[0]:%Y-%m}.zip"
    return write_dump(folder / f"data/spot/monthly/klines/{symbol}/1d/{name}", [kline(day, 100.0) for day in days])


def source(folder: Path, keep: Path | None = None) -> FileSource:
    return FileSource(FilesSettings(path=folder / "data"), ALWAYS, keep=keep)


def test_dumps_of_both_units_of_time_lie_in_one_folder(tmp_path: Path) -> None:
    """Zips were not read at all, and had to be unpacked first."""
    days = [NEW_YEAR + timedelta(days=i) for i in range(-2, 3)]
    for i, day in enumerate(days):
        daily(tmp_path, day, 100.0 + i)
    found = source(tmp_path)
    bars = found.bars(days)
    assert bars.select("symbol", "date", "session", "open", "high", "low", "close", "volume", "defects").rows() == [
        ("BTCUSDT", day, day, 100.0 + i, 102.0 + i, 99.0 + i, 101.0 + i, 1000.5, None) for i, day in enumerate(days)
    ]
    assert (found.first_session(), found.latest_session(), found.symbols()) == (days[0], days[-1], ["BTCUSDT"])
    assert "warning" not in found.describe()


@pytest.mark.parametrize("kept", [False, True])
def test_days_without_a_bar_are_named_and_nothing_is_put_in(tmp_path: Path, *, kept: bool) -> None:
    """A hole in the dumps (binance-public-data, issue 230) was said nowhere."""
    monthly(tmp_path, [day for day in DECEMBER if day.day not in (5, 6, 9)])
    monthly(tmp_path, DECEMBER[20:], "NEWUSDT")  # listed on the 21st: no hole
    for day in (1, 2, 4):
        daily(tmp_path, date(2025, 1, day))
    found = source(tmp_path, tmp_path / "kept" if kept else None)
    said = "warning: days without a bar in Binance's dumps, for which nothing is put in: BTCUSDT: 2024-12-05 to 2024-12-06, 2024-12-09, 2025-01-03 (4 days); "
    assert said in "\n".join(found.recognised())
    assert "NEWUSDT:" not in found.describe()
    assert found.bars([date(2024, 12, 5), date(2025, 1, 3)]).is_empty()
    assert source(tmp_path, tmp_path / "kept" if kept else None).recognised() == found.recognised()


def test_a_day_in_a_daily_and_a_monthly_dump_is_a_bar_once(tmp_path: Path) -> None:
    monthly(tmp_path, DECEMBER)
    daily(tmp_path, DECEMBER[-1])
    accepted, rejected = screen(source(tmp_path).bars([DECEMBER[-1]]), ALWAYS)
    assert accepted["symbol"].to_list() == ["BTCUSDT"]
    assert rejected["reasons"].to_list() == [["duplicate"]]


def test_a_dump_that_is_not_what_its_checksum_says_is_an_error(tmp_path: Path) -> None:
    path = daily(tmp_path, NEW_YEAR)
    write_dump(path, [kline(NEW_YEAR, 99.0)], checksum=False)
    with pytest.raises(
        SourceError, match=r"is not what BTCUSDT-1d-2025-01-01\.zip\.CHECKSUM says .*: it was cut or replaced\. Download both again"
    ):
        source(tmp_path).symbols()


def test_other_zips_beside_the_bars_are_left_out_and_named(tmp_path: Path) -> None:
    daily(tmp_path, NEW_YEAR)
    with zipfile.ZipFile(tmp_path / "data" / "backup.zip", "w") as archive:
        archive.writestr("one.csv", "1\n")
        archive.writestr("two.csv", "2\n")
    found = source(tmp_path)
    assert found.symbols() == ["BTCUSDT"]
    assert "left out, since they are no tables: backup.zip" in found.describe()
