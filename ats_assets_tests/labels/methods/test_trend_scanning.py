"""Trend-scanning against ordinary least squares of another library, horizon by horizon."""

from datetime import date, timedelta
from math import inf
from typing import ClassVar

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import linregress

from ats_assets.labels import labels_known_at
from ats_assets.labels.methods.trend_scanning import PLUGIN, TrendScanningLabel, TrendScanningSettings, TrendScans
from ats_assets.labels.trend import scanned_trends
from ats_assets_tests.kits.labels import LabelKit
from ats_assets_tests.rounds import rounds

DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(30)]


class TestTrendScanning(LabelKit):
    plugin = PLUGIN
    small: ClassVar = {"min_horizon_sessions": 3, "max_horizon_sessions": 8}


def scanned(closes: np.ndarray, shortest: int, longest: int) -> tuple[float, int]:
    """The t-value farthest from zero and its horizon, each horizon fitted anew by scipy."""
    best, over = 0.0, 0
    for horizon in range(shortest, longest + 1):
        there = ~np.isnan(closes[: horizon + 1])
        if there.sum() >= 3:
            fit = linregress(np.flatnonzero(there), closes[: horizon + 1][there])
            t = fit.slope / fit.stderr if fit.stderr else (inf * np.sign(fit.slope) if fit.slope else 0.0)
            if not over or abs(t) > abs(best):
                best, over = t, horizon
    return best, over


@settings(max_examples=rounds(40, 2_000), deadline=None)
@given(seed=st.integers(0, 10_000), shortest=st.integers(2, 6), longer=st.integers(0, 9), gaps=st.floats(0, 0.5))
def test_the_best_line_is_that_of_least_squares(seed: int, shortest: int, longer: int, gaps: float) -> None:
    random = np.random.default_rng(seed)
    closes = 50 + np.cumsum(random.standard_normal((20, 2)), axis=0)
    closes[random.random(closes.shape) < gaps] = np.nan
    closes[0] = 50.0
    t, over = scanned_trends.compiled(closes, np.ones(closes.shape), np.arange(1), shortest, shortest + longer)
    for j in range(2):
        expected, horizon = scanned(closes[:, j], shortest, shortest + longer)
        if horizon and abs(expected) < 1e5:
            assert (t[0, j], over[0, j]) == (pytest.approx(expected, rel=1e-6), horizon)


def labels_of(closes: list[float], **how: float) -> pl.DataFrame:
    bars = pl.DataFrame({"symbol": "A", "session": DAYS[: len(closes)], "close": closes}).with_columns(open="close", volume=1.0)
    label = TrendScanningLabel(TrendScanningSettings.model_validate({"min_horizon_sessions": 3, "max_horizon_sessions": 5} | how))
    made = labels_known_at(label, {"bars": bars}, DAYS[: len(closes)], DAYS[: len(closes)], adjust="none")
    TrendScans.validate(made, lazy=True)
    return made


def test_a_straight_line_is_a_trend_of_finite_t_and_equal_prices_are_none() -> None:
    assert labels_of([100.0, 101, 102, 103, 104, 105]).select("label", "decision_session", "session").rows() == [(1, DAYS[0], DAYS[5])]
    line = labels_of([100.0, 99, 98, 97, 96, 95])
    assert line["label"].to_list() == [-1]
    assert -2e6 <= line["t_value"][0] < -1e5
    assert labels_of([100.0] * 6).select("label", "t_value", "horizon_sessions").rows() == [(0, 0.0, 3)]


def test_a_weak_trend_is_none_where_settings_say_so() -> None:
    prices = [100.0, 103, 99, 104, 101, 105]
    (t,) = labels_of(prices)["t_value"]
    assert 0.5 < t < 3
    assert labels_of(prices, min_t=t - 0.1)["label"].to_list() == [1]
    assert labels_of(prices, min_t=t + 0.1)["label"].to_list() == [0]


def test_the_newest_horizon_decides_when_a_label_is_known() -> None:
    """A trend of three sessions is known after five: the fifth could have been a better one."""
    assert labels_of([100.0, 101, 102, 103, 104]).is_empty()
    found = labels_of([100.0, 101.1, 101.9, 103, 90, 110])
    assert found.select("horizon_sessions", "session").rows() == [(3, DAYS[5])]
