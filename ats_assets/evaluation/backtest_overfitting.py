"""The probability of backtest overfitting, by combinatorially symmetric cross-validation (CSCV).

The sessions are cut into S blocks. For each choice of half of them the trial with the best Sharpe ratio there is looked up in the other half: where it ranks below the median of all trials,
choosing it was overfitting. The share of such choices is the probability (Bailey, Borwein, López de Prado and Zhu 2017, "The Probability of Backtest Overfitting", Journal of
Computational Finance 20(4)). On pure noise it is near one half; where one trial is really better, near zero.

How it is done: a ratio needs the sum of returns and that of their squares, so these are made once for each block, and a choice adds up those of its blocks. A choice and what it leaves are
both choices, so half of them are made. What would be 12,870 passes over the returns is 16 (a few hundred times as fast).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import EvaluationError, how_many

Matrix = NDArray[np.float64]
BLOCKS = 16
_AT_ONCE = 1_000_000
"""Ratios in memory at a time: 8 MB each of a handful of arrays."""


@dataclass(frozen=True, kw_only=True, eq=False)
class BacktestOverfitting:
    """One figure for each choice of blocks, in lexicographic order, and what they add up to."""

    probability: float
    """Share of the choices whose best trial ranks below the median in the other blocks (logit below 0)."""
    probability_of_loss: float
    """Share of the choices whose best trial has a ratio below 0 in the other blocks."""
    slope: float | None
    """Least squares of the ratio in the other blocks on that in the chosen ones: how much of it comes back. None where they do not vary."""
    logits: NDArray[np.float64]
    """log(w / (1 - w)) with w = rank / (n_trials + 1) in the other blocks, of shape (n_choices,)."""
    chosen: NDArray[np.float64]
    """Sharpe ratio of the best trial where it was chosen, of one session, of shape (n_choices,)."""
    elsewhere: NDArray[np.float64]
    """And in the other blocks."""


def probability_of_backtest_overfitting(returns: Matrix, n_blocks: int = BLOCKS) -> BacktestOverfitting:
    """See above.

    Parameters
    ----------
    returns
        ndarray of shape (n_sessions, n_trials), without missing values: the returns of each trial in the same sessions. Equal ratios share their rank, and of the best the first counts; a
        trial that does not move has a ratio of 0.
    n_blocks
        S, even; blocks have the same number of sessions, the first ones one more where it does not come out even.

    Raises
    ------
    EvaluationError
        For fewer than 2 trials, an odd number of blocks, fewer than 2 sessions a block, or missing values.

    Examples
    --------
    >>> import numpy as np
    >>> returns = np.random.default_rng(7).normal(0.0, 0.01, (1000, 50))
    >>> round(probability_of_backtest_overfitting(returns).probability, 1)
    0.5
    >>> returns[:, 7] += 0.003  # one has skill
    >>> round(probability_of_backtest_overfitting(returns).probability, 1)
    0.0
    """
    _check(returns, n_blocks)
    pairs = list(_halves(returns, n_blocks))
    forth = np.concatenate([_looked_up(half, rest) for half, rest in pairs])
    back = np.concatenate([_looked_up(rest, half) for half, rest in pairs])
    logits, chosen, elsewhere = np.concatenate([forth, back[::-1]]).T  # the last choice is what the first one leaves
    spread = chosen - chosen.mean()
    varies = float((spread * spread).sum())
    return BacktestOverfitting(
        probability=float((logits < 0.0).mean()),
        probability_of_loss=float((elsewhere < 0.0).mean()),
        slope=float((spread * elsewhere).sum()) / varies if varies > 0.0 else None,
        logits=logits,
        chosen=chosen,
        elsewhere=elsewhere,
    )


def _check(returns: Matrix, n_blocks: int) -> None:
    if returns.ndim != 2 or returns.shape[1] < 2:
        raise EvaluationError(f"returns of shape {returns.shape} are not those of at least 2 trials, (n_sessions, n_trials)")
    if n_blocks < 2 or n_blocks % 2 or len(returns) < 2 * n_blocks:
        raise EvaluationError(
            f"{how_many(len(returns), 'session')} can't be cut into {how_many(n_blocks, 'block')}: the number must be even, with 2 sessions a block or more"
        )
    if not np.isfinite(returns).all():
        raise EvaluationError("some returns are missing or infinite: give the sessions that all trials have")


def _halves(returns: Matrix, n_blocks: int) -> Iterator[tuple[Matrix, Matrix]]:
    """The ratios of all trials in the choices that hold the first block, and in what each leaves; both of shape (some choices, n_trials)."""
    sums = _BlockSums(returns, n_blocks)
    half = comb(n_blocks, n_blocks // 2) // 2
    chosen = np.zeros((half, n_blocks), dtype=np.bool_)
    others = np.array(list(combinations(range(1, n_blocks), n_blocks // 2 - 1)), dtype=np.int64).reshape(half, -1)
    chosen[:, 0] = True
    np.put_along_axis(chosen, others, True, axis=1)
    step = max(1, _AT_ONCE // returns.shape[1])
    for first in range(0, half, step):
        some = chosen[first : first + step]
        yield sums.ratios(some), sums.ratios(~some)


class _BlockSums:
    """What a Sharpe ratio is made of, for each block and trial: arrays of shape (n_blocks, n_trials)."""

    def __init__(self, returns: Matrix, n_blocks: int) -> None:
        size, more = divmod(len(returns), n_blocks)
        starts = np.arange(n_blocks) * size + np.minimum(np.arange(n_blocks), more)
        self.counts = np.diff(starts, append=len(returns)).astype(np.float64)
        self.mean = returns.mean(axis=0)
        distances = returns - self.mean  # from the mean of all, so that squares lose nothing
        self.sums = np.add.reduceat(distances, starts, axis=0)
        self.squares = np.add.reduceat(distances * distances, starts, axis=0)
        self.lowest, self.highest = np.minimum.reduceat(returns, starts, axis=0), np.maximum.reduceat(returns, starts, axis=0)
        self.still = np.flatnonzero((self.lowest == self.highest).any(axis=0))
        """Trials that do not move in some block: a choice of such blocks alone has no ratio."""

    def ratios(self, chosen: NDArray[np.bool_]) -> Matrix:
        """The ratio of each trial in each choice of blocks, 0 where it does not move. Added up block by block, so that equal trials have equal ratios to the last bit."""
        sums, squares = np.zeros((len(chosen), len(self.mean))), np.zeros((len(chosen), len(self.mean)))
        for block, inside in enumerate(chosen.T):
            factor = inside.astype(np.float64)[:, None]
            sums += factor * self.sums[block]
            squares += factor * self.squares[block]
        n = (chosen @ self.counts)[:, None]
        variance = (squares - sums * sums / n) / (n - 1.0)
        moves = variance > 0.0
        if len(self.still):
            moves[:, self.still] &= self._moves(chosen)
        return np.where(moves, (sums / n + self.mean) / np.sqrt(np.where(moves, variance, 1.0)), 0.0)

    def _moves(self, chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
        low, high = np.full((len(chosen), len(self.still)), np.inf), np.full((len(chosen), len(self.still)), -np.inf)
        for block, inside in enumerate(chosen.T):
            low = np.where(inside[:, None], np.minimum(low, self.lowest[block, self.still]), low)
            high = np.where(inside[:, None], np.maximum(high, self.highest[block, self.still]), high)
        return low < high


def _looked_up(chosen: Matrix, elsewhere: Matrix) -> Matrix:
    """Logit, ratio where it was chosen and ratio elsewhere of the best trial of each choice: shape (n_choices, 3)."""
    best = chosen.argmax(axis=1)[:, None]
    there = np.take_along_axis(elsewhere, best, axis=1)
    below, equal = (elsewhere < there).sum(axis=1), (elsewhere == there).sum(axis=1)
    share = (below + (equal + 1) / 2.0) / (chosen.shape[1] + 1.0)
    return np.column_stack([np.log(share / (1.0 - share)), np.take_along_axis(chosen, best, axis=1)[:, 0], there[:, 0]])
