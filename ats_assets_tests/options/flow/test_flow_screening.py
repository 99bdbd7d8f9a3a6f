"""Screening of option flow: each rule finds what it is there for, and no row is lost."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandera.polars as pa
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.calendar import session_calendar
from ats_assets.options.flow.contracts import OptionFlow, RawOptionFlow, RejectedOptionFlow
from ats_assets.options.flow.flow_screening import FLOW_NO_FAULT, FLOW_REASONS, screen_flow
from ats_assets.options.flow.flow_source import flow_order
from ats_assets.options.flow.schema import (
    EXPOSURES,
    FLOW_KINDS,
    OF_TRADES,
    OPTION_FLOW_SCHEMA,
    RAW_OPTION_FLOW_SCHEMA,
    REJECTED_OPTION_FLOW_SCHEMA,
)
from ats_assets.sources.contracts import schema_violations
from ats_assets_tests.rounds import rounds

XNYS = session_calendar("XNYS", date(2024, 1, 2))
DAY = date(2024, 3, 12)
CLOSE = datetime(2024, 3, 12, 20, tzinfo=UTC)
NOON = datetime(2024, 3, 12, 16, tzinfo=UTC)
ALERT: dict[str, Any] = {
    "kind": "flow_alert",
    "symbol": "MSFT",
    "session": DAY,
    "known_at": NOON,
    "event": "a",
    "contract": "MSFT240322C00375000",
    "expiry": date(2024, 3, 22),
    "strike": 375.0,
    "right": "C",
    "price": 4.05,
    "size": 461.0,
    "premium": 186705.0,
    "ask_premium": 151875.0,
}
DARK: dict[str, Any] = {
    "kind": "dark_pool",
    "symbol": "QID",
    "session": DAY,
    "known_at": NOON,
    "event": "1",
    "price": 18.9904,
    "size": 6400.0,
    "premium": 121538.56,
}
EXPOSED: dict[str, Any] = {"kind": "greek_exposure", "symbol": "MSFT", "session": DAY, "known_at": CLOSE, "date": DAY, "call_gamma": 1.0}


def raw(*rows: dict[str, Any]) -> pl.DataFrame:
    return flow_order(pl.DataFrame([dict(row) for row in rows], schema_overrides=dict(RAW_OPTION_FLOW_SCHEMA), infer_schema_length=None))


@pytest.mark.parametrize(
    ("row", "changes", "reasons"),
    [
        (ALERT, {}, []),
        (DARK, {}, []),
        (EXPOSED, {}, []),
        (EXPOSED, {"known_at": CLOSE, "strike": 150.0}, []),
        (DARK, {"cancelled": True}, ["cancelled"]),
        (ALERT, {"contract": "MSFT240329C00375000"}, ["contract_conflict"]),
        (ALERT, {"right": "P"}, ["contract_conflict"]),
        (ALERT, {"strike": 376.0}, ["contract_conflict"]),
        (ALERT, {"contract": None}, []),
        (ALERT, {"contract": "MSFT", "expiry": None, "strike": None, "right": None}, ["contract_missing"]),
        (ALERT, {"contract": None, "strike": None}, ["contract_missing"]),
        (EXPOSED, {"date": date(2024, 3, 11)}, ["date_of_another_session"]),
        (EXPOSED, {"call_gamma": None}, ["empty"]),
        (ALERT, {"premium": None, "size": None, "ask_premium": None}, ["empty"]),
        (ALERT, {"contract": "MSFT240308C00375000", "expiry": date(2024, 3, 8)}, ["expired"]),
        (DARK, {"price": float("inf")}, ["infinite"]),
        (EXPOSED, {"put_charm": float("-inf")}, ["infinite"]),
        (DARK, {"kind": "rumour"}, ["kind_unknown"]),
        (DARK, {"size": -1.0, "premium": None}, ["negative"]),
        (DARK, {"known_at": CLOSE + timedelta(microseconds=1)}, ["of_another_session"]),
        (DARK, {"known_at": datetime(2024, 3, 11, 20, tzinfo=UTC)}, ["of_another_session"]),
        (DARK, {"known_at": datetime(2024, 3, 11, 20, 0, 1, tzinfo=UTC)}, []),
        (DARK, {"premium": 120000.0}, ["premium_conflict"]),
        (ALERT, {"ask_premium": 190000.0}, ["premium_conflict"]),
        (ALERT, {"price": 0.0}, ["price_not_positive"]),
        (ALERT, {"size": 0.0}, ["size_not_positive"]),
        (DARK, {"symbol": " QID"}, ["symbol_malformed"]),
        (DARK, {"symbol": None}, ["symbol_missing"]),
        (ALERT, {"known_at": None}, ["time_missing"]),
        (DARK, {"defects": "size: 'many' is no number"}, ["unreadable"]),
        (DARK, {"price": float("nan")}, []),
    ],
)
def test_each_rule_finds_what_it_is_there_for(row: dict[str, Any], changes: dict[str, Any], reasons: list[str]) -> None:
    kept, others = screen_flow(raw({**row, **changes}), XNYS)
    assert others["reasons"].to_list() == ([reasons] if reasons else [])
    assert kept.height == (not reasons)
    OptionFlow.validate(kept)


def test_rows_of_one_event_that_come_again_or_contradict_each_other() -> None:
    of_strike = [{**EXPOSED, "strike": strike, "call_gamma": gamma} for strike, gamma in ((150.0, 1.0), (150.0, 2.0), (155.0, 1.0))]
    kept, others = screen_flow(raw(ALERT, ALERT, DARK, {**DARK, "exchange": "L"}, *of_strike), XNYS)
    assert others.select("kind", "strike", "reasons").rows() == [
        ("flow_alert", 375.0, ["duplicate"]),
        ("greek_exposure", 150.0, ["event_twice"]),
        ("greek_exposure", 150.0, ["event_twice"]),
        ("dark_pool", None, ["event_twice"]),
        ("dark_pool", None, ["event_twice"]),
    ]
    assert kept.select("kind", "strike").rows() == [("flow_alert", 375.0), ("greek_exposure", 155.0)]


def test_what_the_symbol_says_fills_in_what_is_not_told() -> None:
    kept, _ = screen_flow(raw({**ALERT, "expiry": None, "strike": None, "right": None, "contract": "O:MSFT240322P00375500"}), XNYS)
    assert kept.select("expiry", "strike", "right").rows() == [(date(2024, 3, 22), 375.5, "P")]
    kept, _ = screen_flow(raw({**ALERT, "contract": None}), XNYS)
    assert kept["contract"].to_list() == ["MSFT240322C00375000"]
    assert kept["conditions"].to_list() == [[]]


def test_every_reason_is_described_and_every_no_fault_is_a_reason() -> None:
    assert FLOW_REASONS.keys() >= FLOW_NO_FAULT
    assert all(text and not text.endswith(".") for text in FLOW_REASONS.values())


@pytest.mark.parametrize(
    ("model", "schema"),
    [(RawOptionFlow, RAW_OPTION_FLOW_SCHEMA), (OptionFlow, OPTION_FLOW_SCHEMA), (RejectedOptionFlow, REJECTED_OPTION_FLOW_SCHEMA)],
)
def test_contract_and_schema_agree(model: type[pa.DataFrameModel], schema: pl.Schema) -> None:
    assert schema_violations(model, schema.to_frame()) == []
    assert schema_violations(model, schema.to_frame().rename({"symbol": "ticker"}))
    for column, dtype in schema.items():
        other = pl.List(pl.Int8) if isinstance(dtype, pl.List) else pl.Int8
        assert schema_violations(model, schema.to_frame().cast({column: other})), column


NUMBERS = st.one_of(st.none(), st.sampled_from([0.0, -1.0, 1.5, 1e9, float("nan"), float("inf")]))
ROWS = st.fixed_dictionaries(
    {
        "kind": st.sampled_from([*FLOW_KINDS, "other", None]),
        "symbol": st.sampled_from(["MSFT", "BRK.B", "", " A", None]),
        "session": st.sampled_from([DAY, date(2024, 3, 13)]),
        "known_at": st.sampled_from([None, NOON, CLOSE, CLOSE + timedelta(hours=1), datetime(2024, 3, 13, 15, tzinfo=UTC)]),
        "event": st.sampled_from([None, "a", "b"]),
        "contract": st.sampled_from([None, "MSFT240322C00375000", "MSFT240308P00375000", "nothing"]),
        "expiry": st.sampled_from([None, date(2024, 3, 22), date(2024, 3, 8)]),
        "right": st.sampled_from([None, "C", "P", "X"]),
        "date": st.sampled_from([None, DAY, date(2024, 3, 11)]),
        "cancelled": st.sampled_from([None, True, False]),
        "conditions": st.sampled_from([None, [], ["x"]]),
        "defects": st.sampled_from([None, "price: 'x'"]),
        **dict.fromkeys((*OF_TRADES, "strike", "call_gamma", "put_charm"), NUMBERS),
    }
)


@settings(deadline=None, max_examples=rounds(30, 600))
@given(st.lists(ROWS, max_size=12))
def test_accepted_and_rejected_rows_make_up_any_delivery_and_keep_to_their_contracts(rows: list[dict[str, Any]]) -> None:
    delivered = raw(*rows) if rows else RAW_OPTION_FLOW_SCHEMA.to_frame()
    kept, others = screen_flow(delivered, XNYS)
    assert kept.height + others.height == delivered.height
    OptionFlow.validate(kept)
    RejectedOptionFlow.validate(others)
    assert set(others["reasons"].explode().drop_nulls()) <= FLOW_REASONS.keys()
    assert screen_flow(delivered.sample(fraction=1.0, shuffle=True, seed=1), XNYS)[0].height == kept.height, "in any order of delivery"
    assert len(EXPOSURES) == 8
