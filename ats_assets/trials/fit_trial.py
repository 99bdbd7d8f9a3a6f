"""The fits of one model as a trial: recorded before the first of a run begins, with the validation ICs of each that is over."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ats_assets.deployment import Deployment
from ats_assets.storage.footer import Upstream
from ats_assets.storage.model_record import Validation
from ats_assets.trials.trial_ledger import Trial, trial_series
from ats_assets.trials.what_was_tried import behind, digest_of, ledger_of, made_by


class FitTrial:
    """What a model tries, found once from the first fit that has something to learn from.

    Parameters
    ----------
    asset
        The model's.
    versions
        Of its `code` and `settings`.
    what
        It learns, for people.
    """

    def __init__(self, deployment: Deployment, asset: str, versions: Mapping[str, str], what: Mapping[str, Any]) -> None:
        self._deployment = deployment
        self._asset = asset
        self._own = made_by(versions["code"], versions["settings"])
        self._what = what
        self._ledger = deployment.of(ledger_of)
        self._trial: Trial | None = None

    def begin(self, upstream: Upstream) -> None:
        """Record that it is tried, from what is read for a fit."""
        if self._trial is None:
            tried = digest_of({self._asset: self._own} | behind(self._deployment, upstream))
            self._trial = Trial(kind="fit", name=self._asset, tried=tried, what=self._what)
        self._ledger.begin(self._trial)

    def add(self, session: date, recorded: Mapping[str, Any]) -> None:
        """Add the validation ICs of a fit, by the session of the decision."""
        validation: Validation = recorded["validation"]
        if self._trial is not None:
            self._ledger.add(self._trial, trial_series([*validation.by_session], [*validation.by_session.values()], session))
