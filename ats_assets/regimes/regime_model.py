"""The parameters of an estimation: a Markov chain of states, and in each state a normal distribution of the observations, whose mean may follow earlier ones.

State k at row t:  y[t] = coefficients[k] @ (1, y[t-1], ..., y[t-lags]) + e,  e ~ N(0, covariances[k]);  P(k at t+1 | j at t) = transition[j, k].

A Gaussian HMM has no lags; a mixture has a chain without memory (each row of `transition` is the same).
"""

import json
import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import ModelError

Floats = NDArray[np.float64]
LARGEST_LOG_RATIO = 700.0
"""Between the densities of two states: a state that is less likely by more than e^700 is out of the question."""


@dataclass(frozen=True, kw_only=True)
class RegimeModel:
    """Parameters of n_states states of n_features observations.

    Attributes
    ----------
    start
        Probabilities before the first row of a sequence, of shape (n_states,): those in the long run.
    transition
        From a row to the next, of shape (n_states, n_states); rows add up to 1.
    coefficients
        Of the mean, of shape (n_states, n_features, 1 + lags): the constant, then each lag of the (one) observation.
    covariances
        Of shape (n_states, n_features, n_features).
    """

    start: Floats
    transition: Floats
    coefficients: Floats
    covariances: Floats

    @property
    def states(self) -> int:
        """How many there are."""
        return len(self.start)

    @property
    def lags(self) -> int:
        """Earlier observations in the mean."""
        return self.coefficients.shape[2] - 1

    @property
    def means(self) -> Floats:
        """What each state's observations come to in the long run, of shape (n_states, n_features); the constant where its lags do not settle."""
        constant, kept = self.coefficients[:, :, 0], self.coefficients[:, :, 1:].sum(axis=2)
        return np.where(np.abs(kept) < 1.0, constant / np.where(np.abs(kept) < 1.0, 1.0 - kept, 1.0), constant)

    def ordered(self, order: NDArray[np.intp]) -> "RegimeModel":
        """The same with its states in another order: state `order[i]` becomes state i."""
        return replace(
            self,
            start=self.start[order],
            transition=self.transition[np.ix_(order, order)],
            coefficients=self.coefficients[order],
            covariances=self.covariances[order],
        )

    def to_json(self) -> str:
        """All parameters as JSON, to the last digit."""
        return json.dumps({name: getattr(self, name).tolist() for name in ("start", "transition", "coefficients", "covariances")})

    @classmethod
    def from_json(cls, text: str) -> "RegimeModel":
        """What `to_json` wrote."""
        return cls(**{name: np.array(values, dtype=np.float64) for name, values in json.loads(text).items()})


def lagged(observations: Floats, lags: int, sequence: NDArray[np.int64] | None = None) -> Floats:
    """What the mean of each row is made of: 1 and the earlier observations, of shape (n_rows, 1 + lags); NaN where there is none.

    Parameters
    ----------
    observations
        float64 of shape (n_rows, n_features), of one feature where there are lags.
    sequence
        int64 of shape (n_rows,), the sequence of each row, rows of a sequence one after the other; default: one.

    Examples
    --------
    >>> lagged(np.array([[5.0], [6.0], [7.0]]), 1).tolist()
    [[1.0, nan], [1.0, 5.0], [1.0, 6.0]]
    """
    found = np.ones((len(observations), 1 + lags))
    for lag in range(1, lags + 1):
        found[:lag, lag] = np.nan
        found[lag:, lag] = observations[:-lag, 0]
        if sequence is not None:
            found[lag:, lag] = np.where(sequence[lag:] == sequence[:-lag], found[lag:, lag], np.nan)
    return found


def log_densities(model: RegimeModel, observations: Floats, regressors: Floats) -> Floats:
    """The log of the normal density of each row in each state, of shape (n_rows, n_states); NaN for a row that is not complete.

    Element by element in one order, so that a row has the same bits alone and among others.

    Raises
    ------
    ModelError
        If a covariance is not positive definite.
    """
    features = observations.shape[1]
    found = np.empty((len(observations), model.states))
    for k in range(model.states):
        try:
            root = np.linalg.cholesky(model.covariances[k])
        except np.linalg.LinAlgError as error:
            raise ModelError(f"state {k} has a covariance that is not positive definite: estimate again with fewer observations") from error
        distance, solved = np.zeros(len(observations)), []
        for i in range(features):  # forward substitution: root @ solved = observations - mean
            rest = np.ascontiguousarray(observations[:, i])
            for j in range(regressors.shape[1]):
                rest = rest - model.coefficients[k, i, j] * regressors[:, j]
            for j, earlier in enumerate(solved):
                rest = rest - root[i, j] * earlier
            solved.append(rest / root[i, i])
            distance = distance + solved[i] * solved[i]
        constant = features * math.log(2.0 * math.pi) / 2.0 + float(np.log(np.diag(root)).sum())
        found[:, k] = -0.5 * distance - constant
    return found


def relative_densities(logs: Floats) -> tuple[Floats, Floats]:
    """Densities as shares of the largest of their row, and the logs of these; a row that is not complete has ones and 0."""
    complete = np.asarray(np.isfinite(logs).all(axis=1))
    largest = np.where(complete, np.where(complete[:, None], logs, 0.0).max(axis=1), 0.0)
    relative = np.exp(np.maximum(np.where(complete[:, None], logs - largest[:, None], 0.0), -LARGEST_LOG_RATIO))
    return np.ascontiguousarray(relative), largest


def long_run(transition: Floats) -> Floats:
    """The probabilities that the chain settles at: p = p @ transition, of shape (n_states,).

    Examples
    --------
    >>> long_run(np.array([[0.9, 0.1], [0.3, 0.7]])).round(4).tolist()
    [0.75, 0.25]
    """
    states = len(transition)
    system = np.vstack([transition.T - np.eye(states), np.ones(states)])
    found = np.clip(np.linalg.lstsq(system, np.append(np.zeros(states), 1.0), rcond=None)[0], 0.0, None)
    return found / found.sum()


def parameter_count(model: RegimeModel, *, memory: bool, diagonal: bool) -> int:
    """Free parameters: of the chain (without memory only its weights; what it starts from follows from it), of the means, of the covariances.

    Parameters
    ----------
    memory
        Whether the chain has any.
    diagonal
        Whether covariances between observations are zero.
    """
    k, features, coefficients = model.coefficients.shape
    chain = k * (k - 1) if memory else k - 1
    return chain + k * features * coefficients + k * (features if diagonal else features * (features + 1) // 2)
