"""Each strategy of options through the kit."""

from collections.abc import Mapping
from typing import Any, ClassVar

from ats_assets.plugins import OPTION_STRATEGIES
from ats_assets_tests.kits.option_strategies import OptionStrategyKit

SOON = {"days": 21, "days_tolerance": 10}
ROOM = {"sizing": {"max_share": 0.5}}


class TestWheel(OptionStrategyKit):
    plugin = OPTION_STRATEGIES.find("wheel")
    small: ClassVar[Mapping[str, Any]] = {
        "puts": {**SOON, "delta": 0.4},
        "calls": SOON,
        "put_exits": {"roll_days": 3},
        "call_exits": {"roll_delta": 0.7, "before_ex_date": "roll"},
    }
    covered = True
    cash_secured = True


class TestCoveredCall(OptionStrategyKit):
    plugin = OPTION_STRATEGIES.find("covered_call")
    small: ClassVar[Mapping[str, Any]] = {"calls": SOON, "exits": {"roll_days": 3, "roll_to": "away", "unable_to_roll": "close_in_profit"}}
    covered = True
    cash_secured = True


class TestCashSecuredPut(OptionStrategyKit):
    plugin = OPTION_STRATEGIES.find("cash_secured_put")
    small: ClassVar[Mapping[str, Any]] = {"puts": SOON, "exits": {"stop_multiple": 2.5, "roll_captured": 0.6, "roll_credit_only": False}}
    covered = True
    cash_secured = True


class TestVertical(OptionStrategyKit):
    plugin = OPTION_STRATEGIES.find("vertical")
    small: ClassVar[Mapping[str, Any]] = {"near": SOON, **ROOM, "max_positions": 2}
    covered = True
    defined_risk = True


class TestDebitVertical(OptionStrategyKit):
    plugin = OPTION_STRATEGIES.find("vertical")
    small: ClassVar[Mapping[str, Any]] = {
        "right": "call",
        "side": "debit",
        "near": {**SOON, "delta": 0.5},
        "wing": {"width": 10.0},
        "exits": {"stop_share": 0.5},
        **ROOM,
    }
    defined_risk = True


class TestIronCondor(OptionStrategyKit):
    plugin = OPTION_STRATEGIES.find("iron_condor")
    small: ClassVar[Mapping[str, Any]] = {"near": SOON, "min_credit_share": 0.05, "exits": {"stop_multiple": 2.0}, **ROOM}
    defined_risk = True


class TestStraddle(OptionStrategyKit):
    plugin = OPTION_STRATEGIES.find("straddle")
    small: ClassVar[Mapping[str, Any]] = {"call": {**SOON, "delta": 0.5}, **ROOM, "exits": {"close_delta": 0.8}}


class TestLongStraddle(OptionStrategyKit):
    plugin = OPTION_STRATEGIES.find("straddle")
    small: ClassVar[Mapping[str, Any]] = {
        "side": "long",
        "call": {**SOON, "delta": 0.5},
        **ROOM,
        "exits": {"stop_share": 0.6, "close_days": 0},
    }
    defined_risk = True


class TestStrangle(OptionStrategyKit):
    plugin = OPTION_STRATEGIES.find("strangle")
    small: ClassVar[Mapping[str, Any]] = {"near": SOON, **ROOM}
