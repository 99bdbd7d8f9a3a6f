"""Every strategy on books of any shape: what a person, another kind of strategy or an assignment has left."""

import json
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ats_assets.option_strategies import ComingAction, HeldOption, KnownDividend, OptionView
from ats_assets.option_strategies.rule_codes import RULE_CODES
from ats_assets.options.contract import contract_of
from ats_assets.plugins import OPTION_STRATEGIES
from ats_assets_tests.kits import option_market as markets
from ats_assets_tests.kits.option_strategies import judge_decisions
from ats_assets_tests.option_strategies.small_views import view
from ats_assets_tests.rounds import rounds

EAGER = {"roll_days": 20, "roll_delta": 0.6, "stop_multiple": 3.0, "before_ex_date": "roll", "unable_to_roll": "close_in_profit"}
SETTINGS: dict[str, dict[str, Any]] = {
    "wheel": {"put_exits": EAGER, "call_exits": {**EAGER, "roll_to": "away"}},
    "covered_call": {"exits": {**EAGER, "roll_credit_only": False}},
    "cash_secured_put": {"exits": {**EAGER, "roll_to": "same_strike"}},
    "vertical": {"max_positions": 2},
    "iron_condor": {"min_credit_share": 0.02},
    "straddle": {"side": "long"},
    "strangle": {},
}
KINDS = sorted(OPTION_STRATEGIES.names())


def test_all_kinds_are_here() -> None:
    assert set(SETTINGS) == set(KINDS)


@st.composite
def books(draw: st.DrawFn) -> OptionView:
    """A session of the kits' market with any positions, shares, cash, and what is to come."""
    played = markets.market()
    day = draw(st.sampled_from(list(played.sessions[5:55:5])))
    chain = played.chains[day]
    symbols = draw(st.lists(st.sampled_from(chain["contract"].to_list()), max_size=6, unique=True))
    held = [
        HeldOption(
            contract=contract_of(symbol),
            quantity=draw(st.sampled_from([-7, -2, -1, 1, 3])),
            multiplier=100,
            opened_session=played.sessions[0],
            average_price=draw(st.sampled_from([Decimal("0.05"), Decimal("1.5"), Decimal(9)])),
        )
        for symbol in symbols
    ]
    shares = {name: Decimal(n) for name in ("AAA", "BBB") if (n := draw(st.sampled_from([0, 0, -150, 57, 100, 730])))}
    ahead = [one for one in played.sessions if one > day]
    actions = draw(st.sampled_from([(), (), (ComingAction(underlying="AAA", session=ahead[0], kind="split", ratio=Decimal(2)),)]))
    cash = Decimal(draw(st.sampled_from([-20_000, 0, 4_000, 90_000])))
    gone = draw(st.sampled_from(["", "AAA"]))
    return OptionView(
        strategy="mine",
        session=day,
        underlyings=("AAA", "BBB"),
        sessions=tuple(ahead),
        chain=chain.filter(chain["underlying"] != gone),
        spots={name: spot for name, spot in played.spots[day].items() if name != gone},
        held=tuple(sorted(held, key=lambda one: one.contract)),
        shares=shares,
        share_prices={name: Decimal(80) for name in shares},
        cash=cash,
        equity=cash + 10_000,
        dividends=tuple(KnownDividend(underlying=name, ex_session=ahead[n], amount=Decimal(3)) for name, n in (("AAA", 1), ("BBB", 0))),
        actions=actions,
    )


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=rounds(12, 400), deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(books())
def test_there_is_one_decision_about_each_position_with_a_known_rule(kind: str, given_view: OptionView) -> None:
    plugin = OPTION_STRATEGIES.find(kind)
    strategy = plugin.make(plugin.settings.model_validate(SETTINGS[kind]))
    decisions = strategy.decide(given_view)
    judge_decisions(given_view, decisions)
    assert {one.rule for one in decisions} <= set(RULE_CODES)
    assert strategy.decide(given_view) == decisions


@pytest.mark.parametrize("kind", KINDS)
def test_settings_go_round_through_toml_and_json(kind: str) -> None:
    plugin = OPTION_STRATEGIES.find(kind)
    made = plugin.settings.model_validate({**SETTINGS[kind], "earnings": {"AAPL": [date(2014, 7, 22)]}})
    assert plugin.settings.model_validate(json.loads(json.dumps(made.model_dump(mode="json")))) == made


OWN = '''"""Buys the cheapest call."""

from ats_assets.option_strategies import Decision, OptionLeg
from ats_assets.option_strategies.strategy_context import StrategyContext
from ats_assets.options.contract import Right
from ats_assets.plugins import Plugin
from ats_assets.settings import Section


class LottoSettings(Section):
    days: int = 40


class Lotto:
    def __init__(self, settings):
        self.settings = settings

    def decide(self, view):
        context = StrategyContext(view)
        found = [context.keep([held], "hold", "held until it expires") for held in view.held]
        for underlying in view.underlyings:
            calls = [one for one in context.chain.offered(underlying, Right.CALL, (1, self.settings.days)) if one.ask]
            if not calls:
                found.append(context.skip(underlying, "no_contract", f"no call of {underlying} is offered"))
                continue
            best = min(calls, key=lambda one: (one.ask, one.symbol))
            leg = OptionLeg(contract=best.contract, quantity=1, open_or_close="open")
            found.append(context.decision(underlying, "open", "cheapest", f"{best.symbol} costs {best.ask}", [leg], best.ask))
        return found


PLUGIN = Plugin(settings=LottoSettings, make=Lotto)
'''


def test_a_strategy_of_ones_own_is_one_file(tmp_path: Path) -> None:
    (tmp_path / "option_strategies").mkdir()
    (tmp_path / "option_strategies" / "lotto.py").write_text(OWN, encoding="utf-8")
    strategy = OPTION_STRATEGIES.named("mine", {"kind": "lotto", "days": 50}, tmp_path, "option_strategies").made()
    decisions = strategy.decide(view())
    assert [(one.rule, str(one.legs[0].contract)) for one in decisions] == [("cheapest", "XYZ240405C00120000")]
    judge_decisions(view(), decisions)
