"""Minute bars of BAC and IBM, made of their ticks, beside the minute bars that the same vendor delivers (October 2013, 04:00 to 20:00)."""

from datetime import date, time

import polars as pl
import pytest

from ats_assets.intraday.samplers.time import PLUGIN
from ats_assets.intraday.schema import NANOSECONDS, RAW_TRADES_SCHEMA
from ats_assets.intraday.trade_screening import screen_trades
from ats_assets.settings import HoursSettings, TickScreeningSettings
from ats_assets_tests.intraday.ticks import nyse, of_lean, real

PRICES = ("open", "high", "low", "close")
WEEK = date(2013, 10, 7)
REGULAR, CASH, NEXT_DAY, SELLER, EXTENDED = 1 << 0, 1 << 1, 1 << 2, 1 << 3, 1 << 13
SWEEP, EXEMPT = 1 << 5, 1 << 29
OPENING, CLOSING, OFFICIAL_CLOSE, OFFICIAL_OPEN = 1 << 6, 1 << 7, 1 << 24, 1 << 26
"""The vendor's flags, one bit a condition (`ats_assets.intraday.conditions`)."""


def has(*flags: int) -> pl.Expr:
    return (pl.col("flags") & sum(flags)) != 0


@pytest.fixture(scope="module")
def trades() -> pl.DataFrame:
    """Trades with the vendor's reading of its flags: all count for volume; a sweep or an exempt trade sets no price in regular hours."""
    hours = nyse({"default": HoursSettings(start=time(4), end=time(20), timezone="America/New_York")})
    raw = of_lean(real("us_ticks/trades.parquet"), RAW_TRADES_SCHEMA, hours)
    kept, rejected = screen_trades(raw, hours, TickScreeningSettings(conditions="none"))
    assert rejected.is_empty()
    flagged = kept.with_columns(flags=pl.col("conditions").list.first().str.to_integer(base=16))
    sets = ~has(SWEEP, EXEMPT) | has(REGULAR, CASH, NEXT_DAY, SELLER, EXTENDED)
    return flagged.with_columns(for_price=sets, for_high_low=sets)


@pytest.fixture(scope="module")
def both(trades: pl.DataFrame) -> pl.DataFrame:
    """A row a minute: ours, and the vendor's with `_vendor` behind its names."""
    sessions = trades["session"].unique().sort().to_list()
    ours = PLUGIN.make(PLUGIN.settings()).bars({"trades": trades}, sessions, sessions)
    opened = pl.col("ts").dt.convert_time_zone("UTC").cast(NANOSECONDS)
    vendor = real("us_minute/trade_bars.parquet").filter(pl.col("symbol").is_in(["BAC", "IBM"]), pl.col("ts").dt.date() >= WEEK)
    return ours.join(vendor.with_columns(opened_at=opened), on=["symbol", "opened_at"], how="full", suffix="_vendor", coalesce=True)


def same(*columns: str) -> pl.Expr:
    return pl.all_horizontal((pl.col(name) - pl.col(f"{name}_vendor")).abs() < 1e-9 for name in columns).fill_null(value=False)


def test_nearly_all_minutes_agree_in_all_five_numbers(both: pl.DataFrame) -> None:
    assert both.height > 5_000
    assert both.select(same(*PRICES, "volume").mean()).item() > 0.992
    assert both.select(same(*PRICES).mean()).item() > 0.994
    assert both.filter(pl.col("close").is_null() | pl.col("close_vendor").is_null()).height <= 2


def test_all_others_are_those_of_the_auctions_and_codes_say_so(both: pl.DataFrame, trades: pl.DataFrame) -> None:
    """The vendor puts the closing auction, printed seconds after 16:00, into the last minute before it, and counts the opening auction's price, but not always its volume, first."""
    codes = trades.group_by("symbol", opened_at=pl.col("at").dt.truncate("1m")).agg(
        opening=has(OPENING, OFFICIAL_OPEN).any(), closing=has(CLOSING, OFFICIAL_CLOSE).any()
    )
    others = both.filter(~same(*PRICES, "volume")).join(codes, on=["symbol", "opened_at"], how="left")
    clock = pl.col("opened_at").dt.convert_time_zone("America/New_York").dt.time()
    explained = pl.col("opening") | pl.col("closing") | (clock == time(15, 59))
    assert others.filter(~explained).is_empty(), others.filter(~explained)
    assert others.height < 0.008 * both.height


def test_the_volume_of_the_last_minutes_is_the_same_where_the_closing_auction_is_counted_once(
    both: pl.DataFrame, trades: pl.DataFrame
) -> None:
    """Ours from 15:59 to 16:02, less what only repeats the auction as the official close, is the vendor's."""
    clock = pl.col("opened_at").dt.convert_time_zone("America/New_York").dt.time()
    ends = both.filter(clock.is_between(time(15, 59), time(16, 1)))
    at = pl.col("at").dt.convert_time_zone("America/New_York").dt.time()
    official = trades.filter(at.is_between(time(15, 59), time(16, 2)), has(OFFICIAL_CLOSE)).group_by("symbol", "session")
    told = ends.group_by("symbol", "session").agg(pl.col("volume", "volume_vendor").sum())
    rows = told.join(official.agg(repeated=pl.col("size").sum()), on=["symbol", "session"], how="left")
    assert rows.height == 10
    assert rows.select(((pl.col("volume") - pl.col("volume_vendor")).abs() / pl.col("volume_vendor")).max()).item() < 0.01
    assert rows.filter((pl.col("volume") - pl.col("repeated") - pl.col("volume_vendor")).abs() > 1.0).height <= 2, rows
