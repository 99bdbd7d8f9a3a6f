"""What of drift must agree with how models are trained."""

from ats_assets.settings.drift import DriftSettings
from ats_assets.settings.labels import FORWARD_RETURNS
from ats_assets.settings.models import TrainingSettings


def require_drift(drift: DriftSettings | None, training: TrainingSettings) -> None:
    """Refuse refits on drift that nothing looks for, that make no difference, or that learn from too little.

    Raises
    ------
    ValueError
    """
    if training.refit_on_drift and drift is None:
        raise ValueError(
            "training.refit_on_drift is set, but there is no table [drift], which says how drift is looked for: add it, it may be empty"
        )
    if training.refit_on_drift and training.refit not in {"monthly", "quarterly"}:
        raise ValueError(
            f"training.refit_on_drift asks for refits at the first session of a week, and with training.refit = {training.refit!r} there is one anyway: "
            "set refit to monthly or quarterly, or refit_on_drift to false"
        )
    own, least = drift and drift.refit_train_sessions, _least_window(training)
    if own and own < least:
        raise ValueError(
            f"drift.refit_train_sessions is {own}, fewer than the {least} that training.min_train_sessions, training.validation_sessions and what is left out between them "
            f"take: set it to {least} or more"
        )


def _least_window(training: TrainingSettings) -> int:
    """Decision sessions without which nothing is ever fitted; of a label of one's own what it takes to be known is not counted."""
    purged = training.horizon_sessions if training.label_source == FORWARD_RETURNS else 0
    return training.min_train_sessions + training.validation_sessions + training.embargo_sessions + purged
