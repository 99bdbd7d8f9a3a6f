"""The models of a deployment: what `[models.<name>]` names, each with its own settings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from types import MappingProxyType
from typing import Any

import numpy as np

from ats_assets.deployment import Deployment
from ats_assets.errors import ModelError, SettingsError
from ats_assets.models.learner import Learner, Scorer, row_is_sequence, sequence_sessions
from ats_assets.models.sequences import Sequences, SequenceWindow
from ats_assets.models.training_set import CrossSections
from ats_assets.plugins import LEARNERS
from ats_assets.settings import ParameterValue, Search, TrainingSettings
from ats_assets.storage.model_record import ModelRecord


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model that is an asset: its name in the settings, the kind of learner, and the learner."""

    name: str
    kind: str
    learner: Learner

    quick: Learner
    """The same with settings that make little work."""
    make: Callable[[Any], Learner] | None = None
    """Makes the learner of other settings; None: its class does."""
    space: Mapping[str, Search] = field(default_factory=dict)
    """The settings that tuning may choose, and what each may be."""
    tuning: str | None = None
    """The asset that chooses them; None: the settings stand as they are."""

    @property
    def asset(self) -> str:
        """The name of its asset, and of its folder in the store of models."""
        return f"{self.name}_model"

    @property
    def sequence_sessions(self) -> int:
        """How many sessions of features it looks at for a decision."""
        return sequence_sessions(self.learner)

    def sequences_in(self, sessions: Sequence[date]) -> SequenceWindow | None:
        """Its sequences that lie in some sessions, which follow each other without a gap; None where it looks at one row."""
        length = self.sequence_sessions
        return SequenceWindow(length=length, sessions=tuple(sessions)) if length > 1 else None

    def inputs(self, rows: CrossSections) -> np.ndarray | Sequences:
        """What its scorer is given for some rows: `x`, or their sequences.

        Raises
        ------
        ModelError
            If it looks at sequences, and the rows have none, or shorter ones.
        """
        length = self.sequence_sessions
        if length == 1:
            return rows.x
        if rows.sequences is None or rows.sequences.length < length:
            raise ModelError(
                f"the model {self.name} ({self.kind}) looks at sequences of {length} sessions, and these rows have "
                f"{'none' if rows.sequences is None else f'some of {rows.sequences.length}'}: give training_window its sequence_sessions"
            )
        return rows.sequences.newest(length)

    def learns(self, training: TrainingSettings) -> dict[str, Any]:
        """What it is and what it learns, for people."""
        own = self.learner.settings.model_dump(mode="json", exclude_defaults=True)
        tuned = {"tuned_by": self.tuning} if self.tuning else {}
        return {"learner": self.kind, "families": list(training.families), "label": training.label_source, **own, **tuned}

    def remade(self, parameters: Mapping[str, ParameterValue]) -> "Model":
        """The model with other settings in place of its own.

        Raises
        ------
        ValidationError
            If its learner does not take one of them.
        """
        if not parameters:
            return self
        made_by: Any = self.make or type(self.learner)
        own = self.learner.settings
        return replace(self, learner=made_by(type(own).model_validate(own.model_dump() | dict(parameters))))

    def scorer(self, record: ModelRecord, content: bytes) -> Scorer:
        """The model of a record and its bytes.

        Raises
        ------
        ModelError
            If another kind of learner fitted it.
        """
        if record.learner != self.kind:
            raise ModelError(
                f"{record.name} of {record.session} was fitted by {record.learner}, and models.{self.name} is of the kind {self.kind} now: "
                f"fit it again with ats run --select {record.name}, or give the new one another name"
            )
        model = self if record.tuned is None else self.remade(record.tuned.parameters)
        return model.learner.load(content)


def of_trading(deployment: Deployment, values: Mapping[str, Any]) -> dict[str, float]:
    """What a model's settings take from `[backtest]` where they leave it out: of objective dollar_profit the cost of opening and closing a position."""
    return {"cost_bps": deployment.settings.backtest.round_trip_bps} if values.get("objective") == "dollar_profit" else {}


def models(deployment: Deployment) -> Mapping[str, Model]:
    """The models by the name of their asset, in the order of the settings; use it as `deployment.of(models)`.

    Raises
    ------
    SettingsError
        If one names no learner, has a setting that its learner does not know, takes all rows for the same where settings give them weights, or can spare no feature
        where settings choose some.
    """
    found, weights = {}, deployment.settings.training.sample_weights
    tuned = deployment.tunings
    for name, values in deployment.settings.models.items():
        chosen = LEARNERS.named(name, values, deployment.settings.plugins.folder, "models", of_trading(deployment, values))
        quick = chosen.plugin.make(chosen.settings.model_copy(update=chosen.plugin.quick))
        how = {"make": chosen.plugin.make, "space": chosen.plugin.space, "tuning": tuned.get(name)}
        made = Model(name=name, kind=chosen.kind, learner=chosen.made(), quick=quick, **how)
        if weights != "none" and not getattr(made.learner, "weighs_rows", False):
            raise SettingsError(
                f"training.sample_weights is {weights!r}, but the model {name} ({chosen.kind}) takes all rows for the same: set it to 'none', or leave the model out"
            )
        if deployment.settings.training.selection is not None and row_is_sequence(made.learner):
            raise SettingsError(
                f"[training.selection] leaves features out, but those of a row are a sequence to the model {name} ({chosen.kind}): leave the table or the model out, or "
                "let the model look at sessions of features"
            )
        found[made.asset] = made
    return MappingProxyType(found)
