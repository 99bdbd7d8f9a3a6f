"""The system itself: its state, alerts, and the current settings."""

from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Query, Response
from pydantic import BaseModel, Field

from ats_assets.monitoring.components import components, status_document
from ats_assets.serving.pages import Cursor, Limit, encoded_cursor, wrong_cursor
from ats_assets.serving.problems import not_found
from ats_assets.serving.queries.sent_alerts import sent_alerts
from ats_assets.serving.queries.shown_settings import listed_settings
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, Routes
from ats_assets.settings import setting_origins

ROUTES = Routes("system")


class ComponentTold(BaseModel):
    """A part of the deployment."""

    name: str
    group: str
    state: str = Field(description="ok, off, warning, late or failed")
    text: str
    since: datetime | None
    late_by_seconds: int | None
    what_to_do: str
    needs_person: bool


class Status(BaseModel):
    """The state of every component."""

    at: datetime
    verdict: str
    needs_person: bool
    components: list[ComponentTold]


class AlertTold(BaseModel):
    """An alert that went over a route."""

    id: int
    at: datetime
    severity: str
    title: str
    text: str
    route: str
    state: str = Field(description="pending, sent or given_up")
    attempts: int


class AlertPage(BaseModel):
    """Alerts, the newest first."""

    data: list[AlertTold]
    next: str | None


class SettingTold(BaseModel):
    """A current setting."""

    name: str = Field(description="dotted")
    value: Any = Field(description="secrets are hidden")
    default: Any
    comes_from: str = Field(description="default, file or environment")
    origin: str
    about: str


class SettingList(BaseModel):
    """The current settings."""

    data: list[SettingTold]
    next: None = None


_COMPONENT: dict[str, Any] = {
    "name": "signals",
    "group": "data",
    "state": "ok",
    "text": "2023-12-29 is stored",
    "since": "2023-12-29T21:20:00Z",
    "late_by_seconds": None,
    "what_to_do": "",
    "needs_person": False,
}
_STATUS = {"at": "2023-12-29T22:00:00Z", "verdict": "ok", "needs_person": False, "components": [_COMPONENT]}
_ALERT = {
    "id": 12,
    "at": "2023-12-29T21:06:00Z",
    "severity": "warning",
    "title": "slippage",
    "text": "61 bps",
    "route": "desk",
    "state": "sent",
    "attempts": 1,
}
_SETTING = {"name": "training.refit", "value": "monthly", "default": "monthly", "comes_from": "default", "origin": "default", "about": ""}


@ROUTES.get("/status", role=Role.READ, model=Status, example=_STATUS, statuses=(503,), summary="The state of every component")
def get_status(ask: Ask) -> Response:
    """What `ats status` tells: what is late, since when, and what to do about it."""
    now = datetime.now(UTC)
    return ask.answer(lambda: status_document(components(ask.deployment, now), now))


@ROUTES.get("/alerts", role=Role.READ, model=AlertPage, example={"data": [_ALERT], "next": None}, statuses=(503,), summary="Alerts")
def get_alerts(ask: Ask, limit: Limit = None, cursor: Cursor = None) -> Response:
    """The alerts of the last week, the newest first; one that went over two routes is two rows."""
    page = ask.page(limit, cursor)
    before = page.after.get("id")
    if page.after and (not isinstance(before, int) or isinstance(before, bool) or not 0 <= before < 2**62):
        raise wrong_cursor()
    with ask.service.trading.begin() as connection:
        rows, last = sent_alerts(connection, limit=page.limit, before=before)
    return ask.answer(lambda: {"data": rows, "next": None if last is None else encoded_cursor(id=last)})


@ROUTES.get(
    "/settings",
    role=Role.READ,
    model=SettingList,
    example={"data": [_SETTING], "next": None},
    statuses=(404,),
    summary="The current settings",
)
def get_settings(ask: Ask, section: Annotated[str | None, Query(max_length=64, description="one section alone")] = None) -> Response:
    """Each value with its default, where it comes from and what it is; secrets are hidden. They are changed in files, not here."""
    settings = ask.deployment.settings
    if section is not None and section not in type(settings).model_fields:
        raise not_found(f"there is no section {section!r}: choose one of {', '.join(type(settings).model_fields)}")
    shown = listed_settings(settings, setting_origins())
    rows = [asdict(one) | {"comes_from": one.comes_from} for one in shown if section is None or one.name.partition(".")[0] == section]
    return ask.answer(lambda: {"data": rows, "next": None})
