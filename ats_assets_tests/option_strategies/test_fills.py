"""Fills by the quotes of a session: which side is paid, what a limit means of several legs, and that nothing is made up."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.option_strategies.fills import (
    NotFilled,
    OptionFillRules,
    OptionQuote,
    decision_fills,
    net_price,
    quote_of_row,
    traded_price,
    units_of,
)
from ats_assets.option_strategies.option_strategy import Decision, OptionLeg
from ats_assets.options.contract import OptionContract, Right

LOW = OptionContract("XYZ", date(2024, 6, 21), Decimal(95), Right.PUT)
HIGH = OptionContract("XYZ", date(2024, 6, 21), Decimal(100), Right.PUT)
QUOTES = {LOW: OptionQuote(bid=Decimal("1.00"), ask=Decimal("1.10")), HIGH: OptionQuote(bid=Decimal("2.50"), ask=Decimal("2.70"))}
SPOTS = {"XYZ": Decimal(100)}
RULES = OptionFillRules(spread_share=Decimal(1), fee_per_contract=Decimal("0.65"), share_cost_bps=Decimal(1))


def sold_spread(limit: str | None) -> Decision:
    legs = (
        OptionLeg(contract=HIGH, quantity=-3, open_or_close="open"),
        OptionLeg(contract=LOW, quantity=3, open_or_close="open"),
    )
    price = None if limit is None else Decimal(limit)
    return Decision(strategy="s", underlying="XYZ", action="open", legs=legs, limit_price=price, reason="a test", rule="test")


def test_the_legs_of_a_spread_are_filled_together_within_the_limit_of_one_unit() -> None:
    fills = decision_fills(sold_spread("-1.40"), QUOTES, SPOTS, RULES)
    assert not isinstance(fills, NotFilled)
    assert [(fill.price, fill.cash, fill.fee) for fill in fills] == [
        (Decimal("2.50"), Decimal("750.00"), Decimal("1.95")),
        (Decimal("1.10"), Decimal("-330.00"), Decimal("1.95")),
    ]
    assert net_price(fills, units_of(sold_spread(None).legs)) == Decimal("-1.40")


def test_beyond_the_limit_no_leg_is_filled() -> None:
    found = decision_fills(sold_spread("-1.41"), QUOTES, SPOTS, RULES)
    assert isinstance(found, NotFilled)
    assert found.reason == "limit"


@pytest.mark.parametrize(
    ("quote", "reason"),
    [
        (None, "no_quote"),
        (OptionQuote(bid=Decimal(0), ask=Decimal("0.05")), "no_bid"),
        (OptionQuote(bid=None, ask=Decimal("0.05")), "no_bid"),
    ],
)
def test_without_a_bid_above_zero_nothing_is_sold_and_the_other_leg_is_not_filled_either(quote: OptionQuote | None, reason: str) -> None:
    found = decision_fills(sold_spread(None), QUOTES | {HIGH: quote}, SPOTS, RULES)
    assert isinstance(found, NotFilled)
    assert found.reason == reason
    assert HIGH.symbol in found.detail


def test_without_an_ask_nothing_is_bought() -> None:
    found = decision_fills(sold_spread(None), QUOTES | {LOW: OptionQuote(bid=Decimal(1), ask=None)}, SPOTS, RULES)
    assert isinstance(found, NotFilled)
    assert found.reason == "no_ask"


def test_shares_are_traded_at_the_close_at_a_cost_and_count_in_the_net_price_of_a_unit() -> None:
    legs = (
        OptionLeg(contract=None, quantity=200, open_or_close="open"),
        OptionLeg(contract=HIGH, quantity=-2, open_or_close="open"),
    )
    bought = Decision(strategy="s", underlying="XYZ", action="open", legs=legs, limit_price=Decimal("97.51"), reason="a test", rule="test")
    fills = decision_fills(bought, QUOTES, SPOTS, RULES)
    assert not isinstance(fills, NotFilled)
    assert [fill.price for fill in fills] == [Decimal("100.0100"), Decimal("2.50")]
    assert net_price(fills, units_of(legs)) == Decimal("97.51")


def test_a_mark_of_zero_is_no_quote_and_without_the_setting_no_mark_is_one() -> None:
    assert quote_of_row({"mark": 0.0, "half_spread": 0.0}) is None
    assert quote_of_row({"mark": 3.0}) is None
    assert quote_of_row({"bid": 0.0, "ask": 0.0, "mark": 0.0, "half_spread": 0.0}) == OptionQuote(
        bid=Decimal("0.0"), ask=None, mark=Decimal("0.0")
    )


@given(bid=st.integers(1, 5_000), width=st.integers(0, 300), share=st.integers(0, 100))
def test_a_fill_is_between_the_quotes_and_never_better_than_the_middle(bid: int, width: int, share: int) -> None:
    quote = OptionQuote(bid=Decimal(bid) / 100, ask=Decimal(bid + width) / 100)
    assert quote.bid is not None
    assert quote.ask is not None
    bought, sold = (traded_price(quote, side, Decimal(share) / 100) for side in (1, -1))
    assert isinstance(bought, Decimal)
    assert isinstance(sold, Decimal)
    middle = (quote.bid + quote.ask) / 2
    assert quote.bid <= sold <= middle <= bought <= quote.ask
    assert bought - middle == middle - sold
