"""What predicts where the model that should is not there: the last good one, while it is not too old, and nothing after that, so that no position is opened on a guess.

Only with `champion.dormant = "fall_back"`; by default a model that is unavailable predicts nothing, and one that is too old is an error.
"""

from collections.abc import Mapping
from datetime import date

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.models import Model
from ats_assets.predictions.schema import PREDICTIONS_SCHEMA
from ats_assets.refits import last_refit
from ats_assets.storage.model_record import ModelRecord


def falls_back(deployment: Deployment) -> bool:
    """Whether settings say so."""
    return deployment.settings.champion.dormant == "fall_back"


def last_good_model(deployment: Deployment, model: Model, session: date) -> ModelRecord:
    """The model that is active at `session`; where it is unavailable and settings say so, the newest one before that is not too old for the next session.

    Raises
    ------
    MissingPartitionError, CorruptPartitionError, ModelError
        As `ModelStore.active`.
    """
    calendar, training = deployment.calendar, deployment.settings.training
    store = deployment.model_store(model.asset)
    active = found = store.active(session)
    due = last_refit(calendar, session, training.refit)
    while falls_back(deployment) and found.status != "fitted" and due > calendar.first:
        due = last_refit(calendar, calendar.offset(due, -1), training.refit)
        if calendar.count(due, session) >= training.max_age_sessions or not deployment.known([due]):
            break
        found = store.active(due)
    return found if found.status == "fitted" else active


def is_too_old(deployment: Deployment, record: ModelRecord, session: date) -> bool:
    """Whether a fitted model may not predict at `session` any more."""
    fitted = record.fitted_session
    return fitted is not None and deployment.calendar.count(fitted, session) > deployment.settings.training.max_age_sessions


def with_stand_ins(champion: pl.DataFrame, predictions: Mapping[str, pl.DataFrame]) -> pl.DataFrame:
    """The predictions of each session's champion; where it has none, of the best of the others that has some.

    Parameters
    ----------
    champion
        The contract `Champion`, whose rank ICs say which is better; equal ones are in the order of the rows, and those without one come last.
    predictions
        By the name of each model, its rows of the contract `Predictions`.
    """
    stored = {name: set(frame["session"].unique().to_list()) for name, frame in predictions.items()}
    chosen: list[tuple[date, str]] = []
    for (session,), rows in champion.group_by("session", maintain_order=True):
        ordered = rows.sort("is_champion", "rank_ic", descending=True, nulls_last=True, maintain_order=True)["model"].to_list()
        chosen += [(session, name) for name in ordered if session in stored[name]][:1]  # pyright: ignore[reportArgumentType] - a date
    picked = pl.DataFrame(chosen, schema={"session": pl.Date, "model": pl.String}, orient="row")
    parts = [frame.join(picked.filter(model=name), on="session", how="semi") for name, frame in predictions.items()]
    return pl.concat([PREDICTIONS_SCHEMA.to_frame(), *parts]).sort("session", "symbol")


def why_not_the_champion(
    deployment: Deployment, model: Model, session: date, *, predicted: date | None, champion: str = "", own: bool = True
) -> str:
    """What is not as it should be at a session; empty where all is, and before the first model.

    Parameters
    ----------
    predicted
        The session of the fit behind what is traded; None where nothing is predicted.
    champion
        Its name, where several compete.
    own
        Whether the champion has predictions of its own.
    """
    calendar = deployment.calendar
    if session == calendar.first or not deployment.known([calendar.offset(session, -1)]):
        return ""
    due = last_refit(calendar, before := calendar.offset(session, -1), deployment.settings.training.refit)
    record = deployment.model_store(model.asset).active(before)
    if predicted is None:
        store = deployment.model_store(model.asset)
        began = any(store.record(day).status == "fitted" for day in store.stored_sessions() if day <= before)
        return f"no model is usable ({record.reason or 'too old'}): nothing is predicted, and positions run out" if began else ""
    if not own:
        return (
            f"the champion {champion} has no predictions ({record.reason or 'it is too old'}): those of the best of the others are traded"
        )
    if predicted < due and record.status != "fitted":
        return f"the model of {due} is unavailable ({record.reason}): the last good one, of {predicted}, predicts"
    return ""
