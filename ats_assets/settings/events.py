"""Decisions inside a session: when they are made, what models learn of them, and what their trades cost."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from ats_assets.settings.models import Refit, TrainingSettings
from ats_assets.settings.section import Bps, Name, NonNegative, Positive, Section, Share

RULE = "rule"
"""What a model that judges the side of `events.side` names."""


class BarRegimeSettings(Section):
    """Regimes of bars inside the session. Without a frame there are none."""

    frame: Name | None = Field(default=None, description="the sampler whose bars are in regimes")
    kind: Literal["hmm", "mixture"] = Field(
        default="hmm", description="Gaussian states with memory (needs the extra `regimes`), or without"
    )
    states: int = Field(default=2, ge=2, le=5, description="that a bar can be in")
    train_sessions: Positive = Field(default=5, description="sessions before a bar's own that its estimation has seen")
    min_bars: int = Field(default=200, ge=50, description="fewer bars in these: no regimes yet")
    filter_bars: int = Field(default=200, ge=2, description="that the probabilities of a bar are filtered over, itself included")
    match_fits: NonNegative = Field(default=2, le=10, description="earlier estimations that states are matched through")
    starts: Positive = Field(default=2, description="starting points of each estimation, of which the best likelihood counts")
    seed: NonNegative = 1

    @property
    def back(self) -> int:
        """Sessions before its own that a row is made of."""
        return self.train_sessions + self.match_fits


class EventsSettings(Section):
    """When a decision is made, and how its position ends. Without a frame there are no such decisions, and no asset of them."""

    frame: Name | None = Field(default=None, description="the sampler at the close of whose bars decisions are made")
    sample: Literal["cusum", "every_bar"] = Field(
        default="cusum", description="where the price has moved far enough since the last event, or at each bar"
    )
    cusum: dict[str, Any] = Field(default_factory=dict, description="how far: `unit`, `threshold` and so on")
    side: str | None = Field(
        default=None,
        description="expression over the bars whose sign is the side of a primary rule; where it is 0 or missing there is no event",
    )
    barriers: dict[str, Any] = Field(
        default_factory=dict, description="how positions end: `unit`, `gain`, `loss`, `horizon_bars` and so on"
    )


class EventTrainingSettings(Section):
    """What all models of events share."""

    families: tuple[str, ...] = Field(
        default=(),
        description="feature families to learn from, in this order; those over bars, and over daily bars as of the session before",
    )
    align_sessions: NonNegative = Field(
        default=1, description="sessions before its own from which a decision takes the rows of other frames"
    )
    train_sessions: Positive = Field(default=60, description="sessions with labels in the training window, validation among them")
    validation_sessions: Positive = Field(
        default=5, description="the newest part of the window, held out for early stopping and to judge a fit"
    )
    min_train_events: Positive = Field(default=500, description="fewer events to train on, validation apart: no model")
    embargo_sessions: NonNegative = Field(default=0, description="sessions left out between training and validation, and before the fit")
    weights: Literal["uniqueness", "none"] = Field(
        default="uniqueness", description="what a row counts for: the less, the more other labels overlap its own"
    )
    min_return_bps: float = Field(default=0.0, description="a return counts as a gain where it is above this, in basis points before costs")
    refit: Refit = Field(default="weekly", description="fitted at the first session of each week (month, quarter), or at every session")
    max_age_sessions: Positive = Field(default=20, description="an older model is refused")
    threads: Positive = Field(default=2, description="of a fit and of its predictions; the results are the same with any number")

    @model_validator(mode="after")
    def _something_is_left_to_train_on(self) -> "EventTrainingSettings":
        if self.validation_sessions + self.embargo_sessions >= self.train_sessions:
            raise ValueError(
                f"train_sessions ({self.train_sessions}) must be more than validation_sessions and embargo_sessions together "
                f"({self.validation_sessions + self.embargo_sessions}): nothing would be left to train on"
            )
        return self

    def of_results(self) -> "EventTrainingSettings":
        """What results depend on."""
        return self.model_copy(update={"threads": 1})

    def of_learners(self, label: str) -> TrainingSettings:
        """The same in the words of the models of sessions, whose learners are used; `label` is the asset that is learnt."""
        return TrainingSettings(
            families=self.families or ("none",),
            label_source=label,
            label="raw",
            train_sessions=self.train_sessions,
            validation_sessions=self.validation_sessions,
            min_train_sessions=1,
            embargo_sessions=self.embargo_sessions,
            refit=self.refit,
            max_age_sessions=max(self.max_age_sessions, 100),
            threads=self.threads,
        )


class EventBacktestSettings(Section):
    """What is traded of the predictions, and what it costs."""

    model: Name | None = Field(default=None, description="of [event_models]; default: the last")
    min_probability: Share = Field(default=0.5, description="a position is entered where the probability that it gains is above this")
    spread_share: float = Field(default=0.5, ge=0, le=2, description="of the quoted spread, paid on the way in and on the way out")
    cost_bps: Bps = Field(default=0.0, description="beside the spread, of the price, paid on the way in and on the way out")
    paths: Positive = Field(default=2_000, description="of the Monte Carlo simulation")
    seed: int = 7


def require_sides(event_models: Mapping[str, Mapping[str, Any]], events: EventsSettings) -> None:
    """Refuse a model of events that judges a side which nothing gives.

    Raises
    ------
    ValueError
    """
    names: list[str] = []
    for name, values in event_models.items():
        if name == RULE:
            raise ValueError(f"[event_models.{name}] has the name by which models judge the side of events.side: give it another one")
        judges = values.get("judges")
        if judges == RULE and events.side is None:
            raise ValueError(f"event_models.{name} judges the side of a rule, but events.side is not set: give it an expression")
        if judges not in {None, RULE, *names}:
            raise ValueError(
                f'event_models.{name}.judges is {judges!r}: name a model before it that gives a side ({", ".join(names) or "there is none"}), or "rule"'
            )
        names += [name] if judges is None else []
