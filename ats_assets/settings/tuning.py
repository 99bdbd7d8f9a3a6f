"""Tuning: which models choose their parameters inside their training window, when, by how many trials, and from which space."""

import math
from typing import Annotated, Any, Literal

from pydantic import Field, Tag, model_validator
from pydantic.types import Discriminator

from ats_assets.settings.section import Name, NonNegative, Positive, Section

TuningPeriod = Literal["monthly", "quarterly", "yearly"]
ParameterValue = bool | int | float | str | None


class SearchRange(Section):
    """The numbers from `low` to `high`, both included; whole ones where both are whole."""

    low: int | float
    high: int | float
    log: bool = Field(default=False, description="as many between 1 and 10 as between 10 and 100")
    step: int | float | None = Field(default=None, gt=0, description="only low, low + step and so on; default: all, of whole numbers each")

    @model_validator(mode="after")
    def _holds_something(self) -> "SearchRange":
        if self.low >= self.high:
            raise ValueError(f"the range from {self.low:g} to {self.high:g} is empty: low must be below high")
        if self.log and self.low <= 0:
            raise ValueError(f"log is set, but low is {self.low:g}: a range that is drawn from by its logarithm begins above 0")
        if self.log and self.step is not None:
            raise ValueError("log and step are both set: leave one of them out")
        if self.is_whole and self.step is not None and not isinstance(self.step, int):
            raise ValueError(f"step is {self.step:g} in a range of whole numbers: give a whole one, or low and high a decimal point")
        return self

    @property
    def is_whole(self) -> bool:
        """Whether only whole numbers are meant."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    @property
    def ends(self) -> tuple[ParameterValue, ...]:
        """Values that a learner must take if it takes all: the lowest and the highest."""
        return self.low, self.high

    def holds(self, value: object) -> bool:
        """Whether a value is in it.

        Examples
        --------
        >>> whole = SearchRange(low=1, high=9, step=4)
        >>> [whole.holds(value) for value in (5, 5.0, 4, "5")]
        [True, True, False, False]
        """
        if isinstance(value, bool) or not isinstance(value, int | float) or not self.low <= value <= self.high:
            return False
        if self.is_whole and value != int(value):
            return False
        steps = (value - self.low) / self.step if self.step else 0.0
        return math.isclose(steps, round(steps), abs_tol=1e-8)


class SearchChoices(Section):
    """One of some values."""

    choices: tuple[ParameterValue, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _each_once(self) -> "SearchChoices":
        if len({(type(one), one) for one in self.choices}) < len(self.choices):
            raise ValueError(f"choices names one twice: {', '.join(map(str, self.choices))}")
        return self

    @property
    def ends(self) -> tuple[ParameterValue, ...]:
        """Values that a learner must take if it takes all: each."""
        return self.choices

    def holds(self, value: object) -> bool:
        """Whether a value is one of them."""
        return any(value == one and isinstance(value, bool) == isinstance(one, bool) for one in self.choices)


def _is_of_choices(values: Any) -> str:
    return "choices" if isinstance(values, SearchChoices) or (isinstance(values, dict) and "choices" in values) else "range"


Search = Annotated[Annotated[SearchRange, Tag("range")] | Annotated[SearchChoices, Tag("choices")], Discriminator(_is_of_choices)]
"""What a parameter may be."""


class TuningSettings(Section):
    """How models choose their parameters inside their training window. By default none does, and there is no such asset."""

    models: tuple[Name, ...] = Field(default=(), description="those of [models] that are tuned; each has an asset <name>_tuning")
    trials: int = Field(default=30, ge=2, description="sets of parameters that are tried, the model's own settings first")
    every: TuningPeriod = Field(
        default="yearly", description="tuned at the first session of each year (quarter, month); used until the next"
    )
    split: Literal["purged_kfold", "walk_forward"] = Field(
        default="purged_kfold",
        description="how trials are judged inside the window: each fold once, or folds one after the other, from the past alone",
    )
    folds: int = Field(default=4, ge=2, le=20, description="of the training window, that a trial is judged on")
    embargo_sessions: NonNegative | None = Field(
        default=None, description="after each fold, and before each of a walk-forward; default: training.embargo_sessions"
    )
    pruning: Literal["median", "none"] = Field(
        default="median", description="end a trial whose mean over its first folds is below the median of the trials before it"
    )
    penalty: float = Field(default=1.0, ge=0, description="standard errors over the folds that are taken off a trial's mean rank IC")
    margin: float = Field(
        default=1.0,
        ge=0,
        description="standard errors over the folds by which the best trial must beat the model's own settings to replace them",
    )
    random_trials: Positive = Field(default=10, description="the first ones, drawn at random; the rest where those were good (TPE)")
    generation: Positive = Field(
        default=4, description="trials that are asked for at once, none of which knows of the others; the results depend on it"
    )
    processes: Positive = Field(default=1, description="that try at once; the results are the same with any number")
    budget_fits: Positive | None = Field(default=None, description="no further trials once so many fits were made; default: no bound")
    seed: NonNegative = 0
    worth: bool = Field(default=True, description="measure what tuning was worth, period by period, against the models' own settings")
    space: dict[Name, dict[str, Search]] = Field(
        default={}, description="name of a model -> its parameters, instead of the space that its learner declares"
    )

    @model_validator(mode="after")
    def _spaces_are_of_tuned_models(self) -> "TuningSettings":
        if len(set(self.models)) < len(self.models):
            raise ValueError(f"models names one twice: {', '.join(self.models)}")
        for name, parameters in self.space.items():
            if name not in self.models:
                raise ValueError(
                    f"[tuning.space.{name}] is of a model that is not tuned: add {name!r} to tuning.models, or leave the table out"
                )
            if not parameters:
                raise ValueError(
                    f"[tuning.space.{name}] is empty: name a parameter, or leave the table out for the space that the learner declares"
                )
        return self

    def of_results(self, name: str) -> "TuningSettings":
        """What the results of one model depend on, but its space."""
        return self.model_copy(update={"models": (name,), "processes": 1, "worth": True, "space": {}})
