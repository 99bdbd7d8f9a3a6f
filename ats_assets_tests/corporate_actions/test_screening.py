"""Delivered actions are split into those that satisfy the contract and those that do not; nothing is lost."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.calendar import session_calendar
from ats_assets.corporate_actions.adjustment import by_ex_session
from ats_assets.corporate_actions.contracts import CorporateActions, RejectedActions
from ats_assets.corporate_actions.identity import identities_of
from ats_assets.corporate_actions.schema import REJECTED_ACTIONS_SCHEMA
from ats_assets.corporate_actions.screening import ACTION_REASONS, screen_actions
from ats_assets.errors import ContractError
from ats_assets.sources import ACTION_KINDS, RAW_ACTIONS_SCHEMA
from ats_assets.sources.contracts import schema_violations
from ats_assets_tests.rounds import rounds

XNYS = session_calendar("XNYS", date(2020, 1, 2))
DAY = date(2020, 2, 3)
"""A Monday."""
SPLIT: dict[str, Any] = {"symbol": "A", "date": DAY, "session": DAY, "kind": "split", "ratio": 2.0}
DIVIDEND: dict[str, Any] = {"symbol": "A", "date": DAY, "session": DAY, "kind": "cash_dividend", "cash": 1.0}
NAME: dict[str, Any] = {"symbol": "A", "date": DAY, "session": DAY, "kind": "name_change", "new_symbol": "B"}
BARS = pl.DataFrame({"symbol": ["A", "A", "B"], "session": [date(2020, 1, 31), DAY, date(2020, 1, 30)], "close": [10.0, 0.5, 0.5]})


def raw(*rows: dict[str, Any]) -> pl.DataFrame:
    return pl.DataFrame([dict.fromkeys(RAW_ACTIONS_SCHEMA) | row for row in rows], schema=RAW_ACTIONS_SCHEMA)


FAULTS: dict[str, list[dict[str, Any]]] = {
    "cash_infinite": [DIVIDEND | {"cash": float("inf"), "symbol": "C"}],
    "cash_missing": [DIVIDEND | {"cash": None}, DIVIDEND | {"cash": float("nan"), "description": "x"}],
    "cash_negative": [DIVIDEND | {"cash": -0.1}],
    "cash_not_below_close": [DIVIDEND | {"cash": 10.0}, DIVIDEND | {"kind": "spin_off", "cash": 11.0}],
    "conflicting": [SPLIT, SPLIT | {"ratio": 3.0}, SPLIT | {"kind": "stock_dividend", "ratio": 1.1}],
    "date_missing": [SPLIT | {"date": None}],
    "date_of_another_session": [SPLIT | {"date": date(2020, 1, 31)}],
    "kind_unknown": [SPLIT | {"kind": None}, SPLIT | {"kind": "party", "symbol": "B"}],
    "name_unchanged": [NAME | {"new_symbol": "A"}],
    "names_conflict": [NAME, NAME | {"new_symbol": "C"}, NAME | {"symbol": "D"}],
    "new_symbol_malformed": [NAME | {"new_symbol": "B "}, NAME | {"symbol": "D", "new_symbol": "E\u200b"}],
    "new_symbol_missing": [NAME | {"new_symbol": None}, NAME | {"new_symbol": "  "}],
    "new_ratio_not_positive": [SPLIT | {"kind": "merger", "ratio": None, "new_ratio": 0.0}],
    "ratio_missing": [SPLIT | {"ratio": None}],
    "ratio_not_positive": [SPLIT | {"ratio": 0.0}, SPLIT | {"ratio": float("nan"), "symbol": "B"}, SPLIT | {"ratio": -2.0, "symbol": "C"}],
    "stock_dividend_not_above_one": [SPLIT | {"kind": "stock_dividend", "ratio": 0.05}],
    "symbol_malformed": [SPLIT | {"symbol": " A"}],
    "symbol_missing": [SPLIT | {"symbol": None}, SPLIT | {"symbol": " "}],
    "unreadable": [SPLIT | {"defects": "ratio: 'two' is not a number"}],
}


def test_every_reason_has_a_row_that_breaks_it_alone() -> None:
    assert {*FAULTS, "duplicate"} == ACTION_REASONS.keys()
    for reason, rows in FAULTS.items():
        kept, rejected = screen_actions(raw(*rows), BARS, XNYS)
        assert kept.is_empty(), reason
        assert rejected["reasons"].to_list() == [[reason]] * len(rows)


def test_good_ones_are_kept() -> None:
    rows = raw(
        DIVIDEND | {"cash": 9.99},
        DIVIDEND | {"cash": 0.5, "description": "special"},
        SPLIT,
        DIVIDEND | {"symbol": "B", "cash": 40.0},  # an action between its last close and this one could not be seen
        SPLIT | {"symbol": "C", "date": date(2020, 2, 1), "ratio": 0.1},  # a Saturday
        {"symbol": "D", "date": DAY, "session": DAY, "kind": "merger", "cash": 55.0, "new_symbol": "A", "new_ratio": 0.5},
        NAME | {"symbol": "E", "new_symbol": "F"},
        NAME | {"symbol": "F", "new_symbol": "E"},  # a swap
    )
    kept, rejected = screen_actions(rows, BARS, XNYS)
    assert rejected.is_empty()
    assert kept.select("symbol", "kind").rows() == [
        ("A", "cash_dividend"),
        ("A", "cash_dividend"),
        ("A", "split"),
        ("B", "cash_dividend"),
        ("C", "split"),
        ("D", "merger"),
        ("E", "name_change"),
        ("F", "name_change"),
    ]


def test_a_repeat_is_quarantined_and_the_first_one_stays() -> None:
    kept, rejected = screen_actions(raw(DIVIDEND, SPLIT, DIVIDEND), BARS, XNYS)
    assert (kept.height, rejected["reasons"].to_list()) == (2, [["duplicate"]])


def test_a_split_that_is_told_again_in_other_words_counts_once() -> None:
    """Under another id, or corrected in its description, both were rejected as conflicting, and a position lost three quarters of its worth at a split of 4:1."""
    again = SPLIT | {"description": "id 2", "payable": date(2020, 2, 7)}
    kept, rejected = screen_actions(raw(SPLIT, again, SPLIT | {"symbol": "B", "description": "id 3"}), BARS, XNYS)
    assert kept.select("symbol", "ratio").rows() == [("A", 2.0), ("B", 2.0)]
    assert rejected.select("description", "reasons").rows() == [("id 2", ["duplicate"])]


def test_two_ratios_under_the_two_tickers_of_a_change_of_name_conflict() -> None:
    """They were multiplied: 4:1 under the old ticker and 5:1 under the new one made 20 shares of one. One ratio under both is one split."""
    old, new = SPLIT | {"ratio": 4.0}, SPLIT | {"symbol": "B", "ratio": 5.0}
    kept, rejected = screen_actions(raw(NAME, old, new), BARS, XNYS)
    assert kept["kind"].to_list() == ["name_change"]
    assert rejected["reasons"].to_list() == [["conflicting"]] * 2
    kept, rejected = screen_actions(raw(NAME, old, new | {"ratio": 4.0}), BARS, XNYS)
    assert rejected.is_empty()
    known = identities_of(kept)
    assert by_ex_session(known.of_actions(kept), "instrument").select("ratio").rows() == [(4.0,)]
    swap = [NAME, NAME | {"symbol": "B", "new_symbol": "A"}]
    kept, rejected = screen_actions(raw(*swap, old, new), BARS, XNYS)
    assert rejected.is_empty(), "each of a swap is told under its old ticker"


def test_other_columns_are_refused() -> None:
    with pytest.raises(ContractError, match="no delivered actions"):
        screen_actions(raw(SPLIT).drop("cash"), BARS, XNYS)


NUMBERS = st.none() | st.sampled_from([0.0, -1.0, 0.5, 1.0, 2.0, 9.0, 11.0, float("nan"), float("inf")])
ROWS = st.fixed_dictionaries(
    {
        "symbol": st.sampled_from([None, "A", "B", " C"]),
        "session": st.sampled_from([DAY, date(2020, 2, 4)]),
        "date": st.sampled_from([None, DAY, date(2020, 2, 4)]),
        "kind": st.sampled_from([None, "x", *ACTION_KINDS]),
        "ratio": NUMBERS,
        "cash": NUMBERS,
        "new_ratio": NUMBERS,
        "defects": st.sampled_from([None, None, "odd"]),
    }
)


@settings(max_examples=rounds(40, 150), deadline=None)
@given(st.lists(ROWS, max_size=8))
def test_nothing_is_lost_the_contract_holds_and_each_session_is_judged_by_itself(rows: list[dict[str, Any]]) -> None:
    frame = raw(*rows)
    kept, rejected = screen_actions(frame, BARS, XNYS)
    assert kept.height + rejected.height == frame.height
    assert schema_violations(CorporateActions, kept) == []
    assert schema_violations(RejectedActions, rejected) == []
    assert rejected.schema == REJECTED_ACTIONS_SCHEMA
    alone = [screen_actions(frame.filter(pl.col("session") == day), BARS, XNYS) for day in (DAY, date(2020, 2, 4))]
    assert pl.concat([one for one, _ in alone]).equals(kept, null_equal=True)
    assert pl.concat([one for _, one in alone]).equals(rejected, null_equal=True)
