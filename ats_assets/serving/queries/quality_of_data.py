"""How good the data are: what was quarantined and why, how fresh each asset is, what vendors restated, and what checks said."""

import json
import sqlite3
from collections.abc import Mapping
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.lineage.restatements import changed_rows, restatements

Rows = list[dict[str, Any]]
QUARANTINES = ("rejected_bars", "rejected_corporate_actions", "rejected_trades", "rejected_quotes")
"""The assets that hold what was quarantined."""


def quarantined(deployment: Deployment, sessions: int) -> Rows:
    """By asset, session and reason how many rows were quarantined in the newest sessions, and some of their symbols."""
    found: Rows = []
    for asset in QUARANTINES:
        days = deployment.valid_sessions(asset)[-sessions:]
        if not days:
            continue
        frame = deployment.warehouse.read(asset, days)
        if frame.is_empty() or "reasons" not in frame.columns:
            continue
        by_reason = frame.select("symbol", "session", pl.col("reasons").alias("reason")).explode("reason")
        counted = by_reason.group_by("session", "reason").agg(
            pl.len().alias("rows"), pl.col("symbol").cast(pl.String).drop_nulls().unique().sort().head(5).alias("symbols")
        )
        found += [{"asset": asset} | row for row in counted.sort("session", "reason", descending=[True, False]).iter_rows(named=True)]
    return found


def asset_freshness(deployment: Deployment, now: datetime | None = None) -> Rows:
    """Each asset with a partition a session: its newest, how many there are, and how many sessions it is behind the last close."""
    calendar, ends = deployment.calendar, deployment.source_ends
    closed = calendar.last_closed(now or datetime.now(UTC))
    due = closed if ends is None else min(closed, ends)
    found: Rows = []
    for asset in deployment.warehouse.assets():
        stored = deployment.warehouse.stored_sessions(asset)
        if stored:
            behind = max(0, calendar.count(stored[-1], due)) if calendar.is_session(stored[-1]) else None
            found.append(
                {"asset": asset, "first": stored[0], "newest": stored[-1], "sessions": len(stored), "sessions_behind": behind, "due": due}
            )
    return found


def restated(deployment: Deployment, sessions: int) -> Rows:
    """What vendors changed of the newest sessions' bars after they had delivered them, by symbol."""
    days = deployment.valid_sessions("raw_bars")[-sessions:]
    found = restatements(changed_rows(deployment.warehouse, days))
    return [
        {
            "symbol": one.symbol,
            "kind": one.kind,
            "sessions": one.sessions,
            "first": one.first,
            "last": one.last,
            "fields": one.fields,
            "split": one.split,
        }
        for one in found
    ]


_CHECKS = """
SELECT asset_key, check_name, partition, execution_status, evaluation_event, create_timestamp FROM asset_check_executions
WHERE id IN (SELECT MAX(id) FROM asset_check_executions WHERE execution_status IN ('SUCCEEDED', 'FAILED') GROUP BY asset_key, check_name, partition)
ORDER BY create_timestamp DESC, id DESC
"""


def newest_checks(deployment: Deployment, sessions: int) -> Rows:
    """What each check said of the newest sessions, the failed ones first; empty where Dagster has not run here, or keeps its records elsewhere."""
    file = deployment.settings.storage.data / "dagster" / "history" / "runs" / "index.db"
    if not file.is_file():
        return []
    newest = {str(day) for day in deployment.valid_sessions("bars")[-sessions:]}
    rows = [_check(row) for row in _read(file) if row[2] is None or row[2] in newest]
    return sorted(rows, key=lambda row: row["passed"])


def _read(file: Path) -> list[tuple[Any, ...]]:
    """Read only: Dagster may be writing."""
    connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=2.0)
    try:
        return connection.execute(_CHECKS).fetchall()
    finally:
        connection.close()


def _check(row: tuple[Any, ...]) -> dict[str, Any]:
    asset_key, name, partition, status, event, at = row
    said = _evaluation(event)
    return {
        "asset": "/".join(json.loads(asset_key)),
        "check": name,
        "session": None if partition is None else date.fromisoformat(partition),
        "passed": status == "SUCCEEDED",
        "severity": str(said.get("severity", {}).get("__enum__", "")).rpartition(".")[2].lower() or None,
        "text": said.get("description") or "",
        "at": datetime.fromisoformat(str(at)).replace(tzinfo=UTC),
    }


def _evaluation(event: str | None) -> Mapping[str, Any]:
    try:
        found = json.loads(event or "{}")["dagster_event"]["event_specific_data"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}
