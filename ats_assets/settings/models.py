"""What all models share, and where their experiments are tracked."""

from typing import Literal

from pydantic import Field, model_validator

from ats_assets.settings.section import Name, NonNegative, Positive, Section
from ats_assets.settings.selection import SelectionSettings

Refit = Literal["session", "weekly", "monthly", "quarterly"]
Period = Refit | Literal["yearly"]
LONGEST_PERIOD: dict[Period, tuple[int, int]] = {
    "session": (1, 1),
    "weekly": (6, 7),
    "monthly": (23, 31),
    "quarterly": (66, 92),
    "yearly": (262, 366),
}
"""Sessions from the first of one period to the first of the next, at most: of an exchange that closes at weekends, and of one that never does."""


SampleWeighting = Literal["none", "uniqueness", "returns"]


class SampleWeightsSettings(Section):
    """What the sample weights of a label depend on."""

    sample_weights: SampleWeighting


class TrainingSettings(Section):
    """What all models share: what they learn from, over which window, and when they are fitted. What is a model's own is in `[models.<name>]`."""

    families: tuple[str, ...] = Field(default=("alpha158",), min_length=1, description="feature families to learn from, in this order")
    horizon_sessions: Positive = Field(default=5, description="of the forward returns that are learnt, and that models are judged by")
    label_source: Name = Field(default="forward_returns", description="the label to learn: forward_returns, or one of [labels.<name>]")
    label_column: str | None = Field(default=None, description="of that label; default: its first, such as the return")
    label: Literal["rank", "raw"] = Field(
        default="rank", description="the percentile of the label among the session's universe, or the label itself; lambdarank has grades"
    )
    sample_weights: SampleWeighting = Field(
        default="none",
        description="what a row of the fit counts: all the same, by how little its label overlaps others, or by the return that it can be given credit for",
    )
    oldest_weight: float = Field(
        default=1.0,
        gt=-1,
        le=1,
        description="what sample_weights fade to with age: 1 not at all, 0 to nothing, -0.2 to nothing for the oldest fifth",
    )
    selection: SelectionSettings | None = Field(
        default=None, description="a table [training.selection], which may be empty: which features are learnt from; default: all"
    )
    train_sessions: Positive = Field(default=504, description="decision sessions in the training window")
    validation_sessions: Positive = Field(default=63, description="the newest part of the window, held out for early stopping")
    min_train_sessions: Positive = Field(default=126, description="fewer labelled sessions to train on, validation apart: no model")
    embargo_sessions: NonNegative = Field(default=5, description="sessions left out between training and validation, and before the fit")
    refit: Refit = Field(default="monthly", description="fitted at the first session of each month (week, quarter), or at every session")
    refit_on_drift: bool = Field(
        default=False,
        description="fitted out of turn, too, where [drift] finds the newest sessions unlike those learnt from; as often as that allows",
    )
    max_age_sessions: Positive = Field(default=63, description="an older model is refused")
    threads: Positive = Field(default=2, description="of a fit and of its predictions; the results are the same with any number")

    @model_validator(mode="after")
    def _weights_fade_where_there_are_some(self) -> "TrainingSettings":
        if self.oldest_weight != 1 and self.sample_weights == "none":
            raise ValueError(
                f"oldest_weight is {self.oldest_weight:g}, which sample_weights fade to, but sample_weights is 'none': set it to 'uniqueness' or 'returns'"
            )
        return self

    def of_results(self) -> "TrainingSettings":
        """What results depend on; a refit that drift asks for is stored beside the one that was due, which does not depend on it."""
        return self.model_copy(update={"threads": 1, "refit_on_drift": False})


class MlflowSettings(Section):
    """Experiment tracking."""

    enabled: bool = True
    tracking_uri: str | None = Field(default=None, description="default: sqlite in the data folder")
    experiment: str = "ats-assets"
