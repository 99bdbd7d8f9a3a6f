"""The book of people's orders is what it would be if it had an account of its own."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.requests.manual_book import PositionChange, book_of, part_of
from ats_assets_tests.rounds import rounds

DAY = datetime(2024, 3, 4, 14, 30, tzinfo=UTC)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("plan"), st.integers(-50, 50)),
        st.tuples(st.just("person"), st.integers(1, 50)),
        st.tuples(st.just("sell"), st.integers(1, 50)),
        st.tuples(st.just("split"), st.sampled_from([2, 3, 4])),
        st.tuples(st.just("renamed"), st.just(0)),
        st.tuples(st.just("delisted"), st.just(0)),
        st.tuples(st.just("baseline"), st.just(0)),
    ),
    max_size=20,
)


@settings(max_examples=rounds(60, 2_000))
@given(STEPS)
def test_beside_any_plan_it_is_what_an_account_of_its_own_would_be(steps: list[tuple[str, int]]) -> None:
    """Oracle: two accounts, each with its own shares in fractions; the plan's is never short, and people sell what they have."""
    plan, own = Fraction(0), Fraction(0)
    changes: list[PositionChange] = []
    baselines: list[tuple[datetime, dict[str, Decimal]]] = []

    def note(at: datetime, shares: Fraction, *, traded: bool, by_person: bool = False) -> None:
        exact = Decimal(shares.numerator) / Decimal(shares.denominator)
        changes.append(PositionChange(at=at, name="A", shares=exact, traded=traded, by_person=by_person))

    for i, (what, size) in enumerate(steps):
        at, whole = DAY + timedelta(days=i), plan + own
        if what == "plan" and plan + size >= 0:
            plan += size
            note(at, Fraction(size), traded=True)
        elif what in ("person", "sell"):
            shares = Fraction(size) if what == "person" else -min(Fraction(size), own)
            own += shares
            note(at, shares, traded=True, by_person=True)
        elif what in ("split", "delisted"):
            ratio = size if what == "split" else 0
            note(at, whole * (ratio - 1), traded=False)
            plan, own = plan * ratio, own * ratio
        elif what == "renamed":
            note(at, -whole, traded=False)
            note(at, whole, traded=False)
        elif what == "baseline":
            baselines.append((at, {"A": Decimal(whole.numerator) / Decimal(whole.denominator)}))
    found = book_of(changes, baselines)
    assert found == ({"A": Decimal(own.numerator)} if own else {})
    assert part_of(found.get("A", Decimal(0)), Decimal((plan + own).numerator)) == own.numerator


def test_of_a_position_in_whole_shares_the_book_has_whole_shares() -> None:
    """Three of ten shares, and one new one for four: the account has two, and half a share in cash."""
    bought = [PositionChange(at=DAY, name="A", shares=Decimal(n), traded=True, by_person=n == 3) for n in (7, 3)]
    split = PositionChange(at=DAY + timedelta(days=1), name="A", shares=Decimal(-8), traded=False)
    assert book_of([*bought, split]) == {"A": Decimal(1)}


def test_what_the_account_was_taken_to_hold_counts_from_then_on() -> None:
    """A split was booked without a quantity, and a person took the broker's account as correct: the next split is of what there is."""
    bought: list[Any] = [PositionChange(at=DAY, name="A", shares=Decimal(n), traded=True, by_person=n == 10) for n in (30, 10)]
    split = PositionChange(at=DAY + timedelta(days=3), name="A", shares=Decimal(80), traded=False)
    assert book_of([*bought, split], [(DAY + timedelta(days=1), {"A": Decimal(80)})]) == {"A": Decimal(20)}
