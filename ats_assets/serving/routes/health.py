"""Whether the service runs and can answer; the document of its routes."""

import logging
from datetime import date

from fastapi import Request, Response
from pydantic import BaseModel, Field

from ats_assets.errors import AtsError
from ats_assets.serving.problems import Problem
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import PREFIX, Ask, Routes

logger = logging.getLogger(__name__)
ROUTES = Routes("service", prefix="")


class Health(BaseModel):
    """The service runs."""

    status: str


@ROUTES.get("/health", role=Role.PUBLIC, model=Health, example={"status": "ok"}, summary="Whether the service runs")
def get_health(ask: Ask) -> Response:
    """Answered as long as the process answers at all; `/ready` says whether it can read what it serves."""
    return ask.answer(lambda: {"status": "ok"})


class Ready(BaseModel):
    """What is served can be read."""

    status: str
    newest_session: date | None = Field(description="with bars; null: nothing is stored yet")


@ROUTES.get(
    "/ready",
    role=Role.PUBLIC,
    model=Ready,
    example={"status": "ready", "newest_session": "2023-12-29"},
    statuses=(503,),
    summary="Whether the service can answer",
)
def get_ready(ask: Ask) -> Response:
    """The keys, the warehouse and the trade state can be read; else 503. `/api/v1/status` says how every part of the deployment is."""
    try:
        ask.service.keys.all()
        stored = ask.deployment.valid_sessions("bars")
        with ask.service.trading.begin():
            pass
    except AtsError as error:  # the reason is in the log: who asks here may be anybody
        logger.warning("not ready: %s", error)
        raise Problem(503, "not-ready", "what is served can't be read now: the service's log says why") from None
    return ask.answer(lambda: {"status": "ready", "newest_session": stored[-1] if stored else None})


@ROUTES.get(f"{PREFIX}/openapi.json", role=Role.READ, example={"openapi": "3.1.0"}, summary="The OpenAPI document")
def get_document(ask: Ask, request: Request) -> Response:
    """Every route with its parameters, role, answers and examples."""
    return ask.answer(request.app.openapi)
