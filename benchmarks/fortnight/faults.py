"""Each alert with the fault that makes it fire."""

from datetime import datetime, timedelta

import dagster as dg
import polars as pl

from ats_assets.trade_state.tables import account_snapshots, intents
from benchmarks.fortnight import running_faults as running
from benchmarks.fortnight import stored_faults as stored
from benchmarks.fortnight.running_faults import Fault
from benchmarks.fortnight.watched import BEGUN, Fortnight

BY_NATURE = {"AtsChampionSkillGone", "AtsCheckWarns", "AtsSlippageHigh", "AtsDrift"}
"""What a made market may do by itself."""


def _next_open(f: Fortnight, sessions: int) -> datetime:
    deployment = f.watching
    return deployment.calendar.opens_at(deployment.calendar.offset(deployment.valid_sessions("targets")[-1], sessions))


FAULTS: dict[str, tuple[Fault, set[str]]] = {
    "AtsReconciliationHalt": (stored.cash_that_differs, {"AtsRunFailed", "AtsCheckFailed"}),
    "AtsHalted": (stored.broken_halt, set()),
    "AtsKillSwitchOn": (stored.kill, set()),
    "AtsCheckFailed": (lambda f: stored.check(f, dg.AssetCheckSeverity.ERROR), set()),
    "AtsCheckWarns": (lambda f: stored.check(f, dg.AssetCheckSeverity.WARN), set()),
    "AtsDrift": (lambda f: stored.rewritten(f, "drift", 1, lambda rows: rows.with_columns(alarm=pl.lit(True))), set()),
    "AtsChampionSkillGone": (lambda f: stored.rewritten(f, "skill", 63, stored.skill_of(-0.1)), set()),
    "AtsModelMissing": (stored.unavailable_model, set()),
    "AtsOrdersUndecided": (lambda f: stored.changed_row(f, intents, intents.c.client_order_id, "state", "sending"), set()),
    "AtsSlippageHigh": (stored.worse_fills, set()),
    "AtsVendorBreakerOpen": (running.vendor_down, set()),
    "AtsAlertRouteFails": (running.route_down, set()),
    "AtsRunFailed": (stored.failed_run, set()),
    "AtsRunStuck": (stored.stuck_run, set()),
    "AtsTriggerFails": (running.failing_sensor, set()),
    "AtsDaemonThreadSilent": (running.silent_thread, set()),
    "AtsDaemonDead": (running.dead_daemon, set()),
    "AtsApiErrors": (lambda f: stored.damaged(f, f.newest("signals")), {"AtsCollectorFails"}),
    "AtsCollectorFails": (lambda f: stored.damaged(f, f.home / "data/dagster/history/runs/index.db", 4_000), set()),
    "AtsServiceGone": (running.service_gone, set()),
    "AtsExporterGone": (running.gone, {"AtsCollectorFails"}),
    "AtsDiskNearlyFull": (running.other_settings("monitoring", low_disk_gigabytes=1e6), set()),
    "AtsDiskFull": (running.other_settings("monitoring", low_disk_gigabytes=1e6, full_disk_gigabytes=1e6), {"AtsDiskNearlyFull"}),
    "AtsExportBehind": (stored.behind, set()),
    "AtsPostgresGone": (running.silent_database, set()),
    "AtsPostgresConnections": (running.connections_taken, set()),
    "AtsTimescaleJobFails": (running.of_a_job("last_run_status = 'Failed'"), set()),
    "AtsTimescaleJobLate": (running.of_a_job("last_successful_finish = now() - interval '3 days'"), set()),
    "AtsBarsLate": (running.clock_goes_on(lambda f: _next_open(f, 1) + timedelta(days=1)), {"AtsNoSignals", "AtsPositionsStale"}),
    "AtsNoSignals": (running.clock_goes_on(lambda f: _next_open(f, 2)), {"AtsBarsLate", "AtsPositionsStale"}),
    "AtsPositionsStale": (
        lambda f: stored.changed_row(f, account_snapshots, account_snapshots.c.id, "session", BEGUN - timedelta(days=30)),
        set(),
    ),
    "AtsCalendarEnds": (
        running.clock_goes_on(lambda f: f.watching.calendar.closes_at(f.watching.calendar.last) - timedelta(days=20)),
        {"AtsBarsLate", "AtsNoSignals", "AtsPositionsStale"},
    ),
}
"""Alert -> what makes it fire and returns what takes that back, and what else fires then."""
CALM: dict[str, Fault] = {"AtsChampionSkillGone": lambda f: stored.rewritten(f, "skill", 63, stored.skill_of(0.1))}
"""Alert that the made market may hold up by itself -> what ends it before its fault is made."""
