"""Every row that was delivered is a trade or a rejected trade with all its reasons; hand cases, random ones, and BAC and IBM of a week of 2013."""

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import ContractError
from ats_assets.intraday.contracts import MarketTrades, RejectedTrades
from ats_assets.intraday.schema import RAW_TRADES_SCHEMA, REJECTED_TRADES_SCHEMA, TRADES_SCHEMA
from ats_assets.intraday.tick_rules import REASONS
from ats_assets.intraday.trade_screening import screen_trades
from ats_assets.settings import TickScreeningSettings
from ats_assets.sources.contracts import schema_violations
from ats_assets_tests.intraday.ticks import MONDAY, nyse, of_lean, raw_trades, real
from ats_assets_tests.rounds import rounds

DEFAULT = TickScreeningSettings()


def reasons(rejected: pl.DataFrame) -> list[list[str]]:
    return rejected["reasons"].to_list()


def test_each_fault_has_its_name_and_the_good_rows_beside_it_go_through() -> None:
    faults = {
        "price_missing": {"price": None},
        "price_not_positive": {"price": -1.0},
        "size_missing": {"size": float("nan")},
        "size_not_positive": {"size": 0.0},
        "time_missing": {"at": None},
        "outside_hours": {"at": "16:00:00"},
        "suspicious": {"suspicious": True},
        "cancelled": {"cancelled": True},
        "unreadable": {"defects": "price: 'x'"},
        "symbol_malformed": {"symbol": "A "},
        "symbol_missing": {"symbol": None},
    }
    trades, rejected = screen_trades(raw_trades({}, *faults.values(), {"at": "10:01"}), nyse(), DEFAULT)
    assert trades["sequence"].to_list() == [0, 12]
    assert dict(zip(rejected["sequence"].to_list(), reasons(rejected), strict=True)) == {
        i: [name] for i, name in enumerate(faults, start=1)
    }


def test_a_row_has_all_of_its_reasons() -> None:
    _, rejected = screen_trades(raw_trades({"price": float("inf"), "size": -1.0, "at": "08:00", "symbol": " "}), nyse(), DEFAULT)
    assert reasons(rejected) == [["outside_hours", "price_not_positive", "size_not_positive", "symbol_missing"]]


def test_a_saturday_is_outside_of_the_hours_and_comes_with_the_next_session() -> None:
    _, rejected = screen_trades(raw_trades({"at": "2024-03-02 11:00"}), nyse(), DEFAULT)
    assert rejected.select("session", "reasons").row(0) == (MONDAY, ["outside_hours"])


def test_a_trade_under_another_session_than_its_own_is_rejected() -> None:
    _, rejected = screen_trades(raw_trades({"at": "2024-03-05 11:00"}), nyse(), DEFAULT)
    assert reasons(rejected) == [["outside_hours"]]


def test_equal_trades_of_one_file_are_several_and_those_of_a_second_file_are_the_same_again() -> None:
    trades, rejected = screen_trades(raw_trades({}, {}, {"part": 1}, {"part": 1}, {"part": 1}, {"part": 1, "size": 7.0}), nyse(), DEFAULT)
    assert trades.select("sequence", "size").rows() == [(0, 100.0), (1, 100.0), (4, 100.0), (5, 7.0)]
    assert reasons(rejected) == [["duplicate"], ["duplicate"]]


def test_an_id_makes_a_trade_one_wherever_it_comes_again() -> None:
    rows = [{"trade_id": "1"}, {"trade_id": "1"}, {"trade_id": "1", "exchange": "Q"}, {"trade_id": "2"}, {"trade_id": "1", "part": 1}]
    trades, rejected = screen_trades(raw_trades(*rows), nyse(), DEFAULT)
    assert trades["sequence"].to_list() == [0, 2, 3]
    assert reasons(rejected) == [["duplicate"], ["duplicate"]]


def test_order_is_restored_and_what_is_later_than_allowed_is_rejected() -> None:
    rows = [{"at": "10:00:05"}, {"at": "10:00:03"}, {"at": "10:00:03"}, {"at": "10:00:10"}]
    trades, rejected = screen_trades(raw_trades(*rows), nyse(), DEFAULT)
    assert trades["sequence"].to_list() == [1, 2, 0, 3], "equal times stay in the order of delivery"
    assert rejected.is_empty()
    trades, rejected = screen_trades(raw_trades(*rows), nyse(), TickScreeningSettings(max_disorder_seconds=1.5))
    assert trades["sequence"].to_list() == [0, 3]
    assert reasons(rejected) == [["out_of_order"], ["out_of_order"]]
    assert screen_trades(raw_trades(*rows), nyse(), TickScreeningSettings(max_disorder_seconds=2))[1].is_empty()


def test_no_trades_and_one_trade() -> None:
    trades, rejected = screen_trades(raw_trades(), nyse(), DEFAULT)
    assert (trades.schema, rejected.schema) == (TRADES_SCHEMA, REJECTED_TRADES_SCHEMA)
    assert trades.is_empty()
    assert rejected.is_empty()
    assert screen_trades(raw_trades({"conditions": ["I"]}), nyse(), DEFAULT)[0].select("for_price", "for_volume").row(0) == (False, True)


def test_what_is_no_frame_of_raw_trades_is_refused() -> None:
    with pytest.raises(ContractError, match="price: String instead of Float64"):
        screen_trades(raw_trades({}).cast({"price": pl.String}), nyse(), DEFAULT)


ROW = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["A", "B", "", None]),
        "price": st.sampled_from([10.0, 10.01, 0.0, -1.0, None, float("nan"), float("inf")]),
        "size": st.sampled_from([1.0, 100.0, 0.0, None]),
        "at": st.sampled_from(["09:29:59", "09:30", "12:00", "15:59:59.999", "16:00", "2024-03-02 12:00", None]),
        "part": st.integers(0, 2),
        "trade_id": st.sampled_from([None, None, "1", "2"]),
        "suspicious": st.sampled_from([None, False, True]),
        "conditions": st.sampled_from([None, [], ["@"], ["I", "T"]]),
    }
)


@settings(max_examples=rounds(20, 300), deadline=None)
@given(rows=st.lists(ROW, max_size=12), disorder=st.sampled_from([None, 0.0, 60.0]))
def test_accepted_and_rejected_are_the_delivery_and_keep_their_contracts(rows: list[dict[str, object]], disorder: float | None) -> None:
    delivered = raw_trades(*rows)
    trades, rejected = screen_trades(delivered, nyse(), TickScreeningSettings(max_disorder_seconds=disorder))
    assert sorted([*trades["sequence"], *rejected["sequence"]]) == list(range(len(rows)))
    assert schema_violations(MarketTrades, trades) == []
    assert schema_violations(RejectedTrades, rejected) == []
    assert all(found and found == sorted(found) and set(found) <= REASONS.keys() for found in reasons(rejected))
    as_came = rejected.drop("reasons").sort("sequence")
    assert as_came.equals(delivered.filter(pl.col("sequence").is_in(rejected["sequence"].implode())).sort("sequence"))
    assert trades.equals(trades.sort("session", "symbol", "at", "sequence"))


def test_a_week_of_bac_and_ibm_is_good_but_for_its_hours() -> None:
    hours = nyse()
    delivered = of_lean(real("us_ticks/trades.parquet"), RAW_TRADES_SCHEMA, hours)
    trades, rejected = screen_trades(delivered, hours, TickScreeningSettings(conditions="algoseek"))
    assert (trades.height, rejected.height) == (690_018, 9_997)
    assert rejected["reasons"].explode().unique().to_list() == ["outside_hours"]
    used = trades.select(pl.col("for_price", "for_high_low", "for_volume").not_().sum()).row(0)
    assert used == (1_388, 1_210, 17), "derivative and late prices, average prices, and official opens and closes that are no trades"
    # the ten official opens of the exchanges, and the opening prints of the listing exchange, of each day and symbol
    assert trades.filter(pl.col("conditions").list.contains("40")).height == 10


def test_minute_bars_of_the_vendor_come_out_of_trades_that_may_set_a_price() -> None:
    """The vendor (AlgoSeek, by Lean) leaves sweeps out of prices, which the tape does not: with that setting nearly all minutes are the same."""
    hours = nyse()
    delivered = of_lean(real("us_ticks/trades.parquet"), RAW_TRADES_SCHEMA, hours)
    theirs = real("us_minute/trade_bars.parquet").filter(pl.col("symbol").is_in(["BAC", "IBM"]))
    trades, _ = screen_trades(delivered, hours, TickScreeningSettings(conditions="algoseek", no_price=("20",)))
    minute = pl.col("at").dt.convert_time_zone("America/New_York").dt.truncate("1m").cast(pl.Datetime("us", "America/New_York"))
    ours = trades.group_by("symbol", ts=minute).agg(
        first=pl.col("price").filter("for_price").first(),
        last=pl.col("price").filter("for_price").last(),
        highest=pl.col("price").filter("for_high_low").max(),
        lowest=pl.col("price").filter("for_high_low").min(),
        traded=pl.col("size").filter("for_volume").sum(),
    )
    both = ours.join(theirs, on=["symbol", "ts"])
    assert both.height == ours.height == 3_899, "every minute of theirs within the hours has one of ours"
    pairs = {"open": "first", "close": "last", "high": "highest", "low": "lowest", "volume": "traded"}
    agree = {mine: both.select((pl.col(mine) == pl.col(other)).sum()).item() / both.height for mine, other in pairs.items()}
    assert min(agree.values()) > 0.996, agree
