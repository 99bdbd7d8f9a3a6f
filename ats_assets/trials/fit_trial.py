"""The fits of one model as a trial: recorded before the first of a run begins, with the validation ICs of each that is over."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ats_assets.deployment import Deployment
from ats_assets.storage.model_record import Validation
from ats_assets.trials.trial_ledger import Trial, trial_series
from ats_assets.trials.what_was_tried import behind, digest_of, ledger_of


class FitTrial:
    """What a model tries.

    Parameters
    ----------
    asset
        The model's.
    what
        It learns, for people.
    """

    def __init__(self, deployment: Deployment, asset: str, what: Mapping[str, Any]) -> None:
        self._ledger = deployment.of(ledger_of)
        self._trial = Trial(kind="fit", name=asset, tried=digest_of(behind(deployment, [asset])), what=what)

    def begin(self) -> None:
        """Record that it is tried."""
        self._ledger.begin(self._trial)

    def add(self, session: date, recorded: Mapping[str, Any]) -> None:
        """Add the validation ICs of a fit, by the session of the decision."""
        validation: Validation = recorded["validation"]
        self._ledger.add(self._trial, trial_series([*validation.by_session], [*validation.by_session.values()], session))
