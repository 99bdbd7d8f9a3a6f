"""Dukascopy's .bi5 files: the ticks of one instrument in one hour, at `<symbol>/YYYY/MM/DD/HHh_ticks.bi5`, of which the month counts from 00.

LZMA of records of 20 bytes, big-endian: milliseconds since the hour, ask, bid (unsigned, in points), volume at the ask and at the bid (float, in millions of units). An empty file is
an hour without ticks.
"""

import lzma
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import numpy as np
import polars as pl

from ats_assets.errors import SourceError

RECORD: Final = np.dtype([("ms", ">u4"), ("ask", ">u4"), ("bid", ">u4"), ("ask_size", ">f4"), ("bid_size", ">f4")])
_PATH: Final = re.compile(r"([^/]+)/(\d{4})/(\d{2})/(\d{2})/(\d{2})h_ticks\.bi5$")
_CURRENCIES: Final = frozenset("USD EUR GBP CHF AUD NZD CAD SGD HKD SEK NOK DKK PLN TRY ZAR MXN CNH".split())  # noqa: SIM905
_THOUSANDTHS: Final = frozenset({"JPY", "RUB"})
_METALS: Final = frozenset({"XAUUSD", "XAGUSD"})


@dataclass(frozen=True, kw_only=True)
class HourFile:
    """A file, the instrument and the hour that its path names."""

    path: Path
    symbol: str
    hour: datetime

    @property
    def first(self) -> int:
        """The beginning of the hour, in nanoseconds since 1970."""
        return int(self.hour.timestamp()) * 10**9

    @property
    def last(self) -> int:
        """Its last nanosecond."""
        return self.first + 3_600 * 10**9 - 1


def hour_file(path: Path) -> HourFile:
    """What the path of a file says.

    Raises
    ------
    SourceError
        If it is not where Dukascopy keeps it, so that nothing says which hour it is.
    """
    found = _PATH.search(path.as_posix())
    symbol, year, month, day, hour = found.groups() if found else ("", "0", "0", "0", "0")
    try:
        return HourFile(path=path, symbol=symbol, hour=datetime(int(year), int(month) + 1, int(day), int(hour), tzinfo=UTC))
    except ValueError:  # of year 0, too
        raise SourceError(
            f"{path} does not lie at <symbol>/YYYY/MM/DD/HHh_ticks.bi5, the month from 00 to 11, as Dukascopy has it: without that nothing says which hour it is"
        ) from None


def hour_ticks(file: HourFile, points: dict[str, float]) -> pl.DataFrame:
    """Its quotes: symbol, at (nanoseconds, UTC), bid, ask, bid_size, ask_size.

    Raises
    ------
    SourceError
        If it is damaged, or it is not known what a point of the instrument is worth.
    """
    content = file.path.read_bytes()
    try:
        plain = lzma.decompress(content) if content else b""
    except (lzma.LZMAError, EOFError) as error:
        raise SourceError(f"{file.path} is no LZMA, or truncated ({error}): deliver it again, or remove it") from error
    if len(plain) % RECORD.itemsize:
        raise SourceError(
            f"{file.path} holds {len(plain)} bytes, which are no records of {RECORD.itemsize}: deliver it again, or remove it"
        )
    records = np.frombuffer(plain, dtype=RECORD)
    parts = parts_of_one(file.symbol, points)
    return pl.DataFrame(
        {
            "symbol": pl.Series([file.symbol], dtype=pl.String).new_from_index(0, len(records)),
            "at": pl.Series(file.first + records["ms"].astype(np.int64) * 1_000_000).cast(pl.Datetime("ns", "UTC")),
            "bid": records["bid"].astype(np.float64) / parts,
            "ask": records["ask"].astype(np.float64) / parts,
            "bid_size": np.round(records["bid_size"].astype(np.float64), 6),
            "ask_size": np.round(records["ask_size"].astype(np.float64), 6),
        }
    )


def parts_of_one(symbol: str, points: dict[str, float]) -> float:
    """By what a price in a file is divided: 100,000 of pairs of currencies, 1,000 in yen and roubles and of gold and silver.

    Raises
    ------
    SourceError
        If the settings do not say it of another instrument.

    Examples
    --------
    >>> parts_of_one("EURUSD", {}), parts_of_one("USDJPY", {}), parts_of_one("BTCUSD", {"BTCUSD": 0.1})
    (100000.0, 1000.0, 10.0)
    """
    if symbol in points:
        return float(round(1 / points[symbol]))
    base, quote = symbol[:3], symbol[3:]
    if symbol in _METALS or (quote in _THOUSANDTHS and base in _CURRENCIES):
        return 1e3
    if base in _CURRENCIES and quote in _CURRENCIES:
        return 1e5
    raise SourceError(
        f"it is not known what one unit of a price of {symbol} in a .bi5 file is worth: look it up at Dukascopy and set intraday.quotes.points = {{ {symbol} = 0.001 }}"
    )
