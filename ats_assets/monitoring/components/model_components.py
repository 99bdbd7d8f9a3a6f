"""Models: whether each is active, how old it is, who is champion, and whether drift was found."""

from collections.abc import Iterator
from datetime import date

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError, how_many
from ats_assets.monitoring.components.component import Component
from ats_assets.monitoring.components.observed import Observed

GROUP = "models"


def model_components(observed: Observed) -> Iterator[Component]:
    """Each model of the settings, and drift where it is looked for."""
    for name in observed.deployment.daily_models:
        yield _model(observed, name)
    if observed.deployment.settings.drift is not None:
        yield _drift(observed)


def _model(observed: Observed, name: str) -> Component:
    deployment = observed.deployment
    told = f"model {name.removesuffix('_model')}"
    try:
        store = deployment.model_store(name)
        stored = store.stored_sessions()
        if not stored:
            return Component(name=told, group=GROUP, state="warning", text="it was never fitted", what_to_do="ats run")
        record = store.active(stored[-1])
    except AtsError as error:
        return Component(name=told, group=GROUP, state="failed", text=str(error), what_to_do="ats stale --heal")
    if record.fitted_session is None:
        return Component(
            name=told, group=GROUP, state="failed", text=f"there is none at {stored[-1]}: {record.reason}", what_to_do="ats models show"
        )
    age = deployment.calendar.count(record.fitted_session, _newest(deployment, stored[-1]))
    most = deployment.settings.training.max_age_sessions
    text = f"fitted at {record.fitted_session}, {how_many(age, 'session')} ago; it may be {most} old"
    since = deployment.calendar.closes_at(record.fitted_session) if deployment.calendar.is_session(record.fitted_session) else None
    if age > most:
        return Component(
            name=told,
            group=GROUP,
            state="failed",
            text=text,
            since=since,
            what_to_do="is nightly_retraining_schedule on (ats start)? ats run",
        )
    return Component(name=told, group=GROUP, state="ok", text=text, since=since)


def _newest(deployment: Deployment, otherwise: date) -> date:
    """The newest session that targets were made for."""
    return max([otherwise, *deployment.valid_sessions("targets")[-1:]])


def _drift(observed: Observed) -> Component:
    deployment = observed.deployment
    stored = deployment.valid_sessions("drift")
    if not stored:
        return Component(name="drift", group=GROUP, state="ok", text="it was not looked for yet")
    try:
        rows = deployment.warehouse.read("drift", stored[-1:], ["model", "of", "test", "alarm", "about"])
    except AtsError as error:
        return Component(name="drift", group=GROUP, state="failed", text=str(error), what_to_do="ats stale --heal")
    alarms = rows.filter(pl.col("alarm"))
    since = deployment.calendar.closes_at(stored[-1])
    if alarms.is_empty():
        return Component(
            name="drift", group=GROUP, state="ok", text=f"no alarm at {stored[-1]} in {how_many(rows.height, 'test')}", since=since
        )
    first = alarms.row(0, named=True)
    more = f" (and {alarms.height - 1} more)" if alarms.height > 1 else ""
    text = f"{stored[-1]}: {first['model']}, {first['of']} by {first['test']}: {first['about']}{more}"
    return Component(name="drift", group=GROUP, state="warning", text=text, since=since, what_to_do="ats drift; docs/learning.md")
