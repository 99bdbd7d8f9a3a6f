"""Gradients of the objectives are those of the losses that they name, by differences."""

from collections.abc import Callable
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.models.learners.lstm import LstmSettings
from ats_assets.models.nets.net_objectives import Floats, TaughtRows, lost_correlation, net_objective, squared_error
from ats_assets.models.objectives import money_returns
from ats_assets.models.profit_objective import profit, session_profit
from ats_assets.models.training_set import CrossSections


def rows_of(seed: int, sizes: list[int]) -> tuple[Floats, TaughtRows]:
    random, n = np.random.default_rng(seed), sum(sizes)
    rows = TaughtRows(y=random.standard_normal(n), weights=random.uniform(0.1, 2.0, n), sizes=np.array(sizes))
    return random.standard_normal(n), rows


def weighted_error(scores: Floats, rows: TaughtRows) -> float:
    return float(np.average((scores - rows.y) ** 2, weights=rows.weights))


def correlations(scores: Floats, rows: TaughtRows) -> float:
    """One less the mean over sessions, each by numpy."""
    ends = np.cumsum(rows.sizes)
    found = []
    for start, end in zip(ends - rows.sizes, ends, strict=True):
        covariance = np.cov(scores[start:end], rows.y[start:end], aweights=rows.weights[start:end])
        found.append(covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1]))
    return 1.0 - float(np.mean(found))


@pytest.mark.parametrize(("gradient", "loss"), [(squared_error, weighted_error), (lost_correlation, correlations)])
@given(st.integers(0, 1_000), st.lists(st.integers(3, 9), min_size=1, max_size=4))
def test_the_gradient_is_that_of_the_loss(
    gradient: Callable[[Floats, TaughtRows], Floats], loss: Callable[[Floats, TaughtRows], float], seed: int, sizes: list[int]
) -> None:
    scores, rows = rows_of(seed, sizes)
    found, step = gradient(scores, rows), 1e-6
    for at in range(len(scores)):
        moved = np.eye(len(scores))[at] * step
        slope = (loss(scores + moved, rows) - loss(scores - moved, rows)) / (2 * step)
        assert found[at] == pytest.approx(slope, rel=1e-4, abs=1e-6)


def test_sessions_without_a_correlation_teach_nothing_and_no_number_is_none() -> None:
    scores, rows = rows_of(1, [1, 4, 3])
    y = rows.y.copy()
    y[1:5] = 0.25
    found = lost_correlation(scores, TaughtRows(y=y, weights=rows.weights, sizes=rows.sizes))
    assert not found[:5].any()
    assert found[5:].any()
    flat = lost_correlation(np.zeros(8), rows)
    assert not flat.any()


def cross_sections(seed: int, sizes: list[int], **changes: Any) -> CrossSections:
    scores, rows = rows_of(seed, sizes)
    n = len(scores)
    made = {"keys": pl.DataFrame(), "x": np.empty((n, 0), np.float32), "y": rows.y, "returns": 0.02 * rows.y, "sizes": rows.sizes}
    return CrossSections(**(made | {"weights": rows.weights} | changes))


@pytest.mark.parametrize("hedged", [True, False])
def test_profit_after_costs_is_taught_as_trees_are_taught_it(hedged: bool) -> None:
    """The gradient is that of the mean profit of the positions, in the unit of the rows' returns."""
    settings = LstmSettings(objective="dollar_profit", cost_bps=8.0, impact_bps=15.0, hedged=hedged)
    rows = cross_sections(1, [6, 9])
    objective = net_objective(rows, rows, settings)
    returns = money_returns(rows, settings)
    assert (objective.middle, objective.deviation) == (0.0, 1.0)
    assert np.array_equal(objective.train.y, returns)
    given, _ = rows_of(2, [6, 9])
    unit = np.abs(returns).mean()

    def loss(one: Floats) -> float:
        return -float(np.average(profit(np.tanh(one), returns, settings.profit_terms), weights=rows.weights)) / unit

    found = objective.gradient(given, objective.train)
    for at in range(len(given)):
        moved = 1e-6 * np.eye(len(given))[at]
        assert found[at] == pytest.approx((loss(given + moved) - loss(given - moved)) / 2e-6, rel=1e-4, abs=1e-7)
    assert objective.figure(given) == session_profit(given, returns, rows.sizes, settings.profit_terms)


def test_a_class_is_taught_by_its_log_loss_and_a_quantile_by_what_lies_above_it() -> None:
    rows, (given, _) = cross_sections(3, [7, 8]), rows_of(4, [7, 8])
    of_class = net_objective(rows, rows, LstmSettings(objective="classification"))
    above = of_class.train.y
    assert sorted(set(above)) == [0.0, 1.0]
    chance = 1 / (1 + np.exp(-given))
    np.testing.assert_allclose(of_class.gradient(given, of_class.train), rows.weights * (chance - above) / rows.weights.sum())
    assert of_class.figure(given) == pytest.approx(np.mean(np.log(np.where(above == 1.0, chance, 1 - chance))))
    quantile = net_objective(rows, rows, LstmSettings(objective="quantile", quantile=0.8))
    below = given <= (rows.y - quantile.middle) / quantile.deviation
    np.testing.assert_allclose(quantile.gradient(given, quantile.train), rows.weights * np.where(below, -0.8, 0.2) / rows.weights.sum())
    missed = rows.y - (quantile.middle + quantile.deviation * given)
    assert quantile.figure(given) == pytest.approx(-np.mean(np.maximum(0.8 * missed, -0.2 * missed)))


def test_the_figure_that_stops_is_the_mean_correlation_with_ranks_or_that_of_all_rows_of_single_symbols() -> None:
    rows, (given, _) = cross_sections(5, [6, 9]), rows_of(6, [6, 9])
    by_hand = [np.corrcoef(given[a:b], rows.y[a:b].argsort().argsort())[0, 1] for a, b in ((0, 6), (6, 15))]
    for objective in ("regression", "ic"):
        assert net_objective(rows, rows, LstmSettings(objective=objective)).figure(given) == pytest.approx(np.mean(by_hand))
    alone, (given, _) = cross_sections(7, [1] * 12), rows_of(8, [1] * 12)
    assert net_objective(alone, alone, LstmSettings()).figure(given) == pytest.approx(np.corrcoef(given, alone.y)[0, 1])
