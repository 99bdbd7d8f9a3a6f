"""Quotes: sides that come alone, crossed and locked ones, and a week of IBM in 2013."""

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.intraday.contracts import MarketQuotes, RejectedQuotes
from ats_assets.intraday.quote_screening import screen_quotes
from ats_assets.intraday.schema import QUOTES_SCHEMA, RAW_QUOTES_SCHEMA
from ats_assets.settings import TickScreeningSettings
from ats_assets.sources.contracts import schema_violations
from ats_assets_tests.intraday.ticks import nyse, of_lean, raw_quotes, real
from ats_assets_tests.rounds import rounds

DEFAULT, UNCHANGED = TickScreeningSettings(), TickScreeningSettings(one_sided="unchanged")


def test_each_fault_has_its_name() -> None:
    faults = {
        "ask_negative": {"ask": -1.0},
        "bid_negative": {"bid": float("inf")},
        "crossed": {"bid": 12.0},
        "not_firm": {"conditions": ["N"]},
        "outside_hours": {"at": "09:29:59.999"},
        "size_not_positive": {"ask_size": -1.0},
        "suspicious": {"suspicious": True},
        "time_missing": {"at": None},
        "unreadable": {"defects": "bid: 'x'"},
    }
    quotes, rejected = screen_quotes(raw_quotes({}, *faults.values(), {}), nyse(), DEFAULT)
    assert quotes["sequence"].to_list() == [0, 10]
    found = dict(rejected.select("sequence", "reasons").iter_rows())
    assert found == {i: [name] for i, name in enumerate(faults, start=1)}


def test_a_locked_quote_is_good_and_a_crossed_one_is_kept_where_that_is_set() -> None:
    rows = raw_quotes({"bid": 11.0}, {"bid": 11.01})
    assert screen_quotes(rows, nyse(), DEFAULT)[0]["sequence"].to_list() == [0]
    assert screen_quotes(rows, nyse(), TickScreeningSettings(crossed=True))[0]["sequence"].to_list() == [0, 1]


def test_a_side_of_zero_is_none_or_unchanged_as_it_is_set_and_an_empty_one_is_unchanged() -> None:
    rows = raw_quotes({}, {"bid": 0.0, "bid_size": 0.0, "ask": 10.5, "ask_size": 300.0}, {"ask": None, "ask_size": None, "bid": 9.5})
    quotes, rejected = screen_quotes(rows, nyse(), DEFAULT)
    assert quotes.select("sequence", "bid", "ask", "ask_size").rows() == [(0, 9.0, 11.0, 100.0), (2, 9.5, 10.5, 300.0)]
    assert rejected.select("sequence", "reasons").rows() == [(1, ["bid_missing"])]
    quotes, rejected = screen_quotes(rows, nyse(), UNCHANGED)
    assert quotes.select("bid", "ask", "bid_size", "ask_size").rows() == [
        (9.0, 11.0, 100.0, 100.0),
        (9.0, 10.5, 100.0, 300.0),
        (9.5, 10.5, 100.0, 300.0),
    ]
    assert rejected.is_empty()


def test_a_side_without_a_size_has_none_and_not_that_of_the_side_before_it() -> None:
    quotes, _ = screen_quotes(raw_quotes({}, {"bid": 9.5, "bid_size": None}, {"bid": None}), nyse(), DEFAULT)
    assert quotes["bid_size"].to_list() == [100.0, None, None]


def test_what_stands_at_the_open_was_quoted_before_it_and_nothing_stands_of_another_symbol() -> None:
    rows = [{"at": "09:00", "ask": 0.0}, {"at": "09:30", "bid": 0.0}, {"at": "09:31", "bid": 0.0, "symbol": "B"}]
    quotes, rejected = screen_quotes(raw_quotes(*rows), nyse(), UNCHANGED)
    assert quotes.select("symbol", "sequence", "bid", "ask").rows() == [("A", 1, 9.0, 11.0)]
    assert rejected.select("symbol", "reasons").rows() == [("A", ["ask_missing", "outside_hours"]), ("B", ["bid_missing"])]


def test_both_sides_move_at_once_and_only_the_moment_between_is_crossed() -> None:
    rows = [{}, {"bid": 11.5, "ask": 0.0}, {"bid": 0.0, "ask": 12.0}]
    quotes, rejected = screen_quotes(raw_quotes(*rows), nyse(), UNCHANGED)
    assert quotes.select("bid", "ask").rows() == [(9.0, 11.0), (11.5, 12.0)]
    assert rejected["reasons"].to_list() == [["crossed"]]


def test_a_faulty_quote_stands_for_nothing() -> None:
    rows = [{}, {"bid": 50.0, "ask": 0.0, "suspicious": True}, {"bid": 0.0, "ask": 10.5}]
    assert screen_quotes(raw_quotes(*rows), nyse(), UNCHANGED)[0].select("bid", "ask").rows() == [(9.0, 11.0), (9.0, 10.5)]


def test_no_quotes() -> None:
    quotes, rejected = screen_quotes(raw_quotes(), nyse(), DEFAULT)
    assert quotes.schema == QUOTES_SCHEMA
    assert rejected.is_empty()


ROW = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from(["A", "B"]),
        "bid": st.sampled_from([9.0, 9.5, 11.5, 0.0, -1.0, None, float("nan")]),
        "ask": st.sampled_from([11.0, 10.5, 9.5, 0.0, None, float("inf")]),
        "bid_size": st.sampled_from([100.0, None, -1.0]),
        "at": st.sampled_from(["09:29", "09:30", "12:00", "12:00:01", "16:00", None]),
        "suspicious": st.sampled_from([None, False, True]),
    }
)


def by_hand(rows: list[dict[str, object]], *, unchanged: bool) -> dict[int, tuple[float, float]]:
    """Sequence -> bid and ask of the accepted quotes, one row after the other."""
    said = [{"symbol": "A", "bid": 9.0, "ask": 11.0, "at": "10:00", "bid_size": 100.0, "suspicious": None} | row for row in rows]
    accepted: dict[int, tuple[float, float]] = {}
    stands: dict[object, dict[str, float]] = {}
    order = sorted((i for i in range(len(said)) if said[i]["at"] is not None), key=lambda i: (str(said[i]["at"]), i))
    for i in order:
        row = said[i]
        bad = any(isinstance(row[side], float) and (row[side] < 0 or row[side] == float("inf")) for side in ("bid", "ask"))  # type: ignore[operator]
        if bad or row["suspicious"] or (row["bid_size"] is not None and row["bid_size"] < 0):  # type: ignore[operator]
            continue
        sides = stands.setdefault(row["symbol"], {})
        for side in ("bid", "ask"):
            value = row[side]
            if isinstance(value, float) and value == value and (value > 0 or not unchanged):
                sides[side] = value
        bid, ask = sides.get("bid", 0.0), sides.get("ask", 0.0)
        if "09:30" <= str(row["at"]) < "16:00" and 0 < bid <= ask:
            accepted[i] = (bid, ask)
    return accepted


@settings(max_examples=rounds(25, 400), deadline=None)
@given(rows=st.lists(ROW, max_size=12), unchanged=st.booleans())
def test_accepted_quotes_are_those_found_row_by_row_and_the_rest_is_rejected(rows: list[dict[str, object]], *, unchanged: bool) -> None:
    quotes, rejected = screen_quotes(raw_quotes(*rows), nyse(), UNCHANGED if unchanged else DEFAULT)
    assert {i: (bid, ask) for i, bid, ask in quotes.select("sequence", "bid", "ask").iter_rows()} == by_hand(rows, unchanged=unchanged)
    assert sorted([*quotes["sequence"], *rejected["sequence"]]) == list(range(len(rows)))
    assert schema_violations(MarketQuotes, quotes) == []
    assert schema_violations(RejectedQuotes, rejected) == []
    assert rejected["reasons"].list.len().min() != 0


def test_a_week_of_ibm_whose_sides_come_alone() -> None:
    hours = nyse()
    delivered = of_lean(real("us_ticks/quotes.parquet"), RAW_QUOTES_SCHEMA, hours)
    quotes, rejected = screen_quotes(delivered, hours, TickScreeningSettings(conditions="algoseek", one_sided="unchanged"))
    counts = dict(rejected.explode("reasons").group_by("reasons").len().iter_rows())
    assert (quotes.height, rejected.height) == (568_586, 7_003)
    assert counts == {"outside_hours": 6_603, "crossed": 412, "ask_missing": 5, "bid_missing": 1, "suspicious": 3}
    assert quotes.select((pl.col("bid") == pl.col("ask")).sum()).item() == 3_062, "locked for a moment, mostly where both sides move"
    spread = quotes.select((pl.col("ask") - pl.col("bid")).median()).item()
    assert 0.01 <= spread <= 0.06, "IBM at 180 dollars"
