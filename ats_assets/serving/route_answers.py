"""What the OpenAPI document says of the answers of a route: of the right one its schema and example, of every other what it means."""

from collections.abc import Sequence
from typing import Any

from ats_assets.serving.problems import MEDIA_TYPE, ProblemDetails
from ats_assets.serving.roles import Role

_TOLD = {
    304: "Not changed since the version that If-None-Match names",
    400: "The request can't be read, or asks a host that is none of this service's",
    401: "No key, or one that is wrong, expired or revoked",
    403: "The key's role may not, or the CSRF token is missing",
    404: "There is nothing of that name, or it is not stored",
    409: "The data have changed since the page before; of a request: it is another one, or was confirmed already",
    410: "It was not confirmed in time",
    413: "The body is too large",
    422: "A parameter is wrong",
    429: "Too many requests: Retry-After says how long to wait",
    503: "What is asked for can't be read now: the database is locked, or a file is damaged",
}


def responses(
    role: Role, statuses: Sequence[int], model: Any, example: Any, *, status_code: int = 200, media_type: str = "application/json"
) -> dict[int | str, dict[str, Any]]:
    """What the OpenAPI document says of the answers of a route."""
    of_role = () if role is Role.PUBLIC else (401, 403)
    told: dict[int | str, dict[str, Any]] = {
        status: _told(status) for status in sorted({400, 401, 422, 429, *of_role, *statuses} - {status_code})
    }
    content: dict[str, Any] = {"example": example} if example is not None else {}
    told[status_code] = {"description": "The answer", "content": {media_type: content}}
    if model is not None:
        told[status_code]["model"] = model
    if media_type != "application/json":
        content["schema"] = {"type": "string"}
    if 304 in statuses:
        told[status_code]["headers"] = {
            "ETag": {"description": "the version of the answer, for If-None-Match", "schema": {"type": "string"}}
        }
    return told


def _told(status: int) -> dict[str, Any]:
    told: dict[str, Any] = {"description": _TOLD.get(status, "Refused")}
    if status >= 400:
        told["content"] = {MEDIA_TYPE: {"schema": ProblemDetails.model_json_schema()}}
    return told
