"""The alerts that were sent, from the trade state."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, inspect, select

from ats_assets.alerts.tables import deliveries


def sent_alerts(connection: Connection, *, limit: int, before: int | None = None) -> tuple[list[dict[str, Any]], int | None]:
    """The newest alerts, a row for each route that they went over; and the id before which the next page goes on.

    They stay for a week after they were delivered.
    """
    if not inspect(connection).has_table(deliveries.name):
        return [], None
    query = select(deliveries) if before is None else select(deliveries).where(deliveries.c.id < before)
    found = connection.execute(query.order_by(deliveries.c.id.desc()).limit(limit + 1)).all()
    rows = [
        {
            "id": row.id,
            "at": datetime.fromtimestamp(row.created_at, UTC),
            "severity": row.severity,
            "title": row.title,
            "text": row.text,
            "route": row.route,
            "state": row.state,
            "attempts": row.attempts,
        }
        for row in found[:limit]
    ]
    return rows, rows[-1]["id"] if len(found) > limit else None
