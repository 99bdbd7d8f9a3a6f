"""Margin by recognised spread, against what Cboe and brokers publish.

The IBM and SPX values are those of Cboe's "Margin Requirement Examples for Sample Options-based Positions" (strategy-based requirements, IBM at 97.73, SPX at 1451.19, 100 contracts
each, net of proceeds); that of the strangle is tastyworks' (45, calls of 47 and puts of 43), that of the vertical spread is from Cboe's page of strategy-based margin, less its proceeds.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.option_strategies.book import MarginAccount, OptionBook, OptionPosition, margin_need
from ats_assets.option_strategies.book.book_entries import ShareHolding
from ats_assets.options.contract import OptionContract, Right

EXPIRY = date(2007, 4, 20)
Leg = tuple[str, float, float, int]
"""Right, strike, price, contracts."""


def held(spot: float, legs: list[Leg], shares: int = 0, root: str = "IBM") -> OptionBook:
    style = "european" if root == "SPX" else "american"
    book, price = OptionBook.opened("s", Decimal(0), EXPIRY), Decimal(repr(spot))
    for right, strike, paid, number in legs:
        contract = OptionContract(root, EXPIRY, Decimal(repr(strike)), Right(right))
        mark = Decimal(repr(paid))
        book.options[contract] = OptionPosition(
            contract=contract,
            underlying=root,
            quantity=number,
            multiplier=100,
            style=style,
            opened_session=EXPIRY,
            average_price=mark,
            tag="",
            mark=mark,
            spot=price,
        )
    if shares:
        book.shares[root] = ShareHolding(quantity=Decimal(shares), cost=shares * price, spot=price)
    return book


PUBLISHED = {
    "short call": (172_760, held(97.73, [("C", 100, 1.68, -100)])),
    "short put": (195_460, held(97.73, [("P", 100, 3.18, -100)])),
    "covered call": (471_850, held(97.73, [("C", 100, 1.68, -100)], 10_000)),
    "protective put": (498_850, held(97.73, [("P", 95, 1.02, 100)], 10_000)),
    "synthetic long": (212_260, held(97.73, [("C", 100, 1.68, 100), ("P", 100, 3.18, -100)])),
    "risk reversal": (132_960, held(97.73, [("P", 95, 1.02, 100), ("C", 105, 0.40, -100)])),
    "collar": (494_850, held(97.73, [("P", 95, 1.02, 100), ("C", 105, 0.40, -100)], 10_000)),
    "long vertical spread of calls": (41_300, held(97.73, [("C", 95, 4.53, 100), ("C", 105, 0.40, -100)])),
    "short call on an index": (2_088_685, held(1451.19, [("C", 1460, 21.66, -100)], root="SPX")),
    "short put on an index": (2_176_785, held(1451.19, [("P", 1460, 22.55, -100)], root="SPX")),
    "vertical spread of calls on an index": (216_100, held(1451.19, [("C", 1450, 27.57, 100), ("C", 1500, 5.96, -100)], root="SPX")),
    "vertical spread of puts": (456, held(128.5, [("P", 120, 0.80, 1), ("P", 125, 1.24, -1)])),
    "iron condor": (
        32_300,
        held(127.5, [("P", 115, 2.83, 100), ("P", 125, 6.33, -100), ("C", 130, 6.65, -100), ("C", 140, 3.38, 100)], root="AAPL"),
    ),
    "strangle": (1030 - 210 - 120, held(45, [("C", 47, 2.10, -1), ("P", 43, 1.20, -1)])),
}


@pytest.mark.parametrize("position", PUBLISHED)
def test_published_requirements(position: str) -> None:
    published, book = PUBLISHED[position]
    assert margin_need(book) == published


def test_a_put_is_secured_by_its_strike_and_a_call_by_shares_or_not_at_all() -> None:
    assert margin_need(held(100, [("P", 95, 1.5, -2)]), "cash_secured") == 2 * (9_500 - 150)
    assert margin_need(held(100, [("C", 105, 1.5, -2)]), "cash_secured") == Decimal("Infinity")
    assert margin_need(held(100, [("C", 105, 1.5, -2)], 200), "cash_secured") == 2 * (10_000 - 150)
    assert margin_need(held(100, [("C", 105, 1.5, -2)], 199), "cash_secured") == Decimal("Infinity")
    assert margin_need(held(100, [("P", 95, 1.5, -1), ("P", 90, 0.5, 1)]), "cash_secured") == 500 - 100


def test_a_long_that_expires_first_covers_nothing() -> None:
    book = held(100, [("C", 100, 3.0, -1)])
    earlier = OptionContract("IBM", date(2007, 3, 16), Decimal(100), Right.CALL)
    short = next(iter(book.options.values()))
    book.options[earlier] = OptionPosition(**(vars(short) | {"contract": earlier, "quantity": 1, "mark": Decimal(2)}))
    assert margin_need(book) == 2_000 + 200


def test_a_spread_of_puts_and_one_of_calls_are_one_condor_at_one_expiry_alone() -> None:
    """Of two expiries they had needed the larger loss alone, though the price may be low at the first and high at the second: 290 instead of 790."""
    puts, calls = [("P", 95.0, 2.0, -1), ("P", 90.0, 1.0, 1)], [("C", 105.0, 2.2, -1), ("C", 110.0, 1.1, 1)]
    assert margin_need(held(100, [*puts, *calls])) == 500 - 210
    book = held(100, puts)
    for contract, one in held(100, calls).options.items():
        later = replace(contract, expiry=date(2007, 5, 18))
        book.options[later] = replace(one, contract=later)
    for account in ("reg_t", "cash_secured"):
        assert margin_need(book, account) == (500 - 100) + (500 - 110)


LEGS = st.lists(
    st.tuples(
        st.sampled_from("CP"), st.integers(80, 120).map(float), st.integers(5, 500).map(lambda cents: cents / 100), st.integers(-3, 3)
    ),
    max_size=6,
    unique_by=lambda leg: (leg[0], leg[1]),
).map(lambda legs: [leg for leg in legs if leg[3]])


@given(legs=LEGS, shares=st.integers(-300, 300), account=st.sampled_from(["reg_t", "cash_secured"]))
def test_recognising_spreads_never_asks_for_more_and_a_long_option_never_for_less_than_nothing(
    legs: list[Leg], shares: int, account: MarginAccount
) -> None:
    together = margin_need(held(100, legs, shares), account)
    apart = margin_need(held(100, [], shares), account) + sum((margin_need(held(100, [leg]), account) for leg in legs), Decimal(0))
    if shares >= 0:
        assert together <= apart
    assert together >= 0


@given(legs=LEGS)
def test_with_as_much_equity_as_a_secured_book_needs_no_price_at_expiry_makes_it_negative(legs: list[Leg]) -> None:
    book = held(100, legs)
    need = margin_need(book, "cash_secured")
    if need.is_finite():
        cash = need - sum((one.value for one in book.options.values()), Decimal(0))
        for price in map(Decimal, (0, *range(80, 121), 1_000)):
            paid = sum(
                number * 100 * max(float(price) - strike if right == "C" else strike - float(price), 0.0)
                for right, strike, _, number in legs
            )
            assert float(cash) + paid >= -1e-9
