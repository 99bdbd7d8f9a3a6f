from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.backtests.metrics import drawdown_figures, worst_drawdowns
from ats_assets_tests.backtests.small_markets import MONDAY

VALUES = st.lists(st.floats(0.01, 1e6), min_size=2, max_size=60).map(np.array)
COARSE = st.lists(st.integers(1, 6), min_size=1, max_size=40).map(lambda values: np.array(values, dtype=np.float64))
"""Few levels, so that peaks are reached exactly and often."""


@given(VALUES)
def test_drawdowns_against_the_loop(values: np.ndarray) -> None:
    peak, at, worst, longest = values[0], 0, 0.0, 0
    for i, value in enumerate(values):
        if value >= peak:
            longest = max(longest, i - at if values[at:i].min(initial=peak) < peak else 0)
            peak, at = value, i
        worst = min(worst, value / peak - 1)
    longest = max(longest, len(values) - 1 - at)
    assert drawdown_figures(values) == (pytest.approx(worst), longest, pytest.approx(values[-1] / peak - 1))


@given(COARSE)
def test_the_worst_drawdowns_against_the_loop(values: np.ndarray) -> None:
    """Walk from each last session of a peak to the first that reaches it again."""
    days = [MONDAY + timedelta(days=i) for i in range(len(values))]
    found, i = [], 0
    while i < len(values) - 1:
        if values[i + 1] >= values[i]:
            i += 1
            continue
        back = next((j for j in range(i + 1, len(values)) if values[j] >= values[i]), None)
        end = len(values) - 1 if back is None else back
        trough = i + 1 + int(np.argmin(values[i + 1 : end + 1]))
        found.append((values[trough] / values[i] - 1, days[i], days[trough], None if back is None else days[back], end - i, trough - i))
        i = end
    expected = sorted(found, key=lambda one: (one[0], one[1]))[:5]
    worst = worst_drawdowns(days, values)
    assert [(d.depth, d.peak, d.trough, d.recovery, d.sessions, d.sessions_down) for d in worst] == [
        (pytest.approx(depth), *rest) for depth, *rest in expected
    ]


@given(VALUES)
def test_the_table_agrees_with_the_two_figures(values: np.ndarray) -> None:
    days = [MONDAY + timedelta(days=i) for i in range(len(values))]
    everything = worst_drawdowns(days, values, count=len(values))
    deepest, longest, _ = drawdown_figures(values)
    assert deepest == min((one.depth for one in everything), default=0.0)
    assert longest == max((one.sessions for one in everything), default=0)


def test_without_a_fall_there_is_none() -> None:
    assert worst_drawdowns([MONDAY], np.array([1.0])) == worst_drawdowns([], np.zeros(0)) == []
