"""One set of parameters as a trial: recorded before it is tried, with the ICs of the folds that were judged."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from ats_assets.deployment import Deployment
from ats_assets.settings import TrainingSettings
from ats_assets.trials.trial_ledger import Trial, trial_series
from ats_assets.trials.what_was_tried import behind, digest_of, ledger_of


class TuningTrial:
    """What a tuning tries. The same parameters at another tuning session, or of a study with more trials, are the same trial.

    Parameters
    ----------
    asset
        The tuning's.
    learns
        All settings of the learner, with the parameters that are tried.
    training
        What trials are fitted by.
    what
        It tries, for people.
    """

    def __init__(
        self, deployment: Deployment, asset: str, *, learns: Mapping[str, Any], training: TrainingSettings, what: Mapping[str, Any]
    ) -> None:
        led = behind(deployment, [asset])
        code, _, _ = led[asset].partition(" ")
        self._ledger = deployment.of(ledger_of)
        tried = digest_of(led | {asset: code, "learner": str(sorted(learns.items())), "training": training.of_results().model_dump_json()})
        self._trial = Trial(kind="tuning", name=asset, tried=tried, what=what)

    def begin(self) -> None:
        """Record that it is tried."""
        self._ledger.begin(self._trial)

    def add(self, session: date, ics: Mapping[date, float]) -> None:
        """Add rank ICs by the session of the decision, as of the tuning session."""
        if ics:
            self._ledger.add(self._trial, trial_series([*ics], [*ics.values()], session))
