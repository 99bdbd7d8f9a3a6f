"""Structures: what they can lose, how they are built and closed, and what happens when one breaks."""

from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.option_strategies.structures import NAKED, worst_loss
from ats_assets.options.contract import OptionContract, Right
from ats_assets_tests.option_strategies.small_views import (
    CHAIN,
    DAY,
    SESSIONS,
    about,
    contract,
    decided,
    dividend,
    held,
    opening,
    row,
    view,
)

LEGS = st.lists(st.tuples(st.sampled_from(list(Right)), st.integers(1, 30), st.integers(-3, 3).filter(bool)), min_size=1, max_size=5)
SPREAD = (held("P", 95, -2, 2.4), held("P", 90, 2, 1.2))
NOW = {"near": {"delta": 0.34, "delta_tolerance": 0.05}, "wing": {"width": 5.0}}


@given(LEGS)
def test_the_worst_loss_is_that_of_a_fine_grid_of_prices(legs: list[tuple[Right, int, int]]) -> None:
    contracts = [(OptionContract("XYZ", DAY, Decimal(strike), right), n) for right, strike, n in legs]
    prices = np.arange(0, 401) / 4.0
    payoff = sum(n * np.maximum((prices - strike) * (1 if right is Right.CALL else -1), 0) for right, strike, n in legs)
    if sum(n for right, _, n in legs if right is Right.CALL) < 0:
        assert worst_loss(contracts) == NAKED
    else:
        assert float(worst_loss(contracts)) == max(0.0, -float(np.min(payoff)))


def test_a_credit_spread_ties_up_what_it_can_lose() -> None:
    found = opening(decided("vertical", view(), **NOW, sizing={"max_share": 0.1}))
    assert [(leg.contract, leg.quantity) for leg in found.legs] == [(contract("P", 95), -6), (contract("P", 90), 6)]
    assert found.limit_price == Decimal("-0.75")  # min_credit_share of a width of 5
    assert "a credit of 1.10, 32 days to expiry; 6 contracts at 500.00 each" in found.reason


def test_a_debit_spread_ties_up_what_is_paid_at_most() -> None:
    found = opening(decided("vertical", view(), side="debit", right="call", near={"delta": 0.5}, wing={"width": 5.0}))
    assert [(leg.contract, leg.quantity) for leg in found.legs] == [(contract("C", 100), 24), (contract("C", 105), -24)]
    assert found.limit_price == Decimal("2.42")  # a debit of 2.20, and max_rise of 10 %
    dear = opening(decided("vertical", view(), side="debit", right="call", near={"delta": 0.5}, max_debit_share=0.4, wing={"width": 5.0}))
    assert dear.rule == "small_premium"
    assert "a debit of 2.20 is 44% of the width of 5 (max_debit_share 40%)" in dear.reason


def test_too_small_a_credit_is_told_as_a_share_of_the_width() -> None:
    found = opening(decided("vertical", view(), **NOW, min_credit_share=0.3))
    assert (found.action, found.rule) == ("skip", "small_premium")
    assert "a credit of 1.10 is 22% of the width of 5 (min_credit_share 30%)" in found.reason


def test_a_condor_has_a_wing_on_either_side_and_ties_up_the_wider_one() -> None:
    found = opening(decided("iron_condor", view(), wing={"delta": 0.05}, sizing={"max_share": 0.2}))
    assert [(leg.contract.symbol[9:], leg.quantity) for leg in found.legs if leg.contract] == [
        ("P00080000", 6),
        ("P00090000", -6),
        ("C00110000", -6),
        ("C00120000", 6),
    ]
    assert "a credit of 1.81" in found.reason
    assert "6 contracts at 1,000.00 each" in found.reason


def test_straddles_and_strangles_on_both_sides() -> None:
    short = opening(decided("straddle", view(), sizing={"max_share": 1.0}))
    assert [(leg.contract, leg.quantity) for leg in short.legs] == [(contract("P", 100), -2), (contract("C", 100), -2)]
    assert short.limit_price == Decimal("-0.01")
    long = opening(decided("straddle", view(), side="long", max_rise=0.0))
    assert [leg.quantity for leg in long.legs] == [6, 6]  # a debit of 9.30, and a fifth of 30,000
    assert long.limit_price == Decimal("9.30")
    strangle = opening(decided("strangle", view(), naked_share=0.3))
    assert [(leg.contract, leg.quantity) for leg in strangle.legs] == [(contract("P", 90), -2), (contract("C", 110), -2)]
    assert opening(decided("strangle", view(), side="long")).action == "open"


def test_where_nothing_can_be_built_the_reason_names_the_leg_that_lacks() -> None:
    no_wing = [one for one in CHAIN if not (one["right"] == "P" and one["strike"] < 95)]
    assert "no put further out than XYZ240405P00095000 can be bought" in opening(decided("vertical", view(no_wing), **NOW)).reason
    calls = [one for one in CHAIN if one["right"] == "C"]
    assert "there is no put" in opening(decided("iron_condor", view(calls))).reason
    assert "no strike has a put beside the call" in opening(decided("straddle", view(calls))).reason
    assert opening(decided("straddle", view([]))).rule == "no_chain"


def test_another_is_opened_at_another_expiry_as_far_as_max_positions_allows() -> None:
    assert opening(decided("vertical", view(held=SPREAD), **NOW)).rule == "position_limit"
    near = {**NOW["near"], "days": 32, "days_tolerance": 40}
    found = opening(decided("vertical", view(held=SPREAD), **{**NOW, "near": near}, max_positions=2))
    assert {leg.contract.expiry for leg in found.legs if leg.contract} == {contract("P", 95, days=60).expiry}


@pytest.mark.parametrize(
    ("exits", "action", "rule", "limit"),
    [
        ({}, "hold", "hold", None),
        ({"close_days": 32}, "close", "close_days", None),
        ({"close_delta": 0.34}, "close", "close_delta", None),
        ({"close_delta": 0.35}, "hold", "hold", None),
    ],
)
def test_a_spread_is_closed_by_each_rule(exits: dict[str, Any], action: str, rule: str, limit: str | None) -> None:
    found = about(decided("vertical", view(held=SPREAD), **NOW, exits=exits), contract("P", 95))
    assert (found.action, found.rule) == (action, rule), found.reason
    assert found.limit_price == (None if limit is None else Decimal(limit))
    assert {leg.contract: leg.quantity for leg in found.legs} == {
        contract("P", 95): 2 if action == "close" else -2,
        contract("P", 90): -2 if action == "close" else 2,
    }


def test_profit_and_loss_of_credits_and_debits_are_measured_by_what_they_can_gain() -> None:
    rich = (held("P", 95, -1, 4.0), held("P", 90, 1, 1.2))  # a credit of 2.80; 1.30 closes it
    found = about(decided("vertical", view(held=rich), **NOW), contract("P", 95))
    assert (found.rule, found.limit_price) == ("profit_target", Decimal("1.40"))
    assert "54% of the credit of 2.80 is gained" in found.reason
    poor = (held("P", 95, -1, 1.5), held("P", 90, 1, 1.0))  # a credit of 0.50, worth 1.20 by the marks
    assert about(decided("vertical", view(held=poor), **NOW, exits={"stop_multiple": 2.4}), contract("P", 95)).rule == "stop"
    paid = (held("C", 100, 1, 2.0), held("C", 105, -1, 1.5))  # paid 0.50, worth 1.90, can gain 4.50
    debit = {"side": "debit", "right": "call", "near": {"delta": 0.5}, "wing": {"width": 5.0}}
    found = about(decided("vertical", view(held=paid), **debit, exits={"profit_target": 0.3}), contract("C", 100))
    assert (found.rule, found.limit_price) == ("profit_target", Decimal("-1.85"))
    lost = (held("C", 100, 1, 8.0), held("C", 105, -1, 1.0))
    assert about(decided("vertical", view(held=lost), **debit, exits={"stop_share": 0.6}), contract("C", 100)).rule == "stop"


def test_a_wing_that_nobody_buys_stays_and_is_no_position_any_more() -> None:
    rows = [{**one, "bid": 0.0} if (one["right"], one["strike"]) == ("P", 90) else one for one in CHAIN]
    found = decided("vertical", view(rows, held=SPREAD), **NOW, exits={"close_days": 40})
    assert [leg.contract for leg in about(found, contract("P", 95)).legs] == [contract("P", 95)]
    assert (about(found, contract("P", 90)).action, about(found, contract("P", 90)).rule) == ("hold", "worthless_leg")
    after = decided("vertical", view(rows, held=SPREAD[1:]), **{**NOW, "near": {**NOW["near"], "days": 60}})
    assert about(after, contract("P", 90)).rule == "worthless_leg"
    assert opening(after).action == "open"


def test_a_short_leg_without_a_quote_keeps_all_of_it_and_a_long_one_without_does_not() -> None:
    no_short = [one for one in CHAIN if (one["right"], one["strike"]) != ("P", 95)]
    found = decided("vertical", view(no_short, held=SPREAD), **NOW, exits={"close_days": 40})
    assert (about(found, contract("P", 95)).rule, len(about(found, contract("P", 95)).legs)) == ("no_quote", 2)
    no_long = [one for one in CHAIN if (one["right"], one["strike"]) != ("P", 90)]
    found = decided("vertical", view(no_long, held=SPREAD), **NOW, exits={"close_days": 40})
    assert [(leg.contract, leg.quantity) for leg in about(found, contract("P", 95)).legs] == [(contract("P", 95), 2)]
    nobody = [{**one, "ask": None} if (one["right"], one["strike"]) == ("P", 95) else one for one in CHAIN]
    found = about(decided("vertical", view(nobody, held=SPREAD), **NOW, exits={"close_days": 40}), contract("P", 95))
    assert (found.action, found.rule) == ("hold", "no_ask")


def test_after_an_assignment_the_rest_and_the_shares_are_closed() -> None:
    left = view(held=SPREAD[1:], shares={"XYZ": Decimal(200)}, share_prices={"XYZ": Decimal(95)})
    found = decided("vertical", left, **NOW)
    assert (about(found, contract("P", 90)).action, about(found, contract("P", 90)).rule) == ("close", "broken_structure")
    shares = next(one for one in found if one.rule == "assigned_shares")
    assert [(leg.contract, leg.quantity, leg.open_or_close) for leg in shares.legs] == [(None, -200, "close")]
    short = view(held=(held("C", 110, 1, 0.4),), shares={"XYZ": Decimal(-100)})
    assert next(one for one in decided("iron_condor", short) if one.rule == "assigned_shares").legs[0].quantity == 100


@pytest.mark.parametrize(("spot", "action", "rule"), [(100.0, "let_expire", "expires"), (93.0, "close", "in_the_money")])
def test_at_the_last_session_only_what_is_out_of_the_money_is_left_to_expire(spot: float, action: str, rule: str) -> None:
    soon = {"days": 1, "sessions_left": 1, "last_session": SESSIONS[0], "spot": spot}
    rows = [*CHAIN, row("P", 95, 0.5, 2.2, -0.3, **soon), row("P", 90, 0.1, 0.2, -0.1, **soon)]
    spread = (held("P", 95, -2, 1.4, days=1), held("P", 90, 2, 0.7, days=1))
    found = about(
        decided("vertical", view(rows, held=spread), **NOW, exits={"close_days": 0, "profit_target": 1.0}), contract("P", 95, days=1)
    )
    assert (found.action, found.rule) == (action, rule)
    if action == "close":  # the wing is out of the money: without a bid tomorrow it would hold up the rest
        wing = decided("vertical", view(rows, held=spread), **NOW, exits={"close_days": 0, "profit_target": 1.0})
        assert (about(wing, contract("P", 90, days=1)).action, about(wing, contract("P", 90, days=1)).rule) == ("let_expire", "expires")
        assert [leg.contract for leg in found.legs] == [contract("P", 95, days=1)]


def test_a_short_call_before_an_ex_date_breaks_no_structure() -> None:
    rows = [{**one, "spot": 112.0} for one in CHAIN]
    calls = (held("C", 110, -1, 1.0), held("C", 120, 1, 0.2))
    paid = {"dividends": (dividend(SESSIONS[1], 0.5),)}
    settings = {"right": "call", "near": {"delta": 0.2}}
    found = about(decided("vertical", view(rows, held=calls, **paid), **settings), contract("C", 110))
    assert (found.action, found.rule) == ("close", "ex_date")
    assert (
        about(decided("vertical", view(rows, held=calls, **paid), **settings, exits={"before_ex_date": "allow"}), contract("C", 110)).rule
        == "hold"
    )
