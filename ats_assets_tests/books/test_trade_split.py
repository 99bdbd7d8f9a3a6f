"""Who traded what: by hand, and as properties of any wants, holdings and fills."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.books.apportionment import apportioned, in_proportion
from ats_assets.books.trade_split import shared_trade
from ats_assets_tests.rounds import rounds

UNITS = st.integers(-(10**12), 10**12)


@given(st.integers(-(10**9), 10**9), st.lists(st.integers(-(10**9), 10**9), min_size=1, max_size=6), st.integers(1, 10**6))
@settings(max_examples=rounds(100, 1000))
def test_parts_sum_and_are_the_floor_or_the_ceiling_of_their_shares(extra: int, numerators: list[int], denominator: int) -> None:
    exact = sum(numerators)
    total = round(exact / denominator)
    parts = apportioned(total, numerators, denominator)
    assert sum(parts) == total
    assert all(abs(part * denominator - numerator) <= denominator for part, numerator in zip(parts, numerators, strict=True))
    assert sum(apportioned(extra, numerators, denominator)) == extra
    assert parts == apportioned(total, numerators, denominator)


def test_equal_remainders_are_settled_by_size_and_then_by_the_order_of_the_settings() -> None:
    assert apportioned(2, [1, 3], 2) == [0, 2]
    assert in_proportion(1, [1, 1, 1]) == [1, 0, 0]
    assert in_proportion(-1, [1, 1]) == [0, -1]


@pytest.mark.parametrize(
    ("net", "wanted", "held", "expected"),
    [
        (6, [10, -4], [0, 4], [10, -4]),  # all that was wanted: 4 crossed, 6 from the market
        (0, [10, -4], [0, 4], [4, -4]),  # nothing was filled: only what the other sells
        (2, [10, -4], [0, 4], [6, -4]),  # a partial fill is the buyer's
        (9, [10, -4], [0, 4], [10, -1]),  # more than the net: the seller finds no buyer
        (10, [6, 6], [0, 0], [5, 5]),  # two who want the same share what there is
        (3, [2, 1], [0, 0], [2, 1]),
        (-8, [0, 0], [6, 2], [-6, -2]),  # a forced sale of all
        (-4, [0, 0], [6, 2], [-3, -1]),  # or of half
        (-5, [2, 0], [1, 9], [0, -5]),  # forced, while one wants to buy: its wish is not filled
        (1, [0, 0], [0, 0], [1, 0]),  # of nobody's asking: by capital
    ],
)
def test_by_hand(net: int, wanted: list[int], held: list[int], expected: list[int]) -> None:
    assert shared_trade(net, wanted, held, [2, 1], 1) == expected


@given(st.lists(st.tuples(UNITS, UNITS, st.integers(1, 10**9)), min_size=1, max_size=5), st.data(), st.sampled_from([1, 10**9]))
@settings(max_examples=rounds(150, 1500))
def test_parts_sum_to_the_fill_and_nobody_trades_against_or_beyond_its_wish(
    books: list[tuple[int, int, int]], data: st.DataObject, lot: int
) -> None:
    """Where the fill lies between all sales and all purchases that are wanted, to a lot."""
    wanted, held, capital = (list(column) for column in zip(*books, strict=True))
    bought, sold = sum(max(one, 0) for one in wanted), sum(max(-one, 0) for one in wanted)
    net = lot * data.draw(st.integers(-sold // lot, bought // lot))
    parts = shared_trade(net, wanted, held, capital, lot)
    assert sum(parts) == net
    assert all(part % lot == 0 for part in parts)
    if -sold <= net <= bought:
        for part, want in zip(parts, wanted, strict=True):
            assert min(want, 0) - lot < part < max(want, 0) + lot
        most = min(bought, net + sold) if net <= bought - sold else bought
        assert sum(max(part, 0) for part in parts) >= most - lot * len(parts), "as much is crossed as can be"


@given(UNITS, st.lists(st.tuples(UNITS, UNITS), min_size=1, max_size=5))
@settings(max_examples=rounds(100, 1000))
def test_whatever_was_traded_is_split(net: int, books: list[tuple[int, int]]) -> None:
    wanted, held = (list(column) for column in zip(*books, strict=True))
    assert sum(shared_trade(net, wanted, held, [1] * len(wanted), 1)) == net
    assert shared_trade(net, wanted[:1], held[:1], [1], 1) == [net]
