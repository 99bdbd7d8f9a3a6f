"""Where a person's order comes from: the close that it was judged by, and each fill with the bars behind it, down to the vendor's delivery."""

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import polars as pl
from sqlalchemy import Connection, Row, select

from ats_assets.deployment import Deployment
from ats_assets.lineage.explaining import Explaining
from ats_assets.lineage.index import LineageIndex
from ats_assets.requests import Request
from ats_assets.serving.queries.asked_requests import told_value
from ats_assets.trade_state.tables import fills, intents

_FILL = ("fill_id", "at", "side", "quantity", "price", "fees")


@dataclass(frozen=True, kw_only=True)
class FilledOrder:
    """An order of ours and its fills, as recorded."""

    symbol: str
    session: date
    fills: tuple[Row[Any], ...]


def fills_of_request(connection: Connection, request: Request) -> FilledOrder | None:
    """The order that a request made or cancels; None where there is none."""
    intent = connection.execute(select(intents).where(intents.c.client_order_id == (request.client_order_id or ""))).one_or_none()
    if intent is None:
        return None
    rows = connection.execute(select(fills).where(fills.c.intent_id == intent.client_order_id).order_by(fills.c.at, fills.c.fill_id))
    return FilledOrder(symbol=intent.symbol, session=intent.session, fills=tuple(rows))


def explained_order(deployment: Deployment, order: FilledOrder | None) -> dict[str, Any]:
    """The bars behind its decision and its fills, each with what it was made from."""
    if order is None:
        return {"decided": None, "fills": []}
    index = LineageIndex(deployment)
    index.refresh(full=False)
    explaining = Explaining(deployment, index.entries())

    def bars(session: date | None) -> dict[str, Any] | None:
        made = None if session is None else explaining.row_of("bars", order.symbol, session.isoformat())
        return None if made is None else asdict(made)

    told = []
    for row in order.fills:
        session = deployment.calendar.session_of(pl.Series([row.at])).item()
        values = {name: told_value(getattr(row, name)) for name in _FILL}
        told.append(values | {"session": session and session.isoformat(), "bars": bars(session)})
    return {"decided": bars(order.session), "fills": told}
