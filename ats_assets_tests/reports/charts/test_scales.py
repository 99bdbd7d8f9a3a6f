from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.reports.charts.scales import date_ticks, linear_ticks, log_ticks, tick_text

BOUNDS = st.tuples(st.floats(-1e7, 1e7), st.floats(1e-4, 1e7)).map(lambda pair: (pair[0], pair[0] + pair[1]))


@given(BOUNDS)
def test_ticks_are_few_round_and_inside(bounds: tuple[float, float]) -> None:
    low, high = bounds
    ticks = linear_ticks(low, high)
    assert 1 <= len(ticks) <= 6
    assert ticks == sorted(set(ticks))
    slack = 1e-6 * max(abs(low), abs(high), high - low)
    assert all(low - slack <= tick <= high + slack for tick in ticks)
    if len(ticks) > 1:
        assert (high - low) / (ticks[1] - ticks[0]) <= 7, "no step is so wide that it leaves the axis bare"


@given(st.floats(1e-3, 1e6), st.floats(1.01, 1e4))
def test_logarithmic_ticks_are_inside(low: float, factor: float) -> None:
    ticks = log_ticks(low, low * factor)
    assert ticks == sorted(ticks)
    assert all(low * 0.999 <= tick <= low * factor * 1.001 for tick in ticks)


@given(BOUNDS, st.sampled_from(["", "%", "money"]))
def test_ticks_are_told_apart(bounds: tuple[float, float], unit: str) -> None:
    if bounds[1] - bounds[0] < 1e-6 * abs(bounds[0]):
        return
    ticks = linear_ticks(*bounds)
    step = ticks[1] - ticks[0] if len(ticks) > 1 else 1.0
    if unit == "money" and step < 1e-3 * max(map(abs, ticks)):
        return  # 1.234M and 1.235M are as near as a chart of money gets
    texts = [tick_text(tick, step, unit) for tick in ticks]  # pyright: ignore[reportArgumentType]
    assert len(set(texts)) == len(ticks), texts


@pytest.mark.parametrize("n", [1, 5, 40, 700, 7000])
def test_dates_are_first_sessions_of_months_and_few(n: int) -> None:
    days = [day for i in range(n) if (day := date(2004, 3, 8) + timedelta(days=i)).weekday() < 5]
    ticks = date_ticks(days)
    assert 1 <= len(ticks) <= 9
    assert [i for i, _ in ticks] == sorted({i for i, _ in ticks})
    starts = {i for i in range(1, len(days)) if days[i].month != days[i - 1].month}
    assert {i for i, _ in ticks} <= starts or not starts
    assert any(str(year) in text for _, text in ticks for year in range(2004, 2030))
