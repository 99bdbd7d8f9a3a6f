"""Whether the service runs and can answer; the document of its routes."""

from fastapi import Request, Response
from pydantic import BaseModel

from ats_assets.serving.roles import Role
from ats_assets.serving.routing import PREFIX, Ask, Routes

ROUTES = Routes("service", prefix="")


class Health(BaseModel):
    """The service runs."""

    status: str


@ROUTES.get("/health", role=Role.PUBLIC, model=Health, example={"status": "ok"}, summary="Whether the service runs")
def get_health(ask: Ask) -> Response:
    """Answered as long as the process answers at all; `/ready` says whether it can read what it serves."""
    return ask.answer(lambda: {"status": "ok"})


@ROUTES.get(f"{PREFIX}/openapi.json", role=Role.READ, example={"openapi": "3.1.0"}, summary="The OpenAPI document")
def get_document(ask: Ask, request: Request) -> Response:
    """Every route with its parameters, role, answers and examples."""
    return ask.answer(request.app.openapi)
