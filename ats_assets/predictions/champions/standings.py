"""What MLflow's registry is told after champions were made: who is champion and who is the best challenger at the newest session, and why."""

import logging
from collections.abc import Mapping
from concurrent.futures import Future
from datetime import date
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.models import models
from ats_assets.models.mlflow_registry import CHALLENGER, CHAMPION, Standing, register_standings, registered_name
from ats_assets.predictions.active_models import active_model
from ats_assets.secrecy import redacted
from ats_assets.storage.model_record import ModelRecord
from ats_assets.storage.second_process import beside


def tell_standings(deployment: Deployment, champion: pl.DataFrame) -> None:
    """Have a second process follow the newest session of `champion` in MLflow's registry; nobody waits for it."""
    settings = deployment.settings
    if settings.mlflow.enabled and not champion.is_empty():
        registered = registered_name(settings.mlflow.experiment, settings.graph.prefix)
        beside(register_standings, settings.mlflow, settings.storage.data, registered, standings(deployment, champion)).add_done_callback(
            _heard
        )


def standings(deployment: Deployment, champion: pl.DataFrame) -> list[Standing]:
    """The champion of the newest session, and the best of the others, by rank IC.

    Parameters
    ----------
    champion
        Rows of the contract `Champion`.
    """
    newest = champion.filter(pl.col("session") == pl.col("session").max())
    chosen = newest.filter("is_champion").head(1)
    others = newest.filter(~pl.col("is_champion")).sort("rank_ic", descending=True, nulls_last=True, maintain_order=True).head(1)
    return [
        _standing(deployment, alias, row)
        for alias, rows in ((CHAMPION, chosen), (CHALLENGER, others))
        for row in rows.iter_rows(named=True)
    ]


def _standing(deployment: Deployment, alias: str, row: Mapping[str, Any]) -> Standing:
    record = _active(deployment, row["model"], row["session"])
    fit = {} if record is None else {"asset": record.name, "fitted_session": record.fitted_session, "sha256": record.model_sha256}
    return Standing(alias=alias, model=row["model"], session=row["session"], why=row["reason"], **fit)


def _active(deployment: Deployment, name: str, session: date) -> ModelRecord | None:
    """The fit that predicts at the session, the one that was active after the session before; None of an ensemble, and where there is none."""
    model = deployment.of(models).get(f"{name}_model")
    if model is None or session == deployment.calendar.first:
        return None
    before = deployment.calendar.offset(session, -1)
    record = active_model(deployment, model, before)[1] if deployment.model_store(model.asset).exists(before) else None
    return record if record is not None and record.status == "fitted" else None


def _heard(told: "Future[dict[str, str]]") -> None:
    if error := told.exception():
        logging.getLogger("ats_assets").error(redacted(f"MLflow's registry does not follow the champion: {error}"))
