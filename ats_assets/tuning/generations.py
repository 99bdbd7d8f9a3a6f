"""A generation of trials: sets of parameters that are asked for at once.

A generation is a pure function of the space, the seed, its number and what came of the generations before it. Optuna's sampler (a tree-structured Parzen estimator,
Bergstra et al., NIPS 2011, with constant liars for what is under way) is made anew for each, with a seed of its own, and is told of all earlier trials in their order: so
there is no state of a sampler that a killed run could lose, and none that depends on which process ended first. (A sampler that is rebuilt with the same seed repeats its numbers.)
"""

import hashlib
import importlib.util
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ats_assets.errors import SettingsError
from ats_assets.settings import Search, SearchRange, TuningSettings
from ats_assets.tuning.search_space import Parameters, rounded
from ats_assets.tuning.tried_trials import TriedTrial

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution


def asked_parameters(
    space: Mapping[str, Search],
    trials: Sequence[TriedTrial],
    settings: TuningSettings,
    *,
    own: Parameters | None,
    generation: int,
    count: int,
) -> list[Parameters]:
    """The next sets of parameters to try.

    Parameters
    ----------
    trials
        Those of all generations before, in their order; the failed ones say nothing.
    own
        The parameters of trial 0, where they lie in the space.

    Raises
    ------
    SettingsError
        If Optuna is not installed.
    """
    optuna = optuna_module()
    distributions = {name: _distribution(search) for name, search in space.items()}
    sampler = optuna.samplers.TPESampler(
        n_startup_trials=settings.random_trials, multivariate=True, constant_liar=True, seed=_seed(settings.seed, generation)
    )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for one in trials:
        parameters = own if one.number == 0 else dict(one.parameters)
        if one.state != "failed" and parameters is not None:
            study.add_trial(_told(optuna, one, parameters, distributions, settings.penalty))
    return [rounded(space, study.ask(distributions).params) for _ in range(count)]


def require_optuna() -> None:
    """See that Optuna is installed, without the second that its import takes.

    Raises
    ------
    SettingsError
        If it is not.
    """
    if importlib.util.find_spec("optuna") is None:
        raise SettingsError(
            "tuning.models names models, and tuning needs optuna, which is not installed: pip install 'ats-assets[tuning]', or leave it empty"
        )


def optuna_module() -> Any:
    """Optuna, which says what is wrong and no more.

    Raises
    ------
    SettingsError
        If it is not installed.
    """
    require_optuna()
    import optuna  # noqa: PLC0415 - an extra, and takes a second

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna


def _told(optuna: Any, one: TriedTrial, parameters: Parameters, distributions: "Mapping[str, BaseDistribution]", penalty: float) -> Any:
    """A trial as Optuna takes it: of a pruned one the mean over the folds up to each."""
    so_far = {fold: sum(one.folds[: fold + 1]) / (fold + 1) for fold in range(len(one.folds))}
    state = optuna.trial.TrialState.COMPLETE if one.state == "complete" else optuna.trial.TrialState.PRUNED
    return optuna.create_trial(
        state=state, value=one.value(penalty), params=parameters, distributions=dict(distributions), intermediate_values=so_far
    )


def _distribution(search: Search) -> "BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution  # noqa: PLC0415 - an extra

    if not isinstance(search, SearchRange):
        return CategoricalDistribution(search.choices)
    if search.is_whole:
        return IntDistribution(int(search.low), int(search.high), log=search.log, step=int(search.step or 1))
    return FloatDistribution(
        float(search.low), float(search.high), log=search.log, step=None if search.step is None else float(search.step)
    )


def _seed(seed: int, generation: int) -> int:
    return int.from_bytes(hashlib.sha256(f"{seed} {generation}".encode()).digest()[:4], "big")
