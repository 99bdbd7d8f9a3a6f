"""A study: generations of trials, each asked for knowing all trials of the generations before and none of its own, so that any number of processes come to the same end."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from ats_assets.models import Model
from ats_assets.settings import Search, TuningSettings
from ats_assets.tuning.generations import asked_parameters
from ats_assets.tuning.search_space import Parameters, own_parameters
from ats_assets.tuning.tried_trials import AskedTrial, TriedTrial, limits_after

Attempt = Callable[[Sequence[AskedTrial]], Iterable[TriedTrial]]
"""Tries what is asked for, and gives back what came of each, in any order."""


def study(
    model: Model,
    space: Mapping[str, Search],
    settings: TuningSettings,
    attempt: Attempt,
    stored: Mapping[int, TriedTrial] | None = None,
) -> list[TriedTrial]:
    """All trials, in the order in which they were asked for; the first is the model's own settings.

    Parameters
    ----------
    attempt
        Called once a generation, with what is not stored of it.
    stored
        Trials that had ended before the run was killed.

    Raises
    ------
    SettingsError
        If Optuna is not installed.
    """
    own, trials, kept = own_parameters(model, space), list[TriedTrial](), stored or {}
    for generation in range(settings.trials):
        left = settings.trials - len(trials)
        spent = sum(one.fits for one in trials)
        if left <= 0 or (settings.budget_fits is not None and spent >= settings.budget_fits and trials):
            break
        asked = _asked(space, trials, settings, own=own, generation=generation, count=min(settings.generation, left))
        firsts = _firsts(asked, trials, own)
        missing = [one for one in asked if one.number not in firsts and _of_store(kept, one) is None]
        tried = {one.number: one for one in attempt(missing)} if missing else {}
        for one in asked:
            found = _repeated(one, [*trials, *tried.values()], firsts) or _of_store(kept, one) or tried[one.number]
            trials.append(found)
            tried[one.number] = found
    return trials


def _asked(
    space: Mapping[str, Search],
    trials: Sequence[TriedTrial],
    settings: TuningSettings,
    *,
    own: Parameters | None,
    generation: int,
    count: int,
) -> list[AskedTrial]:
    first = [{}] if not trials else []
    drawn = asked_parameters(space, trials, settings, own=own, generation=generation, count=count - len(first))
    limits = limits_after(trials, settings.folds) if settings.pruning == "median" else ()
    how = {"generation": generation, "limits": limits}
    return [AskedTrial(number=len(trials) + place, parameters=one, **how) for place, one in enumerate([*first, *drawn])]


def _firsts(asked: Sequence[AskedTrial], trials: Sequence[TriedTrial], own: Parameters | None) -> dict[int, int]:
    """Those whose parameters were asked for before, and the number of the trial that was first: it is not made twice."""
    numbers = {_key(one.parameters): one.number for one in reversed(trials)}
    numbers |= {_key(own): 0} if own is not None else {}
    found: dict[int, int] = {}
    for one in asked:
        first = numbers.setdefault(_key(one.parameters), one.number)
        if first != one.number:
            found[one.number] = first
    return found


def _key(parameters: Mapping[str, object]) -> str:
    return repr(sorted(parameters.items()))


def _of_store(kept: Mapping[int, TriedTrial], asked: AskedTrial) -> TriedTrial | None:
    found = kept.get(asked.number)
    return found if found is not None and (found.generation, dict(found.parameters)) == (asked.generation, dict(asked.parameters)) else None


def _repeated(asked: AskedTrial, trials: Iterable[TriedTrial], firsts: Mapping[int, int]) -> TriedTrial | None:
    first = firsts.get(asked.number)
    found = next((one for one in trials if one.number == first), None)
    if found is None:
        return None
    again = {"number": asked.number, "generation": asked.generation, "parameters": dict(asked.parameters)}
    return replace(found, **again, fits=0, reason=f"the same as trial {first}", ics={})
