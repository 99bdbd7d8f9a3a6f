"""An ensemble as a trial: its rule, settings and models, of whose trials it is made and among which it chooses."""

from collections.abc import Mapping
from datetime import date

from ats_assets.deployment import Deployment
from ats_assets.trials.trial_ledger import Trial, trial_series
from ats_assets.trials.what_was_tried import behind, digest_of, ledger_of

WEIGHTS = "ensemble_weights"
"""The asset of the weights: what is behind it is what was tried."""


class EnsembleTrial:
    """What the ensemble of a deployment tries: another rule, other settings of it or other models are another trial. It chooses among its models, each of which is a trial, too."""

    def __init__(self, deployment: Deployment) -> None:
        settings = deployment.settings
        parts = tuple(sorted(digest_of(behind(deployment, [f"{name}_model"])) for name in settings.ensemble_models))
        self._ledger = deployment.of(ledger_of)
        self._trial = Trial(
            kind="ensemble",
            name=WEIGHTS,
            tried=digest_of(behind(deployment, [WEIGHTS])),
            made_of=parts,
            chosen_from=parts,
            what={"models": list(settings.ensemble_models), **settings.ensemble.model_dump(mode="json", exclude_defaults=True)},
        )

    def begin(self) -> None:
        """Record that it is tried."""
        self._ledger.begin(self._trial)

    def add_ics(self, session: date, by_session: Mapping[date, float | None]) -> None:
        """Add rank ICs of its scores by the session of the decision, as of a session."""
        self._ledger.add(self._trial, trial_series([*by_session], [*by_session.values()], session))
