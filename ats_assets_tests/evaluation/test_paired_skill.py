"""The paired test against Student's distribution as scipy has it, and what it says of sessions that only one model has."""

from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import t as student

from ats_assets.evaluation.edge_test import newey_west_t, normal_equivalent, student_equivalent
from ats_assets.evaluation.paired_skill import PairedSkill, challenged, needed_difference, paired_skill
from ats_assets_tests.rounds import rounds

DAYS = [date(2020, 1, 1) + timedelta(days=i) for i in range(400)]


def ics(values: np.ndarray) -> dict[date, float | None]:
    return dict(zip(DAYS, values.tolist(), strict=False))


@given(size=st.floats(0.0, 6.0), degrees=st.floats(3.0, 500.0))
def test_the_value_of_student_is_the_inverse_of_the_normal_one(size: float, degrees: float) -> None:
    assert normal_equivalent(student_equivalent(size, degrees), degrees) == pytest.approx(size, abs=1e-9)


@settings(max_examples=rounds(20, 60))
@given(seed=st.integers(0, 1000), n=st.integers(60, 400), horizon=st.sampled_from([1, 5]))
def test_what_is_needed_is_students_quantile_of_all_tries_and_the_t_is_that_of_the_edge_test(seed: int, n: int, horizon: int) -> None:
    rng = np.random.default_rng(seed)
    one, other = rng.normal(0.02, 0.1, n), rng.normal(0.0, 0.1, n)
    paired = paired_skill(ics(one), ics(other), horizon)
    assert paired.difference == pytest.approx((one - other).mean())
    assert paired.error is not None
    assert paired.degrees is not None
    assert newey_west_t(one - other, horizon) == pytest.approx(normal_equivalent((one - other).mean() / paired.error, paired.degrees))
    for tries in (1, 12, 120):
        exact = student.ppf(0.95 ** (1 / tries), paired.degrees)
        needed = needed_difference(paired, tries=tries, margin=0.001, confidence=0.95)
        assert needed == pytest.approx(0.001 + exact * paired.error, rel=0.03)
        found = challenged(paired, against="x", tries=tries, margin=0.001, confidence=0.95, min_judged_sessions=60)
        assert found.wins == (paired.difference >= needed)


def test_sessions_that_one_model_has_alone_do_not_count_and_the_test_has_two_sides() -> None:
    rng = np.random.default_rng(3)
    one, other = ics(rng.normal(0.0, 0.1, 200)), ics(rng.normal(0.0, 0.1, 200))
    whole = paired_skill(one, other, 5)
    more = one | {DAYS[300]: 1.0, DAYS[301]: None}
    assert paired_skill(more, other | {DAYS[301]: 0.5, DAYS[302]: 0.5}, 5) == whole
    turned = paired_skill(other, one, 5)
    assert turned.difference == pytest.approx(-(whole.difference or 0.0))
    assert turned.error == pytest.approx(whole.error)
    assert whole.reversed().difference == pytest.approx(turned.difference)


@pytest.mark.parametrize(
    ("paired", "text"),
    [
        (PairedSkill(sessions=0), "judged beside x on no session, needs 60"),
        (PairedSkill(sessions=1, difference=0.1), "judged beside x on 1 session, needs 60"),
        (PairedSkill(sessions=80, difference=0.0), "+0.0000 rank IC against x over 80 sessions, whose error can't be told"),
    ],
)
def test_too_little_is_no_promotion_and_says_so(paired: PairedSkill, text: str) -> None:
    found = challenged(paired, against="x", tries=1, margin=0.0, confidence=0.95, min_judged_sessions=60)
    assert (found.wins, found.needed, found.text) == (False, None, text)


def test_two_models_with_the_same_scores_differ_by_nothing() -> None:
    same = ics(np.random.default_rng(0).normal(0.0, 0.1, 100))
    assert paired_skill(same, same, 5) == PairedSkill(sessions=100, difference=0.0)
