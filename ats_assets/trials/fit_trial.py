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
    kind
        fit, or another way to find out how good the same model is: that is no other thing that was tried.
    """

    def __init__(self, deployment: Deployment, asset: str, what: Mapping[str, Any], kind: str = "fit") -> None:
        self._ledger = deployment.of(ledger_of)
        told = {**what, **_beside(deployment, what)}
        self._trial = Trial(kind=kind, name=asset, tried=digest_of(behind(deployment, [asset])), what=told)

    def begin(self) -> None:
        """Record that it is tried."""
        self._ledger.begin(self._trial)

    def add(self, session: date, recorded: Mapping[str, Any]) -> None:
        """Add the validation ICs of a fit, by the session of the decision."""
        validation: Validation = recorded["validation"]
        self.add_ics(session, validation.by_session)

    def add_ics(self, session: date, by_session: Mapping[date, float | None]) -> None:
        """Add rank ICs by the session of the decision, as of a session."""
        self._ledger.add(self._trial, trial_series([*by_session], [*by_session.values()], session))


def _beside(deployment: Deployment, what: Mapping[str, Any]) -> dict[str, Any]:
    """The settings of the label that is learnt and of the regimes among the features, as they are written: they tell two trials apart whose learners are the same."""
    settings = deployment.settings
    own = settings.labels.own.get(str(what.get("label")))
    label = {"label_settings": dict(own)} if own else {}
    named = [name for name in what.get("families", ()) if str(name).endswith("regimes")]
    of_name = {f"{name}_regimes" if len(settings.regimes) > 1 else "regimes": name for name in settings.regimes}
    shown = {name: settings.regimes[of_name[name]].model_dump(mode="json", exclude_defaults=True) for name in named if name in of_name}
    return label | ({"regimes": shown} if shown else {})
