"""The OpenAPI document: what FastAPI finds in the routes, and how a caller shows who it is."""

import importlib.metadata
from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from ats_assets.serving.browser_sessions import COOKIE
from ats_assets.serving.roles import Role

_ABOUT = """What an autonomous trading system has stored, decided and traded. It reads: a write is a request that another process takes up.

Lists come in pages: `next` is the cursor of the following one. Quantities, prices and money of trading are texts, so that they stay exact; market data, scores and
probabilities are numbers. Times are UTC, sessions the exchange's. An `ETag` names the version of the data: with `If-None-Match` what has not changed is answered 304.
Errors are `application/problem+json` (RFC 9457)."""
_SCHEMES = {
    "key": {"type": "http", "scheme": "bearer", "description": "an API key, of `ats serve key add`"},
    "browser": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "of a browser that has logged in"},
}


def openapi_document(app: FastAPI, declared: Iterable[BaseRoute]) -> dict[str, Any]:
    """The document of an application with these routes; made once."""
    if app.openapi_schema is None:
        version = importlib.metadata.version("ats-assets")
        found = get_openapi(title="ats_assets", version=version, routes=app.routes, description=_ABOUT)
        found.setdefault("components", {})["securitySchemes"] = _SCHEMES
        for path in found["paths"].values():
            for operation in path.values():
                needs_key = operation["x-role"] != Role.PUBLIC
                operation["security"] = [{name: []} for name in _SCHEMES] if needs_key else []
        _with_whole_examples(declared, found)
        app.openapi_schema = found
    return app.openapi_schema


def _with_whole_examples(declared: Iterable[BaseRoute], document: dict[str, Any]) -> None:
    """Put each example in as it was declared: FastAPI leaves out what is null, and then it is no example of its schema."""
    for route in declared:
        if isinstance(route, APIRoute):
            for status, answer in route.responses.items():
                for media, content in answer.get("content", {}).items():
                    if "example" in content:
                        for method in route.methods or ():
                            told = document["paths"][route.path_format][method.lower()]["responses"][str(status)]
                            told["content"][media]["example"] = content["example"]
