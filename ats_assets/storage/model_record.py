"""The record of a model: what `model.json` holds."""

import json
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ats_assets.storage.sealed_file import BLANK, seal


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TaughtLabel(_Frozen):
    """What the model was taught."""

    source: str = Field(default="forward_returns", description="the label")
    column: str | None = Field(default=None, description="of that label; null: its first")
    horizon_sessions: int = Field(description="sessions from entry to exit, at most")
    kind: str = Field(description="rank or raw, as [training] has it; grade, class or return of an objective of another label")


class DecisionWindow(_Frozen):
    """Rows that a model was fitted on, or judged on."""

    first_decision: date
    last_decision: date
    sessions: int = Field(description="decision sessions with rows")
    rows: int


class Validation(_Frozen):
    """Figures on the sessions held out."""

    rank_ic: float | None = Field(description="mean over sessions of the Spearman correlation of score and label")
    by_session: dict[date, float | None] = Field(description="the same for each decision session")


class TunedParameters(_Frozen):
    """What a model owes to tuning: which of its parameters were chosen, when and by which trial; none, and why, where its own settings are used."""

    session: date = Field(description="of the tuning, which saw what was known then")
    trial: int | None = Field(default=None, description="the one that was best; 0 is the model's own settings")
    parameters: dict[str, Any] = Field(default_factory=dict, description="in place of the model's own settings")
    reason: str = Field(description="why these")


class SelectedFeatures(_Frozen):
    """What a model's features were chosen from."""

    offered: tuple[str, ...] = Field(description="all features of its families, in their order")
    chosen_share: dict[str, float] = Field(description="in what share of the halves of the past each was chosen")


class ModelRecord(_Frozen):
    """The model of one session: fitted there, carried from an earlier session, or not available, with the reason.

    No wall clock and no run id: the same data, settings and code give the same bytes.
    """

    name: str
    session: date = Field(description="partition that the record belongs to")
    status: Literal["fitted", "carried", "unavailable"]
    fitted_session: date | None = Field(default=None, description="session of the fit; null where there is no model")
    carried_from: date | None = Field(
        default=None, description="partition that holds the model, or the reason why there is none; carried only"
    )
    reason: str | None = Field(default=None, description="why there is no model; unavailable only")
    learner: str = Field(
        default="", description="the kind of model, which can load it; of an unavailable one the kind that was to be fitted"
    )
    file: str = Field(default="", description="name of the model's file, beside the record of its fit; empty where there is no model")
    features: tuple[str, ...] = Field(default=(), description="in the order that the model expects")
    label: TaughtLabel | None = None
    training: DecisionWindow | None = None
    validation_window: DecisionWindow | None = None
    validation: Validation | None = None
    parameters: dict[str, Any] = Field(default_factory=dict, description="of the library, less what does not change the result")
    tuned: TunedParameters | None = Field(default=None, description="null where it is not tuned")
    selected: SelectedFeatures | None = Field(default=None, description="null where it learns from all features that there are")
    best_iteration: int | None = Field(default=None, description="trees, epochs, or what else the model is made of")
    importance: dict[str, float] = Field(
        default_factory=dict, description="how much the model looks at each feature, in the learner's unit"
    )
    versions: dict[str, str] = Field(default_factory=dict, description="of libraries, code, settings and the data that were read")
    model_sha256: str | None = Field(default=None, description="of the model's file")
    upstream_sha256: str | None = Field(default=None, description="of upstream.json, which names every partition that was read")

    @model_validator(mode="after")
    def _complete(self) -> "ModelRecord":
        needed = {
            "fitted": (
                "fitted_session",
                "learner",
                "file",
                "features",
                "label",
                "training",
                "validation",
                "best_iteration",
                "model_sha256",
            ),
            "carried": ("carried_from",),
            "unavailable": ("reason",),
        }[self.status]
        if missing := [name for name in needed if not getattr(self, name)]:
            raise ValueError(f"a record with status {self.status!r} needs {', '.join(missing)}")
        if self.carried_from and self.carried_from >= self.session:
            raise ValueError(f"the model of {self.session} can't be carried from {self.carried_from}, which is not before it")
        return self

    def encoded(self) -> bytes:
        """JSON with sorted keys, so that equal records are equal bytes, and the SHA-256 of itself under `file_sha256`; nothing of tuning and selection where there is none."""
        absent = {name for name in ("tuned", "selected") if getattr(self, name) is None}
        values = self.model_dump(mode="json", exclude=absent or None) | {"file_sha256": BLANK}
        return seal((json.dumps(values, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode())[0]
