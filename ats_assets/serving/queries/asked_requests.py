"""Requests of people as they are told: plain values, decimals as texts, with the order that came of each."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from ats_assets.requests import Request, order_of_request


def told_request(connection: Connection, request: Request) -> dict[str, Any]:
    """One of them."""
    order = order_of_request(connection, request)
    told = _plain({name: value for name, value in asdict(request).items() if name != "client_order_id"})
    return told | {"order": None if order is None else _plain(asdict(order))}


def told_requests(connection: Connection, found: Sequence[Request]) -> list[dict[str, Any]]:
    """Several, in their order."""
    return [told_request(connection, one) for one in found]


def _plain(values: dict[str, Any]) -> dict[str, Any]:
    return {name: told_value(value) for name, value in values.items()}


def told_value(value: Any) -> Any:
    """A value as JSON has it: decimals digit for digit, times in UTC."""
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value
