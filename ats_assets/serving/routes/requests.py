"""What people ask for: the one way to write. A request is a row of the trade state; another process takes it up, and sends what is to be sent."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Body, Header, Path, Query, Response
from pydantic_core import to_json
from sqlalchemy import Connection

from ats_assets.requests import (
    KINDS,
    Asker,
    BodyRefusedError,
    ConfirmationError,
    IdempotencyConflictError,
    MadeRequest,
    NotAllowedError,
    RequestError,
    RequestExpiredError,
    RequestState,
    TooManyRequestsError,
    UnknownKindError,
    UnknownRequestError,
    confirm_request,
    load_request,
    make_request,
    requests_page,
)
from ats_assets.serving.pages import Cursor, Limit, after_record, record_cursor
from ats_assets.serving.problems import Problem, not_found
from ats_assets.serving.queries.asked_requests import told_request, told_requests
from ats_assets.serving.queries.order_lineage import explained_order, fills_of_request
from ats_assets.serving.request_models import (
    Confirmation,
    KindsTold,
    OrderLineageTold,
    RequestAnswered,
    RequestBodyAsked,
    RequestsTold,
    RequestTold,
)
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, AskedOf, Routes
from ats_assets.trade_state import open_trade_state

ROUTES = Routes("requests")
_ID = r"^[0-9A-Za-z-]{1,40}$"
RequestId = Annotated[str, Path(pattern=_ID, description="of the request")]
Behalf = Annotated[
    str | None,
    Header(
        alias="X-On-Behalf-Of", pattern=r"^[a-z]{1,20}:[A-Za-z0-9_.-]{1,100}$", description="whom a bot asks for, such as telegram:12345"
    ),
]
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        pattern=r"^[!-~]{1,128}$",
        description="asked again under it, as after a lost answer, it is the same request; with a new nonce, where it waits for one",
    ),
]


_REQUEST = {
    "id": "20240304T150000-1a2b3c4d",
    "kind": "place_order",
    "body": {"symbol": "AAPL", "side": "buy", "quantity": "10", "kind": "market", "limit_price": None, "reason": ""},
    "asked_by": "laptop",
    "on_behalf_of": None,
    "role": "trade",
    "asked_at": "2024-03-04T15:00:00Z",
    "expires_at": "2024-03-04T15:02:00Z",
    "state": "asked",
    "confirmed_at": None,
    "taken_at": None,
    "finished_at": None,
    "result": None,
    "reason": None,
    "order": None,
}
_ASKED = {"kind": "place_order", "body": {"symbol": "AAPL", "side": "buy", "quantity": "10"}}


@ROUTES.get(
    "/requests",
    role=Role.READ,
    model=RequestsTold,
    example={"data": [_REQUEST], "next": None},
    statuses=(503,),
    summary="Requests of people",
)
def get_requests(
    ask: Ask,
    state: Annotated[list[RequestState] | None, Query(description="only those that stand there")] = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Response:
    """What was asked for, the newest first, with what became of it."""
    page = ask.page(limit, cursor)
    before = after_record(page)
    with ask.service.trading.begin() as connection:
        found = requests_page(connection, most=page.limit + 1, before=before, states=state or ())
        told = told_requests(connection, found[: page.limit])
    last = found[page.limit - 1] if len(found) > page.limit else None
    return ask.answer(lambda: {"data": told, "next": record_cursor(None if last is None else (last.asked_at, last.id))})


@ROUTES.get("/requests/{request_id}", role=Role.READ, model=RequestTold, example=_REQUEST, statuses=(404, 503), summary="One request")
def get_request(ask: Ask, request_id: RequestId) -> Response:
    """A request, and the order that came of it."""
    try:
        with ask.service.trading.begin() as connection:
            told = told_request(connection, load_request(connection, request_id))
    except UnknownRequestError as error:
        raise not_found(str(error)) from None
    return ask.answer(lambda: told)


@ROUTES.get(
    "/requests/{request_id}/lineage",
    role=Role.READ,
    model=OrderLineageTold,
    example={"request": _REQUEST, "decided": None, "fills": []},
    statuses=(404, 503),
    summary="Where a person's order comes from, and its fills",
)
def get_request_lineage(ask: Ask, request_id: RequestId) -> Response:
    """Who asked for an order, the close that it was judged by, and each of its fills with the bars behind it, down to the delivery."""
    try:
        with ask.service.trading.begin() as connection:
            request = load_request(connection, request_id)
            told, filled = told_request(connection, request), fills_of_request(connection, request)
    except UnknownRequestError as error:
        raise not_found(str(error)) from None
    explained = explained_order(ask.deployment, filled)
    return ask.answer(lambda: {"request": told, **explained})


@ROUTES.get(
    "/request-kinds",
    role=Role.READ,
    model=KindsTold,
    example={"data": [{"kind": "halt", "role": "trade", "confirmed": False, "says": "Stops all trading."}], "writes": True},
    summary="What can be asked for",
)
def get_request_kinds(ask: Ask) -> Response:
    """Each kind of request, the role that it needs, and whether it is confirmed."""
    data = [{"kind": kind, "role": one.role, "confirmed": one.confirmed, "says": one.says} for kind, one in KINDS.items()]
    return ask.answer(lambda: {"data": data, "writes": ask.service.settings.writes})


@ROUTES.post(
    "/requests",
    role=Role.TRADE,
    model=RequestAnswered,
    example={"request": _REQUEST, "nonce": "q2V1…"},
    status_code=202,
    statuses=(409, 503),
    summary="Ask for something",
)
def post_request(
    ask: Ask,
    asked_for: Annotated[RequestBodyAsked, Body(examples=[_ASKED])],
    on_behalf_of: Behalf = None,
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Write down what is asked for, and give what confirms it. Promotions and rollbacks need the role admin."""
    asker, settings = _asker(ask, on_behalf_of), ask.deployment.settings.requests
    with _writing(ask) as connection:
        made = make_request(
            connection, datetime.now(UTC), asker, asked_for.kind, asked_for.body, settings=settings, idempotency_key=idempotency_key
        )
        told = told_request(connection, made.request)
    return _accepted(told, made)


@ROUTES.post(
    "/requests/{request_id}/confirm",
    role=Role.TRADE,
    model=RequestTold,
    example=_REQUEST | {"state": "confirmed"},
    status_code=202,
    statuses=(404, 409, 410, 503),
    summary="Confirm a request",
)
def post_confirmation(
    ask: Ask, request_id: RequestId, confirmation: Annotated[Confirmation, Body(examples=[{"nonce": "q2V1…"}])], on_behalf_of: Behalf = None
) -> Response:
    """Confirm what was asked for, once, as who has asked for it. What it is then is the desk's to take up."""
    asker, settings = _asker(ask, on_behalf_of), ask.deployment.settings.requests
    with _writing(ask) as connection:
        confirmed = confirm_request(connection, datetime.now(UTC), asker, request_id, confirmation.nonce, settings=settings)
        told = told_request(connection, confirmed)
    return _accepted(told)


def _asker(ask: AskedOf, on_behalf_of: str | None) -> Asker:
    """Who asks, where the service takes requests at all.

    Raises
    ------
    Problem
    """
    if not ask.service.settings.writes:
        raise Problem(403, "writes-off", "this service takes no requests: set serving.writes = true")
    if on_behalf_of is not None and not ask.caller.speaks_for_others:
        detail = f"the key {ask.caller.name!r} speaks for nobody else: make one with ats serve key add --speaks-for-others"
        raise Problem(403, "not-allowed", detail)
    return Asker(key=ask.caller.name, role=ask.caller.role.value, on_behalf_of=on_behalf_of)


@contextmanager
def _writing(ask: AskedOf) -> Iterator[Connection]:
    """A transaction of the trade state; what is refused in it is told as a problem, and nothing of it is written."""
    try:
        with (
            open_trade_state(ask.deployment.settings, busy_seconds=ask.service.settings.busy_seconds) as state,
            state.begin() as connection,
        ):
            yield connection
    except RequestError as error:
        raise _as_problem(error) from None


_PROBLEMS: dict[type[RequestError], tuple[int, str]] = {
    UnknownKindError: (422, "unknown-kind"),
    BodyRefusedError: (422, "wrong-body"),
    NotAllowedError: (403, "not-allowed"),
    IdempotencyConflictError: (409, "idempotency-conflict"),
    UnknownRequestError: (404, "not-found"),
    ConfirmationError: (409, "not-confirmed"),
    RequestExpiredError: (410, "expired"),
    TooManyRequestsError: (429, "too-many-requests"),
}


def _as_problem(error: RequestError) -> Problem:
    status, kind = _PROBLEMS[type(error)]
    return Problem(status, kind, str(error), headers={"retry-after": "10"} if status == 429 else None)


def _accepted(told: dict[str, Any], made: MadeRequest | None = None) -> Response:
    content = told if made is None else {"request": told, "nonce": made.nonce}
    return Response(to_json(content), status_code=202, media_type="application/json", headers={"cache-control": "no-store"})
