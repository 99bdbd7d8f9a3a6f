"""A law of impact that is planted in fills is found, with an interval that covers it as often as it says; where there is none, none is found."""

from datetime import date, timedelta

import numpy as np
import polars as pl
import pytest
from scipy.stats import t as student

from ats_assets.impact.scale_fit import fit_scale, robust_regression
from ats_assets.settings import ImpactSettings
from ats_assets_tests.rounds import rounds

SEEDS = rounds(150, 2_000)
FEW = ImpactSettings(model="square_root", min_fills=30)


def fills(seed: int, scale: float, *, n: int = 400, sessions: int = 80, outliers: float = 0.03, beside: float = 0.0) -> pl.DataFrame:
    """Orders of 0.01 % to 10 % of a day's volume, whose sessions move them together; a few were filled in a halt or by a wrong print."""
    random = np.random.default_rng(seed)
    session = np.sort(random.integers(0, sessions, n))
    volatility = random.uniform(0.008, 0.04, n)
    impact = volatility * np.sqrt(10.0 ** random.uniform(-4, -1, n))
    side = random.choice([-1.0, 1.0], n)
    market = random.normal(0, 0.08, sessions)[session]
    noise = volatility * (side * market + random.standard_t(4, n) * 0.12)
    noise += np.where(random.random(n) < outliers, volatility * random.normal(0, 3.0, n), 0.0)
    expected = np.full(n, 0.0002)
    return pl.DataFrame(
        {
            "session": [date(2024, 1, 2) + timedelta(days=int(day)) for day in session],
            "slippage": expected + beside + scale * impact + noise,
            "impact": impact,
            "beside": expected,
            "volatility": volatility,
        }
    )


@pytest.mark.parametrize("planted", [0.0, 0.7, 2.0])
def test_the_planted_scale_is_found_without_bias_and_its_interval_covers_it(planted: float) -> None:
    """Over many seeds: the mean error is within its own error, 95 % intervals cover at least 90 % and no more than 99 % of the time."""
    found = [fit_scale(fills(seed, planted), FEW) for seed in range(SEEDS)]
    fitted = np.array([one.fitted for one in found], dtype=np.float64)
    errors = np.array([one.standard_error for one in found], dtype=np.float64)
    assert abs(fitted.mean() - planted) < 3.0 * fitted.std() / np.sqrt(SEEDS)
    covered = np.abs(fitted - planted) <= errors * student.ppf(0.975, 79)
    assert 0.90 <= covered.mean() <= 0.99
    assert 0.8 <= errors.mean() / fitted.std() <= 1.25


def test_where_there_is_no_impact_none_is_found_and_where_there_is_it_is() -> None:
    def share_found(planted: float) -> float:
        found = [fit_scale(fills(seed, planted), FEW) for seed in range(SEEDS)]
        return float(np.mean([one.fitted > 1.96 * one.standard_error for one in found]))  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]

    assert share_found(0.0) < 0.07
    assert share_found(1.0) > 0.95


def test_outliers_that_ruin_least_squares_do_not_ruin_the_fit() -> None:
    seeds = range(30)
    robust, least = [], []
    for seed in seeds:
        rows = fills(seed, 1.0, outliers=0.1)
        robust.append(fit_scale(rows, FEW).fitted)
        impact, volatility = rows["impact"].to_numpy(), rows["volatility"].to_numpy()
        design = np.column_stack([impact / volatility, 1.0 / volatility])
        least.append(np.linalg.lstsq(design, ((rows["slippage"] - rows["beside"]).to_numpy()) / volatility, rcond=None)[0][0])
    assert np.std(robust) < 0.6 * np.std(least)


def test_what_is_paid_whatever_the_size_is_no_impact() -> None:
    """Three basis points that the model did not expect are told apart from its scale."""
    found = [fit_scale(fills(seed, 1.0, beside=0.0003, n=1_000), FEW) for seed in range(40)]
    assert np.mean([one.beside for one in found]) == pytest.approx(0.0003, abs=0.0001)  # pyright: ignore[reportArgumentType, reportCallIssue]
    assert np.mean([one.fitted for one in found]) == pytest.approx(1.0, abs=0.08)  # pyright: ignore[reportArgumentType, reportCallIssue]


def test_few_fills_of_few_sessions_or_all_alike_fit_nothing_and_say_why() -> None:
    rows = fills(1, 1.0)
    assert fit_scale(rows, ImpactSettings(model="square_root", min_fills=401)).reason == "400 of at least 401 fills"
    assert fit_scale(fills(1, 1.0, sessions=5), FEW).reason == "fills of 5 of at least 10 sessions"
    alike = rows.with_columns(volatility=pl.lit(0.02), impact=pl.lit(0.001))
    assert "none is larger than another" in (fit_scale(alike, FEW).reason or "")
    broken = rows.with_columns(slippage=pl.when(pl.int_range(pl.len()) < 380).then(None).otherwise("slippage"))
    told = fit_scale(broken, FEW)
    assert (told.reason, told.scale, told.fills) == ("20 of at least 30 fills", 1.0, 20)


def test_a_scale_of_few_fills_stays_near_the_published_one() -> None:
    few = [fit_scale(fills(seed, 1.0, n=30, sessions=30), FEW) for seed in range(30)]
    assert np.std([one.scale for one in few]) < 0.8 * np.std([one.fitted for one in few])  # pyright: ignore[reportArgumentType, reportCallIssue]
    many = fit_scale(fills(3, 2.5, n=4_000, sessions=200), FEW)
    assert many.fitted is not None
    assert abs(many.scale - many.fitted) < 0.05


def test_fills_without_noise_are_fitted_exactly() -> None:
    rows = fills(4, 1.0).with_columns(slippage=pl.col("beside") + 1.3 * pl.col("impact"))
    found = fit_scale(rows, FEW)
    assert found.fitted == pytest.approx(1.3, rel=1e-9)
    assert found.scale == pytest.approx(1.3, rel=1e-6)


def test_standard_errors_are_those_of_clusters() -> None:
    """Rows that are repeated within their clusters tell nothing new: the error stays what it was, where that of independent rows would fall to a half."""
    random = np.random.default_rng(5)
    design = np.column_stack([random.uniform(0, 1, 60), np.ones(60)])
    outcome = design @ np.array([1.0, 0.5]) + random.normal(0, 0.1, 60)
    once = robust_regression(design, outcome, np.arange(60))
    again = robust_regression(np.repeat(design, 4, axis=0), np.repeat(outcome, 4), np.repeat(np.arange(60), 4))
    np.testing.assert_allclose(again.coefficients, once.coefficients, rtol=1e-6)
    np.testing.assert_allclose(again.errors, once.errors, rtol=0.05)
