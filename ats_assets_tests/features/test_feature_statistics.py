"""Figures of stored features, against loops over the values."""

import math
import statistics
from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.features.feature_statistics import QUANTILES, feature_statistics
from ats_assets_tests.rounds import rounds

VALUES = st.sampled_from([float("nan"), float("inf")]) | st.integers(-50, 50).map(float)


@settings(max_examples=rounds(30, 1_000), deadline=None)
@given(sessions=st.lists(st.lists(VALUES, max_size=6), max_size=14))
def test_figures_are_those_of_a_loop(sessions: list[list[float]]) -> None:
    days = [date(2024, 1, 1) + timedelta(days=i) for i in range(len(sessions))]
    rows = [(day, value) for day, values in zip(days, sessions, strict=True) for value in values]
    frame = pl.DataFrame(rows, schema={"session": pl.Date, "x": pl.Float32}, orient="row")
    (one,) = feature_statistics(frame, ["x"])
    found = [value for _, value in rows if math.isfinite(value)]
    assert one.rows == len(rows)
    assert one.missing_share == (pytest.approx(1 - len(found) / len(rows)) if rows else None)
    assert one.mean == (pytest.approx(statistics.fmean(found)) if found else None)
    assert one.deviation == (pytest.approx(statistics.stdev(found)) if len(found) > 1 else None)
    assert one.quantiles == (pytest.approx(np.quantile(found, QUANTILES).tolist()) if found else None)
    there = sorted({day for day, _ in rows})
    if len(there) < 10:
        assert one.psi is None
        return
    before = [value for day, value in rows if day < there[-5]]
    assert one.psi == pytest.approx(_psi(before, [value for day, value in rows if day >= there[-5]]))


def _psi(before: list[float], now: list[float]) -> float:
    """By the definition, value by value; half a row is added to each bin."""
    known = sorted(value for value in before if math.isfinite(value))
    edges = [known[min(k * len(known) // 10, len(known) - 1)] for k in range(1, 10)] if known else [math.inf] * 9

    def shares(values: list[float]) -> list[float]:
        counts = [0.5] * 11
        for value in values:
            counts[sum(value >= edge for edge in edges) if math.isfinite(value) else 10] += 1
        return [count / sum(counts) for count in counts]

    return sum((a - e) * math.log(a / e) for e, a in zip(shares(before), shares(now), strict=True))


def test_a_feature_that_moved_stands_out() -> None:
    random = np.random.default_rng(3)
    days = np.repeat([date(2024, 1, 1) + timedelta(days=i) for i in range(40)], 50)
    still, moved = random.standard_normal((2, 2000))
    moved[-250:] += 1.0
    one, other = feature_statistics(pl.DataFrame({"session": days.tolist(), "still": still, "moved": moved}), ["still", "moved"])
    assert one.psi is not None
    assert other.psi is not None
    assert one.psi < 0.1 < 0.25 < other.psi
