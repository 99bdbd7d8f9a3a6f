"""Kernels of the Monte Carlo: random numbers by counter, resampled places, and what a path of values comes to.

Random numbers are Philox4x32-10 (Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC11): the words of a draw are a function of seed, path and
place in the path, so a path is the same whoever computes it, in whatever order and by any number of threads. No logarithm or power is taken, of which libraries differ.
"""

# ruff: noqa: C901, PLR0912, PLR0917 - kernels take arrays by position and are plain loops

import numba
import numpy as np

LOW = np.uint64(0xFFFFFFFF)
SHIFT = np.uint64(32)
M0, M1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
W0, W1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
WORD = 2.0**32
IID, STATIONARY, BLOCKS, SHUFFLE, STATES = 0, 1, 2, 3, 4


@numba.njit(error_model="numpy", nogil=True, cache=True)
def philox(c0, c1, c2, c3, k0, k1):
    """Four random words (32 bits, as uint64) of a counter of four words and a key of two."""
    for _ in range(10):
        p0, p1 = M0 * c0, M1 * c2
        c0, c1, c2, c3 = ((p1 >> SHIFT) ^ c1 ^ k0) & LOW, p1 & LOW, ((p0 >> SHIFT) ^ c3 ^ k1) & LOW, p0 & LOW
        k0, k1 = (k0 + W0) & LOW, (k1 + W1) & LOW
    return c0, c1, c2, c3


@numba.njit(error_model="numpy", nogil=True, cache=True)
def fill_places(method, n, seed, path, kept, length, state_of, starts, members, chances, start_state, places):
    """The places of one path among n returns.

    Parameters
    ----------
    method
        `IID`, `STATIONARY`, `BLOCKS`, `SHUFFLE` (as many places as returns) or `STATES`.
    seed, path
        uint64.
    kept
        The chance that a block goes on by one more return: 1 - 1 / mean length.
    length
        Of fixed blocks.
    state_of, starts, members, chances, start_state
        Of `STATES`: the state of each return; where the returns of each state begin in `members`; cumulative chances of the next state of shape (n_states, n_states).
    places
        The result, int64 of shape (horizon,).
    """
    horizon = places.size
    k0, k1 = seed & LOW, seed >> SHIFT
    p0, p1 = path & LOW, path >> SHIFT
    size = np.uint64(n)
    if method == SHUFFLE:
        for i in range(horizon):
            places[i] = i
        for i in range(horizon - 1, 0, -1):
            word = philox(np.uint64(i), np.uint64(method), p0, p1, k0, k1)[0]
            j = np.int64((word * np.uint64(i + 1)) >> SHIFT)
            places[i], places[j] = places[j], places[i]
        return
    if method == STATES:
        state, place = start_state, n - 1
        for i in range(horizon):
            moves, goes_on, where, _ = philox(np.uint64(i), np.uint64(method), p0, p1, k0, k1)
            after = 0
            while after < starts.size - 2 and float(moves) >= chances[state, after] * WORD:
                after += 1
            follows = place + 1 < n and state_of[place + 1] == after
            if i > 0 and follows and float(goes_on) < kept * WORD:
                place += 1
            else:
                count = np.uint64(starts[after + 1] - starts[after])
                place = members[starts[after] + np.int64((where * count) >> SHIFT)]
            state = after
            places[i] = place
        return
    i, draw = 0, 0
    while i < horizon:
        first, long, second, longer = philox(np.uint64(draw), np.uint64(method), p0, p1, k0, k1)
        draw += 1
        for half in range(2):
            word = first if half == 0 else second
            place = np.int64((word * size) >> SHIFT)
            run = 1
            if method == STATIONARY:
                chance, limit = float(long if half == 0 else longer), kept * WORD
                while chance < limit and run < horizon:
                    run += 1
                    limit *= kept
            elif method == BLOCKS:
                run = length
            last = min(horizon, i + run)
            while i < last:
                places[i] = place
                i += 1
                place += 1
                if place == n:
                    place = 0


@numba.njit(error_model="numpy", nogil=True, cache=True)
def follow_path(growth, places, ruin_level, marks, values):
    """What a path comes to: final value, deepest drawdown, longest time and share of time under water, step of ruin (−1: none); `values` at the marks.

    Parameters
    ----------
    growth
        float64: 1 + return of each place, at least 0.
    places
        int64 of shape (horizon,).
    ruin_level
        Of the first value, which is 1: the path is ruined once it is no more than this.
    marks
        int64, ascending: after so many steps `values` are noted.
    """
    value, peak, deepest, ruined = 1.0, 1.0, 0.0, -1
    under, longest, total, mark = 0, 0, 0, 0
    while mark < marks.size and marks[mark] == 0:
        values[mark] = value
        mark += 1
    for i in range(places.size):
        value *= growth[places[i]]
        if value >= peak:
            peak, under = value, 0
        else:
            under += 1
            total += 1
            longest = max(longest, under)
            deepest = min(deepest, value / peak - 1.0)
        if ruined < 0 and value <= ruin_level:
            ruined = i + 1
        while mark < marks.size and marks[mark] == i + 1:
            values[mark] = value
            mark += 1
    return value, deepest, longest, total / max(1, places.size), ruined


@numba.njit(error_model="numpy", nogil=True, cache=True)
def follow_paths(
    growth, method, seed, first, kept, length, state_of, starts, members, chances, start_state, horizon, ruin_level, marks, values, figures
):
    """`follow_path` of the paths `first`, `first` + 1 and so on: `values` of shape (n_paths, n_marks), `figures` of shape (n_paths, 5)."""
    places = np.empty(horizon, np.int64)
    for i in range(figures.shape[0]):
        fill_places(method, growth.size, seed, np.uint64(first + i), kept, length, state_of, starts, members, chances, start_state, places)
        final, deepest, longest, share, ruined = follow_path(growth, places, ruin_level, marks, values[i])
        figures[i, 0], figures[i, 1], figures[i, 2], figures[i, 3], figures[i, 4] = final, deepest, longest, share, ruined
