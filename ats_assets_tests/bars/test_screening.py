import math
from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from ats_assets.bars import BARS_SCHEMA, REASONS, REJECTED_BARS_SCHEMA, screen
from ats_assets.bars.contracts import Bars, RejectedBars, bars_violations
from ats_assets.errors import ContractError
from ats_assets.sources.contracts import schema_violations
from ats_assets.sources.schema import MEASURES, RAW_BARS_SCHEMA
from ats_assets_tests.bars.real_bars import calendar, sp500_raw
from ats_assets_tests.market_data import US_DAILY_FACTORS, US_DAILY_RAW, needs_market_data

TUESDAY, WEDNESDAY, SATURDAY = date(2024, 1, 2), date(2024, 1, 3), date(2024, 1, 6)
GOOD = {
    "symbol": "A",
    "date": TUESDAY,
    "session": TUESDAY,
    "open": 10.0,
    "high": 11.0,
    "low": 9.0,
    "close": 10.5,
    "volume": 100.0,
    "vwap": 10.2,
}


def raw(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([{"defects": None, **GOOD, **row} for row in rows], schema=RAW_BARS_SCHEMA)


def reasons_of(**changes: Any) -> list[str]:
    bars, rejected = screen(raw(changes), calendar())
    assert len(bars) + len(rejected) == 1
    return rejected["reasons"].to_list()[0] if len(rejected) else []


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({}, []),
        ({"vwap": None}, []),
        ({"vwap": math.nan}, []),
        ({"vwap": 100.0}, []),
        ({"volume": 0.0}, []),
        ({"symbol": "BRK/B"}, []),
        ({"symbol": "삼성전자"}, []),
        ({"defects": "  "}, []),
        ({"open": 10.0, "high": 10.0, "low": 10.0, "close": 10.0}, []),
        ({"symbol": None}, ["symbol_missing"]),
        ({"symbol": " \u3000"}, ["symbol_missing"]),
        ({"symbol": " A"}, ["symbol_malformed"]),
        ({"symbol": "A\u200bB"}, ["symbol_malformed"]),
        ({"symbol": "A\nB"}, ["symbol_malformed"]),
        ({"date": None}, ["date_missing"]),
        ({"date": SATURDAY}, ["date_not_a_session"]),
        ({"date": WEDNESDAY}, ["date_of_another_session"]),
        ({"date": date(1901, 1, 1)}, ["date_not_a_session"]),
        ({"date": SATURDAY, "session": SATURDAY}, ["date_not_a_session"]),
        ({"open": None}, ["open_missing"]),
        ({"open": math.nan}, ["open_missing"]),
        ({"close": 0.0}, ["close_not_positive", "low_above_close"]),
        ({"low": -1.0}, ["low_not_positive"]),
        ({"high": math.inf}, ["high_infinite"]),
        ({"low": -math.inf}, ["low_infinite", "low_not_positive"]),
        ({"high": 9.5}, ["high_below_close", "high_below_open"]),
        ({"high": 8.0}, ["high_below_close", "high_below_low", "high_below_open"]),
        ({"low": 10.2}, ["low_above_open"]),
        ({"volume": None}, ["volume_missing"]),
        ({"volume": -1.0}, ["volume_negative"]),
        ({"volume": math.inf}, ["volume_infinite"]),
        ({"vwap": 0.0}, ["vwap_not_positive"]),
        ({"vwap": -math.inf}, ["vwap_infinite", "vwap_not_positive"]),
        ({"defects": "close: 'abc' is not a number", "close": None}, ["close_missing", "unreadable"]),
    ],
)
def test_each_reason(changes: dict[str, Any], reasons: list[str]) -> None:
    assert reasons_of(**changes) == reasons
    assert set(reasons) <= set(REASONS)


def test_of_identical_rows_the_first_stays() -> None:
    bars, rejected = screen(raw({}, {}, {}), calendar())
    assert len(bars) == 1
    assert rejected["reasons"].to_list() == [["duplicate"]] * 2


def test_of_contradictory_rows_none_stays() -> None:
    bars, rejected = screen(raw({}, {"close": 10.6}, {}), calendar())
    assert bars.is_empty()
    assert rejected["reasons"].to_list() == [["conflicting"], ["conflicting"], ["conflicting", "duplicate"]]


def test_a_row_of_another_day_does_not_contradict() -> None:
    bars, rejected = screen(raw({}, {"date": SATURDAY, "close": 9.5}, {"date": None, "close": 9.5}, {"symbol": "B"}), calendar())
    assert bars["symbol"].to_list() == ["A", "B"]
    assert rejected["reasons"].to_list() == [["date_not_a_session"], ["date_missing"]]


def test_other_columns_are_refused() -> None:
    with pytest.raises(ContractError, match=r"volume: Int64 instead of Float64.*exactly the columns"):
        screen(raw({}).with_columns(pl.col("volume").cast(pl.Int64)), calendar())
    with pytest.raises(ContractError, match="close: absent"):
        screen(raw({}).drop("close"), calendar())


def test_nothing_in_nothing_out() -> None:
    bars, rejected = screen(raw().clear(), calendar())
    assert dict(bars.schema) == dict(BARS_SCHEMA)
    assert dict(rejected.schema) == dict(REJECTED_BARS_SCHEMA)
    assert schema_violations(Bars, bars) == schema_violations(RejectedBars, rejected) == []


numbers = st.one_of(st.sampled_from([8.0, 9.0, 10.0, 11.0, 0.0, -1.0, math.nan, math.inf, -math.inf, None]), st.floats())
symbols = st.one_of(st.sampled_from(["A", "B/C", "ÄÖ", "𝔸", "", " ", " A", None]), st.text(max_size=3))
rows = st.fixed_dictionaries(
    {"symbol": symbols, "date": st.sampled_from([TUESDAY, WEDNESDAY, SATURDAY, None]), "session": st.sampled_from([TUESDAY, WEDNESDAY])},
    optional={"defects": st.sampled_from(["", "open: 'x' is not a number"])} | dict.fromkeys(MEASURES, numbers),
)
deliveries = st.lists(rows, max_size=12).flatmap(lambda some: st.permutations(some + some[: len(some) // 3])).map(lambda some: raw(*some))


def by_content(frame: pl.DataFrame) -> list[str]:
    """The rows in any order. A vwap that is NaN is stored as null, blank defects, which are none, are not stored with accepted rows, and high and low may be rounded."""
    defects = pl.when(pl.col("defects").str.strip_chars() != "").then("defects").alias("defects")
    rounded = (pl.col("high", "low") * (1 + 1e-12)).round_sig_figs(11)
    return sorted(map(repr, frame.select(*RAW_BARS_SCHEMA).with_columns(pl.col("vwap").fill_nan(None), defects, rounded).iter_rows()))


@given(deliveries)
def test_accepted_and_rejected_are_the_input(delivery: pl.DataFrame) -> None:
    bars, rejected = screen(delivery, calendar())
    delivered = bars.with_columns(date="session", defects=pl.lit(None, dtype=pl.String)).select(*RAW_BARS_SCHEMA)
    assert by_content(pl.concat([delivered, rejected.drop("reasons")])) == by_content(delivery)
    for reasons in rejected["reasons"].to_list():
        assert reasons == sorted(set(reasons) & set(REASONS))


@settings(max_examples=20)
@given(deliveries)
def test_the_contract_agrees(delivery: pl.DataFrame) -> None:
    """Pandera states the rules a second time: accepted rows satisfy it, and rows rejected for their own numbers do not."""
    bars, rejected = screen(delivery, calendar())
    assert bars_violations(bars, calendar()) == []
    assert schema_violations(RejectedBars, rejected) == []
    beyond = {"duplicate", "conflicting", "unreadable", "date_missing", "date_not_a_session", "date_of_another_session", "symbol_malformed"}
    for row in rejected.iter_slices(1):
        if not set(row["reasons"].item().to_list()) <= beyond:
            assert bars_violations(row.select(*BARS_SCHEMA), calendar()) != []


@given(deliveries)
def test_each_session_is_judged_by_itself(delivery: pl.DataFrame) -> None:
    bars, rejected = screen(delivery, calendar())
    for session in (TUESDAY, WEDNESDAY):
        alone = screen(delivery.filter(pl.col("session") == session), calendar())
        assert_frame_equal(alone[0], bars.filter(pl.col("session") == session))
        assert_frame_equal(alone[1], rejected.filter(pl.col("session") == session))


TWO_ENDS = st.tuples(st.floats(0.01, 1e5), st.floats(0.01, 1e5)).map(sorted)


@given(TWO_ENDS, st.floats(0, 1), st.booleans(), st.floats(1e-3, 1e3))
def test_one_rounding_of_adjusted_prices_is_no_fault(ends: list[float], share: float, closes_high: bool, adjusted: float) -> None:
    """As vendors adjust: the close is their adjusted close, the others are scaled by adjusted / close, so that the high may be below the close by the last bit."""
    low, high = ends
    close = high if closes_high else low
    ratio = adjusted / close
    opening = min(max(low + share * (high - low), low), high)
    scaled = {"open": opening * ratio, "high": high * ratio, "low": low * ratio, "close": adjusted}
    bars, rejected = screen(raw(scaled), calendar())
    assert rejected.is_empty()
    assert bars_violations(bars, calendar()) == []
    kept = bars.row(0, named=True)
    assert (kept["open"], kept["close"]) == (scaled["open"], adjusted)
    assert kept["low"] <= min(kept["open"], kept["close"]) <= max(kept["open"], kept["close"]) <= kept["high"]
    assert all(math.isclose(kept[name], scaled[name], rel_tol=1e-14) for name in ("high", "low"))


@given(st.floats(1e-6, 1e6), st.floats(1e-12, 0.5))
def test_more_than_rounding_is_a_fault(price: float, fault: float) -> None:
    below = price * (1 - fault)
    assert reasons_of(open=below, high=below, low=below, close=price) == ["high_below_close"]
    assert reasons_of(open=price, high=price, low=price, close=below) == ["low_above_close"]


def test_the_bars_that_a_strict_rule_lost_are_accepted() -> None:
    """The high of an adjusted bar was rejected for one bit; a cent is still a fault."""
    assert reasons_of(open=56.0, high=56.752182999999995, low=55.0, close=56.752183) == []
    assert reasons_of(open=62.0, high=62.7, low=60.94281768798829, close=60.94281768798828) == []
    assert reasons_of(open=56.0, high=56.742183, low=55.0, close=56.752183) == ["high_below_close"]


@needs_market_data
def test_real_bars_that_are_adjusted_as_vendors_do_lose_none_to_rounding() -> None:
    traded = pl.read_parquet(US_DAILY_RAW).with_columns(session="date", defects=pl.lit(None, pl.String), vwap=pl.lit(None, pl.Float64))
    factors = pl.read_parquet(US_DAILY_FACTORS).select("symbol", "date", factor=pl.col("price_factor") * pl.col("split_factor"))
    joined = traded.sort("date").join_asof(factors.sort("date"), on="date", by="symbol", strategy="forward", check_sortedness=False)
    adjusted = (pl.col("close") * pl.col("factor")).round(6)  # as vendors print it
    scaled = [(pl.col(name) * (adjusted / pl.col("close"))).alias(name) for name in ("open", "high", "low")]
    rows = joined.filter(pl.col("factor").is_not_null() & (pl.col("close") > 0)).with_columns(*scaled, adjusted.alias("close"))
    rows = rows.with_columns(pl.col("volume").cast(pl.Float64)).select(*RAW_BARS_SCHEMA).cast(dict(RAW_BARS_SCHEMA))
    lost = rows.filter((pl.col("high") < pl.max_horizontal("open", "close")) | (pl.col("low") > pl.min_horizontal("open", "close")))
    as_traded = screen(
        traded.with_columns(pl.col("volume").cast(pl.Float64)).select(*RAW_BARS_SCHEMA).cast(dict(RAW_BARS_SCHEMA)), calendar()
    )[1]
    rejected = screen(rows, calendar())[1]
    assert lost.height > 100
    assert rejected.height <= as_traded.height


@needs_market_data
def test_real_bars() -> None:
    bars, rejected = screen(sp500_raw(), calendar())
    counts = rejected.explode("reasons")["reasons"].value_counts()
    assert len(bars) == 619_017
    assert dict(counts.iter_rows()) == {
        "high_below_close": 1,
        "high_below_low": 1,
        "high_below_open": 1,
        "high_missing": 8,
        "low_above_close": 8,
        "low_above_open": 3,
        "low_missing": 8,
        "open_missing": 11,
    }
    assert rejected.filter(pl.col("symbol") == "AOS")["reasons"].to_list() == [["high_below_close", "high_below_low", "high_below_open"]]
    assert bars_violations(bars, calendar()) == []
