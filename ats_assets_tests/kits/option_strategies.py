"""What every strategy of options must do, whatever its idea is: derive a class `Test…` from `OptionStrategyKit` and name the plugin.

class TestMine(OptionStrategyKit):
    plugin = PLUGIN
    small = {"near": {"days": 21}}
    covered = True
"""

import re
from collections import Counter
from collections.abc import Mapping
from decimal import Decimal
from functools import cache
from typing import Any, ClassVar

import polars as pl
import pytest

from ats_assets.option_strategies import Decision, OptionStrategy, OptionView
from ats_assets.option_strategies.structures import held_structures
from ats_assets.options.contract import Right
from ats_assets.plugins import Plugin
from ats_assets_tests.kits import option_market as markets
from ats_assets_tests.kits.settings import judge_settings
from ats_assets_tests.rounds import rounds

TRADING = {"open", "close", "roll"}


class OptionStrategyKit:
    """The tests of one strategy on the kits' market of options."""

    plugin: ClassVar[Plugin[Any, Any]]
    small: ClassVar[Mapping[str, Any]] = {}
    """Settings with which it opens something on the kits' market."""
    covered: ClassVar[bool] = False
    """Whether it promises that shares cover its short calls at any time."""
    cash_secured: ClassVar[bool] = False
    """Whether it promises that its cash pays for all that its short puts could be assigned."""
    defined_risk: ClassVar[bool] = False
    """Whether it promises that every structure has a bounded loss, which its cash can pay."""

    def strategy(self, **changes: Any) -> OptionStrategy:
        return self.plugin.make(self.plugin.settings.model_validate({**self.small, **changes}))

    @classmethod
    @cache
    def lived(cls, seed: int) -> tuple[OptionStrategy, list[markets.Step]]:
        """The strategy, and its life on one of the markets."""
        strategy = cls().strategy()
        return strategy, list(markets.run(strategy, markets.market(seed)))

    @classmethod
    def steps(cls, seed: int = 1) -> list[markets.Step]:
        """Its life on one of the markets."""
        return cls.lived(seed)[1]

    def test_it_trades_and_says_why_for_every_position_and_every_underlying(self) -> None:
        opened = 0
        for step in self.steps():
            judge_decisions(step.view, step.decisions)
            opened += any(one.action == "open" for one in step.decisions)
        assert opened, "it opens nothing on this market: give `small` settings with which it does"

    def test_what_it_promises_holds_after_every_fill(self) -> None:
        for seed in range(1, rounds(1, 8) + 1):
            for step in self.steps(seed):
                self.judge_promises(step.view)

    def judge_promises(self, view: OptionView) -> None:
        """What the class variables say."""
        for name in view.underlyings:
            held = [one for one in view.held if one.contract.underlying == name]
            short = sum(one.multiplier * -one.quantity for one in held if one.quantity < 0 and one.contract.right is Right.CALL)
            if self.covered:
                assert short <= view.shares.get(name, Decimal(0)), f"{short} shares of {name} are sold by calls at {view.session}"
        if self.cash_secured:
            puts = [one for one in view.held if one.quantity < 0 and one.contract.right is Right.PUT]
            needed = sum((one.contract.strike * one.multiplier * -one.quantity for one in puts), Decimal(0))
            assert needed <= view.cash, f"puts may cost {needed} at {view.session}, and the cash is {view.cash}"
        if self.defined_risk and not view.shares:  # of an assignment, which are closed at the next session
            groups = held_structures(view.held)
            assert all(group.worst.is_finite() for group in groups), f"a naked call is held at {view.session}: {view.held}"
            worst = sum((group.worst * group.units * group.multiplier for group in groups), Decimal(0))
            assert worst <= view.cash, f"what is held can lose {worst} at {view.session}, and the cash is {view.cash}"

    def test_the_same_view_gives_the_same_decisions_in_any_order_of_the_chain(self) -> None:
        strategy = self.strategy()
        for i, step in enumerate(self.steps()):
            if i % 6 == 0 or any(one.action in TRADING for one in step.decisions):
                assert strategy.decide(step.view) == step.decisions
                for chain in (step.view.chain.sample(fraction=1.0, shuffle=True, seed=i), step.view.chain.reverse()):
                    assert self.strategy().decide(with_chain(step.view, chain)) == step.decisions, step.view.session

    @pytest.mark.parametrize("place", range(18, markets.SESSIONS - 10, rounds(25, 5)))
    def test_what_comes_after_a_session_changes_no_decision_up_to_it(self, place: int) -> None:
        last = markets.trading_days(markets.SESSIONS)[place]
        strategy, steps = self.lived(1)  # one object for both: it keeps nothing from one session to the next
        other = [step.decisions for step in markets.run(strategy, markets.other_future(last)) if step.view.session <= last]
        assert other == [step.decisions for step in steps if step.view.session <= last]

    def test_rows_of_another_session_are_not_decided_on(self) -> None:
        played = markets.market()
        days = played.sessions
        steps = {step.view.session: step for step in self.steps() if step.view.session in days[5:55:9]}
        for day, step in steps.items():
            later = played.chains[days[days.index(day) + 1]].with_columns(bid=pl.col("bid") * 3 + 1, ask=pl.col("ask") * 3 + 2)
            assert self.strategy().decide(with_chain(step.view, pl.concat([step.view.chain, later]))) == step.decisions
            nothing = self.strategy().decide(with_chain(step.view, later))
            assert not [one for one in nothing if one.action in TRADING and any(leg.contract for leg in one.legs)]

    def test_a_session_without_a_chain_or_without_prices_trades_no_option_and_raises_nothing(self) -> None:
        number = pl.lit(None, pl.Float64)
        for i, step in enumerate(self.steps()):
            if i % 8:
                continue
            chain = step.view.chain
            for poor in (
                chain.clear(),
                chain.with_columns(bid=number, ask=number, mark=number, half_spread=number),
                chain.with_columns(bid=number, ask=number, half_spread=number),
            ):
                decisions = self.strategy().decide(with_chain(step.view, poor))
                judge_decisions(with_chain(step.view, poor), decisions)
                assert not [one for one in decisions if one.action in TRADING and any(leg.contract for leg in one.legs)]
            blind = with_chain(step.view, chain.with_columns(delta=number, implied_volatility=number))
            judge_decisions(blind, self.strategy().decide(blind))

    def test_settings_are_frozen_with_defaults_and_refuse_what_they_do_not_know(self) -> None:
        judge_settings(self.plugin)


def judge_decisions(view: OptionView, decisions: list[Decision]) -> None:
    """One decision about each position, one at least about each underlying, and legs that fit what is held and what is quoted."""
    held = {one.contract: one for one in view.held}
    quotes = {} if view.chain.is_empty() else markets.quotes_of(view.chain.filter(session=view.session))
    about: Counter[Any] = Counter()
    for one in decisions:
        assert one.strategy == view.strategy
        assert re.fullmatch(r"[a-z][a-z0-9_]*", one.rule), f"{one.rule!r} is no short code"
        assert len(one.reason) > 20, f"{one.reason!r} is no sentence"
        assert one.action != "skip" or not one.legs
        closes = [leg for leg in one.legs if leg.open_or_close == "close" and leg.contract is not None]
        about.update(leg.contract for leg in closes)
        for leg in closes:
            assert leg.contract in held, f"{leg.contract} is not held: {one}"
            quantity = held[leg.contract].quantity
            if one.action in TRADING:
                assert leg.quantity * quantity < 0, f"it would add to what it closes: {one}"
                assert abs(leg.quantity) <= abs(quantity), f"it closes more than is held: {one}"
            else:
                assert leg.quantity == quantity, f"what is held is another number: {one}"
        if one.action in TRADING:
            assert one.legs, f"nothing would be traded: {one}"
            for leg in one.legs:
                assert leg.quantity, one
                if leg.contract is not None:
                    quote = quotes.get(leg.contract)
                    assert quote is not None, f"{leg.contract} has no quote at {view.session}: {one}"
                    assert quote.ask if leg.quantity > 0 else quote.bid, f"nobody takes the other side: {one}"
        of_shares = [leg.quantity for leg in one.legs if leg.contract is None and leg.open_or_close == "close" and one.action in TRADING]
        for quantity in of_shares:
            shares = view.shares.get(one.underlying, Decimal(0))
            assert quantity * shares < 0, f"it would add to the shares: {one}"
            assert abs(quantity) <= abs(shares), f"it sells more shares than are held: {one}"
    wrong = {str(contract): about[contract] for contract in held if about[contract] != 1}
    assert not wrong, f"not exactly one decision about each position at {view.session}: {wrong} of {decisions}"
    assert {one.underlying for one in decisions} >= set(view.underlyings)


def with_chain(view: OptionView, chain: pl.DataFrame) -> OptionView:
    """The same view with another chain."""
    return OptionView(**{**{name: getattr(view, name) for name in view.__dataclass_fields__}, "chain": chain})
