"""The cumulative sum of lost skill: Page's recursion, and an alarm about as often as it was asked for."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter

from ats_assets.evaluation.skill_cusum import SkillCusum, skill_sums
from ats_assets_tests.rounds import rounds

LASTS = 5
PAST, UNTIL, WATCHED = 252, 63, 21


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(-1, 1), min_size=1, max_size=30), st.floats(-0.5, 0.5), st.floats(0.01, 0.5))
def test_it_is_pages_recursion(ics: list[float], mean: float, deviation: float) -> None:
    total, expected = 0.0, []
    for ic in ics:
        total = max(0.0, total + (mean - max(mean / 2, 0.1 * deviation) - ic) / deviation)
        expected.append(total)
    assert skill_sums(mean, deviation, np.array(ics)).tolist() == pytest.approx(expected, abs=1e-9)


def rank_ics(seed: int, mean: float = 0.05) -> np.ndarray:
    """As decisions of each session whose outcomes last for several."""
    noise = lfilter(np.ones(LASTS) / np.sqrt(LASTS), 1.0, np.random.default_rng(seed).standard_normal(PAST + UNTIL + WATCHED + LASTS))
    return mean + 0.08 * noise[LASTS:]


def first_alarm(seed: int, lost: float, chance: float = 0.05) -> int | None:
    """The watched session, from 0, of the first alarm, where skill is lost at the first."""
    ics = rank_ics(seed)
    ics[PAST + UNTIL :] -= lost
    cusum = SkillCusum(ics[:PAST], block=2 * (LASTS + 1), until=UNTIL, watched=WATCHED, chance=chance)
    now = ics[PAST:]
    found = [i for i in range(WATCHED) if cusum.finding(now[: UNTIL + i + 1]).alarm]
    return found[0] if found else None


def test_alarms_are_about_as_rare_as_they_are_to_be_and_a_lost_skill_is_found() -> None:
    n = rounds(60, 400)
    false = sum(first_alarm(seed, 0.0) is not None for seed in range(n))
    assert false <= 0.05 * n + 3 * np.sqrt(0.05 * 0.95 * n)
    found = [first_alarm(seed, 0.25) for seed in range(n)]
    assert sum(one is not None for one in found) >= 0.95 * n


def test_too_short_a_past_says_nothing_and_what_is_missing_is_left_out() -> None:
    short = SkillCusum(np.full(40, 0.1), block=4, until=5, watched=5, chance=0.1).finding(np.full(10, -1.0))
    assert not short.alarm
    assert short.about == "40 rank ICs of the past"
    past = rank_ics(1)[:PAST]
    holes = np.concatenate([past, np.full(30, np.nan)])
    how = {"block": 12, "until": 10, "watched": 5, "chance": 0.1}
    now = np.array([0.1, np.nan, -0.2])
    assert SkillCusum(holes, **how).finding(now) == SkillCusum(past, **how).finding(now[[0, 2]])
    assert not SkillCusum(past, **how).finding(np.array([np.nan])).alarm
