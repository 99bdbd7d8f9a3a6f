"""How a route is declared: with the role that it needs, an example, and each status that it can answer."""

import contextlib
import functools
import inspect
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType
from typing import Annotated, Any, get_args, get_origin

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic_core import to_json

from ats_assets.deployment import Deployment
from ats_assets.serving.browser_sessions import CSRF_HEADER, is_csrf_token
from ats_assets.serving.entity_tags import entity_tag, is_known, not_modified, tag_of
from ats_assets.serving.gate import CALLER
from ats_assets.serving.pages import PageAsked, decoded_cursor, slice_of
from ats_assets.serving.problems import RETRY_SECONDS, Problem
from ats_assets.serving.ready_answers import FilesSeen
from ats_assets.serving.roles import NOBODY, Caller, Role
from ats_assets.serving.route_answers import responses
from ats_assets.serving.served import Service
from ats_assets.storage.stored_calendar import ASSET as CALENDAR

PREFIX = "/api/v1"
ROLE = "x-role"
"""Of an operation in the OpenAPI document: the role that it needs."""
_TRIES = 10


class ChangedWhileReadError(Exception):
    """What an answer was read from was replaced meanwhile: it is read again."""


@dataclass(frozen=True)
class AskedOf:
    """A request to a route: whose it is, and how it is answered."""

    service: Service
    request: Request

    @property
    def deployment(self) -> Deployment:
        """What is served."""
        return self.service.deployment

    @property
    def caller(self) -> Caller:
        """Who asks."""
        return self.request.scope.get(CALLER, NOBODY)

    def page(self, limit: int | None, cursor: str | None) -> PageAsked:
        """The page that `limit` and `cursor` ask for.

        Raises
        ------
        Problem
            If the cursor is none of this service's.
        """
        settings = self.service.settings
        rows = min(limit or settings.page_rows, settings.max_page_rows)
        return PageAsked(limit=rows, after=decoded_cursor(cursor) if cursor is not None else {})

    def answer(self, content: Callable[[], Any], *, version: str | None = None, files: FilesSeen | None = None) -> Response:
        """The answer as JSON, or 304 where the caller has it already.

        Parameters
        ----------
        content
            Makes what is answered; not called where `version` shows that the caller has it.
        version
            The data version behind the content; without one the content itself is hashed.
        files
            All that the content follows from, looked at before it was read: until one changes, the answer is kept as bytes.

        Raises
        ------
        ChangedWhileReadError
            If one of the files was replaced meanwhile: version and content may be of two states.
        """
        tag = None if version is None else entity_tag(version, str(self.request.url.query), self.request.url.path)
        if tag is not None and (unchanged := self._unchanged(tag)):
            return unchanged
        body = to_json(content(), inf_nan_mode="null")
        tag = tag or tag_of(body)
        if files is not None:
            if not files.are_the_same():
                raise ChangedWhileReadError
            scope = self.request.scope
            self.service.ready.keep(scope["path"], scope["query_string"], route=scope["route"].path, tag=tag, body=body, files=files)
        return self._unchanged(tag) or _json(body, tag)

    def document(self, content: Callable[[], bytes], *, version: str, media_type: str, policy: str | None = None) -> Response:
        """A page or a picture, or 304 where the caller has it already.

        Parameters
        ----------
        policy
            What its scripts may do (Content-Security-Policy); default: nothing.
        """
        tag = entity_tag(version, self.request.url.path, str(self.request.url.query))
        headers = {"content-security-policy": policy, "x-frame-options": "SAMEORIGIN"} if policy else {}
        answer = self._unchanged(tag) or Response(content(), media_type=media_type, headers={"etag": tag})
        answer.headers.update(headers)  # of a 304, too: a browser puts them in the place of those that it kept
        return answer

    def files_of(self, session: date, *assets: str) -> FilesSeen:
        """What an answer about the newest session of assets follows from, as it is now: where a newer session would appear, their partitions, and the calendar."""
        warehouse = self.deployment.warehouse
        folders = [warehouse.root / asset for asset in assets]
        partitions = [path for asset in assets for path in (warehouse.folder(asset, session), warehouse.path(asset, session))]
        return FilesSeen([*folders, *partitions, warehouse.root / CALENDAR], warehouse.root_folder.look)

    def listing(
        self,
        rows: Callable[[], Sequence[Any]],
        page: PageAsked,
        *,
        version: str,
        session: Any = None,
        beside: Mapping[str, Any] = MappingProxyType({}),
        files: FilesSeen | None = None,
    ) -> Response:
        """A page of a list that is stored under one version, and what is told beside it."""

        def content() -> dict[str, Any]:
            data, following = slice_of(rows(), page, version)
            return {"data": data, "next": following, "session": session, "data_version": version, **beside}

        return self.answer(content, version=version, files=files)

    def _unchanged(self, tag: str) -> Response | None:
        known = self.request.headers.get("if-none-match")
        return not_modified(tag) if known is not None and is_known(tag, known) else None


def _json(body: bytes, tag: str) -> Response:
    return Response(body, media_type="application/json", headers={"etag": tag})


def asked(request: Request) -> AskedOf:
    """The request with the service that it came to; its calendar is the one that is stored now."""
    request.app.state.service.deployment.refresh_calendar()
    return AskedOf(request.app.state.service, request)


Ask = Annotated[AskedOf, Depends(asked)]
"""The parameter of a route."""


def require_role(needed: Role, *, writes: bool = False) -> Callable[[Request], None]:
    """The dependency that lets only callers of a role through.

    Parameters
    ----------
    writes
        Whether a browser has to send its CSRF token.
    """

    def check(request: Request) -> None:
        caller: Caller = request.scope.get(CALLER, NOBODY)
        require_of(caller, needed)
        if writes and caller.session and not is_csrf_token(caller.session, request.headers.get(CSRF_HEADER, "")):
            raise Problem(403, "no-csrf-token", f"a page sends the token that /api/v1/me gives it as {CSRF_HEADER}")

    return check


def require_of(caller: Caller, needed: Role) -> None:
    """Let through who has the role.

    Raises
    ------
    Problem
        401 where nobody is known, 403 where the role is another.
    """
    if caller.role.includes(needed):
        return
    if caller.role is Role.PUBLIC:
        detail = f"this needs a key of the role {needed}: send Authorization: Bearer ats_…; ats serve key add makes one"
        raise Problem(401, "no-key", detail, headers={"www-authenticate": 'Bearer realm="ats"'})
    raise Problem(403, "not-allowed", f"this needs the role {needed}, and {caller.name!r} has {caller.role}: ask with another key")


def _parameters_are_plain(request: Request) -> None:
    """A parameter that is misspelt would be passed over, and of one that is given twice the last taken: the answer would be another one than was asked for."""
    route = request.scope.get("route")
    takes_many = (
        {one.alias: _is_list(one.field_info.annotation) for one in route.dependant.query_params} if isinstance(route, APIRoute) else {}
    )
    if strangers := sorted(set(request.query_params) - takes_many.keys()):
        there = f"it takes {', '.join(sorted(takes_many))}" if takes_many else "it takes none"
        errors = [{"where": f"query.{name[:64]}", "what": "there is no such parameter"} for name in strangers[:10]]
        raise Problem(422, "wrong-parameters", f"there is no parameter {strangers[0][:64]!r}: {there}", errors=errors)
    given = Counter(name for name, _ in request.query_params.multi_items())
    if repeated := sorted(name for name, times in given.items() if times > 1 and not takes_many[name]):
        errors = [{"where": f"query.{name}", "what": f"it is given {given[name]} times"} for name in repeated]
        raise Problem(
            422, "wrong-parameters", f"the parameter {repeated[0]!r} is given {given[repeated[0]]} times: it has one value", errors=errors
        )


def _is_list(annotation: object) -> bool:
    return get_origin(annotation) is list or any(map(_is_list, get_args(annotation)))


class Routes:
    """The routes of a subject. Each module of `routes/` has one, as `ROUTES`.

    Parameters
    ----------
    tag
        The subject, as the OpenAPI document groups them.
    prefix
        Of each path.
    """

    def __init__(self, tag: str, prefix: str = PREFIX) -> None:
        self.router = APIRouter(prefix=prefix, tags=[tag])

    def get(
        self,
        path: str,
        *,
        role: Role,
        model: type[BaseModel] | Any = None,
        example: Any = None,
        media_type: str = "application/json",
        statuses: Sequence[int] = (),
        **how: Any,
    ) -> Callable[..., Any]:
        """Declare a route that reads.

        Parameters
        ----------
        role
            That it needs.
        model, example, media_type
            Of what it answers, for the OpenAPI document.
        statuses
            That it can answer beside 200, 304 and those of every route.
        """
        told = responses(role, (304, *statuses), model, example, media_type=media_type)
        guards = [Depends(require_role(role)), Depends(_parameters_are_plain)]
        declare = self.router.get(
            path,
            dependencies=guards,
            responses=told,
            openapi_extra={ROLE: role.value},
            response_model=None,
            response_class=_class_of(media_type),
            **how,
        )
        return lambda endpoint: declare(_read_again(endpoint))

    def post(
        self,
        path: str,
        *,
        role: Role,
        model: type[BaseModel] | Any = None,
        example: Any = None,
        status_code: int = 200,
        statuses: Sequence[int] = (),
        **how: Any,
    ) -> Callable[..., Any]:
        """Declare a route that takes a body; a browser has to send its CSRF token where it needs a role. Parameters as `get`."""
        told = responses(role, (413, 415, *statuses), model, example, status_code=status_code)
        guards = [Depends(require_role(role, writes=role is not Role.PUBLIC)), Depends(_parameters_are_plain)]
        extra = {ROLE: role.value}
        return self.router.post(
            path, dependencies=guards, responses=told, openapi_extra=extra, response_model=None, status_code=status_code, **how
        )


def _read_again(endpoint: Callable[..., Any]) -> Callable[..., Any]:
    """The route, asked again where what it read was replaced meanwhile."""
    if inspect.iscoroutinefunction(endpoint):
        return endpoint

    @functools.wraps(endpoint)
    def asked_again(*args: Any, **kwargs: Any) -> Response:
        for _ in range(_TRIES):
            with contextlib.suppress(ChangedWhileReadError):
                return endpoint(*args, **kwargs)
        detail = "what is asked for is being written again and again. Ask again"
        raise Problem(503, "busy", detail, headers={"retry-after": str(RETRY_SECONDS)})

    return asked_again


def _class_of(media_type: str) -> type[Response]:
    """A class of answers that says the media type, which is all that the document takes from it."""
    return JSONResponse if media_type == "application/json" else type("Document", (Response,), {"media_type": media_type})
