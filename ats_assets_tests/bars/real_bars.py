"""The real market data as raw bars, as a source delivers them."""

from datetime import date
from functools import lru_cache
from pathlib import Path

import polars as pl

from ats_assets.bars import screen
from ats_assets.calendar import SessionCalendar, session_calendar
from ats_assets.sources.schema import RAW_BARS_SCHEMA
from ats_assets_tests.market_data import SP500_2018


def calendar() -> SessionCalendar:
    return session_calendar("XNYS", date(1998, 1, 1))


def raw_bars(path: Path) -> pl.DataFrame:
    nothing = {"vwap": pl.lit(None, dtype=pl.Float64), "defects": pl.lit(None, dtype=pl.String)}
    return pl.read_parquet(path).with_columns(session="date", **nothing).select(RAW_BARS_SCHEMA.names())


@lru_cache(maxsize=1)
def sp500_raw() -> pl.DataFrame:
    return raw_bars(SP500_2018)


@lru_cache(maxsize=1)
def sp500_bars() -> pl.DataFrame:
    return screen(sp500_raw(), calendar())[0]
