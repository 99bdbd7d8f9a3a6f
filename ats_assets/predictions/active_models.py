"""Which model is active: the one that was due, or one that drift has asked for since."""

from datetime import date

from ats_assets.deployment import Deployment
from ats_assets.models import Model
from ats_assets.predictions.dormant import last_good_model
from ats_assets.refits import ASKED_FOR_EACH, is_refit_session, last_refit
from ats_assets.storage.artefacts import ModelStore
from ats_assets.storage.model_record import ModelRecord


def active_since(deployment: Deployment, session: date) -> date:
    """The first session whose refit by drift can be active after `session`.

    That is the refit that was due last; or, where drift's refits learn from fewer sessions than those that are due, the oldest that is not too old for the next session: after a change the longer window of
    a due refit holds the old state for long, and it would end what drift has asked for.
    """
    training, drift = deployment.settings.training, deployment.settings.drift
    if drift is not None and drift.refit_train_sessions is not None:
        return deployment.calendar.window(session, training.max_age_sessions)[0]
    return last_refit(deployment.calendar, session, training.refit)


def model_asked_for(deployment: Deployment, model: Model, session: date) -> ModelRecord | None:
    """The newest model up to `session` that drift has asked for and that is active; None where the one is that was due."""
    asset = deployment.drift_refits.get(model.asset)
    if asset is None:
        return None
    calendar, store = deployment.calendar, deployment.model_store(asset)
    for day in reversed(deployment.known(calendar.sessions(active_since(deployment, session), session))):
        if is_refit_session(calendar, day, ASKED_FOR_EACH):
            record = store.record(day)
            if record.status == "fitted":
                return record
    return None


def active_model(deployment: Deployment, model: Model, session: date) -> tuple[ModelStore, ModelRecord]:
    """The model after the close of `session`, and where it lies: its status is "fitted" or "unavailable".

    Raises
    ------
    MissingPartitionError, CorruptPartitionError, ModelError
        As `ModelStore.active`.
    """
    if (asked := model_asked_for(deployment, model, session)) is not None:
        return deployment.model_store(deployment.drift_refits[model.asset]), asked
    return deployment.model_store(model.asset), last_good_model(deployment, model, session)
