"""How models are cross-validated, where that is wanted."""

from typing import Literal

from pydantic import Field, model_validator

from ats_assets.settings.section import NonNegative, Positive, Section


class CrossValidationSettings(Section):
    """How the models are judged on the newest training window. By default they are not, and there is no such asset."""

    kind: Literal["none", "purged_kfold", "walk_forward", "cpcv"] = Field(
        default="none",
        description="none; or each block tested once, blocks one after the other, or each choice of test_blocks of the blocks",
    )
    blocks: int = Field(default=6, ge=2, le=20, description="of the window; a walk-forward tests one less")
    test_blocks: int = Field(default=2, ge=1, description="tested at a time; of cpcv alone")
    embargo_sessions: NonNegative | None = Field(
        default=None, description="after each test block, and before each of a walk-forward; default: training.embargo_sessions"
    )
    shuffled: bool = Field(
        default=True, description="beside it, K-fold on shuffled rows without purging, as it is often done: what that adds is leakage"
    )

    @model_validator(mode="after")
    def _something_is_left_to_train_on(self) -> "CrossValidationSettings":
        if self.kind == "cpcv" and self.test_blocks >= self.blocks:
            raise ValueError(
                f"test_blocks ({self.test_blocks}) must be less than blocks ({self.blocks}): nothing would be left to train on"
            )
        return self


class ImportanceSettings(Section):
    """What models owe to their features out of sample, on the newest training window. By default it is not asked, and there is no such asset."""

    ways: tuple[Literal["features", "clusters", "alone", "contributions"], ...] = Field(
        default=(),
        description="what is permuted: single features, clusters of those that say the same; or a model of each feature alone (a fit each); "
        "or what moves the scores (Shapley values, where the model tells them)",
    )
    folds: int = Field(default=5, ge=2, le=20, description="purged ones of the window")
    seed: NonNegative = Field(default=0, description="of the permutations")

    @model_validator(mode="after")
    def _each_way_once(self) -> "ImportanceSettings":
        if len(set(self.ways)) < len(self.ways):
            raise ValueError(f"ways names one twice: {', '.join(self.ways)}")
        return self


class TimeframeValidationSettings(Section):
    """Whether what a model is good for over its own horizon is there over neighbouring ones, too. By default it is not asked, and there is no such asset."""

    neighbours: Positive = Field(default=1, description="of labels.horizons_sessions on each side of training.horizon_sessions")
    lookback_sessions: Positive = Field(default=756, description="of known outcomes that models are judged over")
