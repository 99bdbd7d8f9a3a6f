"""The service as an ASGI application."""

import importlib
import pkgutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from ats_assets.deployment import Deployment
from ats_assets.serving import routes
from ats_assets.serving.browser_sessions import CSRF_HEADER
from ats_assets.serving.gate import Gate
from ats_assets.serving.openapi import openapi_document
from ats_assets.serving.problems import tell_problems
from ats_assets.serving.routing import Routes
from ats_assets.serving.served import Service

__all__ = ["all_routes", "make_app"]


def make_app(deployment: Deployment) -> FastAPI:
    """The service of a deployment. It opens nothing until it is asked.

    Returns
    -------
    FastAPI
        With the `Service` as `app.state.service`.
    """
    service = Service(deployment)
    app = FastAPI(title="ats_assets", lifespan=_lifetime, openapi_url=None, docs_url=None, redoc_url=None)
    app.state.service = service
    for found in all_routes():
        app.include_router(found.router)
    tell_problems(app)
    _outermost(app, service)
    app.openapi = lambda: openapi_document(app, [route for found in all_routes() for route in found.router.routes])  # pyright: ignore[reportAttributeAccessIssue]
    return app


@asynccontextmanager
async def _lifetime(app: FastAPI) -> AsyncIterator[None]:
    yield
    await app.state.service.close()


def all_routes() -> list[Routes]:
    """What the modules of `routes/` declare, in the order of their names."""
    names = sorted(one.name for one in pkgutil.iter_modules(routes.__path__))
    return [importlib.import_module(f"{routes.__name__}.{name}").ROUTES for name in names]


def _outermost(app: FastAPI, service: Service) -> None:
    """The gate goes around everything, the handling of faults included; CORS inside it, where settings name origins."""
    if service.settings.origins:
        allowed: dict[str, Any] = {"allow_origins": list(service.settings.origins), "allow_methods": ["GET", "POST"]}
        app.add_middleware(CORSMiddleware, **allowed, allow_headers=["authorization", "content-type", "if-none-match", CSRF_HEADER])
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: Gate(build(), service)  # pyright: ignore[reportAttributeAccessIssue]
