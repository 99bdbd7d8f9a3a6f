"""The paper broker's books in the database: read for a session, and written back once it is settled."""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

import numpy as np
from sqlalchemy import Connection

from ats_assets.brokers.paper import tables
from ats_assets.brokers.paper.book import Book
from ats_assets.brokers.paper.bracket_exits import Row
from ats_assets.brokers.paper.worked_parts import PaperWorking
from ats_assets.execution.order import OrderIntent, OrderStatus, exact
from ats_assets.impact import fixed_terms
from ats_assets.portfolio import Account
from ats_assets.settings import BacktestSettings


def load_book(  # noqa: PLR0917 - what books are made of
    connection: Connection,
    account: str,
    cash_cents: int,
    settings: BacktestSettings,
    since: date,
    working: PaperWorking | None = None,
) -> Book:
    """The books as they are stored, at the close of the session `since`."""
    held = {row.symbol: row for row in connection.execute(tables.holdings.select().where(tables.holdings.c.account == account))}
    of_account = (tables.orders.c.account == account) & (tables.orders.c.status == OrderStatus.ACCEPTED)
    waiting = connection.execute(tables.orders.select().where(of_account).order_by(tables.orders.c.client_order_id))
    orders = [dict(row._mapping) for row in waiting]
    symbols = sorted(held.keys() | {order["symbol"] for order in orders})
    shares = np.array([float(held[s].shares) if s in held else 0.0 for s in symbols])
    basis = np.array([held[s].basis_cents if s in held else 0 for s in symbols], dtype=np.int64)
    return Book(
        symbols=symbols,
        account=Account(cash=cash_cents, shares=shares, basis=basis),
        last_close=np.array([float(held[s].last_close) if s in held else np.nan for s in symbols]),
        missing=np.array([held[s].missing_sessions if s in held else 0 for s in symbols], dtype=np.int64),
        orders=orders,
        settings=settings,
        since=since,
        terms=fixed_terms(settings, len(symbols)),
        working=working,
    )


def store_book(book: Book, connection: Connection, account: str, session: date) -> None:
    """Write the books back, in the transaction that they were loaded in."""
    connection.execute(
        tables.accounts.update().where(tables.accounts.c.account == account).values(settled=session, cash_cents=book.account.cash)
    )
    connection.execute(tables.holdings.delete().where(tables.holdings.c.account == account))
    held = [
        {
            "account": account,
            "symbol": book.symbols[i],
            "shares": exact(book.account.shares[i]),
            "basis_cents": int(book.account.basis[i]),
            "last_close": exact(book.last_close[i]),
            "missing_sessions": int(book.missing[i]),
        }
        for i in np.flatnonzero(book.account.shares)
    ]
    for table, rows in (
        (tables.holdings, held),
        (tables.fills, _owned(book.fills, account)),
        (tables.entries, _owned(book.entries, account)),
    ):
        if rows:
            connection.execute(table.insert(), rows)
    for order in book.orders:
        values = {name: order[name] for name in tables.orders.c.keys()}  # noqa: SIM118 - a collection of columns, not a dictionary
        if order.get("new"):
            connection.execute(tables.orders.insert().values(**values))
        else:
            connection.execute(tables.orders.update().where(tables.orders.c.broker_order_id == order["broker_order_id"]).values(**values))


def order_values(intent: OrderIntent, account: str, at: datetime) -> Row:
    """An order that waits for the next session, as it is stored."""
    return {
        "broker_order_id": f"paper-{intent.client_order_id}",
        "account": account,
        "client_order_id": intent.client_order_id,
        "session": intent.session,
        "symbol": intent.symbol,
        "side": str(intent.side),
        "leg": str(intent.leg),
        "quantity": intent.quantity,
        "kind": str(intent.kind),
        "limit_price": intent.limit_price,
        "take_profit": intent.take_profit,
        "stop_loss": intent.stop_loss,
        "decision_price": intent.decision_price if intent.work else None,
        "work": intent.work.text() if intent.work else None,
        "status": str(OrderStatus.ACCEPTED),
        "filled_quantity": Decimal(0),
        "submitted_at": at,
        "updated_at": at,
    }


def _owned(rows: Iterable[Row], account: str) -> list[Row]:
    return [row | {"account": account} for row in rows]
