"""What of drift must agree with how models are trained."""

from ats_assets.settings.drift import DriftSettings
from ats_assets.settings.ensemble import EnsembleSettings
from ats_assets.settings.labels import FORWARD_RETURNS
from ats_assets.settings.models import TrainingSettings
from ats_assets.settings.tuning import TuningSettings


def require_drift(drift: DriftSettings | None, training: TrainingSettings, tuning: TuningSettings, ensemble: EnsembleSettings) -> None:
    """Refuse refits, tunings and weights on drift that nothing looks for, that make no difference, or that learn from too little.

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
    _require_tunings(drift, training, tuning)
    _require_weights(drift, training, ensemble)
    own, least = drift and drift.refit_train_sessions, _least_window(training)
    if own and own < least:
        raise ValueError(
            f"drift.refit_train_sessions is {own}, fewer than the {least} that training.min_train_sessions, training.validation_sessions and what is left out between them "
            f"take: set it to {least} or more"
        )


def _require_tunings(drift: DriftSettings | None, training: TrainingSettings, tuning: TuningSettings) -> None:
    if drift is None or not drift.extra_tunings_a_year:
        return
    lacking = (
        "training.refit_on_drift is not set" if not training.refit_on_drift else "tuning.models names none" if not tuning.models else ""
    )
    if lacking:
        raise ValueError(
            f"drift.extra_tunings_a_year is {drift.extra_tunings_a_year}, for tunings before the refits that drift asks for, but {lacking}: set it, or extra_tunings_a_year to 0"
        )


def _require_weights(drift: DriftSettings | None, training: TrainingSettings, ensemble: EnsembleSettings) -> None:
    if not ensemble.reweigh_on_drift:
        if ensemble.drift_lookback_sessions is not None:
            raise ValueError("ensemble.drift_lookback_sessions is set, but reweigh_on_drift is not: set both, or leave it out")
        return
    refit = ensemble.refit or training.refit
    if drift is None:
        raise ValueError(
            "ensemble.reweigh_on_drift is set, but there is no table [drift], which says how drift is looked for: add it, it may be empty"
        )
    if refit not in {"monthly", "quarterly"}:
        raise ValueError(
            f"ensemble.reweigh_on_drift asks for weights at the first session of a week, and they are learnt {refit!r} anyway: set ensemble.refit to monthly or quarterly, or "
            "reweigh_on_drift to false"
        )


def _least_window(training: TrainingSettings) -> int:
    """Decision sessions without which nothing is ever fitted; of a label of one's own what it takes to be known is not counted."""
    purged = training.horizon_sessions if training.label_source == FORWARD_RETURNS else 0
    return training.min_train_sessions + training.validation_sessions + training.embargo_sessions + purged
