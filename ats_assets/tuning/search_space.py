"""The space that parameters are chosen from: what the settings say, else what the learner declares, checked before anything is tried."""

from collections.abc import Mapping

from pydantic import ValidationError

from ats_assets.errors import SettingsError
from ats_assets.models import Model
from ats_assets.settings import ParameterValue, Search, SearchRange, Section, TuningSettings

Parameters = dict[str, ParameterValue]
DIGITS = 6
"""Of a number that is drawn: parameters are read by people, too."""


class SearchSpace(Section):
    """Parameter -> what it may be."""

    parameters: dict[str, Search]


def search_space(model: Model, settings: TuningSettings, *, weighted: bool = False) -> dict[str, Search]:
    """The space of a model.

    Parameters
    ----------
    weighted
        Whether rows have weights, which every fit must take.

    Raises
    ------
    SettingsError
        If there is none, or it has a parameter that the learner does not know, or a value that it does not take.
    """
    where = f"[tuning.space.{model.name}]"
    space: Mapping[str, Search] = settings.space.get(model.name) or model.space
    if not space:
        raise SettingsError(
            f"tuning.models names {model.name!r}, whose learner {model.kind} declares no space: say in {where} what to choose from"
        )
    known = type(model.learner.settings).model_fields
    for name, search in space.items():
        if name not in known:
            raise SettingsError(f"{where} has {name!r}, which is no setting of {model.kind}: choose from {', '.join(known)}")
        for value in _samples(search):
            if fault := _refused(model, name, value, weighted=weighted):
                raise SettingsError(f"{where} lets {name} be {value!r}, which {model.kind} does not take: {fault}")
    return dict(space)


def own_parameters(model: Model, space: Mapping[str, Search]) -> Parameters | None:
    """What the model's own settings say of the parameters, where all of that lies in the space."""
    own = {name: getattr(model.learner.settings, name) for name in space}
    return own if all(space[name].holds(value) for name, value in own.items()) else None


def rounded(space: Mapping[str, Search], drawn: Mapping[str, ParameterValue]) -> Parameters:
    """Parameters as they are tried: numbers of a range without steps have six digits, and stay in it."""
    return {name: _rounded(space[name], value) for name, value in drawn.items()}


def _rounded(search: Search, value: ParameterValue) -> ParameterValue:
    if not isinstance(search, SearchRange) or search.is_whole or search.step is not None or not isinstance(value, float):
        return value
    return min(max(float(f"{value:.{DIGITS}g}"), float(search.low)), float(search.high))


def _samples(search: Search) -> tuple[ParameterValue, ...]:
    """Values that a learner must take: the ends, and of numbers that need not be whole one in between."""
    if isinstance(search, SearchRange) and not search.is_whole and search.step is None:
        return (*search.ends, search.low + 0.3717 * (search.high - search.low))
    return search.ends


def _refused(model: Model, name: str, value: ParameterValue, *, weighted: bool) -> str | None:
    """Why the learner does not take it, whatever its other settings are."""
    try:
        remade = model.remade({name: value})
    except ValidationError as error:
        return next((found["msg"] for found in error.errors() if found["loc"][:1] == (name,)), None)
    if remade.sequence_sessions != model.sequence_sessions:
        return "it says how many sessions are read for a decision, which is part of the graph: try other lengths as models of their own"
    if weighted and not getattr(remade.learner, "weighs_rows", False):
        return "it takes all rows for the same then, and training.sample_weights gives them weights"
    return None
