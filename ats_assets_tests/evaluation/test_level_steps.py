"""A step of levels is the likelihood ratio of a change of mean in an autoregression; and a threshold is passed as rarely as it says."""

import numpy as np
import pytest
from numpy.typing import NDArray

from ats_assets.evaluation.level_steps import LEAST, LevelSteps, farthest
from ats_assets.evaluation.own_past import unusual_above
from ats_assets.evaluation.session_counts import counts_by_session
from ats_assets.features.value_bins import bin_edges

SYMBOLS, RECENT = 40, 8


def counted(levels: NDArray[np.float64], edges: NDArray[np.float32] | None = None) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Counts by bin of a market whose symbols lie around the levels, of shape (n_sessions, n_features)."""
    around = np.linspace(-1.0, 1.0, SYMBOLS)[:, None]
    rows = (levels[:, None, :] + around).reshape(-1, levels.shape[1]).astype(np.float32)
    found = bin_edges(rows) if edges is None else edges
    return counts_by_session(rows, np.full(len(levels), SYMBOLS), found), found


def wandering(n: int, features: int, seed: int = 0) -> NDArray[np.float64]:
    random = np.random.default_rng(seed)
    levels = np.zeros((n, features))
    for t in range(1, n):
        levels[t] = 0.9 * levels[t - 1] + 0.1 * random.standard_normal(features)
    return levels


def places(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """The mean place of each feature's bins, from the counts."""
    bins = np.arange(counts.shape[-1] - 1)
    return (counts[..., :-1] * ((bins + 0.5) / len(bins) - 0.5)).sum(axis=-1) / counts[..., :-1].sum(axis=-1)


def test_the_statistic_is_what_a_step_takes_off_the_squares_of_an_autoregression() -> None:
    past, edges = counted(wandering(300, 3))
    now, _ = counted(wandering(RECENT, 3, seed=1) + np.array([0.0, 0.4, 0.0]) * (np.arange(RECENT) >= 3)[:, None], edges)
    figure, squares = LevelSteps(past, recent=RECENT).of(now)
    before, level = places(past), places(now)
    mean = before.mean(axis=0)
    rho = ((before[1:] - mean) * (before[:-1] - mean)).sum(axis=0) / ((before - mean) ** 2).sum(axis=0)
    deviation = ((before[1:] - mean) - rho * (before[:-1] - mean)).std(axis=0)
    best = []
    for k in range(LEAST, RECENT):
        of_length = []
        for i in range(3):
            own = (level[1:, i] - mean[i] - rho[i] * (level[:-1, i] - mean[i])) / deviation[i]
            step = (np.arange(RECENT) >= RECENT - k).astype(float)
            shape = step[1:] - rho[i] * step[:-1]
            left = np.linalg.lstsq(shape[:, None], own, rcond=None)[1].item()
            of_length.append((own**2).sum() - left)
        best.append(of_length)
    k = int(np.argmax([max(one) for one in best]))
    np.testing.assert_allclose(squares, best[k], rtol=1e-9, atol=1e-9)
    assert figure == pytest.approx(np.log(max(best[k])))
    assert int(np.argmax(squares)) == 1


def test_windows_across_a_break_say_nothing_and_one_that_is_too_short_neither() -> None:
    levels = wandering(120, 4)
    levels[60:] += 5.0
    counts, edges = counted(levels)
    whole, broken = LevelSteps(counts, recent=RECENT), LevelSteps(counts, recent=RECENT, breaks=[59])
    assert np.isnan(broken.of_the_past).sum() == RECENT - 1
    assert np.nanmax(whole.of_the_past) > np.nanmax(broken.of_the_past)
    assert np.isnan(whole.of(counted(levels[:LEAST], edges)[0])[0])
    assert np.isnan(LevelSteps(counts, recent=LEAST).of(counts[:LEAST])[0])


def test_a_feature_that_nobody_has_or_that_never_moves_steps_nowhere() -> None:
    levels = wandering(100, 3)
    levels[:, 1] = 1.0
    rows = np.repeat(levels, SYMBOLS, axis=0).astype(np.float32)
    rows[:, 2] = np.nan
    sizes = np.full(100, SYMBOLS)
    counts = counts_by_session(rows, sizes, bin_edges(rows))
    figure, squares = LevelSteps(counts, recent=RECENT).of(counts[-RECENT:])
    assert np.isfinite(figure)
    assert squares[1] == squares[2] == 0.0


def test_the_farthest_are_the_largest_tenth() -> None:
    assert farthest(np.arange(1.0, 21.0)) == pytest.approx(np.log(19.5))


@pytest.mark.parametrize("chance", [0.2, 0.02])
def test_a_further_run_passes_the_threshold_no_more_often_than_it_says(chance: float) -> None:
    random = np.random.default_rng(3)
    figures = random.standard_normal((2_000, 410))
    passed = np.mean([row[400:].max() > unusual_above(row[:400], 10, chance) for row in figures])
    assert chance / 4 <= passed <= 1.2 * chance, "of normal figures, whose largest are a little less skewed than Gumbel has them"
