"""Orders and fills, and all that is known of one order."""

from datetime import date, datetime
from typing import Annotated, Any, Literal

from fastapi import Path, Query, Response
from pydantic import BaseModel, Field

from ats_assets.serving.pages import Cursor, Limit, after_record, record_cursor
from ats_assets.serving.problems import not_found
from ats_assets.serving.queries.trade_records import fill_records, order_records, order_trail
from ats_assets.serving.roles import Role
from ats_assets.serving.routing import Ask, Routes

ROUTES = Routes("portfolio")
OfSymbol = Annotated[str | None, Query(max_length=96, description="of one symbol alone")]
_Exact = str


class OrderRecord(BaseModel):
    """What was decided, and what became of it. Quantities and prices are exact."""

    client_order_id: str
    session: date = Field(description="at whose close it was decided")
    strategy: str = Field(description="orders.strategy, by which ids begin")
    symbol: str
    side: str
    leg: str = Field(description="open, close or exit")
    quantity: _Exact
    kind: str
    decision_price: _Exact
    limit_price: _Exact | None
    take_profit: _Exact | None
    stop_loss: _Exact | None
    instrument: str | None
    book: str | None = Field(description="the strategy of options, or of a person's orders, that has decided it")
    rule: str | None
    parent: str | None = Field(description="of a part: the worked order that it is of")
    number: int | None
    arrival_price: _Exact | None
    state: str = Field(description="planned, sending, accepted, partially_filled, filled, canceled, expired, rejected, withdrawn or missed")
    reason: str | None
    attempts: int
    planned_at: datetime
    sending_at: datetime | None
    updated_at: datetime
    broker_order_id: str | None = Field(description="null: it did not reach the broker")
    status: str | None = Field(description="at the broker")
    filled_quantity: _Exact | None
    filled_average_price: _Exact | None
    submitted_at: datetime | None


class FillRecord(BaseModel):
    """An execution. Quantities, prices and fees are exact."""

    fill_id: str
    client_order_id: str
    broker_order_id: str
    intent_id: str | None = Field(description="null: of an order that is not this system's")
    symbol: str
    side: str
    quantity: _Exact
    price: _Exact
    fees: _Exact
    multiplier: _Exact | None = Field(description="shares that a contract is for; null: 1")
    at: datetime


class AuditLine(BaseModel):
    """A line of the audit trail."""

    at: datetime
    who: str
    what: str
    details: dict[str, Any]


class OrderTrail(OrderRecord):
    """All that is known of an order."""

    fills: list[FillRecord]
    audit: list[AuditLine]


class OrderPage(BaseModel):
    """Orders, the newest first."""

    data: list[OrderRecord]
    next: str | None


class FillPage(BaseModel):
    """Executions, the newest first."""

    data: list[FillRecord]
    next: str | None


_ORDER: dict[str, Any] = dict.fromkeys(OrderRecord.model_fields) | {
    "client_order_id": "main-20231228-SYN0007-open",
    "session": "2023-12-28",
    "strategy": "main",
    "symbol": "SYN0007",
    "side": "buy",
    "leg": "open",
    "quantity": "120.5",
    "kind": "market_on_open",
    "decision_price": "68.11",
    "instrument": "synthetic:SYN0007",
    "state": "filled",
    "attempts": 1,
    "planned_at": "2023-12-28T21:30:00Z",
    "updated_at": "2023-12-29T21:00:00Z",
    "broker_order_id": "paper-main-20231228-SYN0007-open",
    "status": "filled",
    "filled_quantity": "120.5",
    "filled_average_price": "68.1407",
}
_FILL = {
    "fill_id": "paper-main-20231228-SYN0007-open-20231229-0",
    "client_order_id": "main-20231228-SYN0007-open",
    "broker_order_id": "paper-main-20231228-SYN0007-open",
    "intent_id": "main-20231228-SYN0007-open",
    "symbol": "SYN0007",
    "side": "buy",
    "quantity": "120.5",
    "price": "68.1407",
    "fees": "0.82",
    "multiplier": None,
    "at": "2023-12-29T14:30:00Z",
}
_AUDIT = {"at": "2023-12-28T21:30:00Z", "who": "executor", "what": "planned", "details": {"quantity": "120.5"}}
State = Literal[
    "open", "planned", "sending", "accepted", "partially_filled", "filled", "canceled", "expired", "rejected", "withdrawn", "missed"
]


@ROUTES.get(
    "/portfolio/orders", role=Role.READ, model=OrderPage, example={"data": [_ORDER], "next": None}, statuses=(503,), summary="Orders"
)
def get_orders(
    ask: Ask,
    *,
    symbol: OfSymbol = None,
    state: Annotated[State | None, Query(description="open: any that may still be filled")] = None,
    strategy: Annotated[str | None, Query(max_length=16, description="orders.strategy that they are of")] = None,
    limit: Limit = None,
    cursor: Cursor = None,
) -> Response:
    """Every order that was decided, the newest first, with what became of it at the broker."""
    page = ask.page(limit, cursor)
    with ask.service.trading.begin() as connection:
        found = order_records(connection, limit=page.limit, after=after_record(page), symbol=symbol, state=state, strategy=strategy)
    return ask.answer(lambda: {"data": found.rows, "next": record_cursor(found.last)})


@ROUTES.get(
    "/portfolio/orders/{client_order_id}",
    role=Role.READ,
    model=OrderTrail,
    example=_ORDER | {"fills": [_FILL], "audit": [_AUDIT]},
    statuses=(404, 503),
    summary="All that is known of an order",
)
def get_order(ask: Ask, client_order_id: Annotated[str, Path(min_length=1, max_length=128)]) -> Response:
    """What was decided, its fills and its audit trail."""
    with ask.service.trading.begin() as connection:
        found = order_trail(connection, client_order_id)
    if found is None:
        raise not_found(f"there is no order {client_order_id!r}: /api/v1/portfolio/orders lists them")
    return ask.answer(lambda: found)


@ROUTES.get("/portfolio/fills", role=Role.READ, model=FillPage, example={"data": [_FILL], "next": None}, statuses=(503,), summary="Fills")
def get_fills(ask: Ask, symbol: OfSymbol = None, limit: Limit = None, cursor: Cursor = None) -> Response:
    """Every execution, the newest first."""
    page = ask.page(limit, cursor)
    with ask.service.trading.begin() as connection:
        found = fill_records(connection, limit=page.limit, after=after_record(page), symbol=symbol)
    return ask.answer(lambda: {"data": found.rows, "next": record_cursor(found.last)})
