"""Intents, orders and fills of the trade state, the newest first, a page at a time: what is added while pages are read changes none of them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, or_, select

from ats_assets.trade_state.tables import audit, fills, intents, orders

Rows = list[dict[str, Any]]
OPEN_STATES = ("planned", "sending", "accepted", "partially_filled")
"""Of intents that may still be filled."""
_ORDER = (
    *(
        intents.c[name]
        for name in ("client_order_id", "session", "strategy", "symbol", "side", "leg", "quantity", "kind", "decision_price")
    ),
    *(intents.c[name] for name in ("limit_price", "take_profit", "stop_loss", "instrument", "book", "rule", "parent", "number")),
    *(intents.c[name] for name in ("arrival_price", "state", "reason", "attempts", "planned_at", "sending_at", "updated_at")),
)
_AT_BROKER = (
    orders.c.broker_order_id,
    orders.c.status,
    orders.c.filled_quantity,
    orders.c.filled_average_price,
    orders.c.submitted_at,
)
_FILL = tuple(
    fills.c[name]
    for name in (
        "fill_id",
        "client_order_id",
        "broker_order_id",
        "intent_id",
        "symbol",
        "side",
        "quantity",
        "price",
        "fees",
        "multiplier",
        "at",
    )
)


@dataclass(frozen=True, kw_only=True)
class RecordPage:
    """Rows, and the time and id after which the next page goes on; None: there is nothing more."""

    rows: Rows
    last: tuple[datetime, str] | None


def order_records(
    connection: Connection,
    *,
    limit: int,
    after: tuple[datetime, str] | None = None,
    symbol: str | None = None,
    state: str | None = None,
    strategy: str | None = None,
) -> RecordPage:
    """What was decided, and what became of it at the broker.

    Parameters
    ----------
    state
        Of the intent; "open" is any that may still be filled.
    """
    query = select(*_ORDER, *_AT_BROKER).select_from(intents.outerjoin(orders, orders.c.client_order_id == intents.c.client_order_id))
    wanted = {intents.c.symbol: symbol, intents.c.strategy: strategy, intents.c.state: None if state == "open" else state}
    query = query.where(*(column == value for column, value in wanted.items() if value is not None))
    if state == "open":
        query = query.where(intents.c.state.in_(OPEN_STATES))
    return _page(connection, query, (intents.c.planned_at, intents.c.client_order_id), after, limit)


def fill_records(connection: Connection, *, limit: int, after: tuple[datetime, str] | None = None, symbol: str | None = None) -> RecordPage:
    """What was executed."""
    query = select(*_FILL)
    return _page(
        connection, query if symbol is None else query.where(fills.c.symbol == symbol), (fills.c.at, fills.c.fill_id), after, limit
    )


def order_trail(connection: Connection, client_order_id: str) -> dict[str, Any] | None:
    """All that is known of an order: what was decided, its fills, and the audit trail; None where there is none of that id."""
    query = select(*_ORDER, *_AT_BROKER).select_from(intents.outerjoin(orders, orders.c.client_order_id == intents.c.client_order_id))
    found = connection.execute(query.where(intents.c.client_order_id == client_order_id)).first()
    if found is None:
        return None
    filled = select(*_FILL).where(or_(fills.c.intent_id == client_order_id, fills.c.client_order_id == client_order_id))
    trail = select(audit.c.at, audit.c.who, audit.c.what, audit.c.details).where(audit.c.client_order_id == client_order_id)
    return {
        **_plain(found),
        "fills": [_plain(row) for row in connection.execute(filled.order_by(fills.c.at, fills.c.fill_id))],
        "audit": [_plain(row) for row in connection.execute(trail.order_by(audit.c.at, audit.c.id))],
    }


def _page(connection: Connection, query: Select[Any], by: tuple[Any, Any], after: tuple[datetime, str] | None, limit: int) -> RecordPage:
    at, key = by
    if after is not None:
        query = query.where(or_(at < after[0], and_(at == after[0], key < after[1])))
    found = connection.execute(query.order_by(at.desc(), key.desc()).limit(limit + 1)).all()
    rows = [_plain(row) for row in found[:limit]]
    last = (rows[-1][at.name], rows[-1][key.name]) if len(found) > limit else None
    return RecordPage(rows=rows, last=last)


def _plain(row: Any) -> dict[str, Any]:
    return dict(row._mapping)
