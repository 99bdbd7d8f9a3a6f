"""Taking up, finishing, refusing and expiring: what the desk does, each in a transaction that confirms its lease first."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from ats_assets.requests.asking_and_confirming import note_request
from ats_assets.requests.request_errors import RequestError
from ats_assets.requests.request_kinds import RequestKind
from ats_assets.requests.request_rows import Request, RequestState, load_request, request_of
from ats_assets.trade_state.tables import requests

_DUE = (RequestState.TAKEN.value, RequestState.CONFIRMED.value)


def due_requests(connection: Connection) -> list[Request]:
    """What is to be taken up, or gone on with, in the order of asking; halts are not among it (`asked_halts`)."""
    query = select(requests).where(requests.c.state.in_(_DUE), requests.c.kind != RequestKind.HALT.value)
    return [request_of(row) for row in connection.execute(query.order_by(requests.c.asked_at, requests.c.id))]


def asked_halts(connection: Connection) -> list[Request]:
    """The halts that are asked for and have no effect yet. Whoever asks at the same time waits for this transaction, and finds none left."""
    query = select(requests).where(requests.c.state.in_(_DUE), requests.c.kind == RequestKind.HALT.value)
    return [request_of(row) for row in connection.execute(query.order_by(requests.c.asked_at).with_for_update())]


def anything_due(connection: Connection, now: datetime) -> bool:
    """Whether a look of the desk has something to do: a cheap question, asked without the lease."""
    standing = requests.c.state.in_(_DUE)
    over = (requests.c.state == RequestState.ASKED.value) & (requests.c.expires_at <= now)
    return connection.execute(select(requests.c.id).where(standing | over).limit(1)).first() is not None


def take_up_request(connection: Connection, now: datetime, who: str, request: Request, token: int) -> Request:
    """From `confirmed` to `taken`; whatever it leads to is written down in the same transaction, or later by whoever goes on with it."""
    _move(connection, request, RequestState.CONFIRMED, state=RequestState.TAKEN.value, taken_at=now, token=token, reason=None)
    taken = load_request(connection, request.id)
    note_request(connection, now, taken, "request taken up", who=who)
    return taken


def finish_request(
    connection: Connection, now: datetime, who: str, request: Request, result: Mapping[str, Any], *, reason: str | None = None
) -> None:
    """It is done; `result` is plain JSON."""
    _move(connection, request, request.state, state=RequestState.DONE.value, finished_at=now, result=dict(result), reason=reason)
    note_request(connection, now, request, "request done", who=who)


def refuse_request(connection: Connection, now: datetime, who: str, request: Request, reason: str) -> None:
    """It is not done, and will not be."""
    _move(connection, request, request.state, state=RequestState.REFUSED.value, finished_at=now, reason=reason)
    note_request(connection, now, request, "request refused", who=who, reason=reason)


def let_wait(connection: Connection, request: Request, reason: str) -> None:
    """It can't be done now: why, until the next look."""
    if request.reason != reason:
        _move(connection, request, request.state, reason=reason)


def expire_requests(connection: Connection, now: datetime, who: str) -> list[Request]:
    """What was not confirmed, or not taken up, in its time. What is under way does not expire."""
    standing = requests.c.state.in_([RequestState.ASKED.value, RequestState.CONFIRMED.value])
    rows = connection.execute(select(requests).where(standing, requests.c.expires_at <= now).order_by(requests.c.asked_at)).all()
    for request in map(request_of, rows):
        what = "confirmed" if request.state is RequestState.ASKED else f"taken up ({request.reason or 'no desk was at work'})"
        reason = f"it was not {what} by {request.expires_at:%Y-%m-%d %H:%M:%S} UTC"
        _move(connection, request, request.state, state=RequestState.EXPIRED.value, finished_at=now, reason=reason, nonce_digest=None)
        note_request(connection, now, request, "request expired", who=who, reason=reason)
    return [request_of(row) for row in rows]


def _move(connection: Connection, request: Request, since: RequestState, **values: Any) -> None:
    """The compare-and-set of each step.

    Raises
    ------
    RequestError
        If it is no longer what it was: the caller's transaction is rolled back.
    """
    same = (requests.c.id == request.id) & (requests.c.state == since.value)
    if connection.execute(update(requests).where(same).values(**values)).rowcount != 1:
        raise RequestError(f"request {request.id} is no longer {since}: another desk works on it")
