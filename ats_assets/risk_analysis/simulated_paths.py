"""Paths of an account whose returns are drawn again, and how the figures of all of them are distributed."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import ContractError
from ats_assets.risk_analysis.resampling import Floats, Resampling

AT_ONCE = 256
"""Paths that a thread takes at a time."""


@dataclass(frozen=True, kw_only=True)
class PathFigures:
    """Figures of each path; the first value of each is 1.

    Attributes
    ----------
    final
        Value at the end, of shape (n_paths,).
    drawdown
        The deepest, negative, of shape (n_paths,).
    longest_under_water
        Steps in a row below the peak, int64 of shape (n_paths,).
    share_under_water
        Of the steps, of shape (n_paths,).
    ruined_at
        The step after which the value was no more than the ruin level, int64 of shape (n_paths,); −1: never.
    marks, values
        Steps, and the values after them, of shapes (n_marks,) and (n_paths, n_marks).
    """

    final: Floats
    drawdown: Floats
    longest_under_water: NDArray[np.int64]
    share_under_water: Floats
    ruined_at: NDArray[np.int64]
    marks: NDArray[np.int64]
    values: Floats

    @property
    def ruin_probability(self) -> float:
        """The share of the paths that were ruined at some step."""
        return float((self.ruined_at >= 0).mean())


def simulated_paths(
    returns: Floats,
    resampling: Resampling,
    *,
    paths: int,
    horizon: int,
    seed: int = 1,
    ruin_level: float = 0.5,
    marks: int = 101,
    threads: int = 1,
) -> PathFigures:
    """Draw paths; the same numbers with any number of threads.

    Parameters
    ----------
    returns
        float64 of shape (n_returns,): of sessions, or of trades, as shares of the account; a loss of more than all is a loss of all.
    horizon
        Steps of a path; `shuffled` has as many as there are returns, whatever is asked for.
    ruin_level
        Of the first value.
    marks
        At so many steps, from 0 to the horizon, the values are noted.

    Raises
    ------
    ContractError
        If there are no returns, or one is not finite.

    Examples
    --------
    >>> found = simulated_paths(np.array([0.1, -0.1]), Resampling(way="shuffled"), paths=4, horizon=2)
    >>> found.final.round(4).tolist()
    [0.99, 0.99, 0.99, 0.99]
    """
    from ats_assets.risk_analysis.path_kernels import follow_paths  # noqa: PLC0415 - numba takes a second to import

    if not len(returns) or not np.isfinite(returns).all():
        raise ContractError(f"{len(returns)} returns, all of which must be finite, can't be drawn again: leave out what is not known")
    steps = len(returns) if resampling.way == "shuffled" else horizon
    noted = np.unique(np.linspace(0, steps, min(marks, steps + 1)).round().astype(np.int64))
    values, figures = np.empty((paths, len(noted))), np.empty((paths, 5))
    growth = np.maximum(1.0 + np.ascontiguousarray(returns, np.float64), 0.0)
    state_of, starts, members, chances = _of_chain(resampling)
    how = (np.uint64(seed), resampling.kept, max(1, round(resampling.block_length)))
    start_state = int(state_of[-1]) if len(state_of) else 0

    def some(first: int) -> None:
        own = slice(first, min(paths, first + AT_ONCE))
        chain = (state_of, starts, members, chances, start_state)
        follow_paths(growth, resampling.method, how[0], first, *how[1:], *chain, steps, ruin_level, noted, values[own], figures[own])

    with ThreadPoolExecutor(max(1, threads)) as pool:
        list(pool.map(some, range(0, paths, AT_ONCE)))
    whole = figures.astype(np.int64)
    return PathFigures(
        final=figures[:, 0],
        drawdown=figures[:, 1],
        longest_under_water=whole[:, 2],
        share_under_water=figures[:, 3],
        ruined_at=whole[:, 4],
        marks=noted,
        values=values,
    )


def _of_chain(resampling: Resampling) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], Floats]:
    """The chain as the kernel takes it: states, where those of each state begin among the places sorted by state, these places, cumulative chances."""
    if resampling.chain is None:
        return np.zeros(0, np.int64), np.zeros(2, np.int64), np.zeros(0, np.int64), np.ones((1, 1))
    state_of = np.ascontiguousarray(resampling.chain.state_of)
    starts = np.searchsorted(np.sort(state_of), np.arange(len(resampling.chain.transition) + 1)).astype(np.int64)
    return state_of, starts, np.argsort(state_of, kind="stable").astype(np.int64), np.cumsum(resampling.chain.transition, axis=1)
