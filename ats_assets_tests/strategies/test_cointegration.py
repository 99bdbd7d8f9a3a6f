"""The test for cointegration: its statistic against statsmodels', its level on random walks, its power on tied ones."""

import numpy as np
import pytest

from ats_assets.errors import EvaluationError
from ats_assets.strategies.cointegration import cointegrated_pairs, critical_value, dickey_fuller
from ats_assets_tests.rounds import rounds


def test_statistics_and_critical_values_are_those_of_statsmodels() -> None:
    """statsmodels 0.15.0: OLS of the change on level and change before (t value of the level), and `mackinnoncrit(2, "c", nobs=100)`."""
    statistic, slope = dickey_fuller(np.array([[1.0, -0.5, 0.4, -0.3, 0.1, -0.2, 0.1]]))
    assert statistic[0] == pytest.approx(-1.51206116, abs=1e-8)
    assert slope[0] == pytest.approx(-0.87771739, abs=1e-8)
    assert [critical_value(1, 100), critical_value(5, 100), critical_value(10, 100)] == pytest.approx(
        [-4.0093117, -3.3979133, -3.087134], abs=1e-7
    )


def test_random_walks_are_rejected_as_often_as_the_level_says() -> None:
    random, tried, passed = np.random.default_rng(2), rounds(300, 3_000), 0
    for _ in range(tried):
        walks = random.standard_normal((2, 120)).cumsum(axis=1)
        passed += bool(cointegrated_pairs(walks, level=5, least_half_life=0.0)) or bool(
            cointegrated_pairs(np.stack([walks[0], -walks[1]]), level=5, least_half_life=0.0)
        )
    assert passed / tried < 2 * 0.05 + 3 * np.sqrt(0.05 / tried)  # either direction may pass


def test_tied_prices_are_found_with_their_ratio_and_half_life() -> None:
    random, found = np.random.default_rng(3), []
    for _ in range(40):
        walk = 0.01 * random.standard_normal(400).cumsum()
        residual = np.zeros(400)
        for t in range(1, 400):
            residual[t] = 0.8 * residual[t - 1] + 0.01 * random.standard_normal()
        found += cointegrated_pairs(np.stack([1.0 + 0.7 * walk + residual, walk]), level=1, most_half_life=20)
    assert len(found) >= 38
    ratios = [pair.ratio if pair.left == 0 else 1 / pair.ratio for pair in found]
    assert np.median(ratios) == pytest.approx(0.7, abs=0.05)
    assert np.median([pair.half_life for pair in found]) == pytest.approx(np.log(2) / -np.log(0.8), rel=0.15)


def test_a_series_is_in_one_pair_at_most_and_too_little_is_refused() -> None:
    random = np.random.default_rng(4)
    walk = random.standard_normal(200).cumsum()
    tied = np.stack([walk + 0.3 * random.standard_normal(200) for _ in range(5)])
    found = cointegrated_pairs(tied, least_half_life=0.0)
    places = [place for pair in found for place in (pair.left, pair.right)]
    assert len(found) == 2
    assert len(set(places)) == 4
    assert len(cointegrated_pairs(tied, least_half_life=0.0, most=1)) == 1
    with pytest.raises(EvaluationError, match="20 sessions"):
        cointegrated_pairs(tied[:, :19])
    with pytest.raises(EvaluationError, match="finite"):
        cointegrated_pairs(np.where(tied > walk.max(), np.nan, tied))
