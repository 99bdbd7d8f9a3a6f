"""Requests as rows: one, a page of them, and the order that came of one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Row, and_, or_, select

from ats_assets.requests.request_errors import UnknownRequestError
from ats_assets.requests.request_kinds import RequestKind
from ats_assets.trade_state.tables import fills, intents, orders, requests

MANUAL = "manual"
"""The book of orders that people ask for, and how their ids begin."""


class RequestState(StrEnum):
    """Where a request stands."""

    ASKED = "asked"
    """It waits for its confirmation."""
    CONFIRMED = "confirmed"
    """The desk may take it up."""
    TAKEN = "taken"
    """It is under way; a desk that dies leaves it to the next one."""
    DONE = "done"
    REFUSED = "refused"
    EXPIRED = "expired"

    @property
    def final(self) -> bool:
        """Whether nothing more will come of it."""
        return self in (RequestState.DONE, RequestState.REFUSED, RequestState.EXPIRED)


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request as the database has it, without what confirms it.

    Attributes
    ----------
    expires_at
        Until when it is confirmed, then until when it is taken up; None: it waits.
    reason
        Why it was refused, or waits.
    """

    id: str
    kind: RequestKind
    body: dict[str, Any]
    asked_by: str
    on_behalf_of: str | None
    role: str
    asked_at: datetime
    expires_at: datetime | None
    state: RequestState
    confirmed_at: datetime | None
    taken_at: datetime | None
    finished_at: datetime | None
    client_order_id: str | None
    result: dict[str, Any] | None
    reason: str | None

    @property
    def who(self) -> str:
        """Who has asked, for the audit trail."""
        return told_who(self.asked_by, self.on_behalf_of)


@dataclass(frozen=True, kw_only=True)
class OrderOfRequest:
    """What has become of the order that a request made or cancels.

    Attributes
    ----------
    state
        Of the intent: planned, sending, accepted, partially_filled, filled, canceled, expired, rejected, withdrawn, missed, unknown.
    """

    client_order_id: str
    symbol: str
    side: str
    quantity: Decimal
    kind: str
    limit_price: Decimal | None
    state: str
    reason: str | None
    broker_order_id: str | None
    filled_quantity: Decimal
    filled_average_price: Decimal | None
    filled_at: datetime | None


def told_who(asked_by: str, on_behalf_of: str | None) -> str:
    """Key and person.

    Examples
    --------
    >>> told_who("bots", "telegram:12345"), told_who("ann", None)
    ('bots on behalf of telegram:12345', 'ann')
    """
    return asked_by if on_behalf_of is None else f"{asked_by} on behalf of {on_behalf_of}"


def manual_order_id(request_id: str) -> str:
    """The client order id of the order that a request is for: the same request always makes the same one, so that no broker takes it twice."""
    return f"{MANUAL}-{request_id}"


def load_request(connection: Connection, request_id: str) -> Request:
    """The request of that id.

    Raises
    ------
    UnknownRequestError
        If there is none.
    """
    row = connection.execute(select(requests).where(requests.c.id == request_id)).one_or_none()
    if row is None:
        raise UnknownRequestError(f"there is no request {request_id!r}")
    return request_of(row)


def requests_page(
    connection: Connection,
    *,
    most: int = 50,
    before: tuple[datetime, str] | None = None,
    states: Sequence[RequestState] = (),
    asked_by: str | None = None,
) -> list[Request]:
    """Requests, the newest first.

    Parameters
    ----------
    before
        Time and id of the last one of the page before.
    states
        Only those that stand there; default: all.
    asked_by
        Only those of a key.
    """
    query = select(requests).order_by(requests.c.asked_at.desc(), requests.c.id.desc()).limit(most)
    if before is not None:
        at, last = before
        query = query.where(or_(requests.c.asked_at < at, and_(requests.c.asked_at == at, requests.c.id < last)))
    if states:
        query = query.where(requests.c.state.in_([one.value for one in states]))
    if asked_by is not None:
        query = query.where(requests.c.asked_by == asked_by)
    return [request_of(row) for row in connection.execute(query)]


def order_of_request(connection: Connection, request: Request) -> OrderOfRequest | None:
    """The order that it made, or cancels, as far as the records go; None where there is none yet."""
    if request.client_order_id is None:
        return None
    intent = connection.execute(select(intents).where(intents.c.client_order_id == request.client_order_id)).one_or_none()
    if intent is None:
        return None
    of_intent = (orders.c.intent_id == intent.client_order_id) & (orders.c.client_order_id == intent.client_order_id)
    order = connection.execute(select(orders).where(of_intent)).first()
    newest = select(fills.c.at).where(fills.c.intent_id == intent.client_order_id).order_by(fills.c.at.desc()).limit(1)
    return OrderOfRequest(
        client_order_id=intent.client_order_id,
        symbol=intent.symbol,
        side=intent.side,
        quantity=intent.quantity,
        kind=intent.kind,
        limit_price=intent.limit_price,
        state=intent.state,
        reason=intent.reason,
        broker_order_id=None if order is None else order.broker_order_id,
        filled_quantity=Decimal(0) if order is None else order.filled_quantity,
        filled_average_price=None if order is None else order.filled_average_price,
        filled_at=connection.execute(newest).scalar_one_or_none(),
    )


def request_of(row: Row[Any]) -> Request:
    """A row of the table."""
    plain = ("id", "body", "asked_by", "on_behalf_of", "role", "asked_at", "expires_at", "confirmed_at", "taken_at", "finished_at")
    values = {name: getattr(row, name) for name in (*plain, "client_order_id", "result", "reason")}
    return Request(kind=RequestKind(row.kind), state=RequestState(row.state), **values)
