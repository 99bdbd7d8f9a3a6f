"""How drift is looked for, and what it may ask for."""

from typing import Literal

from pydantic import Field

from ats_assets.settings.section import NonNegative, Positive, Section

Subject = Literal["features", "predictions", "skill", "regime"]


class DriftSettings(Section):
    """One table `[drift]`, which may be empty; without it there is no such asset."""

    recent_sessions: int = Field(default=10, ge=2, description="the newest sessions, which are compared with what a model has learnt from")
    false_alarms_a_year: float = Field(
        default=0.1,
        gt=0,
        le=12,
        description="of a model, by all tests together, as its own past says; shared equally by features, predictions and skill",
    )
    prediction_sessions: Positive = Field(
        default=252, description="of past predictions, and of known outcomes, that the newest are compared with"
    )
    skill_sessions: Positive = Field(
        default=63, description="of known outcomes over which skill is watched; a sum of them begins anew with each refit"
    )
    regime_share: float = Field(
        default=0.05, ge=0, lt=1, description="a regime that held less of the training window than this is new to the model; 0: none is"
    )
    extra_refits_a_year: NonNegative = Field(
        default=4, description="of a model, that drift may ask for with training.refit_on_drift; of a calendar year"
    )
    least_sessions_between_refits: Positive = Field(
        default=10, description="after any refit, due or asked for, before drift may ask for one"
    )
    extra_tunings_a_year: NonNegative = Field(
        default=0,
        description="of a model of tuning.models, before refits that drift asked for; of a calendar year. 0: there is no such asset",
    )
    tunings_asked_by: tuple[Subject, ...] = Field(
        default=("skill", "regime"),
        min_length=1,
        description="what of drift asks for a tuning: skill that decays, a new regime; or features, predictions",
    )
    refit_train_sessions: Positive | None = Field(
        default=None,
        description="decision sessions in the window of a refit that drift asked for, which is then active until it is too old, whatever is due meanwhile; "
        "default: training.train_sessions, until the next one that is due",
    )
