"""Errors as RFC 9457 has them (`application/problem+json`): what is wrong, where, and what to do; never a secret, never a traceback."""

import logging
import secrets
from collections.abc import Mapping
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from pydantic_core import to_json
from starlette.exceptions import HTTPException

from ats_assets.errors import AtsError, CalendarError, CorruptPartitionError, MissingPartitionError
from ats_assets.secrecy import redacted
from ats_assets.serving.keys import KeyFileError, without_keys
from ats_assets.trade_state import TradeStateBusyError

logger = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 2
"""After which a database that was locked is asked again."""


class ProblemDetails(BaseModel):
    """What is wrong, and what to do."""

    type: str = Field(description="which kind of problem, as an URN", examples=["urn:ats:problem:not-stored"])
    title: str = Field(description="the kind in words", examples=["Not stored"])
    status: int = Field(description="the HTTP status", examples=[404])
    detail: str = Field(
        description="what is wrong here, and what to do", examples=["signals has no partition for 2021-03-31. Make it: ats run"]
    )
    instance: str = Field(description="the path that was asked for", examples=["/api/v1/signals"])
    errors: list[dict[str, str]] | None = Field(default=None, description="of wrong parameters: which, and what is wrong with each")


class Problem(HTTPException):
    """An answer that says what is wrong.

    Parameters
    ----------
    status
        Of HTTP.
    kind
        In lower case with hyphens: the last part of its `type`.
    detail
        What is wrong and what to do.
    headers
        Of the answer, such as Retry-After.
    errors
        Of wrong parameters: which, and what is wrong with each.
    """

    def __init__(
        self, status: int, kind: str, detail: str, *, headers: Mapping[str, str] | None = None, errors: list[dict[str, str]] | None = None
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.kind, self.errors = kind, errors


def not_found(detail: str) -> Problem:
    """There is nothing of that name."""
    return Problem(404, "not-found", detail)


def problem_answer(problem: Problem, path: str) -> Response:
    """The answer to a path."""
    told: dict[str, Any] = {
        "type": f"urn:ats:problem:{problem.kind}",
        "title": problem.kind.replace("-", " ").capitalize(),
        "status": problem.status_code,
        "detail": without_keys(redacted(problem.detail)),
        "instance": without_keys(path),
    }
    if problem.errors is not None:
        told["errors"] = [{name: without_keys(text) for name, text in one.items()} for one in problem.errors]
    headers = {"cache-control": "no-store", **(problem.headers or {})}
    return Response(to_json(told), status_code=problem.status_code, media_type=MEDIA_TYPE, headers=headers)


def as_problem(error: AtsError) -> Problem:
    """What an error of the system is to whoever asked."""
    detail = str(error)
    if isinstance(error, MissingPartitionError):
        return Problem(404, "not-stored", detail)
    if isinstance(error, CalendarError):
        return Problem(404, "no-session", detail)
    if isinstance(error, CorruptPartitionError):
        return Problem(503, "damaged", detail)
    if isinstance(error, KeyFileError):  # whoever asks is nobody yet: where the file lies is for the log
        logger.error("%s", error)
        return Problem(503, "no-keys", "the file of API keys can't be used: the service's log says why")
    if isinstance(error, TradeStateBusyError):
        return Problem(503, "busy", f"{detail}. Ask again", headers={"retry-after": str(RETRY_SECONDS)})
    return Problem(503, "unavailable", detail)


def _wrong_parameters(error: RequestValidationError) -> Problem:
    found = [{"where": ".".join(map(str, one["loc"])), "what": redacted(str(one["msg"]))} for one in error.errors()]
    return Problem(422, "wrong-parameters", "; ".join(f"{one['where']}: {one['what']}" for one in found), errors=found)


_KINDS = {404: "not-found", 405: "wrong-method", 400: "wrong-request"}


def _of_http(error: HTTPException, request: Request) -> Problem:
    details = {
        404: f"there is nothing at {request.url.path}: /api/v1/openapi.json lists what there is",
        405: f"{request.method} is not among the methods of {request.url.path}",
    }
    detail = details.get(error.status_code, str(error.detail))
    return Problem(error.status_code, _KINDS.get(error.status_code, "refused"), detail, headers=error.headers)


def tell_problems(app: FastAPI) -> None:
    """Answer each error with what is wrong."""

    def told(request: Request, error: Exception) -> Response:
        if isinstance(error, Problem):
            problem = error
        elif isinstance(error, AtsError):
            problem = as_problem(error)
        elif isinstance(error, RequestValidationError):
            problem = _wrong_parameters(error)
        elif isinstance(error, HTTPException):
            problem = _of_http(error, request)
        else:
            problem = unexpected(error, request.url.path)
        return problem_answer(problem, request.url.path)

    for kind in (Problem, AtsError, RequestValidationError, HTTPException, Exception):
        app.add_exception_handler(kind, told)


def unexpected(error: BaseException, path: str) -> Problem:
    """A fault of this program: its traceback goes to the log, under a reference that the answer names."""
    reference = secrets.token_hex(4)
    logger.error("unexpected error %s at %s", reference, path, exc_info=error)
    return Problem(500, "fault", f"a fault of this program, logged by the service as {reference}: please report it with what the log says")
