"""How good the data are: what was quarantined and why, how fresh each asset is, what vendors restated, and what checks said."""

from datetime import UTC, date, datetime
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.lineage.restatements import changed_rows, restatements
from ats_assets.monitoring.dagster_state import check_results
from ats_assets.monitoring.dagster_storage import DagsterStorage
from ats_assets.orchestration.dagster_home import NoInstanceError, dagster_home

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


def newest_checks() -> Rows:
    """What each check said last, of the newest session that it has judged; the failed ones first. Empty where Dagster has not run yet, or is not seen from here.

    Raises
    ------
    SettingsError, DagsterStorageError
        If Dagster's home is not there, or its storage can't be read.
    """
    try:
        home = dagster_home()
    except NoInstanceError:  # of a container that only serves; its state of all components says so
        return []
    with DagsterStorage(home).reading("events") as ask:
        found = check_results(ask)
    rows = [
        {
            "asset": one.asset,
            "check": one.check,
            "session": date.fromisoformat(one.partition) if one.partition else None,
            "passed": one.passed,
            "severity": one.severity.lower(),
            "text": one.description,
            "at": one.at,
        }
        for one in found
    ]
    return sorted(rows, key=lambda row: row["passed"])
