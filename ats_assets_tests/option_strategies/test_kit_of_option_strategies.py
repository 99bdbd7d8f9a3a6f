"""The kit finds what it is there for: each of these strategies does one thing wrong."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ats_assets.option_strategies import Decision, OptionLeg, OptionView
from ats_assets.option_strategies.strategy_context import StrategyContext
from ats_assets.options.contract import Right
from ats_assets.plugins import Plugin
from ats_assets.settings import Section
from ats_assets_tests.kits.option_strategies import OptionStrategyKit


class PlainSettings(Section):
    days: int = 25


class Plain:
    """Sells a put at a time, of the first contract in the order of the symbols."""

    def __init__(self, settings: PlainSettings) -> None:
        self.settings = settings
        self.seen = 0

    def decide(self, view: OptionView) -> list[Decision]:
        context = StrategyContext(view)
        found = [context.keep([held], "hold", "it is held until it expires") for held in view.held]
        for underlying in view.underlyings:
            puts = [one for one in context.chain.offered(underlying, Right.PUT, (5, self.settings.days)) if one.bid]
            if not puts or context.held_of(underlying):
                found.append(context.skip(underlying, "no_contract", f"nothing is sold of {underlying} today"))
                continue
            best = min(puts, key=lambda one: one.symbol)
            leg = OptionLeg(contract=best.contract, quantity=-1, open_or_close="open")
            found.append(context.decision(underlying, "open", "sell_put", f"{best.symbol} brings {best.bid}", [leg]))
        return found


class Naked(Plain):
    """Sells calls without shares."""

    def decide(self, view: OptionView) -> list[Decision]:
        def turned(leg: OptionLeg) -> OptionLeg:
            calls = StrategyContext(view).chain.offered(leg.contract.underlying, Right.CALL, (5, 25)) if leg.contract else []
            return replace(leg, contract=next(one.contract for one in calls if one.bid))

        return [replace(one, legs=tuple(map(turned, one.legs))) if one.action == "open" else one for one in super().decide(view)]


class Silent(Plain):
    """Says nothing about what is held."""

    def decide(self, view: OptionView) -> list[Decision]:
        return [one for one in super().decide(view) if one.action != "hold"]


class Twice(Plain):
    """Says two things about what is held."""

    def decide(self, view: OptionView) -> list[Decision]:
        found = super().decide(view)
        return [*found, *(one for one in found if one.action == "hold")]


class Greedy(Plain):
    """Sells more than cash secures."""

    def decide(self, view: OptionView) -> list[Decision]:
        found = super().decide(view)
        return [replace(one, legs=tuple(replace(leg, quantity=-20) for leg in one.legs)) if one.action == "open" else one for one in found]


class Overclosing(Plain):
    """Buys back more than is sold."""

    def decide(self, view: OptionView) -> list[Decision]:
        found = super().decide(view)
        return [
            replace(one, action="close", legs=tuple(replace(leg, quantity=2) for leg in one.legs)) if one.action == "hold" else one
            for one in found
        ]


class FirstRow(Plain):
    """Takes whatever row of the chain comes first."""

    def decide(self, view: OptionView) -> list[Decision]:
        rows = view.chain.filter((view.chain["right"] == "P") & (view.chain["bid"] > 0) & (view.chain["session"] == view.session))
        found = super().decide(view)
        if rows.is_empty():
            return found
        return [replace(one, reason=f"the first row is {rows['contract'][0]}") if one.action == "open" else one for one in found]


class Remembering(Plain):
    """Counts the sessions that it has seen."""

    def decide(self, view: OptionView) -> list[Decision]:
        self.seen += 1
        return [replace(one, reason=f"{one.reason}, after {self.seen} sessions") for one in super().decide(view)]


class AnotherDay(Plain):
    """Looks at rows of other sessions."""

    def decide(self, view: OptionView) -> list[Decision]:
        return [replace(one, reason=f"{one.reason}; the dearest ask is {view.chain['ask'].max()}") for one in super().decide(view)]


def kit_of(made: Callable[[PlainSettings], Any], **promises: bool) -> OptionStrategyKit:
    """The kit of a strategy."""
    plugin = Plugin(settings=PlainSettings, make=made)
    return type(f"KitOf{made.__name__}", (OptionStrategyKit,), {"plugin": plugin, **promises})()  # pyright: ignore[reportFunctionMemberAccess]


@pytest.mark.parametrize(
    ("made", "test", "told"),
    [
        (Silent, "test_it_trades_and_says_why_for_every_position_and_every_underlying", "not exactly one decision"),
        (Twice, "test_it_trades_and_says_why_for_every_position_and_every_underlying", "not exactly one decision"),
        (Overclosing, "test_it_trades_and_says_why_for_every_position_and_every_underlying", "closes more than is held"),
        (Naked, "test_what_it_promises_holds_after_every_fill", "are sold by calls"),
        (Greedy, "test_what_it_promises_holds_after_every_fill", "puts may cost"),
        (FirstRow, "test_the_same_view_gives_the_same_decisions_in_any_order_of_the_chain", None),
        (Remembering, "test_the_same_view_gives_the_same_decisions_in_any_order_of_the_chain", None),
        (AnotherDay, "test_rows_of_another_session_are_not_decided_on", None),
    ],
)
def test_a_fault_is_found(made: Callable[[PlainSettings], Any], test: str, told: str | None) -> None:
    with pytest.raises(AssertionError, match=told):
        getattr(kit_of(made, covered=True, cash_secured=True), test)()


def test_a_plain_strategy_passes() -> None:
    kit = kit_of(Plain, covered=True, cash_secured=True)
    for name in dir(OptionStrategyKit):
        if name.startswith("test_") and "comes_after" not in name:
            getattr(kit, name)()
