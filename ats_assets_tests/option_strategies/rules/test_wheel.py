"""The wheel in the situations that live wheels get into, each with its reason."""

from decimal import Decimal

import pytest

from ats_assets.option_strategies import ComingAction
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
    owned,
    row,
    view,
)


def test_a_put_is_sold_for_which_cash_is_there_and_the_limit_is_the_least_premium_that_was_asked_for() -> None:
    found = opening(decided("wheel", view(), puts={"min_premium_a_year": 0.20}))
    assert (found.action, found.rule) == ("open", "sell_put")
    (leg,) = found.legs
    assert (leg.contract, leg.quantity, leg.open_or_close) == (contract("P", 95), -3, "open")
    assert found.limit_price == Decimal("-1.66")  # 95 * 20 % * 32 / 365
    assert "3 contracts at 9,500.00 each, of 29,400.00 free cash" in found.reason


def test_no_contract_says_how_many_each_rule_took_out_and_how_near_the_nearest_is() -> None:
    found = opening(decided("wheel", view(), puts={"min_bid": 3.0, "min_open_interest": 2000}))
    assert (found.action, found.rule) == ("skip", "no_contract")
    assert "took out 2 by delta, 2 by bid" in found.reason
    assert (
        "the nearest, XYZ240405P00095000: bid 2.4, at least 3 is asked for; open interest 1,000, at least 2,000 is asked for"
        in found.reason
    )


def test_no_expiry_within_the_days_says_which_is_nearest() -> None:
    found = opening(decided("wheel", view(), puts={"days": 10, "days_tolerance": 3}))
    assert found.reason == "no put of XYZ expires in 7 to 13 days: the nearest expiry is 32 days off"


def test_cash_too_small_for_one_contract_is_said_with_both_numbers() -> None:
    found = opening(decided("wheel", view(cash=Decimal(9_000), equity=Decimal(9_000))))
    assert (found.action, found.rule) == ("skip", "no_cash")
    assert "one ties up 9,500.00, and 8,820.00 of cash is free" in found.reason


def test_what_is_held_ties_up_its_cash_and_an_order_filled_in_part_is_completed_the_next_session() -> None:
    partly = view(held=(held("P", 95, -2, 2.4),), cash=Decimal(30_480), equity=Decimal(29_980))
    found = decided("wheel", partly)
    assert about(found, contract("P", 95)).rule == "hold"
    assert opening(found).legs[0].quantity == -1  # three fit, two are there


def test_an_assignment_in_the_night_turns_the_wheel_to_calls_above_the_cost_of_the_shares() -> None:
    assigned = view(cash=Decimal(10_500), equity=Decimal(30_000), **owned(200, 106))
    found = decided("wheel", assigned, calls={"delta": 0.35, "delta_tolerance": 0.2})
    call = next(one for one in found if one.rule in {"sell_call", "no_contract"})
    assert call.legs[0].contract == contract("C", 110), call  # not 105, though its delta is nearer
    assert call.legs[0].quantity == -2
    cheap = decided("wheel", assigned, calls={"delta": 0.35, "delta_tolerance": 0.2}, calls_below_cost=True)
    assert next(one for one in cheap if one.rule == "sell_call").legs[0].contract == contract("C", 105)
    high = view(cash=Decimal(10_500), equity=Decimal(30_000), **owned(200, 125))
    assert "below the cost of the shares of 125.00" in next(one for one in decided("wheel", high) if one.action == "skip").reason


@pytest.mark.parametrize(
    ("shares", "rule", "sold"), [(57, "odd_lot", 0), (100, "sell_call", 1), (157, "sell_call", 1), (300, "sell_call", 3)]
)
def test_odd_lots_stay_uncovered(shares: int, rule: str, sold: int) -> None:
    found = decided("wheel", view(cash=Decimal(0), **owned(shares)))
    call = next(one for one in found if one.rule == rule)
    assert sum(-leg.quantity for leg in call.legs) == sold
    assert "57" in call.reason if shares in {57, 157} else "stay uncovered" not in call.reason


def test_calls_that_are_held_are_not_sold_a_second_time() -> None:
    found = decided("wheel", view(held=(held("C", 110, -1, 2.0),), cash=Decimal(0), **owned(150)))
    assert {one.rule for one in found} == {"hold", "covered", "no_cash"}


def test_without_a_chain_today_everything_is_held_and_nothing_is_opened() -> None:
    given = view([], held=(held("P", 95, -1, 2.4),), **owned(100))
    found = decided("wheel", given)
    assert {(one.action, one.rule) for one in found} == {("hold", "no_chain"), ("skip", "no_chain")}
    assert "XYZ240405P00095000 is held, and another session's quotes are not decided on" in about(found, contract("P", 95)).reason


def test_a_contract_without_a_quote_today_is_held_though_a_rule_would_close_it() -> None:
    given = view([one for one in CHAIN if one["strike"] != 95], held=(held("P", 95, -1, 2.4),))
    found = about(decided("wheel", given, put_exits={"close_days": 40}), contract("P", 95))
    assert (found.action, found.rule) == ("hold", "no_quote")
    unsold = view([row("P", 95, 2.4, None, -0.34), *CHAIN[4:]], held=(held("P", 95, -1, 2.4),))
    found = about(decided("wheel", unsold, put_exits={"close_days": 40}), contract("P", 95))
    assert (found.action, found.rule) == ("hold", "no_ask")


def test_before_a_split_nothing_is_done_and_the_reason_names_it() -> None:
    split = ComingAction(underlying="XYZ", session=SESSIONS[0], kind="split", ratio=Decimal(7))
    found = decided("wheel", view(held=(held("P", 95, -1, 2.4),), actions=(split,)), put_exits={"close_days": 40})
    assert {(one.action, one.rule) for one in found} == {("hold", "action_ahead"), ("skip", "action_ahead")}
    assert "a split of XYZ (7 new shares for one) takes effect at 2024-03-05" in found[0].reason
    merger = ComingAction(underlying="XYZ", session=SESSIONS[0], kind="merger", adjusts=True)
    assert (
        "adjusted, and closed at this session's quotes"
        in decided("wheel", view(held=(held("P", 95, -1, 2.4),), actions=(merger,)))[0].reason
    )


def test_a_contract_with_an_adjusted_deliverable_is_closed_and_never_opened() -> None:
    adjusted = [{**one, "deliverable": "100 XYZ and 12.50 in cash"} for one in CHAIN]
    found = decided("wheel", view(adjusted, held=(held("P", 95, -1, 2.4),)))
    assert (about(found, contract("P", 95)).action, about(found, contract("P", 95)).rule) == ("close", "adjusted")
    assert opening(found).rule == "no_contract"
    assert "delivers 100 XYZ and 12.50 in cash" in opening(found).reason


@pytest.mark.parametrize(("strike", "told"), [(95, "out of the money, so it expires worthless"), (105, "in the money, so it is assigned")])
def test_at_the_last_session_a_put_is_left_to_expire(strike: float, told: str) -> None:
    soon = {"days": 1, "sessions_left": 1, "last_session": SESSIONS[0]}
    given = view([*CHAIN, row("P", strike, 0.5, 6.0, -0.5, **soon)], held=(held("P", strike, -1, 2.4, days=1),))
    found = about(decided("wheel", given), contract("P", strike, days=1))
    assert (found.action, found.rule) == ("let_expire", "expires")
    assert told in found.reason


def test_underlyings_that_compete_for_cash_are_served_by_the_premium_a_year() -> None:
    rich = [{**one, "bid": one["bid"] * 1.3, "ask": one["ask"] * 1.3} for one in (row("P", 95, 2.4, 2.5, -0.34, underlying="ABC"),)]
    both = view([*CHAIN, *rich, row("P", 95, 2.2, 2.3, -0.34, underlying="AAA")], cash=Decimal(10_000), equity=Decimal(10_000))
    found = decided("wheel", both)
    sold = [(one.underlying, one.action) for one in found]
    assert sold == [("ABC", "open"), ("XYZ", "skip"), ("AAA", "skip")]
    assert "number 1 of 3 by a premium of 37.5% a year" in found[0].reason
    assert found[1].rule == "no_cash"


def test_no_more_than_its_share_of_the_equity_is_tied_up_in_one_underlying() -> None:
    found = opening(decided("wheel", view(), sizing={"max_share": 0.35}))
    assert found.legs[0].quantity == -1
    full = decided("wheel", view(cash=Decimal(20_000), **owned(100)), sizing={"max_share": 0.35})
    assert opening(full).rule == "share_limit"
    most = opening(decided("wheel", view(held=(held("P", 95, -2, 2.4),)), sizing={"max_contracts": 2}))
    assert most.rule == "contract_limit"
    assert opening(decided("wheel", view(), sizing={"max_new_contracts": 2})).legs[0].quantity == -2


def test_options_that_are_settled_in_cash_turn_no_wheel() -> None:
    index = [{**one, "style": "european"} for one in CHAIN]
    assert opening(decided("wheel", view(index))).rule == "cash_settled"
    assert opening(decided("cash_secured_put", view(index))).action == "open"


def test_calls_that_shares_no_longer_cover_are_bought_back() -> None:
    given = view(held=(held("C", 110, -2, 2.0), held("C", 110, -2, 3.0, days=60)), **owned(250))
    found = decided("wheel", given)
    closed = about(found, contract("C", 110, days=60))
    assert (closed.action, closed.rule, closed.legs[0].quantity) == ("close", "uncovered", 2)
    assert about(found, contract("C", 110)).action == "hold"


def test_what_another_kind_of_strategy_has_left_is_closed() -> None:
    found = about(decided("wheel", view(held=(held("P", 90, 2, 1.0),))), contract("P", 90))
    assert (found.action, found.rule, found.legs[0].quantity) == ("close", "foreign_position", -2)


def test_an_expiry_across_an_ex_date_or_earnings_is_avoided_if_asked() -> None:
    given = view(dividends=(dividend(SESSIONS[30], 0.5),))  # between the two expiries
    far = {"days": 60, "days_tolerance": 30}
    assert opening(decided("wheel", given, puts=far)).legs[0].contract == contract("P", 90, days=60)
    assert opening(decided("wheel", given, puts={**far, "avoid_ex_dates": True})).legs[0].contract == contract("P", 95)
    told = {"XYZ": [str(DAY), str(SESSIONS[30])]}
    assert opening(decided("wheel", view(), puts=far, earnings=told)).legs[0].contract == contract("P", 95)
    assert opening(decided("wheel", view(), puts={**far, "avoid_earnings": False}, earnings=told)).legs[0].contract == contract(
        "P", 90, days=60
    )
