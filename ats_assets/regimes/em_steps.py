"""EM from one starting point, of each kind of regimes: the parameters where it ended, and the log-likelihood of every iteration."""

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ats_assets.errors import SettingsError
from ats_assets.regimes.regime_model import Floats, RegimeModel, log_densities, long_run, relative_densities
from ats_assets.settings import RegimeSettings


def em_hmm(
    begun: RegimeModel,
    z: Floats,
    x: Floats,  # noqa: ARG001
    first: NDArray[np.bool_],
    settings: RegimeSettings,
) -> tuple[RegimeModel, list[float]]:
    """A Gaussian HMM by hmmlearn, without its prior on covariances, which makes daily variances too large.

    Parameters
    ----------
    begun
        Where it starts.
    z, x
        Standardised observations of shape (n_rows, n_features), and what means are made of.
    first
        bool of shape (n_rows,): where a sequence begins.

    Raises
    ------
    SettingsError
        If hmmlearn is not installed.
    """
    try:
        from hmmlearn.hmm import GaussianHMM  # noqa: PLC0415 - an extra
    except ImportError as error:
        raise SettingsError(
            "regimes of the kind 'hmm' need hmmlearn, which is not installed: pip install 'ats-assets[regimes]', or set kind to mixture or markov_switching"
        ) from error
    diagonal = settings.covariance == "diagonal" or z.shape[1] == 1  # of one feature the same, in a tenth of the time
    model: Any = GaussianHMM(
        begun.states,
        covariance_type="diag" if diagonal else "full",
        min_covar=0.0,
        covars_prior=0.0,
        n_iter=settings.max_iterations,
        tol=settings.tolerance,
        init_params="",
    )
    model.startprob_, model.transmat_, model.means_ = begun.start, begun.transition, begun.coefficients[:, :, 0]
    model.covars_ = np.diagonal(begun.covariances, axis1=1, axis2=2) if diagonal else begun.covariances
    model.monitor_.history = history = []  # all of it, not the last two
    model.monitor_._reset = lambda: None  # which would forget it
    model.fit(z, np.diff(np.append(np.flatnonzero(first), len(z))))
    transition = np.asarray(model.transmat_)
    fitted = RegimeModel(
        start=long_run(transition),
        transition=transition,
        coefficients=np.asarray(model.means_)[:, :, None],
        covariances=np.asarray(model.covars_),
    )
    return fitted, [float(one) for one in history]


def em_mixture(
    begun: RegimeModel,
    z: Floats,
    x: Floats,  # noqa: ARG001
    first: NDArray[np.bool_],  # noqa: ARG001
    settings: RegimeSettings,
) -> tuple[RegimeModel, list[float]]:
    """A mixture of normal distributions by scikit-learn: states without memory; parameters as `em_hmm`."""
    from sklearn.exceptions import ConvergenceWarning  # noqa: PLC0415 - a second to import
    from sklearn.mixture import GaussianMixture  # noqa: PLC0415

    diagonal = settings.covariance == "diagonal"
    precisions = np.linalg.inv(begun.covariances)
    model: Any = GaussianMixture(
        begun.states,
        covariance_type="diag" if diagonal else "full",
        tol=settings.tolerance / len(z),
        reg_covar=0.0,
        max_iter=settings.max_iterations,
        weights_init=begun.start,
        means_init=begun.coefficients[:, :, 0],
        precisions_init=np.diagonal(precisions, axis1=1, axis2=2) if diagonal else precisions,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # what has not converged says so in its record
        model.fit(z)
    weights = np.asarray(model.weights_)
    covariances = np.asarray(model.covariances_)
    fitted = RegimeModel(
        start=weights,
        transition=np.tile(weights, (begun.states, 1)),
        coefficients=np.asarray(model.means_)[:, :, None],
        covariances=np.array([np.diag(one) for one in covariances]) if diagonal else covariances,
    )
    return fitted, [float(one) * len(z) for one in model.lower_bounds_]


def em_switching(
    begun: RegimeModel, z: Floats, x: Floats, first: NDArray[np.bool_], settings: RegimeSettings
) -> tuple[RegimeModel, list[float]]:
    """Markov switching (Hamilton, Econometrica 57, 1989): in each state a regression of its own on earlier observations, and a variance; parameters as `em_hmm`.

    The mean of a row follows its own state and the earlier values alone, not the earlier states: Hamilton (1994), Time Series Analysis, section 22.4.
    """
    from ats_assets.regimes.recursions import forward_backward  # noqa: PLC0415 - numba takes a second to import

    model, history = begun, []
    posterior, moves = np.empty((len(z), begun.states)), np.empty((begun.states, begun.states))
    recursion: Any = forward_backward
    for _ in range(settings.max_iterations):
        relative, largest = relative_densities(log_densities(model, z, x))
        history.append(float(recursion(relative, first, model.start, model.transition, posterior, moves)) + float(largest.sum()))
        if len(history) > 1 and history[-1] - history[-2] < settings.tolerance:
            break
        coefficients, covariances = np.empty_like(model.coefficients), np.empty_like(model.covariances)
        for k in range(model.states):
            weighted = x * posterior[:, k : k + 1]
            coefficients[k] = np.linalg.solve(weighted.T @ x, weighted.T @ z).T
            rest = z - x @ coefficients[k].T
            covariances[k] = (rest * posterior[:, k : k + 1]).T @ rest / posterior[:, k].sum()
        transition = moves / moves.sum(axis=1, keepdims=True)
        model = RegimeModel(start=posterior[first].mean(axis=0), transition=transition, coefficients=coefficients, covariances=covariances)
    settled = RegimeModel(
        start=long_run(model.transition), transition=model.transition, coefficients=model.coefficients, covariances=model.covariances
    )
    return settled, history
