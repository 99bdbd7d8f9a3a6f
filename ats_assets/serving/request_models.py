"""What is asked and answered about requests of people, for the OpenAPI document."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from ats_assets.requests import RequestKind, RequestState

Exact = str
"""A decimal, digit for digit."""


class OrderTold(BaseModel):
    """What has become of the order that a request makes or cancels."""

    client_order_id: str
    symbol: str
    side: str
    quantity: Exact
    kind: str
    limit_price: Exact | None
    state: str = Field(
        description="planned, sending, accepted, partially_filled, filled, canceled, expired, rejected, withdrawn, missed, unknown"
    )
    reason: str | None
    broker_order_id: str | None
    filled_quantity: Exact
    filled_average_price: Exact | None
    filled_at: datetime | None


class RequestTold(BaseModel):
    """A request, and where it stands."""

    id: str
    kind: RequestKind
    body: dict[str, Any]
    asked_by: str = Field(description="the name of the key")
    on_behalf_of: str | None
    role: str
    asked_at: datetime
    expires_at: datetime | None = Field(description="until when it is confirmed, then until when it is taken up; null: it waits")
    state: RequestState
    confirmed_at: datetime | None
    taken_at: datetime | None
    finished_at: datetime | None
    result: dict[str, Any] | None
    reason: str | None = Field(description="why it was refused, or waits")
    order: OrderTold | None


class RequestAnswered(BaseModel):
    """A request that was written down, and what confirms it."""

    request: RequestTold
    nonce: str | None = Field(description="confirms it, once, before expires_at; null: nothing is to be confirmed")


class RequestsTold(BaseModel):
    """A page of requests, the newest first."""

    data: list[RequestTold]
    next: str | None


class KindTold(BaseModel):
    """What can be asked for."""

    kind: RequestKind
    role: str
    confirmed: bool
    says: str


class KindsTold(BaseModel):
    """All that can be asked for."""

    data: list[KindTold]
    writes: bool = Field(description="whether this service takes requests")


class RequestBodyAsked(BaseModel):
    """What is asked for."""

    model_config = ConfigDict(extra="forbid")

    kind: RequestKind
    body: dict[str, Any] = Field(description="by kind: docs/requests.md")


class Confirmation(BaseModel):
    """What confirms a request."""

    model_config = ConfigDict(extra="forbid")

    nonce: str = Field(max_length=64)


class FillTold(BaseModel):
    """An execution, and the bars that it was filled by."""

    fill_id: str
    at: datetime
    side: str
    quantity: Exact
    price: Exact
    fees: Exact
    session: str
    bars: dict[str, Any] | None = Field(
        description="the partition of bars, and what it was made from, down to the delivery; null: not stored"
    )


class OrderLineageTold(BaseModel):
    """Where a person's order comes from."""

    request: RequestTold
    decided: dict[str, Any] | None = Field(
        description="the bars by whose close it was judged, and what they were made from; null: no order yet"
    )
    fills: list[FillTold]
