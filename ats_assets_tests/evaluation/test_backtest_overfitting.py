"""PBO against purgedcv, which passes over the returns of each choice; on noise, and with skill planted."""

import numpy as np
import purgedcv
import pytest

from ats_assets.errors import EvaluationError
from ats_assets.evaluation import backtest_overfitting, probability_of_backtest_overfitting
from ats_assets_tests.rounds import rounds


def random_returns(seed: int) -> np.ndarray:
    """Returns of a few trials: some equal, some that never trade, some that do not move for a while."""
    random = np.random.default_rng(seed)
    returns = random.normal(0.0, 10.0 ** float(random.integers(-6, 3)), (int(random.integers(20, 80)), int(random.integers(2, 9))))
    returns += random.choice([0.0, 1e3]) * np.abs(returns).max()
    kind = random.integers(4)
    if kind == 1:
        returns[:, 1] = returns[:, 0]
    elif kind == 2:
        returns[:, 1] = 0.1
        returns[: len(returns) // 2, 0] = 0.3
    elif kind == 3:
        returns[random.random(returns.shape) < 0.5] = 0.0
    return returns


def test_each_choice_is_judged_as_by_purgedcv() -> None:
    for seed in range(rounds(15, 500)):
        returns = random_returns(seed)
        n_blocks = int(np.random.default_rng(seed).choice([2, 4, 6]))
        ours = probability_of_backtest_overfitting(returns, n_blocks)
        theirs = purgedcv.probability_of_backtest_overfitting(returns.T, n_blocks)
        assert ours.probability == theirs.pbo, seed
        assert ours.logits[::-1] == pytest.approx(theirs.logits), seed  # they list choices by what is left out
        assert np.column_stack([ours.chosen, ours.elsewhere])[::-1] == pytest.approx(theirs.is_oos_performance, rel=1e-6, abs=1e-9), seed
        assert ours.slope is None or ours.slope == pytest.approx(theirs.slope, rel=1e-4, abs=1e-6), seed
        assert ours.probability_of_loss == (theirs.is_oos_performance[:, 1] < 0).mean(), seed


def test_equal_trials_have_equal_ratios_to_the_last_bit_and_share_their_rank() -> None:
    one = np.random.default_rng(0).normal(0.0, 0.01, (203, 1))
    assert set(probability_of_backtest_overfitting(np.tile(one, 23), 10).logits.tolist()) == {0.0}


def test_pieces_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    returns = random_returns(3)
    whole = probability_of_backtest_overfitting(returns, 8)
    monkeypatch.setattr(backtest_overfitting, "_AT_ONCE", 40)
    pieces = probability_of_backtest_overfitting(returns, 8)
    assert (whole.logits == pieces.logits).all()
    assert (whole.chosen == pieces.chosen).all()


def test_noise_is_near_a_half_and_an_edge_near_nothing() -> None:
    """The published simulation: 1,000 sessions, 200 trials, 16 blocks: 0.476 with a scatter of 0.137 on noise; 0.001 where 20 trials have 0.15 a session."""
    random = np.random.default_rng(0)
    found = [probability_of_backtest_overfitting(random.standard_normal((1000, 200))).probability for _ in range(rounds(5, 60))]
    assert np.mean(found) == pytest.approx(0.49, abs=3.5 * 0.15 / np.sqrt(len(found)))
    returns = random.standard_normal((1000, 200))
    returns[:, :20] += 0.15
    assert probability_of_backtest_overfitting(returns).probability < 0.02


@pytest.mark.parametrize(
    ("returns", "n_blocks", "message"),
    [
        (np.zeros((40, 1)), 4, "not those of at least 2 trials"),
        (np.zeros((40, 3)), 5, "40 sessions can't be cut into 5 blocks"),
        (np.zeros((7, 3)), 4, "7 sessions can't be cut into 4 blocks"),
        (np.full((40, 3), np.nan), 4, "missing or infinite"),
    ],
)
def test_what_has_no_probability_is_said(returns: np.ndarray, n_blocks: int, message: str) -> None:
    with pytest.raises(EvaluationError, match=message):
        probability_of_backtest_overfitting(returns, n_blocks)
