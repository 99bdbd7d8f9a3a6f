"""The fits that drift asks for: as those that are due, in a store of their own, at the first sessions of weeks and only where it asks."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.deployment import Deployment
from ats_assets.evaluation.schema import DRIFT_SCHEMA
from ats_assets.models.choosing import Model
from ats_assets.models.fit_states import FitOver
from ats_assets.models.training_run import TrainingRun
from ats_assets.refits import ASKED_FOR_EACH, last_refit, refits_by_drift
from ats_assets.settings import DriftSettings, Settings, TrainingSettings
from ats_assets.storage.artefacts import Unavailable
from ats_assets.storage.model_record import ModelRecord


@dataclass(frozen=True, kw_only=True)
class DriftRefits(Model):
    """A model under the name of its refits by drift."""

    @property
    def asset(self) -> str:
        """The name of their asset, and of its folder in the store of models."""
        return f"{self.name}_refits"


def drift_training(settings: Settings) -> TrainingSettings:
    """The settings of the fits that drift asks for."""
    own = settings.drift.refit_train_sessions if settings.drift else None
    return settings.training if own is None else settings.training.model_copy(update={"train_sessions": own})


class DriftRefitRun(TrainingRun):
    """One run of the sessions of the refits by drift of a model; its parameters are those of `TrainingRun`."""

    def __init__(self, deployment: Deployment, model: DriftRefits, **how: Any) -> None:
        super().__init__(deployment, model, **how)
        if deployment.settings.drift is None:
            raise ValueError("there is no table [drift]")
        self._drift = deployment.settings.drift
        self._settings = drift_training(deployment.settings)
        self._reasons: dict[date, str] = {}

    def materialise(self, sessions: Sequence[date]) -> list[ModelRecord]:
        """Fit where drift asks for it, and say why there is no model at the first sessions of other weeks; between them carry either forward."""
        weeks = {session: last_refit(self._deployment.calendar, session, ASKED_FOR_EACH) for session in sessions}
        first = [session for session, week in weeks.items() if session == week]
        asked = {session: self._asked(session) for session in first}
        self._reasons = {session: text for session, (is_asked, text) in asked.items() if is_asked}
        records = self._refitted(list(self._reasons))
        for session, (is_asked, text) in asked.items():
            if not is_asked:
                how: dict[str, Any] = {"upstream": self._known.upstream(session), "learner": self._model.kind}
                records[session] = self._store.write_unavailable(session, Unavailable(reason=text), self._versions, **how)
        return [records[session] if session in records else self._carried(session, week) for session, week in weeks.items()]

    def _asked(self, session: date) -> tuple[bool, str]:
        """Whether drift asks for a fit, and the reason why, or why not."""
        calendar, training = self._deployment.calendar, self._deployment.settings.training
        year = self._deployment.known(calendar.sessions(date(session.year, 1, 1), session))
        rows = self._deployment.warehouse.read("drift", year) if year else DRIFT_SCHEMA.to_frame()
        alarms = rows.filter(pl.col("alarm") & (pl.col("model") == self._model.name))
        return asked_for(alarms, session, calendar=calendar, training=training, settings=self._drift)

    def _stored(self, over: FitOver) -> ModelRecord:
        if over.recorded:
            over.recorded["reason"] = self._reasons[over.wanted.session]
        return super()._stored(over)


def asked_for(
    alarms: pl.DataFrame, session: date, *, calendar: SessionCalendar, training: TrainingSettings, settings: DriftSettings
) -> tuple[bool, str]:
    """Whether drift asks for a fit at the first session of a week, and the reason why, or why not.

    Parameters
    ----------
    alarms
        The model's rows of the contract `Drift` that are alarms, since the year began.
    """
    most, apart = settings.extra_refits_a_year, settings.least_sessions_between_refits
    days = alarms["session"].unique().to_list()
    made = refits_by_drift(calendar, days, session, refit=training.refit, most=most, apart=apart)
    if session not in made:
        newest = max((day for day in days if calendar.count(day, session) <= settings.recent_sessions), default=None)
        if newest is None:
            return False, "drift asks for no refit"
        spent = f"{len(made)} of {most} refits by drift were made in {session.year}, none less than {apart} sessions after another fit"
        return False, f"drift of {newest} asks for a refit, but {spent}"
    found = alarms.filter(pl.col("session") == made[session]).unique("of", keep="first", maintain_order=True)
    text = "; ".join(f"{of} ({test}): {about}" for of, test, about in found.select("of", "test", "about").iter_rows())
    return True, f"drift at {made[session]}: {text}. Refit {list(made).index(session) + 1} of {most} in {session.year}"
