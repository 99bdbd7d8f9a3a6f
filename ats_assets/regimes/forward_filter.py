"""Filtered probabilities of regimes: what is known of the state at a row from the rows up to it, and no further.

hmmlearn's `predict_proba` is smoothed: it looks at what comes after. Here a row is filtered over a window of its own that ends at it (Hamilton, Econometrica 57, 1989,
equation 4), begun from the long-run probabilities: so it has the same bits alone and in any range, and what lies before the window, of which a chain with memory
forgets the rest exponentially, is not needed.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ats_assets.regimes.regime_model import Floats, RegimeModel, lagged, log_densities, relative_densities


@dataclass(frozen=True, kw_only=True)
class FilteredStates:
    """What is known of each row.

    Attributes
    ----------
    probabilities
        float64 of shape (n_rows, n_states); NaN where nothing is known.
    state
        The most likely one, int64 of shape (n_rows,); of equal ones the first, −1 where nothing is known.
    entropy
        Of the probabilities over that of equal ones, from 0 to 1, of shape (n_rows,); NaN where nothing is known, 0 for one state.
    rows_in_state
        For how many rows of the window in a row that state was the most likely one, int64 of shape (n_rows,).
    """

    probabilities: Floats
    state: NDArray[np.int64]
    entropy: Floats
    rows_in_state: NDArray[np.int64]


def filtered_states(
    model: RegimeModel, observations: Floats, first: NDArray[np.int64], sequence: NDArray[np.int64] | None = None
) -> FilteredStates:
    """Filter each row over its own window.

    Parameters
    ----------
    observations
        float64 of shape (n_rows, n_features), in the order of time within a sequence; a row with NaN tells nothing, and the state goes on by the chain alone.
    first
        int64 of shape (n_rows,): where the window of each row begins; more than its own place: the row has no regime.
    sequence
        int64 of shape (n_rows,): the symbol of each row, say, whose rows stand together; default: one. No window may reach into another sequence.

    Examples
    --------
    >>> model = RegimeModel(
    ...     start=np.array([0.5, 0.5]),
    ...     transition=np.array([[0.9, 0.1], [0.1, 0.9]]),
    ...     coefficients=np.zeros((2, 1, 1)),
    ...     covariances=np.array([[[1.0]], [[9.0]]]),
    ... )
    >>> found = filtered_states(model, np.array([[0.1], [-5.0], [4.0]]), np.zeros(3, np.int64))
    >>> found.probabilities.round(3).tolist(), found.state.tolist(), found.rows_in_state.tolist()
    ([[0.749, 0.251], [0.0, 1.0], [0.0, 1.0]], [0, 1, 1], [1, 1, 2])
    """
    from ats_assets.regimes.recursions import forward_windows  # noqa: PLC0415 - numba takes a second to import

    relative, _ = relative_densities(log_densities(model, observations, lagged(observations, model.lags, sequence)))
    probabilities, in_state = np.empty(relative.shape), np.zeros(len(relative), np.int64)
    forward_windows(relative, np.asarray(first, np.int64), model.start, model.transition, probabilities, in_state)
    known = in_state > 0
    safe = np.where(known[:, None], probabilities, 1.0)
    entropy = np.zeros(len(relative))
    for k in range(model.states):
        entropy = entropy - safe[:, k] * np.log(np.where(safe[:, k] > 0.0, safe[:, k], 1.0))
    if model.states > 1:
        entropy = entropy / math.log(model.states)
    state = np.where(known, safe.argmax(axis=1), -1)
    return FilteredStates(
        probabilities=probabilities, state=state, entropy=np.where(known, np.clip(entropy, 0.0, 1.0), np.nan), rows_in_state=in_state
    )


def window_starts(sequence: NDArray[np.int64], rows: int, *, least: int = 1) -> NDArray[np.int64]:
    """Where the window of each row begins that ends at it and has so many rows, or all that its sequence has before; past itself where these are fewer than `least`.

    Examples
    --------
    >>> window_starts(np.array([0, 0, 0, 1, 1]), 2).tolist()
    [0, 0, 1, 3, 3]
    """
    place = np.arange(len(sequence))
    begins = np.maximum.accumulate(np.where(np.append(True, sequence[1:] != sequence[:-1]), place, 0)) if len(sequence) else place
    first = np.maximum(begins, place - rows + 1)
    return np.where(place - first + 1 >= least, first, place + 1).astype(np.int64)
