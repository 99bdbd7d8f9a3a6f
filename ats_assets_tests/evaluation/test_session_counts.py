"""Counts by session and bin, and the distances of two of them, beside SciPy and sums by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ks_2samp

from ats_assets.evaluation.session_counts import counts_by_session, kolmogorov_smirnov
from ats_assets.features.value_bins import BINS, bin_edges, population_stability

COUNTS = st.lists(st.integers(0, 40), min_size=BINS + 1, max_size=BINS + 1).filter(any)


@settings(max_examples=50, deadline=None)
@given(COUNTS, COUNTS)
def test_the_distances_are_those_of_the_rows_behind_the_counts(one: list[int], other: list[int]) -> None:
    rows = [np.repeat(np.arange(BINS + 1), counts) for counts in (one, other)]
    assert kolmogorov_smirnov(np.array(one), np.array(other)) == pytest.approx(ks_2samp(*rows).statistic, abs=1e-12)
    shares = [[(n + 0.5) / (sum(counts) + 0.5 * (BINS + 1)) for n in counts] for counts in (one, other)]
    by_hand = sum((a - e) * math.log(a / e) for e, a in zip(*shares, strict=True))
    assert population_stability(np.array(one), np.array(other)) == pytest.approx(by_hand, abs=1e-12)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_each_value_is_in_the_bin_of_its_quantile_and_what_is_missing_in_its_own(seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = np.round(rng.standard_normal((int(rng.integers(1, 200)), 3)) * 4, 0).astype(np.float32)
    x[rng.random(x.shape) < 0.2] = np.nan
    sizes = np.array([len(x) // 3, len(x) - len(x) // 3])
    edges = bin_edges(x)
    counts = counts_by_session(x, sizes, edges)
    parts = [x[: sizes[0]], x[sizes[0] :]]
    for of, part in zip(counts, parts, strict=True):
        for feature in range(3):
            values = part[:, feature]
            there = values[~np.isnan(values)]
            expected = np.bincount(np.searchsorted(edges[feature], there, side="right"), minlength=BINS)
            assert of[feature].tolist() == [*expected.tolist(), len(values) - len(there)]


def test_bins_hold_equal_shares_whatever_is_missing() -> None:
    x = np.random.default_rng(0).standard_normal((10_000, 2)).astype(np.float32)
    x[:5_000, 1] = np.nan
    counts = counts_by_session(x, np.array([10_000]), bin_edges(x))[0]
    assert abs(counts[0, :BINS] / 10_000 - 0.1).max() < 0.002
    assert abs(counts[1, :BINS] / 5_000 - 0.1).max() < 0.002
    assert counts[1, BINS] == 5_000


def test_nothing_there_and_one_value_alone_are_no_errors() -> None:
    x = np.full((6, 2), np.nan, np.float32)
    x[:, 1] = 3.0
    counts = counts_by_session(x, np.array([2, 0, 4]), bin_edges(x))
    assert counts[:, 0, BINS].tolist() == [2, 0, 4]
    assert counts[:, 1].sum(axis=1).tolist() == [2, 0, 4]
    assert bin_edges(x[:0]).shape == (2, BINS - 1)
    assert kolmogorov_smirnov(counts[0], counts[1]).tolist() == [0.0, 0.0]
