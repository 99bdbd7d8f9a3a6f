"""Against pandas, scipy and the published code of empyrical 0.5.12 (`stats.py`), written out here."""

import itertools

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from ats_assets.backtests.metrics import conditional_value_at_risk, excess_kurtosis, histogram, skewness, value_at_risk

FAT = np.random.default_rng(3).standard_t(4, 900) * 0.01
RETURNS = st.lists(st.floats(-0.5, 0.5), min_size=2, max_size=80).map(np.array)


def test_moments_are_those_of_pandas_and_scipy() -> None:
    assert skewness(FAT) == pytest.approx(pd.Series(FAT).skew(), rel=1e-9) == pytest.approx(stats.skew(FAT, bias=False), rel=1e-9)
    assert excess_kurtosis(FAT) == pytest.approx(pd.Series(FAT).kurt(), rel=1e-9)
    assert excess_kurtosis(FAT) == pytest.approx(stats.kurtosis(FAT, bias=False), rel=1e-9)


@given(RETURNS)
def test_tails_are_those_of_empyrical(returns: np.ndarray) -> None:
    """value_at_risk: np.percentile(returns, 100 * cutoff); conditional: the mean of the int((n - 1) * cutoff) + 1 lowest returns."""
    assert value_at_risk(returns) == pytest.approx(np.percentile(returns, 5), abs=1e-15)
    cutoff = int((len(returns) - 1) * 0.05)
    lowest = np.partition(returns, cutoff)[: cutoff + 1]
    at_risk = conditional_value_at_risk(returns)
    assert at_risk is not None
    ties = (returns == lowest.max()).sum() > (lowest == lowest.max()).sum()
    assert at_risk == pytest.approx(lowest.mean(), abs=1e-12) or (ties and lowest.mean() <= at_risk <= lowest.max())
    assert at_risk <= (value_at_risk(returns) or 0.0) + 1e-12


@given(RETURNS)
def test_every_return_is_in_its_bin(returns: np.ndarray) -> None:
    found = histogram(returns)
    if not found.counts:
        assert returns.std() < 1e-13
        return
    edges = np.array(found.edges)
    assert sum(found.counts) == len(returns)
    assert len(found.counts) <= 60
    width = edges[1] - edges[0]
    assert np.abs(edges / width - np.rint(edges / width)).max() < 1e-6, "zero is an edge, or would be"
    counted = [((returns >= low - width * 1e-9) & (returns <= high + width * 1e-9)).sum() for low, high in itertools.pairwise(edges)]
    assert all(n <= most for n, most in zip(found.counts, counted, strict=True))


@pytest.mark.parametrize("returns", [[], [0.01], [0.01, 0.01, 0.01, 0.01], [np.nan, np.nan]])
def test_what_does_not_vary_has_no_moments(returns: list[float]) -> None:
    values = np.array(returns)
    assert skewness(values) is None
    assert excess_kurtosis(values) is None
    assert histogram(values).counts == ()
