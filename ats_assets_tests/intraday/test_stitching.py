"""Ticks of a second vendor in the holes of the first: each true tick is there once, however the edges of a hole cut through an instant and however the two stamp it."""

from collections import Counter
from datetime import timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from ats_assets.intraday.schema import NANOSECONDS, RAW_TRADES_SCHEMA
from ats_assets.intraday.stitching import stitched
from ats_assets.intraday.trade_screening import screen_trades
from ats_assets.settings import TickScreeningSettings
from ats_assets.sources.schema import VENDOR_SCHEMA
from ats_assets_tests.intraday.ticks import MONDAY, nyse, raw_quotes, raw_trades
from ats_assets_tests.rounds import rounds

SECOND = 10**9
LONGEST = 21 * SECOND // 10
BEGIN = int(nyse().of("A", MONDAY)[0].timestamp()) * SECOND + 3600 * SECOND


@st.composite
def markets(draw: st.DrawFn) -> tuple[list[tuple[int, str]], set[int], int]:
    """True ticks, often several of one content at one instant; those that the first vendor lost, in runs that are silences; the coarser unit of the second one's clock."""
    steps = draw(st.lists(st.sampled_from([0, 0, 10**5, 10**8, 3 * 10**8, SECOND]), min_size=1, max_size=120))
    content = draw(st.lists(st.sampled_from("abc"), min_size=len(steps), max_size=len(steps)))
    ticks = list(zip((BEGIN + np.cumsum(steps)).tolist(), content, strict=True))
    lost: set[int] = set()
    for begin in sorted(draw(st.sets(st.integers(0, len(ticks) - 1), max_size=4))):
        if begin not in lost:
            end = next((n for n in range(begin, len(ticks)) if ticks[n][0] - ticks[begin][0] > LONGEST + SECOND), len(ticks))
            lost |= set(range(begin, end))
    return ticks, lost, draw(st.sampled_from([1, 10**6]))


def of_ticks(ticks: list[tuple[int, str]], vendor: str, reason: str | None = None) -> pl.DataFrame:
    rows = raw_trades(*[{"price": {"a": 1.0, "b": 2.0, "c": 3.0}[content]} for _, content in ticks])
    return told(rows.with_columns(at=pl.Series([at for at, _ in ticks], dtype=pl.Int64).cast(NANOSECONDS)), vendor, reason)


@given(markets())
@settings(max_examples=rounds(60, 2000), deadline=None)
def test_each_tick_is_there_once(market: tuple[list[tuple[int, str]], set[int], int]) -> None:
    ticks, lost, unit = market
    own = [tick for n, tick in enumerate(ticks) if n not in lost]
    assume(own)
    other = [(at // unit * unit, content) for at, content in ticks]
    found, filled = stitched(
        of_ticks(own, "one"), of_ticks(other, "two", "one"), "trades", nyse(), longest=LONGEST, tolerance=unit if unit > 1 else 0
    )
    new = found.filter(vendor="two")
    got = Counter((at // unit, price) for at, price in zip(found["at"].to_physical().to_list(), found["price"].to_list(), strict=True))
    true = of_ticks(ticks, "one")
    assert got == Counter(
        (at // unit, price) for at, price in zip(true["at"].to_physical().to_list(), true["price"].to_list(), strict=True)
    )
    assert filled["ticks"].sum() == new.height
    at = new["at"].to_physical().to_numpy()
    spans = filled.select("start", "end").rows()
    assert all(any(start - unit <= one <= end + unit for start, end in spans) for one in at)
    assert found.filter(vendor="one").drop("sequence").equals(of_ticks(own, "one").drop("sequence")), "in their own order"


def told(rows: pl.DataFrame, vendor: str, reason: str | None = None) -> pl.DataFrame:
    return rows.with_columns(vendor=pl.lit(vendor, pl.String), vendor_reason=pl.lit(reason, pl.String))


def test_ticks_stand_in_the_hole_in_the_order_of_both_deliveries() -> None:
    first = told(raw_trades({"at": "09:31"}, {"at": "10:00:01", "price": 11.0}, {"at": "10:00:00"}, {"at": "15:59"}), "one")
    second = told(
        raw_trades({"at": "09:31"}, {"at": "12:00", "price": 12.0}, {"at": "12:00", "price": 13.0}, {"at": "18:00", "price": 14.0}),
        "two",
        "one",
    )
    found, filled = stitched(first, second, "trades", nyse(), longest=3600 * SECOND, tolerance=0)
    assert found["price"].to_list() == [10.0, 11.0, 10.0, 12.0, 13.0, 10.0]
    assert found["sequence"].to_list() == list(range(6))
    assert found["vendor"].to_list() == ["one"] * 3 + ["two"] * 2 + ["one"]
    assert found["vendor_reason"].to_list() == [None] * 3 + ["one: no tick from 15:00:01Z to 20:59:00Z"] * 2 + [None]
    assert filled.select("symbol", "ticks").rows() == [("A", 2)]
    assert found.schema == pl.Schema({**RAW_TRADES_SCHEMA, **VENDOR_SCHEMA})


def test_what_has_no_hole_no_symbol_or_another_symbol_stays_as_it_came() -> None:
    first = told(raw_trades({"at": "09:30"}, {"at": "15:59:59"}, {"symbol": None, "at": "12:00"}, {"at": None}), "one").sort(
        "symbol", "sequence"
    )
    second = told(raw_trades({"at": "12:00"}, {"symbol": "B", "at": "12:00"}, {"symbol": None, "at": "12:00"}), "two")
    found, filled = stitched(first, second, "trades", nyse(), longest=6 * 3600 * SECOND + 1800 * SECOND, tolerance=0)
    assert found.equals(first)
    assert filled.is_empty()


@pytest.mark.parametrize("sizes", [(100.0, 100.0), (None, None)])
def test_quotes_are_told_by_their_sides(sizes: tuple[float | None, float | None]) -> None:
    """Sizes are lots of one vendor and shares of another, or lacking."""
    edges = [{"at": "09:30:00"}, {"at": "10:00:00"}]
    later = [{"at": "15:30:00"}, {"at": "15:59:59"}]
    first = told(raw_quotes(*edges, *later), "one")
    own = {"bid_size": sizes[0], "ask_size": sizes[1]}
    second = told(raw_quotes(*[one | own for one in (*edges, {"at": "12:00:00"}, *later)]), "two", "one")
    found, _ = stitched(first, second, "quotes", nyse(), longest=1800 * SECOND, tolerance=0)
    assert found["vendor"].to_list() == ["one", "one", "two", "one", "one"]


def test_what_was_delivered_twice_pairs_once() -> None:
    """Two copies of a trade in two files of the first vendor once paired with the trade and with its lost neighbour of the same instant."""
    twice = [{"at": "10:00"}, {"at": "10:00", "part": 1}, {"at": "15:00"}]
    first, second = told(raw_trades(*twice), "one"), told(raw_trades({"at": "10:00"}, {"at": "10:00"}, {"at": "15:00"}), "two", "one")
    found, filled = stitched(first, second, "trades", nyse(), longest=3600 * SECOND, tolerance=0)
    assert filled["ticks"].to_list() == [1]
    assert found["at"].to_list()[:3] == [first["at"][0]] * 3
    named = {"trade_id": "7", "exchange": "N"}
    first = told(raw_trades({"at": "10:00", **named}, {"at": "10:00", **named}, {"at": "15:00"}), "one")
    assert stitched(first, second, "trades", nyse(), longest=3600 * SECOND, tolerance=0)[1]["ticks"].to_list() == [1]


@pytest.mark.parametrize("parts", [(0, 0), (1, 1), (0, 1)])
def test_what_fills_a_hole_is_no_copy_of_what_stands_beside_it(parts: tuple[int, int]) -> None:
    """Equal ticks of two files are one that was delivered twice; those of two vendors that are not paired are two."""
    first = told(raw_trades({"at": "10:00"}, {"at": "15:00"}), "one")
    middle = [{"at": at, "part": part} for at in ("10:00", "12:00", "12:00") for part in parts]
    rows = raw_trades({"at": "10:00"}, *middle, {"at": "15:00"})
    found, _ = stitched(first, told(rows, "two", "one"), "trades", nyse(), longest=3600 * SECOND, tolerance=0)
    kept, rejected = screen_trades(found.drop(VENDOR_SCHEMA.names()), nyse(), TickScreeningSettings())
    assert rejected.is_empty()
    once = screen_trades(rows, nyse(), TickScreeningSettings())[0]
    assert kept["at"].equals(once["at"])


def test_hours_bound_the_holes() -> None:
    hours = nyse()
    start, end = (int(one.timestamp()) * SECOND for one in hours.of("A", MONDAY))
    at = pl.Series([timedelta(hours=3)]).dt.total_nanoseconds() + start
    first = told(raw_trades({}).with_columns(at=at.cast(NANOSECONDS)), "one")
    second = told(raw_trades({"at": "04:00"}, {"at": "09:30"}, {"at": "15:59:59.999"}, {"at": "16:00"}), "two", "one")
    found, filled = stitched(first, second, "trades", hours, longest=3600 * SECOND, tolerance=0)
    assert filled.select("start", "end").rows() == [(start, at[0]), (at[0], end)]
    assert found.height == 3
