"""The models of a deployment: what `[models.<name>]` names, each with its own settings."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from ats_assets.deployment import Deployment
from ats_assets.errors import ModelError, SettingsError
from ats_assets.models.learner import Learner, Scorer
from ats_assets.plugins import LEARNERS
from ats_assets.settings import TrainingSettings
from ats_assets.storage.model_record import ModelRecord


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model that is an asset: its name in the settings, the kind of learner, and the learner."""

    name: str
    kind: str
    learner: Learner

    quick: Learner
    """The same with settings that make little work."""

    @property
    def asset(self) -> str:
        """The name of its asset, and of its folder in the store of models."""
        return f"{self.name}_model"

    def learns(self, training: TrainingSettings) -> dict[str, Any]:
        """What it is and what it learns, for people."""
        own = self.learner.settings.model_dump(mode="json", exclude_defaults=True)
        return {"learner": self.kind, "families": list(training.families), "label": training.label_source, **own}

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
        return self.learner.load(content)


def models(deployment: Deployment) -> Mapping[str, Model]:
    """The models by the name of their asset, in the order of the settings; use it as `deployment.of(models)`.

    Raises
    ------
    SettingsError
        If one names no learner, has a setting that its learner does not know, or takes all rows for the same where settings give them weights.
    """
    found, weights = {}, deployment.settings.training.sample_weights
    for name, values in deployment.settings.models.items():
        chosen = LEARNERS.named(name, values, deployment.settings.plugins.folder, "models")
        quick = chosen.plugin.make(chosen.settings.model_copy(update=chosen.plugin.quick))
        made = Model(name=name, kind=chosen.kind, learner=chosen.made(), quick=quick)
        if weights != "none" and not getattr(made.learner, "weighs_rows", False):
            raise SettingsError(
                f"training.sample_weights is {weights!r}, but the model {name} ({chosen.kind}) takes all rows for the same: set it to 'none', or leave the model out"
            )
        found[made.asset] = made
    return MappingProxyType(found)
