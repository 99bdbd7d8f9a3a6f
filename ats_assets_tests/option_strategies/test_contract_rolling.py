"""When a short option is bought back, rolled or held: each rule, their order, the limits, and what happens where a roll is not possible."""

from decimal import Decimal
from typing import Any

import pytest

from ats_assets.option_strategies import Decision
from ats_assets_tests.option_strategies.small_views import CHAIN, SESSIONS, about, contract, decided, dividend, held, owned, row, view

PUT, CALL = contract("P", 95), contract("C", 105)


def put(price: float, exits: dict[str, Any], **settings: Any) -> Decision:
    """About one short put, sold for a price, that is quoted at 2.40 to 2.50 with a delta of -0.34 and 32 days left."""
    later = {"puts": {"days": 50, "days_tolerance": 20}, **settings}
    return about(decided("wheel", view(held=(held("P", 95, -1, price),)), put_exits=exits, **later), PUT)


def call(price: float, exits: dict[str, Any], spot: float = 100.0, dividends: Any = (), **settings: Any) -> Decision:
    """About one covered call of strike 105 that is quoted at 2.50 to 2.60."""
    rows = [{**one, "spot": spot} for one in CHAIN]
    given = view(rows, held=(held("C", 105, -1, price),), dividends=dividends, cash=Decimal(0), **owned(100))
    return about(decided("covered_call", given, exits=exits, **settings), CALL)


@pytest.mark.parametrize(
    ("price", "exits", "action", "rule", "limit"),
    [
        (25.0, {}, "close", "profit_target", "2.50"),  # 90 % of 25 at an ask of 2.50
        (24.9, {}, "hold", "hold", None),
        (5.0, {"profit_target": 0.5}, "close", "profit_target", "2.50"),
        (2.41, {"profit_target": 1.0}, "hold", "hold", None),
        (1.2, {"stop_multiple": 2.0}, "close", "stop", None),  # the mark is 2.45
        (1.23, {"stop_multiple": 2.0}, "hold", "hold", None),
        (2.4, {"close_days": 32}, "close", "close_days", None),
        (2.4, {"close_days": 31}, "hold", "hold", None),
        (2.4, {"roll_days": 32}, "roll", "roll_days", "-0.01"),
        (2.4, {"roll_days": 31}, "hold", "hold", None),
        (5.0, {"roll_captured": 0.5}, "roll", "roll_captured", "-0.01"),
        (4.9, {"roll_captured": 0.5}, "hold", "hold", None),
        (2.4, {"roll_delta": 0.34, "min_roll_credit": 0.5}, "roll", "roll_delta", "-0.5"),
        (2.4, {"roll_delta": 0.35}, "hold", "hold", None),
        (2.4, {"roll_delta": 0.3, "roll_credit_only": False}, "roll", "roll_delta", None),
    ],
)
def test_each_rule_speaks_at_its_figure_and_not_before(
    price: float, exits: dict[str, Any], action: str, rule: str, limit: str | None
) -> None:
    found = put(price, exits)
    assert (found.action, found.rule) == (action, rule), found.reason
    assert found.limit_price == (None if limit is None else Decimal(limit))


def test_the_first_rule_of_the_order_decides() -> None:
    everything = {"stop_multiple": 2.0, "profit_target": 0.5, "roll_captured": 0.4, "roll_delta": 0.3, "roll_days": 40, "close_days": 40}
    assert put(1.0, everything).rule == "stop"
    assert put(5.0, everything).rule == "profit_target"
    assert put(5.0, {**everything, "profit_target": 1.0}).rule == "roll_captured"
    assert put(2.4, everything).rule == "roll_delta"
    assert put(2.4, {**everything, "roll_delta": None}).rule == "roll_days"
    assert put(2.4, {**everything, "roll_delta": None, "roll_days": None}).rule == "close_days"


def test_a_hold_says_how_near_each_rule_is() -> None:
    told = put(5.0, {"stop_multiple": 2, "roll_delta": 0.45, "roll_days": 7, "close_days": 2}).reason
    assert told == (
        "XYZ240405P00095000: 50% of the premium of 5.00 captured, delta -0.34, 32 days left "
        "(closes at 90%, stops at 2 times, rolls at a delta of 0.45, rolls at 7 days, closes at 2 days)"
    )


def test_a_roll_is_one_order_of_both_legs_into_a_later_expiry() -> None:
    found = put(2.4, {"roll_days": 40}, puts={"days": 50, "days_tolerance": 20, "delta": 0.37})
    assert [(leg.contract, leg.quantity, leg.open_or_close) for leg in found.legs] == [
        (PUT, 1, "close"),
        (contract("P", 95, days=60), -1, "open"),
    ]
    assert "1 contract rolled from XYZ240405P00095000 to XYZ240503P00095000" in found.reason
    assert "a credit of 0.90 at the quotes" in found.reason


@pytest.mark.parametrize(("roll_to", "strike"), [("same_strike", 95), ("target_delta", 90), ("away", 90)])
def test_out_and_down_or_out_alone(roll_to: str, strike: float) -> None:
    wide = {"days": 50, "days_tolerance": 20, "delta": 0.26, "delta_tolerance": 0.05}
    found = put(2.4, {"roll_days": 40, "roll_to": roll_to, "roll_credit_only": False}, puts=wide)
    assert found.legs[1].contract == contract("P", strike, days=60)


def test_away_is_never_nearer_to_the_money() -> None:
    near = {"days": 50, "days_tolerance": 20, "delta": 0.28, "delta_tolerance": 0.05}
    out = [row("C", 100, 6.0, 6.2, 0.28, days=60), *CHAIN]
    given = view(out, held=(held("C", 105, -1, 2.0),), cash=Decimal(0), **owned(100))
    exits = {"roll_days": 40, "roll_credit_only": False}
    found = about(decided("covered_call", given, calls=near, exits={**exits, "roll_to": "target_delta"}), CALL)
    assert found.legs[1].contract == contract("C", 100, days=60)
    found = about(decided("covered_call", given, calls=near, exits={**exits, "roll_to": "away"}), CALL)
    assert found.legs[1].contract == contract("C", 110, days=60)


@pytest.mark.parametrize(
    ("price", "unable", "action"),
    [(2.4, "hold", "hold"), (2.4, "close", "close"), (2.4, "close_in_profit", "hold"), (2.6, "close_in_profit", "close")],
)
def test_where_no_roll_brings_a_credit_settings_say_what_then(price: float, unable: str, action: str) -> None:
    dear = {"roll_days": 40, "min_roll_credit": 2.0, "unable_to_roll": unable}
    found = put(price, dear)
    assert (found.action, found.rule) == (action, "no_roll")
    assert "32 days left (roll_days 40), but no put of XYZ that expires in 30 to 70 days satisfies the selection" in found.reason
    assert "a credit of -0.40, at least 2.00 is asked for" in found.reason


def test_a_put_is_rolled_up_only_as_far_as_cash_secures_the_strike() -> None:
    rows = [row("P", 110, 14.0, 14.4, -0.34, days=60), *CHAIN]
    settings = {"puts": {"days": 60, "days_tolerance": 5, "delta": 0.34, "delta_tolerance": 0.02}, "put_exits": {"roll_days": 40}}
    rich = view(rows, held=(held("P", 95, -1, 2.4),), cash=Decimal(11_500), equity=Decimal(11_200))
    assert about(decided("wheel", rich, **settings), PUT).legs[1].contract == contract("P", 110, days=60)
    poor = view(rows, held=(held("P", 95, -1, 2.4),), cash=Decimal(10_500), equity=Decimal(10_200))
    found = about(decided("wheel", poor, **settings), PUT)
    assert found.rule == "no_roll"
    assert "above the strike that cash secures" in found.reason


def test_a_call_deep_in_the_money_without_a_delta_of_its_own_counts_as_the_underlying() -> None:
    for ask, rule in ((7.1, "no_roll"), (6.9, "hold")):  # an ask below the intrinsic value of 7 contradicts the spot
        rows = [row("C", 105, 6.8, ask, None, why="below_intrinsic", spot=112.0)]
        given = view(rows, held=(held("C", 105, -1, 4.0),), cash=Decimal(0), **owned(100))
        found = about(decided("covered_call", given, exits={"roll_delta": 0.8}), CALL)
        assert found.rule == rule
        assert ("the delta is 1.00 (roll_delta 0.80)" if rule == "no_roll" else "no delta") in found.reason


def test_a_call_of_the_wheel_is_not_rolled_below_the_cost_of_its_shares() -> None:
    given = view(held=(held("C", 105, -1, 2.5),), cash=Decimal(0), **owned(100, 108))
    settings = {"calls": {"days": 60, "days_tolerance": 5, "delta": 0.39}, "call_exits": {"roll_days": 40, "roll_credit_only": False}}
    assert about(decided("wheel", given, **settings), CALL).rule == "no_roll"
    settings["calls"]["delta_tolerance"] = 0.2
    assert about(decided("wheel", given, **settings), CALL).legs[1].contract == contract("C", 110, days=60)
    assert about(decided("wheel", given, **settings, calls_below_cost=True), CALL).legs[1].contract == contract("C", 105, days=60)


class TestBeforeAnExDate:
    """A spot of 107: the call of strike 105 has a time value of 0.55."""

    SPOT = 107.0

    def about_call(self, sessions: int, amount: float, before: str = "roll", **exits: Any) -> Decision:
        paid = (dividend(SESSIONS[sessions - 1], amount),)
        settings = {"calls": {"days": 60, "days_tolerance": 5}}
        return call(1.0, {"before_ex_date": before, "roll_credit_only": False, **exits}, self.SPOT, paid, **settings)

    def test_two_sessions_before_it_is_rolled_to_what_would_not_be_assigned_as_well(self) -> None:
        found = self.about_call(2, 0.60)
        assert (found.action, found.rule) == ("roll", "ex_date")
        assert "a time value of 0.55, below the dividend of 0.60 of 2024-03-06" in found.reason
        assert found.legs[1].contract == contract("C", 110, days=60)

    def test_it_is_closed_or_let_be_as_settings_say(self) -> None:
        assert (self.about_call(2, 0.60, "close").action, self.about_call(2, 0.60, "close").rule) == ("close", "ex_date")
        assert self.about_call(2, 0.60, "allow").action == "hold"

    def test_a_smaller_dividend_or_a_later_one_is_no_danger(self) -> None:
        assert self.about_call(2, 0.50).rule == "hold"
        assert self.about_call(3, 0.60).rule == "hold"
        assert self.about_call(3, 0.60, ex_date_sessions=3).rule == "ex_date"
        assert self.about_call(40, 0.60, ex_date_sessions=50).rule == "hold"  # after its expiry

    def test_at_the_last_session_before_it_is_too_late_and_the_reason_says_so(self) -> None:
        found = self.about_call(1, 0.60, "allow")
        assert (found.action, found.rule) == ("hold", "ex_date_too_late")
        assert "an assignment tonight is to be expected" in found.reason

    def test_the_new_call_must_not_be_assigned_before_the_same_ex_date(self) -> None:
        found = call(
            1.0,
            {"before_ex_date": "roll", "roll_credit_only": False, "roll_to": "same_strike"},
            107.0,
            (dividend(SESSIONS[1], 1.9),),
            calls={"days": 60, "days_tolerance": 5},
        )
        assert found.rule == "no_roll"
        assert "took out 1 by dividend, 1 by strike" in found.reason

    def test_out_of_the_money_nothing_is_assigned_early(self) -> None:
        assert call(1.0, {"before_ex_date": "close"}, 104.0, (dividend(SESSIONS[1], 9.0),)).rule == "hold"
