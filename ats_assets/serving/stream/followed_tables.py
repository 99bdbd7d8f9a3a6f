"""Topics that are tables of the trade state: what each holds, read in one snapshot.

A topic holds a window: the newest orders, fills and so on. It is read whole whenever something was committed, since rows change in place; only rows that differ from those read
before are made into JSON.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import JSON, ColumnElement, Connection, Label, Select, Table, Text, cast, func, inspect, or_, select, type_coerce
from sqlalchemy import Row as SqlRow
from sqlalchemy.types import NullType

from ats_assets.alerts.tables import deliveries
from ats_assets.serving.stream.topic_log import Rows, row_text
from ats_assets.trade_state.tables import account_snapshots, fills, halts, intents, orders, positions, requests

NEWEST_FILLS, NEWEST_REQUESTS, NEWEST_HALTS, NEWEST_ALERTS = 500, 200, 50, 200
UNFINISHED = ("planned", "sending", "working", "accepted", "partially_filled", "unknown")
"""States of an intent of which more is to come."""
_OF_BROKER = ("broker_order_id", "status", "filled_quantity", "filled_average_price", "submitted_at")
_OF_FILL = ("fill_id", "client_order_id", "broker_order_id", "intent_id", "symbol", "side", "quantity", "price", "fees", "multiplier", "at")
_NOT_TOLD = frozenset({"token", "legs", "work", "place", "expires_at", "cancel_asked_at"})
"""Columns of an intent that are the executor's own."""
_SECRET = frozenset({"token", "nonce_digest", "idempotency_key"})
"""Columns of a request that confirm it."""

Row = dict[str, Any]


class FollowedTable:
    """A query whose rows are a topic's.

    Parameters
    ----------
    columns
        What is read, by the names that rows have.
    narrowed
        The query of these columns, narrowed to the window.
    as_row
        Makes a topic's row, with its `key`, of the columns.
    """

    def __init__(
        self, columns: Mapping[str, ColumnElement[Any]], narrowed: Callable[[Select[Any]], Select[Any]], as_row: Callable[[Row], Row]
    ) -> None:
        self._columns = columns
        self._query = narrowed(select(*(_as_stored(name, column) for name, column in columns.items())))
        self._as_row = as_row
        self._read: Sequence[SqlRow[Any]] = []
        self._made: dict[SqlRow[Any], tuple[str, str]] = {}
        self._rows: Rows = {}

    def rows(self, connection: Connection) -> Rows:
        """The rows as JSON, by their keys."""
        read = connection.execute(self._query).all()
        if read != self._read or not self._made:
            of_column = [_reader(column, connection) for column in self._columns.values()]
            self._made = {row: self._made.get(row) or self._make(row, of_column) for row in read}
            self._read, self._rows = read, dict(self._made.values())
        return self._rows

    def _make(self, row: SqlRow[Any], of_column: Sequence[Callable[[Any], Any]]) -> tuple[str, str]:
        values = (read(value) for read, value in zip(of_column, row, strict=True))
        made = self._as_row(dict(zip(self._columns, values, strict=True)))
        return made["key"], row_text(made)


def _as_stored(name: str, column: ColumnElement[Any]) -> Label[Any]:
    """A column as the driver gives it, so that rows can be compared before they are understood."""
    plain = cast(column, Text) if isinstance(column.type, JSON) else column
    return type_coerce(plain, NullType()).label(name)


def _reader(column: ColumnElement[Any], connection: Connection) -> Callable[[Any], Any]:
    """Understands what the driver gives of a column."""
    if isinstance(column.type, JSON):
        return lambda value: None if value is None else json.loads(value)
    dialect = connection.dialect
    return column.type.dialect_impl(dialect).result_processor(dialect, None) or (lambda value: value)


def _shown(table: Table, *, but: frozenset[str] = frozenset()) -> dict[str, ColumnElement[Any]]:
    return {column.name: column for column in table.c if column.name not in but}


def _keyed(name: str) -> Callable[[Row], Row]:
    return lambda row: {"key": str(row[name]), **row}


def followed_orders() -> FollowedTable:
    """What was decided in the last two sessions, or is not done yet, with what the broker has said of it."""
    newest = select(func.max(intents.c.session)).scalar_subquery()
    before = select(func.max(intents.c.session)).where(intents.c.session < newest).scalar_subquery()
    of_broker = {name: orders.c[name] for name in _OF_BROKER}
    own = orders.c.client_order_id == intents.c.client_order_id
    recent = or_(intents.c.session >= func.coalesce(before, newest), intents.c.state.in_(UNFINISHED))
    return FollowedTable(
        _shown(intents, but=_NOT_TOLD) | of_broker,
        lambda query: (
            query.select_from(intents.outerjoin(orders, own)).where(recent).order_by(intents.c.planned_at, intents.c.client_order_id)
        ),
        _keyed("client_order_id"),
    )


def followed_fills() -> FollowedTable:
    """The newest fills, in the order in which they were recorded."""
    newest = select(fills.c.fill_id).order_by(fills.c.recorded_at.desc(), fills.c.fill_id.desc()).limit(NEWEST_FILLS)
    return FollowedTable(
        {name: fills.c[name] for name in _OF_FILL},
        lambda query: query.where(fills.c.fill_id.in_(newest)).order_by(fills.c.recorded_at, fills.c.fill_id),
        _keyed("fill_id"),
    )


def followed_halts() -> FollowedTable:
    """The newest halts, and those that hold."""
    last = select(func.max(halts.c.id) - NEWEST_HALTS).scalar_subquery()
    return FollowedTable(
        _shown(halts), lambda query: query.where(or_(halts.c.cleared_at.is_(None), halts.c.id > last)).order_by(halts.c.id), _keyed("id")
    )


def followed_requests() -> FollowedTable:
    """The newest requests of people, without what confirms them."""
    newest = select(requests.c.id).order_by(requests.c.asked_at.desc(), requests.c.id.desc()).limit(NEWEST_REQUESTS)
    return FollowedTable(
        _shown(requests, but=_SECRET),
        lambda query: query.where(requests.c.id.in_(newest)).order_by(requests.c.asked_at, requests.c.id),
        _keyed("id"),
    )


class FollowedAlerts:
    """The newest alerts: one a row, however many routes it has. Without a route none is recorded."""

    def __init__(self) -> None:
        names = ("id", "key", "route", "severity", "title", "text", "state", "created_at")
        self._query = select(*(deliveries.c[name] for name in names)).order_by(deliveries.c.id.desc()).limit(NEWEST_ALERTS)
        self._there = False

    def rows(self, connection: Connection) -> Rows:
        """The rows as JSON, by their keys."""
        self._there = self._there or inspect(connection).has_table(deliveries.name)
        if not self._there:
            return {}
        told: dict[str, Row] = {}
        for row in reversed(connection.execute(self._query).all()):
            at = row.created_at
            key = f"{row.key}@{at:.3f}"
            alert = {
                "key": key,
                "about": row.key,
                "severity": row.severity,
                "title": row.title,
                "text": row.text,
                "at": _instant(at),
                "routes": {},
            }
            told.setdefault(key, alert)["routes"][row.route] = row.state
        return {key: row_text(row) for key, row in told.items()}


def dependence(connection: Connection) -> tuple[Any, ...]:
    """What account and positions are made of, beside fills and halts: the newest snapshot, whose rows do not change."""
    newest = connection.execute(select(func.max(account_snapshots.c.id))).scalar_one()
    held = connection.execute(select(func.count()).select_from(positions).where(positions.c.snapshot_id == newest)).scalar_one()
    return newest, held


def _instant(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
