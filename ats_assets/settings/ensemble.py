"""Whether the models are combined, and how."""

from typing import Any

from pydantic import Field, model_validator

from ats_assets.settings.models import Refit
from ats_assets.settings.section import Name, Positive, Section

ENSEMBLE = "ensemble"
"""What the combination of models is called among them."""
NONE = "none"


class EnsembleSettings(Section):
    """One score of several models' scores; the rules are in `ats_assets/predictions/ensembles/`. By default there is none."""

    rule: Name = Field(
        default=NONE,
        description="none; equal weights; by skill, shrunk to the mean; stacked: the non-negative weights that fit past outcomes best; or one of your own",
    )
    models: tuple[Name, ...] = Field(default=(), description="whose scores are combined; default: all of [models]")
    lookback_sessions: Positive = Field(default=252, description="of known outcomes that weights are learnt from")
    min_judged_sessions: Positive = Field(default=42, description="fewer decisions than this: no weight, unless all weights are equal")
    shrinkage: float = Field(
        default=2.0,
        ge=0,
        description="how many times their sampling variance counts against differences between models: 0 takes them as they are, more is nearer to equal",
    )
    refit: Refit | None = Field(default=None, description="when weights are learnt again; default: training.refit")
    reweigh_on_drift: bool = Field(
        default=False,
        description="learnt again out of turn, too, at the first session of a week where [drift] has found drift of one of the models; as often as that allows refits",
    )
    drift_lookback_sessions: Positive | None = Field(
        default=None, description="of known outcomes that weights are learnt from where drift asked for it; default: lookback_sessions"
    )
    options: dict[str, Any] = Field(default_factory=dict, description="the rule's other settings, written as [ensemble.options]")

    @model_validator(mode="after")
    def _several_models_each_once(self) -> "EnsembleSettings":
        if len(set(self.models)) < len(self.models):
            raise ValueError(f"models names one twice: {', '.join(self.models)}")
        if len(self.models) == 1:
            raise ValueError(f"models names {self.models[0]!r} alone: name two or more, or leave it out for all of [models]")
        return self

    @model_validator(mode="after")
    def _something_comes_of_it(self) -> "EnsembleSettings":
        if self.rule == NONE and (said := sorted(self.model_fields_set - {"rule"})) and self != EnsembleSettings():
            raise ValueError(f"{said[0]} is set, but rule is {NONE!r}, so that nothing is combined: set rule, or leave the table out")
        shortest = min(self.lookback_sessions, self.drift_lookback_sessions or self.lookback_sessions)
        if self.rule not in {NONE, "equal"} and shortest < self.min_judged_sessions:
            raise ValueError(
                f"lookback_sessions (or drift_lookback_sessions) is {shortest}, in which no model is judged the {self.min_judged_sessions} times of min_judged_sessions: raise one or lower the other"
            )
        return self
