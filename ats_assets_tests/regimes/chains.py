"""Chains of states with planted parameters, and what is known of them by plain enumeration."""

import itertools

import numpy as np

from ats_assets.regimes.regime_model import Floats, RegimeModel, lagged, log_densities, long_run


def planted(states: Floats, seed: int, rows: int, stay: float = 0.98) -> tuple[np.ndarray, Floats]:
    """A path of states, and for each row its deviation drawn; `states` are the deviations."""
    random = np.random.default_rng(seed)
    path = np.zeros(rows, np.int64)
    for t in range(1, rows):
        moved = random.random() > stay
        path[t] = random.choice([k for k in range(len(states)) if k != path[t - 1]]) if moved and len(states) > 1 else path[t - 1]
    return path, states[path] * random.standard_normal(rows)


def random_model(random: np.random.Generator, states: int, features: int, lags: int = 0) -> RegimeModel:
    """Any parameters."""
    transition = random.dirichlet(np.full(states, 2.0), states)
    roots = random.normal(0, 1, (states, features, features))
    coefficients = random.normal(0, 1, (states, features, 1 + lags))
    coefficients[:, :, 1:] *= 0.3
    covariances = roots @ roots.transpose(0, 2, 1) + 0.3 * np.eye(features)
    return RegimeModel(start=long_run(transition), transition=transition, coefficients=coefficients, covariances=covariances)


def enumerated(model: RegimeModel, observations: Floats) -> tuple[Floats, float]:
    """P(state at the last row | all rows) and the log-likelihood, by adding up every path of states: for short sequences."""
    logs = np.nan_to_num(log_densities(model, observations, lagged(observations, model.lags)), nan=0.0)
    ends = np.zeros(model.states)
    for path in itertools.product(range(model.states), repeat=len(observations)):
        chance = model.start[path[0]]
        for before, after in itertools.pairwise(path):
            chance *= model.transition[before, after]
        ends[path[-1]] += chance * np.exp(sum(logs[t, k] for t, k in enumerate(path)))
    return ends / ends.sum(), float(np.log(ends.sum()))


def in_logs(model: RegimeModel, observations: Floats) -> Floats:
    """The filtered probabilities by the forward recursion in logarithms, in plain Python."""
    logs = log_densities(model, observations, lagged(observations, model.lags))
    alpha = np.log(model.start) + logs[0]
    found = [alpha - np.logaddexp.reduce(alpha)]
    for t in range(1, len(observations)):
        ahead = [np.logaddexp.reduce(found[-1] + np.log(model.transition[:, k])) for k in range(model.states)]
        alpha = np.array(ahead) + logs[t]
        found.append(alpha - np.logaddexp.reduce(alpha))
    return np.exp(np.array(found))
