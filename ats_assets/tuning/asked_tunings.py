"""Tunings that drift asks for: beside those that are due, at the sessions of refits by drift, within a budget a year."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.deployment import Deployment
from ats_assets.evaluation.schema import DRIFT_SCHEMA
from ats_assets.models import Model
from ats_assets.models.drift_refit_run import drift_training
from ats_assets.refits import ASKED_FOR_EACH, is_refit_session, last_refit, refits_by_drift
from ats_assets.settings import DriftSettings, TrainingSettings, TuningPeriod
from ats_assets.tuning.tuning_run import TunedPartition, TuningRun


def asked_tunings(
    alarms: pl.DataFrame,
    session: date,
    *,
    calendar: SessionCalendar,
    training: TrainingSettings,
    settings: DriftSettings,
    every: TuningPeriod,
) -> dict[date, str]:
    """The sessions up to `session`, in its year, at which a model is tuned because drift asked for it -> why.

    A function of the year's alarms and of the calendar, as `refits_by_drift` is: a refit that drift asks for is tuned first, where what asked for it since the week before is of `drift.tunings_asked_by`, until
    `drift.extra_tunings_a_year` were made.

    Parameters
    ----------
    alarms
        The model's rows of the contract `Drift` that are alarms, since the year began.
    every
        When it is tuned anyway.
    """
    days, most = alarms["session"].unique().to_list(), settings.extra_tunings_a_year
    limits = {"most": settings.extra_refits_a_year, "apart": settings.least_sessions_between_refits}
    found: dict[date, str] = {}
    for refit in refits_by_drift(calendar, days, session, refit=training.refit, **limits):
        before = last_refit(calendar, calendar.offset(refit, -1), ASKED_FOR_EACH)
        asking = alarms.filter(
            pl.col("session").is_between(before, refit, closed="right"), pl.col("of").is_in(settings.tunings_asked_by)
        ).sort("session", descending=True, maintain_order=True)
        if asking.is_empty() or len(found) == most or is_refit_session(calendar, refit, every):
            continue
        newest, of, test, about = asking.select("session", "of", "test", "about").row(0)
        found[refit] = f"drift at {newest}: {of} ({test}): {about}. Tuning {len(found) + 1} of {most} in {refit.year}"
    return found


class AskedTuningRun(TuningRun):
    """One run of the sessions of the tunings by drift of a model; its parameters are those of `TuningRun`, of the model whose tuning is theirs.

    Parameters
    ----------
    due
        The asset of the tunings that are due.
    """

    def __init__(self, deployment: Deployment, model: Model, space: Mapping[str, Any], *, due: str, **how: Any) -> None:
        super().__init__(deployment, model, space, **how)
        self._due, self._name = due, model.name
        self._training = drift_training(deployment.settings)  # parameters for the window of the refit that takes them

    def _of(self, session: date) -> TunedPartition:
        """Decided at the first session of each week, as refits by drift are, and carried forward by reference between them."""
        deployment = self._deployment
        week = last_refit(deployment.calendar, session, ASKED_FOR_EACH)
        if week != session and deployment.known([week]):
            rows = self._rows_of(week).filter("is_chosen").with_columns(session=pl.lit(session, pl.Date))
            upstream = {self._asset: deployment.warehouse.data_versions(self._asset, [week])}
            return TunedPartition(session=session, rows=_as_carried(rows), upstream=upstream)
        asked, why = self._asked(session), "drift asks for no tuning"
        if session in asked:
            made = self._tuned(session)
            if made.was_tuned:
                rows = _because(made.rows, asked[session])
                self._made = {session: rows}
                return replace(made, rows=rows)
            why = f"drift asks for a tuning, but {made.rows['reason'][0]}"
        rows = self._active(session, [day for day in asked if day < session], why)
        self._made = {session: rows}
        return TunedPartition(session=session, rows=rows, upstream=self._known.upstream(session))

    def _active(self, session: date, asked: Sequence[date], why: str) -> pl.DataFrame:
        """The newest tuning that was asked for and made since the one that was due; else the latter."""
        due = last_refit(self._deployment.calendar, session, self._settings.every)
        now = pl.lit(session, pl.Date)
        for tuned in sorted((day for day in asked if day > due), reverse=True):
            rows = self._deployment.warehouse.read(self._asset, [tuned])
            if rows["tuned_session"].to_list() == [tuned] * rows.height:  # else history was too short
                return _as_carried(rows.filter("is_chosen").with_columns(session=now))
        rows = self._deployment.warehouse.read(self._due, [session]).filter("is_chosen")
        return _because(_as_carried(rows), f"{why}; of {self._due}")

    def _rows_of(self, week: date) -> pl.DataFrame:
        return self._made[week] if week in self._made else self._deployment.warehouse.read(self._asset, [week])

    def _asked(self, session: date) -> dict[date, str]:
        deployment = self._deployment
        drift = deployment.settings.drift
        if drift is None:
            raise ValueError("there is no table [drift]")
        year = deployment.known(deployment.calendar.sessions(date(session.year, 1, 1), session))
        rows = deployment.warehouse.read("drift", year) if year else DRIFT_SCHEMA.to_frame()
        alarms = rows.filter(pl.col("alarm"), pl.col("model") == self._name)
        return asked_tunings(
            alarms, session, calendar=deployment.calendar, training=self._training, settings=drift, every=self._settings.every
        )


def _as_carried(rows: pl.DataFrame) -> pl.DataFrame:
    state = pl.when(pl.col("state") == "unavailable").then("state").otherwise(pl.lit("carried"))
    return rows.with_columns(state=state, fits=pl.lit(0, pl.Int32))


def _because(rows: pl.DataFrame, why: str) -> pl.DataFrame:
    """The rows with a reason before that of the chosen one."""
    whole = pl.concat_str(pl.lit(f"{why}: "), pl.col("reason").fill_null(""))
    return rows.with_columns(reason=pl.when("is_chosen").then(whole).otherwise("reason"))
