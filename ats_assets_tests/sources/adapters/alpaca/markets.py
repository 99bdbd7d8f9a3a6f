"""Markets for the double: daily bars of some symbols over some sessions, each bar unlike all others."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
import pytest

from ats_assets.calendar import SessionCalendar, session_calendar
from ats_assets.settings import AlpacaSourceSettings, SourceSettings, StorageSettings
from ats_assets.sources.adapters.alpaca import AlpacaSource
from ats_assets_tests.alpaca_double import AlpacaDouble, MarketData, Reference, rfc3339, serving
from ats_assets_tests.vendors.alpaca.connections import ENVIRONMENT, Waits, connected

XNYS = session_calendar("XNYS", date(2020, 1, 2))
ALWAYS = session_calendar("24/7", date(2020, 1, 1))
NEW_YORK = ZoneInfo("America/New_York")
SYMBOLS = ("AAPL", "BRK.B", "MSFT", "TSLA")


def midnight(day: date, zone: ZoneInfo = NEW_YORK) -> datetime:
    return datetime.combine(day, time(), zone)


def bar(at: datetime | str, n: int, **fields: object) -> dict[str, Any]:
    """The n-th bar: its prices name it."""
    price = 10 + n / 64
    return {"t": at, "o": price, "h": price + 1, "l": price - 1, "c": price + 0.5, "v": 1000 + n, "n": n, "vw": price + 0.25} | fields


@dataclass
class Market:
    """The double and what was put into it."""

    double: AlpacaDouble
    data: MarketData
    reference: Reference
    served: pl.DataFrame

    def source(self, folder: Path, *, waits: Waits | None = None, alpaca: Mapping[str, Any] | None = None, **choice: Any) -> AlpacaSource:
        crypto = choice.get("asset_class") == "crypto"
        chosen = {"symbols": SYMBOLS, "first_session": date(2020, 1, 2)} | choice
        settings = connected(
            self.double.url,
            alpaca=dict(alpaca or {}),
            source=SourceSettings(kind="alpaca", alpaca=AlpacaSourceSettings(**chosen)),
            storage=StorageSettings(data=folder, warehouse=folder / "warehouse", fsync=False),
        )
        return AlpacaSource(settings, ALWAYS if crypto else XNYS, backoff=(waits or Waits()).backoff(), now=lambda: self.double.now)


def daily(sessions: Sequence[date], symbols: Iterable[str]) -> pl.DataFrame:
    """What `raw_bars` should hold of the bars of `filled`."""
    rows = [
        {"symbol": symbol, "session": day} | {k: v for k, v in bar("", i * 1000 + j).items() if k in "ohlcv" or k == "vw"}
        for i, symbol in enumerate(sorted(symbols))
        for j, day in enumerate(sessions)
    ]
    names = {"o": "open", "h": "high", "l": "low", "c": "close", "v": "volume", "vw": "vwap"}
    if not rows:
        return pl.DataFrame()
    return pl.DataFrame(rows).rename(names).with_columns(pl.col("volume").cast(pl.Float64)).sort("session", "symbol")


@contextmanager
def stocks(
    sessions: Sequence[date], *, symbols: Sequence[str] = SYMBOLS, page_limit: int = 10_000, now: datetime | None = None, feed: str = "iex"
) -> Iterator[Market]:
    """A double with a bar for each symbol and session, an hour after the last of them has closed."""
    data, reference = MarketData(page_limit=page_limit), Reference()
    for i, symbol in enumerate(sorted(symbols)):
        data.add("stocks", "bars/1Day", symbol, [bar(midnight(day), i * 1000 + j) for j, day in enumerate(sessions)], feed=feed)
        reference.add_asset(symbol)
    with (
        pytest.MonkeyPatch.context() as environment,
        serving(reference, data, now=now or XNYS.closes_at(sessions[-1]) + timedelta(hours=1)) as double,
    ):
        for name, value in ENVIRONMENT.items():
            environment.setenv(name, value)
        yield Market(double, data, reference, daily(sessions, symbols))


@contextmanager
def crypto(days: Sequence[date], *, symbols: Sequence[str] = ("BTC/USD", "ETH/USD"), now: datetime | None = None) -> Iterator[Market]:
    """The same of crypto, without keys in the environment."""
    data, reference = MarketData(), Reference()
    for i, symbol in enumerate(sorted(symbols)):
        data.add("crypto", "bars/1Day", symbol, [bar(midnight(day, UTC), i * 1000 + j) for j, day in enumerate(days)])
    with (
        pytest.MonkeyPatch.context() as environment,
        serving(reference, data, now=now or ALWAYS.closes_at(days[-1]) + timedelta(hours=1)) as double,
    ):
        for name in ENVIRONMENT:
            environment.delenv(name, raising=False)
        yield Market(double, data, reference, daily(days, symbols))


__all__ = ["ALWAYS", "SYMBOLS", "XNYS", "Market", "SessionCalendar", "bar", "crypto", "daily", "midnight", "rfc3339", "stocks"]
