"""Splits, dividends and fractions on held positions: money is kept to the cent, against a plain calculation in fractions."""

from fractions import Fraction

import numpy as np
import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.portfolio import apply_actions, price_after, session_actions

RATIO = st.sampled_from([(1, 1), (2, 1), (3, 1), (7, 1), (3, 2), (1, 10), (1, 3), (21, 20)])
HELD = st.tuples(st.integers(-5_000, 5_000), st.integers(1, 50_000), RATIO, st.sampled_from([0, 0, 25, 73, 1_000]))


@given(st.lists(HELD, min_size=1, max_size=6), st.integers(-(10**9), 10**9))
def test_money_is_kept_and_shares_are_those_of_exact_fractions(held: list[tuple[int, int, tuple[int, int], int]], seed: int) -> None:
    shares = np.array([float(n) for n, *_ in held])
    cents = np.array([price for _, price, *_ in held])
    ratios = [Fraction(*ratio) for *_, ratio, _ in held]
    paid = np.array([min(cash, price - 1) for _, price, _, cash in held])
    basis = np.where(shares != 0, np.random.default_rng(abs(seed)).integers(-(10**8), 10**8, len(held)), 0)
    how = {"ratio": np.array([float(r) for r in ratios]), "cash": paid / 100, "close": cents / 100}
    done = apply_actions(shares, basis, **how, fractional=False)
    for i, ((n, price, *_), ratio) in enumerate(zip(held, ratios, strict=True)):
        grown = n * ratio
        whole = int(grown)  # toward zero
        assert done.shares[i] == whole
        assert done.dividends[i] == n * paid[i]
        assert abs(done.in_lieu[i] - (grown - whole) * (price - int(paid[i])) / ratio) <= Fraction(501, 1000)
        # the payment, the fraction and what stays are together worth what was held: the payment is in none of them twice
        assert abs(done.dividends[i] + done.in_lieu[i] + whole * (price - int(paid[i])) / ratio - n * price) <= Fraction(501, 1000)
        if ratio == 1:
            assert (done.basis[i], done.in_lieu[i]) == (basis[i], 0)
        elif whole:
            assert abs(done.basis[i] - basis[i] * whole / grown) <= 1
    assert (done.basis[done.shares == 0] == 0).all()
    # cash = initial cash + realised - basis, before and after
    assert done.cash_flow == int(done.realised.sum() - (done.basis.sum() - basis.sum()))


def test_a_fraction_of_a_share_is_kept_where_it_can_be_held() -> None:
    """Nobody can hold one short: -7.5 became of -5, which no broker lends; it is -7, and the half is paid back."""
    held = {"shares": np.array([5.0, -5.0]), "basis": np.array([50_000, -50_000])}
    done = apply_actions(**held, ratio=np.array([1.5, 1.5]), cash=np.zeros(2), close=np.array([100.0, 100.0]), fractional=True)
    assert done.shares.tolist() == [7.5, -7.0]
    assert done.in_lieu.tolist() == [0, -3_333]
    assert done.basis.tolist() == [50_000, -46_667]
    whole = apply_actions(**held, ratio=np.array([1.5, 1.5]), cash=np.zeros(2), close=np.array([100.0, np.nan]), fractional=False)
    assert whole.shares.tolist() == [7.0, -7.5]  # nobody knows what the half is worth
    assert whole.in_lieu.tolist() == [3_333, 0]
    assert whole.realised.tolist() == [3_333 - 3_333, 0]


def test_a_reverse_split_and_a_payment_of_one_session_keep_what_the_shares_were_worth() -> None:
    """5 at 100.00 are 500.00: 50.00 for each are 250.00, and the half of a new share, worth 500.00 without the payment, 250.00 (it was paid as 500.00)."""
    done = apply_actions(
        np.array([5.0]),
        np.array([50_000]),
        ratio=np.array([0.1]),
        cash=np.array([50.0]),
        close=np.array([100.0]),
        fractional=False,
    )
    assert (done.shares[0], done.dividends[0], done.in_lieu[0]) == (0, 25_000, 25_000)


def test_a_short_position_pays_the_dividend() -> None:
    one = np.ones(1)
    done = apply_actions(np.array([-10.0]), np.array([-100_000]), ratio=one, cash=one * 0.375, close=one * 100, fractional=False)
    assert (done.dividends[0], done.realised[0], done.basis[0], done.cash_flow) == (-375, -375, -100_000, -375)


def test_what_of_a_session_s_actions_counts() -> None:
    rows = [
        ("A", "split", 2.0, None),
        ("A", "cash_dividend", None, 0.5),
        ("A", "cash_dividend", None, 0.25),
        ("B", "spin_off", None, 3.0),
        ("C", "merger", None, 40.0),
        ("Z", "split", 3.0, None),
    ]
    actions = pl.DataFrame(rows, schema={"symbol": pl.String, "kind": pl.String, "ratio": pl.Float64, "cash": pl.Float64}, orient="row")
    ratio, cash = session_actions(actions, ["A", "B", "C", "D"])
    assert ratio.tolist() == [2.0, 1.0, 1.0, 1.0]
    assert cash.tolist() == [0.75, 3.0, 0.0, 0.0]
    assert [values.tolist() for values in session_actions(actions.clear(), ["A"])] == [[1.0], [0.0]]


def test_the_price_after_is_that_of_a_new_share_without_the_payment() -> None:
    price = price_after(np.array([100.0, 100.0, 5.0]), np.array([2.0, 1.0, 1.0]), np.array([1.0, 0.0, 6.0]))
    assert price.tolist() == [49.5, 100.0, 5.0]  # a payment that the share is not worth is none
