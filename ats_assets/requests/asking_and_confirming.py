"""Asking and confirming: what the service does, in one transaction each.

1. The kind, what it is about and the role are checked; nothing is written of what is refused here.
2. The row is written under the caller's idempotency key: asked again under it, whatever was lost on the way, it is the same request.
3. A kind that needs it gets a nonce, of which only the digest is kept. Asked again before it was confirmed, there is a new nonce, and the old one is void.
4. Who has asked confirms, with the nonce, before it expires, once.
"""

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, func, select, update

from ats_assets.requests.request_errors import (
    BodyRefusedError,
    ConfirmationError,
    IdempotencyConflictError,
    NotAllowedError,
    RequestExpiredError,
    TooManyRequestsError,
    UnknownKindError,
)
from ats_assets.requests.request_kinds import KINDS, KindTerms, RequestKind, allows
from ats_assets.requests.request_rows import Request, RequestState, load_request, manual_order_id, request_of
from ats_assets.settings import RequestsSettings
from ats_assets.trade_state import insert_missing, record
from ats_assets.trade_state.tables import requests


@dataclass(frozen=True, kw_only=True)
class Asker:
    """Who asks.

    Attributes
    ----------
    key
        The name of the API key.
    on_behalf_of
        Whom a bot asks for, such as telegram:12345.
    """

    key: str
    role: str
    on_behalf_of: str | None = None


@dataclass(frozen=True, kw_only=True)
class MadeRequest:
    """A request, and what confirms it; None where nothing is to be confirmed."""

    request: Request
    nonce: str | None
    is_new: bool


def make_request(
    connection: Connection,
    now: datetime,
    asker: Asker,
    kind: str,
    body: Mapping[str, Any],
    *,
    settings: RequestsSettings,
    idempotency_key: str | None = None,
) -> MadeRequest:
    """Write a request down.

    Raises
    ------
    UnknownKindError, BodyRefusedError, NotAllowedError, IdempotencyConflictError, TooManyRequestsError
        Nothing is written then.
    """
    terms = terms_of(kind)
    if not allows(asker.role, terms.role):
        raise NotAllowedError(f"{kind} needs the role {terms.role}, and the key {asker.key!r} has {asker.role}")
    checked = checked_body(kind, terms, body)
    if idempotency_key is not None and (known := _under_key(connection, asker, idempotency_key)) is not None:
        return _asked_again(connection, now, asker, known, (kind, checked))
    if terms.expires:  # a halt is taken however much stands
        _require_room(connection, now, asker, settings.most_open)
    nonce = secrets.token_urlsafe(18) if terms.confirmed else None
    request_id = f"{now:%Y%m%dT%H%M%S}-{secrets.token_hex(4)}"
    values = {
        "id": request_id,
        "kind": kind,
        "body": checked,
        "asked_by": asker.key,
        "on_behalf_of": asker.on_behalf_of,
        "role": asker.role,
        "asked_at": now,
        "expires_at": _expiry(terms, now, settings, confirmed=nonce is None),
        "idempotency_key": idempotency_key,
        "nonce_digest": None if nonce is None else _digest(nonce),
        "state": (RequestState.CONFIRMED if nonce is None else RequestState.ASKED).value,
        "confirmed_at": now if nonce is None else None,
        "client_order_id": manual_order_id(request_id) if kind == RequestKind.PLACE_ORDER else checked.get("client_order_id"),
    }
    if not insert_missing(connection, requests, values):  # on PostgreSQL somebody has come before since it was looked for
        if idempotency_key is None or (known := _under_key(connection, asker, idempotency_key)) is None:
            raise AssertionError(f"the id {request_id} is taken, which chance does once in a billion requests of one second")
        return _asked_again(connection, now, asker, known, (kind, checked))
    request = load_request(connection, request_id)
    note_request(connection, now, request, "request asked", body=json.dumps(checked, ensure_ascii=False))
    return MadeRequest(request=request, nonce=nonce, is_new=True)


def confirm_request(
    connection: Connection, now: datetime, asker: Asker, request_id: str, nonce: str, *, settings: RequestsSettings
) -> Request:
    """Confirm a request: from now on the desk may take it up.

    Raises
    ------
    UnknownRequestError, NotAllowedError, ConfirmationError, RequestExpiredError
    """
    row = connection.execute(select(requests).where(requests.c.id == request_id).with_for_update()).one_or_none()
    request = load_request(connection, request_id) if row is None else request_of(row)
    if (request.asked_by, request.on_behalf_of) != (asker.key, asker.on_behalf_of):
        raise NotAllowedError(f"request {request_id} was asked for by {request.who}, who alone can confirm it")
    terms = KINDS[request.kind]
    if not allows(asker.role, terms.role):
        raise NotAllowedError(f"{request.kind} needs the role {terms.role}, and the key {asker.key!r} has {asker.role}")
    if row is None or row.nonce_digest is None:
        raise ConfirmationError(f"request {request_id} is {request.state} already: nothing was done by this confirmation")
    if request.expires_at is None or request.expires_at <= now:
        raise RequestExpiredError(f"request {request_id} was to be confirmed by {request.expires_at:%H:%M:%S} UTC: ask again")
    if not hmac.compare_digest(row.nonce_digest, _digest(nonce)):
        raise ConfirmationError(f"that does not confirm request {request_id}: the nonce is in the newest answer to what was asked")
    values = {
        "state": RequestState.CONFIRMED.value,
        "confirmed_at": now,
        "nonce_digest": None,
        "expires_at": _expiry(terms, now, settings, confirmed=True),
    }
    same = (requests.c.id == request_id) & (requests.c.state == RequestState.ASKED.value) & (requests.c.nonce_digest == row.nonce_digest)
    if connection.execute(update(requests).where(same).values(**values)).rowcount != 1:
        raise ConfirmationError(f"request {request_id} was confirmed just now: nothing was done by this confirmation")
    confirmed = load_request(connection, request_id)
    note_request(connection, now, confirmed, "request confirmed")
    return confirmed


def note_request(
    connection: Connection, now: datetime, request: Request, what: str, *, who: str | None = None, **texts: str | None
) -> None:
    """A line of the audit trail; `who` is who does it, where that is not who has asked."""
    details: dict[str, object] = {"request": request.id, "kind": request.kind.value, "asked_by": request.asked_by}
    details |= {"on_behalf_of": request.on_behalf_of, "role": request.role}
    record(connection, now, (who or request.who)[:128], what, client_order_id=request.client_order_id, details=details, texts=texts)


def terms_of(kind: str) -> KindTerms:
    """What holds for a kind.

    Raises
    ------
    UnknownKindError
    """
    if kind not in {one.value for one in RequestKind}:
        raise UnknownKindError(f"there is no request {kind!r}: choose one of {', '.join(KINDS)}")
    return KINDS[RequestKind(kind)]


def checked_body(kind: str, terms: KindTerms, body: Mapping[str, Any]) -> dict[str, Any]:
    """What a request is about, as it is stored: plain JSON, numbers that must be exact as texts.

    Raises
    ------
    BodyRefusedError
        With each field that is wrong.
    """
    try:
        return terms.body.model_validate(dict(body)).model_dump(mode="json")
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, one['loc'])) or 'body'}: {one['msg'].removeprefix('Value error, ')}" for one in error.errors())
        told = (
            "; ".join(wrong).encode(errors="replace").decode()
        )  # names of unknown fields are the caller's, halves of characters among them
        raise BodyRefusedError(f"the body of {kind} is wrong: {told[:1_000]}") from None


def _asked_again(connection: Connection, now: datetime, asker: Asker, known: Request, what: tuple[str, dict[str, Any]]) -> MadeRequest:
    """The same request, with a new nonce where it waits for one: the answer with the first one may have been lost."""
    if (known.kind, known.body, known.on_behalf_of) != (*what, asker.on_behalf_of):
        raise IdempotencyConflictError(
            f"request {known.id} was asked for under this idempotency key, and is another one: give each request a key of its own"
        )
    if known.state is not RequestState.ASKED or (known.expires_at is not None and known.expires_at <= now):
        return MadeRequest(request=known, nonce=None, is_new=False)
    nonce = secrets.token_urlsafe(18)
    same = (requests.c.id == known.id) & (requests.c.state == RequestState.ASKED.value)
    if connection.execute(update(requests).where(same).values(nonce_digest=_digest(nonce))).rowcount != 1:
        return MadeRequest(request=load_request(connection, known.id), nonce=None, is_new=False)
    return MadeRequest(request=known, nonce=nonce, is_new=False)


def _under_key(connection: Connection, asker: Asker, idempotency_key: str) -> Request | None:
    same = (requests.c.asked_by == asker.key) & (requests.c.idempotency_key == idempotency_key)
    row = connection.execute(select(requests).where(same)).one_or_none()
    return None if row is None else request_of(row)


def _require_room(connection: Connection, now: datetime, asker: Asker, most: int) -> None:
    """What has expired takes no room, though no desk has said so yet."""
    waits = requests.c.state.in_([RequestState.ASKED.value, RequestState.CONFIRMED.value]) & (requests.c.expires_at > now)
    stands = waits | (requests.c.state == RequestState.TAKEN.value)
    query = select(func.count()).where(requests.c.asked_by == asker.key, stands)
    if connection.execute(query).scalar_one() >= most:
        raise TooManyRequestsError(
            f"{most} requests of {asker.key} stand already (requests.most_open): wait until the desk has taken them up"
        )


def _expiry(terms: KindTerms, now: datetime, settings: RequestsSettings, *, confirmed: bool) -> datetime | None:
    if not confirmed:
        return now + timedelta(seconds=settings.confirm_seconds)
    return now + timedelta(seconds=settings.expire_seconds) if terms.expires else None


def _digest(nonce: str) -> str:
    return hashlib.sha256(nonce.encode()).hexdigest()
