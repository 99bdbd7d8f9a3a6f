"""The data pipeline: what is stored of each asset, what is late, what checks say, what is stale."""

import os
import time
from datetime import date
from pathlib import Path

import polars as pl

from ats_assets.lineage.judged_stale import stale_counts
from ats_assets.monitoring.components import Observed
from ats_assets.monitoring.lateness import bars_late, signals_late
from ats_assets.monitoring.samples import MetricSpec, Samples, most_important
from ats_assets.monitoring.stamped import SETTLED_NS, Stamp, stamp_of_files
from ats_assets.monitoring.watch import Watch
from ats_assets.storage.footed_files import DAMAGE
from ats_assets.storage.session_folders import PREFIX

METRICS = (
    MetricSpec(name="ats_asset_sessions", text="Sessions that are stored of the asset.", labels=("asset",)),
    MetricSpec(name="ats_asset_newest_session_timestamp_seconds", text="Close of the newest session that is stored.", labels=("asset",)),
    MetricSpec(name="ats_asset_newest_rows", text="Rows of the newest session that is stored.", labels=("asset",)),
    MetricSpec(name="ats_bars_late_sessions", text="Sessions whose bars should be stored by now.", most=1),
    MetricSpec(name="ats_bars_late_seconds", text="For how long the first of them has been due.", most=1),
    MetricSpec(name="ats_signals_late_sessions", text="Sessions whose targets should be stored by now.", most=1),
    MetricSpec(name="ats_signals_late_seconds", text="For how long the first of them has been due.", most=1),
    MetricSpec(name="ats_calendar_sessions_left", text="Sessions that the calendar knows ahead.", most=1),
    MetricSpec(
        name="ats_check_failed",
        text="Whether the check failed at the newest session that it has judged.",
        labels=("asset", "check", "severity"),
        most=150,
    ),
    MetricSpec(name="ats_check_timestamp_seconds", text="When any check was evaluated last.", most=1),
    MetricSpec(name="ats_stale_partitions", text="Stale partitions as of the last look at the lineage.", labels=("asset",), most=60),
)
FIRST = (
    "raw_bars",
    "bars",
    "rejected_bars",
    "universe",
    "predictions",
    "champion",
    "signals",
    "targets",
    "skill",
    "drift",
    "orders",
    "fills",
    "positions",
)
"""Of assets, where there are more than are told."""


def collect(watch: Watch, observed: Observed, samples: Samples) -> None:
    """Add them."""
    deployment, now = watch.deployment, observed.market
    for asset in most_important(_assets(watch), FIRST):
        count, newest = _stored(watch, asset)
        samples.put("ats_asset_sessions", count, asset)
        if newest is not None and deployment.calendar.is_session(newest):
            samples.put("ats_asset_newest_session_timestamp_seconds", deployment.calendar.closes_at(newest).timestamp(), asset)
        samples.put("ats_asset_newest_rows", None if newest is None else _rows(watch, asset, newest), asset)
    for name, late in (("bars", bars_late(deployment, now)), ("signals", signals_late(deployment, now))):
        samples.put(f"ats_{name}_late_sessions", late.sessions if late else 0)
        samples.put(f"ats_{name}_late_seconds", (now - late.since).total_seconds() if late else 0)
    samples.put("ats_calendar_sessions_left", deployment.calendar.count(now.date(), deployment.calendar.last))
    for asset, count in (stale_counts(deployment) or {}).items():
        samples.put("ats_stale_partitions", count, asset)
    newest_check = 0.0
    for check in sorted(observed.checks, key=lambda one: one.passed):
        samples.put("ats_check_failed", not check.passed, check.asset, check.check, check.severity.lower())
        newest_check = max(newest_check, check.at.timestamp() if check.at else 0.0)
    samples.put("ats_check_timestamp_seconds", newest_check or None)


def _assets(watch: Watch) -> list[str]:
    """The assets that have a folder of sessions; what has none is a report or the calendar."""
    root = watch.deployment.warehouse.root
    watch.deployment.warehouse.root_folder.look()
    if not root.is_dir():
        return []
    return [name for name in watch.kept.get("assets", stamp_of_files(root), watch.deployment.warehouse.assets) if _stored(watch, name)[0]]


def _stored(watch: Watch, asset: str) -> tuple[int, date | None]:
    """How many sessions are stored, and the newest; listed again where the folder's time has changed."""
    folder = f"{watch.deployment.warehouse.root}/{asset}"
    return watch.kept.get(f"stored {asset}", _stamp(folder), lambda: _listed(folder))


def _stamp(folder: str) -> Stamp | None:
    try:
        stat = os.stat(folder)  # noqa: PTH116 - asked for each asset at each scrape
    except OSError:
        return ()
    return None if time.time_ns() - stat.st_mtime_ns < SETTLED_NS else (stat.st_mtime_ns, stat.st_ino)


def _listed(folder: str) -> tuple[int, date | None]:
    try:
        days = sorted(name[len(PREFIX) :] for name in os.listdir(folder) if name.startswith(PREFIX))  # noqa: PTH208 - names alone
    except OSError:
        return 0, None
    return len(days), date.fromisoformat(days[-1]) if days else None


def _rows(watch: Watch, asset: str, session: date) -> int | None:
    """The rows of a partition, by its footer; None where it can't be read, which a check or `ats doctor` tells."""
    path: Path = watch.deployment.warehouse.path(asset, session)

    def read() -> int | None:
        try:
            watch.deployment.warehouse.root_folder.at_hand([path])
            return pl.scan_parquet(path, hive_partitioning=False).select(pl.len()).collect().item()
        except DAMAGE:
            return None

    return watch.kept.get(f"rows {asset}", (str(path), stamp_of_files(path)), read)
