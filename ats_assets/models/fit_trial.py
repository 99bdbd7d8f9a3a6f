"""The fits of one model as a trial: recorded before the first of a run begins, with the validation ICs of each that is over."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ats_assets.deployment import Deployment
from ats_assets.models.choosing import Model
from ats_assets.storage.footer import Upstream
from ats_assets.storage.model_record import Validation
from ats_assets.trials import Trial, behind, digest_of, ledger_of, trial_series


class FitTrial:
    """What a model tries, found once from the first fit that has something to learn from.

    Parameters
    ----------
    versions
        Of the code and the settings of its asset.
    """

    def __init__(self, deployment: Deployment, model: Model, versions: Mapping[str, str]) -> None:
        self._deployment = deployment
        self._model = model
        self._versions = versions
        self._ledger = deployment.of(ledger_of)
        self._trial: Trial | None = None

    def begin(self, upstream: Upstream) -> None:
        """Record that it is tried, from what is read for a fit."""
        if self._trial is None:
            own = {self._model.asset: f"{self._versions['code']} {self._versions['settings']}"}
            tried = digest_of(own | behind(self._deployment, upstream))
            self._trial = Trial(kind="fit", name=self._model.asset, tried=tried, what=what_is_learnt(self._deployment, self._model))
        self._ledger.begin(self._trial)

    def add(self, session: date, recorded: Mapping[str, Any]) -> None:
        """Add the validation ICs of a fit, by the session of the decision."""
        validation: Validation = recorded["validation"]
        if self._trial is not None:
            self._ledger.add(self._trial, trial_series([*validation.by_session], [*validation.by_session.values()], session))


def what_is_learnt(deployment: Deployment, model: Model) -> dict[str, Any]:
    """What a model learns, for people."""
    training = deployment.settings.training
    learner = model.learner.settings.model_dump(mode="json")
    return {"learner": model.kind, "families": list(training.families), "label": training.label_source, **learner}
