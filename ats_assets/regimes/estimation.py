"""Estimation of regimes by expectation and maximisation (EM): several seeded starting points, of which the best likelihood counts.

1. Observations are standardised, so that no unit matters; rows that are not complete are left out and cut a sequence in two.
2. From each starting point EM runs until the log-likelihood gains less than `tolerance`. Whether it did is judged by the history of the likelihood: hmmlearn calls an
   estimation converged where its iterations ran out.
3. An estimation with a state of fewer than `min_state_share` of the rows, or with a covariance that is not positive definite, is none: its likelihood can grow without bound.
4. Of those left the best log-likelihood counts, by the forward recursion of our own from the long-run probabilities. Its smoothed probabilities serve the criterion alone.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import ModelError
from ats_assets.regimes.em_steps import em_hmm, em_mixture, em_switching
from ats_assets.regimes.regime_model import Floats, RegimeModel, lagged, log_densities, long_run, parameter_count, relative_densities
from ats_assets.settings import RegimeSettings
from ats_assets.settings.regimes import RegimeKind

SMOOTHED_ROWS = (1, 5, 21, 63)
"""Rows over which a starting point's first guess is averaged, in turn: states last for some time."""
FLOOR = 1e-9
"""Of the variance of standardised observations in a state."""
FLAT = 1e-12
"""A standard deviation below this, relative to the largest value, is that of a constant."""

_STEPS: Mapping[RegimeKind, Callable[..., tuple[RegimeModel, list[float]]]] = {
    "hmm": em_hmm,
    "mixture": em_mixture,
    "markov_switching": em_switching,
}


@dataclass(frozen=True, kw_only=True)
class Estimation:
    """One estimation of so many states.

    Attributes
    ----------
    model
        In the units of the observations, its states as they came.
    log_likelihood
        Of the rows, in these units.
    bic
        −2 log-likelihood + parameters * ln(rows) (Schwarz 1978).
    icl
        The same plus twice the entropy of the smoothed probabilities: states that can't be told apart cost (Biernacki, Celeux and Govaert 2000).
    rows
        Complete ones.
    iterations, converged, start
        Of the starting point that was best.
    """

    model: RegimeModel
    log_likelihood: float
    bic: float
    icl: float
    rows: int
    iterations: int
    converged: bool
    start: int


def estimated(observations: Floats, sequence: NDArray[np.int64], settings: RegimeSettings, states: int) -> Estimation | None:
    """Estimate so many states; None where no starting point led to any that can be used.

    Parameters
    ----------
    observations
        float64 of shape (n_rows, n_features); NaN where one is missing.
    sequence
        int64 of shape (n_rows,): the sequence of each row, whose rows stand together in the order of time.

    Raises
    ------
    SettingsError
        If the kind is hmm and hmmlearn is not installed.
    """
    from threadpoolctl import threadpool_limits  # noqa: PLC0415 - of scikit-learn

    regressors = lagged(observations, settings.lags_of_mean, sequence)
    complete = np.isfinite(observations).all(axis=1) & np.isfinite(regressors).all(axis=1)
    if complete.sum() < max(20, 5 * states):
        return None
    values = observations[complete]
    centre, scale = values.mean(axis=0), values.std(axis=0)
    if (scale <= FLAT * np.abs(values).max(axis=0)).any():
        return None
    z = (values - centre) / scale
    x = np.ones((len(z), regressors.shape[1]))
    x[:, 1:] = (regressors[complete, 1:] - centre[0]) / scale[0]
    place = np.flatnonzero(complete)
    first = np.append(True, (np.diff(place) > 1) | (np.diff(sequence[complete]) != 0))
    with threadpool_limits(1):  # more threads of the algebra library wait for each other in so few columns, and add up in another order
        made = [_from(start, (z, x, first), settings, states) for start in range(settings.starts)]
    found = [one for one in made if one is not None]
    if not found:
        return None
    best = max(found, key=lambda one: one.log_likelihood)  # of equal ones the first
    shift = len(z) * float(np.log(scale).sum())  # the density of y is that of z over its scale
    return Estimation(
        model=_in_units(best.model, centre, scale),
        log_likelihood=best.log_likelihood - shift,
        bic=best.bic + 2.0 * shift,
        icl=best.icl + 2.0 * shift,
        rows=best.rows,
        iterations=best.iterations,
        converged=best.converged,
        start=best.start,
    )


def _from(start: int, rows: tuple[Floats, Floats, NDArray[np.bool_]], settings: RegimeSettings, states: int) -> Estimation | None:
    z, x, first = rows
    labels = _first_guess(start, z, settings.seed, states)
    begun = _of_labels(labels, z, x, states, diagonal=settings.covariance == "diagonal")
    try:
        model, history = _STEPS[settings.kind](begun, z, x, first, settings)
        smoothed, log_likelihood = smoothed_states(model, z, x, first)
    except (ValueError, ModelError, np.linalg.LinAlgError):  # a state shrank to nothing: no estimation from here
        return None
    smallest = min(float(np.linalg.eigvalsh(covariance).min()) for covariance in model.covariances)
    if not np.isfinite(log_likelihood) or smallest < FLOOR or smoothed.mean(axis=0).min() < settings.min_state_share:
        return None
    free = parameter_count(model, memory=settings.kind != "mixture", diagonal=settings.covariance == "diagonal")
    bic = -2.0 * log_likelihood + free * float(np.log(len(z)))
    entropy = -float((smoothed * np.log(np.where(smoothed > 0.0, smoothed, 1.0))).sum())
    gains = np.diff(history[-2:])
    return Estimation(
        model=model,
        log_likelihood=log_likelihood,
        bic=bic,
        icl=bic + 2.0 * entropy,
        rows=len(z),
        iterations=len(history),
        converged=bool(len(gains)) and bool(abs(gains[-1]) < settings.tolerance),
        start=start,
    )


def smoothed_states(model: RegimeModel, observations: Floats, regressors: Floats, first: NDArray[np.bool_]) -> tuple[Floats, float]:
    """The probabilities of the states given all rows, later ones included, and the log-likelihood: for estimation alone, never for a feature.

    Parameters
    ----------
    observations, regressors
        Complete rows; `regressors` as `lagged` gives them.
    first
        bool of shape (n_rows,): where a sequence begins.
    """
    from ats_assets.regimes.recursions import forward_backward  # noqa: PLC0415 - numba takes a second to import

    relative, largest = relative_densities(log_densities(model, observations, regressors))
    posterior, moves = np.empty(relative.shape), np.empty((model.states, model.states))
    return posterior, float(forward_backward(relative, first, model.start, model.transition, posterior, moves)) + float(largest.sum())


def _first_guess(start: int, z: Floats, seed: int, states: int) -> NDArray[np.intp]:
    """A state for each row: the quantile of how much it moves (start 0), or of a random direction's level or size, averaged over some rows."""
    random = np.random.default_rng([seed, start])
    width = SMOOTHED_ROWS[(start + 2) % len(SMOOTHED_ROWS)]
    direction = random.standard_normal(z.shape[1]) if start else np.eye(1, z.shape[1])[0]
    score = z @ direction
    score = score**2 if start % 2 == 0 else score
    total = np.cumsum(np.append(0.0, score))
    ends = np.arange(1, len(z) + 1)
    averaged = (total[ends] - total[np.maximum(ends - width, 0)]) / np.minimum(ends, width)
    ranks = np.empty(len(z), np.intp)
    ranks[np.argsort(averaged, kind="stable")] = np.arange(len(z))
    return ranks * states // len(z)


def _of_labels(labels: NDArray[np.intp], z: Floats, x: Floats, states: int, *, diagonal: bool) -> RegimeModel:
    features, coefficients = z.shape[1], np.zeros((states, z.shape[1], x.shape[1]))
    covariances, moves = np.empty((states, features, features)), np.ones((states, states))
    for k in range(states):
        own = z[labels == k]
        coefficients[k, :, 0] = own.mean(axis=0)
        spread = np.cov(own, rowvar=False, ddof=0).reshape(features, features) + 1e-3 * np.eye(features)
        covariances[k] = np.diag(np.diag(spread)) if diagonal else spread
    np.add.at(moves, (labels[:-1], labels[1:]), 1.0)
    transition = moves / moves.sum(axis=1, keepdims=True)
    return RegimeModel(start=long_run(transition), transition=transition, coefficients=coefficients, covariances=covariances)


def _in_units(model: RegimeModel, centre: Floats, scale: Floats) -> RegimeModel:
    """Of standardised observations to those in their units; a lag of the one observation keeps its coefficient."""
    coefficients = model.coefficients.copy()
    lags = coefficients[:, :, 1:].sum(axis=2)
    coefficients[:, :, 0] = centre * (1.0 - lags) + scale * coefficients[:, :, 0]
    return RegimeModel(
        start=model.start,
        transition=model.transition,
        coefficients=coefficients,
        covariances=model.covariances * np.outer(scale, scale),
    )
