"""Which contract is opened: against an enumeration of all that are allowed, whatever the chain."""

from decimal import Decimal
from itertools import product
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from ats_assets.option_strategies.chain_quotes import ChainQuotes
from ats_assets.option_strategies.contract_selection import ContractSettings, pick, screens_of
from ats_assets.option_strategies.contract_sizing import Room, SizingSettings, sized
from ats_assets.option_strategies.strategy_context import StrategyContext
from ats_assets.options.contract import Right
from ats_assets_tests.option_strategies.small_views import CHAIN, row, view
from ats_assets_tests.rounds import rounds

ROW = st.tuples(
    st.sampled_from("CP"),
    st.sampled_from([90, 95, 100, 105]),
    st.sampled_from([20, 32, 60]),
    st.sampled_from([None, 0.0, 0.04, 1.0, 2.0]),
    st.sampled_from([None, 0.1, 0.25, 0.3, 0.35]),
    st.sampled_from([None, 5.0, 50.0]),
)
ASKED = st.fixed_dictionaries(
    {
        "days": st.sampled_from([30, 45]),
        "days_tolerance": st.sampled_from([10, 30]),
        "delta_tolerance": st.sampled_from([0.05, 0.2]),
        "min_bid": st.sampled_from([0.0, 0.05, 1.5]),
        "min_volume": st.sampled_from([0, 10]),
        "min_premium_a_year": st.sampled_from([0.0, 0.15]),
    }
)


@settings(max_examples=rounds(60, 1000), deadline=None)
@given(st.lists(ROW, max_size=20, unique_by=lambda one: one[:3]), ASKED, st.sampled_from(list(Right)), st.randoms())
def test_the_nearest_of_all_that_are_allowed_is_taken(rows: list[Any], asked: dict[str, Any], right: Right, random: Any) -> None:
    chain = [
        row(
            side,
            strike,
            bid,
            None if bid is None else bid + 0.1,
            None if delta is None else delta * (1 if side == "C" else -1),
            days=days,
            volume=volume,
        )
        for side, strike, days, bid, delta, volume in rows
    ]
    wanted = ContractSettings(**asked)
    allowed = []
    for side, strike, days, bid, delta, volume in rows:
        a_year = (bid or 0.0) / (strike if side == "P" else 100) * 365 / days
        good = (
            side == right
            and abs(days - wanted.days) <= wanted.days_tolerance
            and delta is not None
            and abs(delta - 0.3) <= wanted.delta_tolerance + 1e-9
            and bool(bid)
            and bid >= wanted.min_bid
            and a_year >= wanted.min_premium_a_year
            and (not wanted.min_volume or (volume is not None and volume >= wanted.min_volume))
            and (bid + bid + 0.1) * wanted.max_spread_share >= 2 * 0.1 - 1e-9
        )
        if good and delta is not None:
            allowed.append((abs(days - wanted.days), round(abs(delta - 0.3), 9), -a_year, days, strike))
    random.shuffle(chain)
    given_view = view(chain)
    found = pick(ChainQuotes(given_view), "XYZ", right, wanted, screens_of(wanted, StrategyContext(given_view).coming_dates("XYZ")))
    if not allowed:
        assert found.quote is None
        assert "XYZ" in found.why
    else:
        assert found.quote is not None, found.why
        assert (found.quote.days_left, float(found.quote.contract.strike)) == min(allowed)[3:]


def test_figures_that_a_delivery_lacks_satisfy_no_rule_that_asks_for_them() -> None:
    rows = [{**one, "volume": None, "open_interest": None} for one in CHAIN]
    for asked in ({"min_volume": 1}, {"min_open_interest": 1}):
        wanted = ContractSettings.model_validate(asked)
        found = pick(ChainQuotes(view(rows)), "XYZ", Right.PUT, wanted, screens_of(wanted, StrategyContext(view(rows)).coming_dates("XYZ")))
        assert found.quote is None
        assert "no volume" in found.why or "no open interest" in found.why


def test_contracts_without_bid_and_ask_are_quoted_as_wide_as_settings_of_the_chain_say() -> None:
    rows = [{**one, "bid": None, "ask": None, "mark": 2.0, "half_spread": 0.05} for one in CHAIN]
    quote = ChainQuotes(view(rows)).offered("XYZ", Right.PUT, (30, 35))[0]
    assert (quote.bid, quote.ask, quote.mark) == (Decimal("1.95"), Decimal("2.05"), Decimal("2.0"))
    unquoted = [{**one, "half_spread": None} for one in rows]
    assert ChainQuotes(view(unquoted)).offered("XYZ", Right.PUT, (30, 35)) == []


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"delta": 1.2}, "less than 1"),
        ({"delta": -0.3}, "greater than 0"),
        ({"days": 0}, "greater than or equal to 1"),
        ({"min_bid": float("nan")}, "finite"),
        ({"target_delta": 0.3}, "target_delta"),
    ],
)
def test_wrong_settings_are_refused(wrong: dict[str, Any], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        ContractSettings(**wrong)


def test_as_many_contracts_are_opened_as_each_limit_allows() -> None:
    for cash, share, most, new, held in product((0, 950, 3_000, 9_999), (999, 5_000), (None, 3), (None, 2), (0, 2, 5)):
        limits = SizingSettings(max_contracts=most, max_new_contracts=new)
        found = sized(Decimal(1_000), Room(cash=Decimal(cash), share=Decimal(share), held=held), limits).contracts
        assert found == max(min(cash // 1000, share // 1000, *([] if most is None else [most - held]), *([] if new is None else [new])), 0)
