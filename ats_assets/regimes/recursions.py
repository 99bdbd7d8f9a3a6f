"""The recursions of a Markov chain behind observations, compiled: forward (what is known so far) and forward-backward (what is known in the end; for estimation only).

Densities are given relative to the largest of their row, so nothing underflows; a row of ones is an observation that is missing. Only sums and products in one order:
the same bits for a row alone and in any range.
"""

import numba
import numpy as np

# ruff: noqa: C901, PLR0917 - kernels take arrays by position and are plain loops


@numba.njit(error_model="numpy", nogil=True, cache=True)
def forward_windows(densities, first, start, transition, probabilities, in_state):
    """Of each row i the probabilities of the states after the rows first[i] to i, and for how many of these the most likely state has been the same.

    Parameters
    ----------
    densities
        float64 of shape (n_rows, n_states).
    first
        int64 of shape (n_rows,); more than i: nothing is told of the row, whose results are NaN and 0.
    start
        float64 of shape (n_states,): before the first row of a window.
    transition
        float64 of shape (n_states, n_states); rows add up to 1.
    probabilities, in_state
        The results: float64 of shape (n_rows, n_states), int64 of shape (n_rows,).
    """
    n, states = densities.shape
    known, ahead = np.empty(states), np.empty(states)
    for i in range(n):
        in_state[i] = 0
        if first[i] > i:
            probabilities[i] = np.nan
            continue
        likely, streak = -1, 0
        for t in range(first[i], i + 1):
            for k in range(states):
                if t == first[i]:
                    ahead[k] = start[k]
                else:
                    ahead[k] = 0.0
                    for j in range(states):
                        ahead[k] += known[j] * transition[j, k]
            total = 0.0
            for k in range(states):
                known[k] = ahead[k] * densities[t, k]
                total += known[k]
            most = 0
            for k in range(states):
                known[k] = known[k] / total if total > 0.0 else ahead[k]  # what no state can explain tells nothing
                if known[k] > known[most]:
                    most = k
            streak = streak + 1 if most == likely else 1
            likely = most
        probabilities[i] = known
        in_state[i] = streak


@numba.njit(error_model="numpy", nogil=True, cache=True)
def forward_backward(densities, first, start, transition, posterior, moves):
    """Posterior of the states of each row given all rows of its sequence, and the expected number of moves; returns the log-likelihood less the rows' own scales.

    Parameters
    ----------
    densities
        float64 of shape (n_rows, n_states).
    first
        bool of shape (n_rows,): whether a sequence begins there.
    start, transition
        As in `forward_windows`.
    posterior, moves
        The results: float64 of shapes (n_rows, n_states) and (n_states, n_states).
    """
    n, states = densities.shape
    scale = np.empty(n)
    likelihood = 0.0
    moves[:] = 0.0
    for t in range(n):
        total = 0.0
        for k in range(states):
            ahead = start[k]
            if not first[t]:
                ahead = 0.0
                for j in range(states):
                    ahead += posterior[t - 1, j] * transition[j, k]
            posterior[t, k] = ahead * densities[t, k]
            total += posterior[t, k]
        scale[t] = total
        likelihood += np.log(total)
        for k in range(states):
            posterior[t, k] /= total
    backward, before = np.ones(states), np.ones(states)
    for t in range(n - 1, -1, -1):
        ends = t == n - 1 or first[t + 1]
        if ends:
            backward[:] = 1.0
        else:
            for j in range(states):
                before[j] = 0.0
                for k in range(states):
                    move = transition[j, k] * densities[t + 1, k] * backward[k] / scale[t + 1]
                    before[j] += move
                    moves[j, k] += posterior[t, j] * move
            backward[:] = before
        total = 0.0
        for k in range(states):
            scaled = posterior[t, k] * backward[k]
            before[k] = scaled
            total += scaled
        for k in range(states):
            posterior[t, k] = before[k] / total if ends else before[k]
    return likelihood
