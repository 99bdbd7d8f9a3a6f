"""Faults of what runs: processes and threads, servers, the market's clock, settings. Each is made and returns what takes it back."""

import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime

import psycopg
from dagster._core.scheduler.instigation import TickStatus
from dagster._daemon.types import DaemonHeartbeat

from ats_assets.alerts import Alert, Alerts, Severity, open_alerts
from ats_assets.runs.startup import open_instance
from ats_assets.vendors.call_log import CallOutcome, VendorCall
from ats_assets.vendors.circuit import Breaker
from ats_assets.vendors.errors import VendorUnreachableError
from ats_assets.vendors.open_vendor import open_state
from ats_assets.vendors.vendor_state import Terms
from ats_assets_tests.monitoring.watched_deployment import DAEMONS, tick
from benchmarks.fortnight.watched import Fortnight

Fault = Callable[[Fortnight], Callable[[], object]]


def vendor_down(f: Fortnight) -> Callable[[], None]:
    """A vendor that fails again and again, until it answers."""
    state, breaker = open_state(f.watching.settings), Breaker(3, 3_600.0)
    call = VendorCall(vendor="ccxt", host="api.binance.com", key="-", method="GET", path="/klines")
    for _ in range(3):
        state.end(
            state.begin(call, Terms()), call, CallOutcome(outcome="unreachable"), VendorUnreachableError("no connection"), breaker=breaker
        )
    return lambda: state.end(state.begin(call, Terms()), call, CallOutcome(outcome="answered", status=200))


def route_down(f: Fortnight) -> Callable[[], None]:
    """A route of alerts that nobody listens on."""
    f.desk.status = 503
    alerts: Alerts = open_alerts(f.watching.settings)
    alerts.send(Alert(key=f"fault{time.time()}", severity=Severity.CRITICAL, title="made fault", text="to nobody", at=datetime.now(UTC)))

    def back() -> None:
        f.desk.status = 200
        with f.state() as connection:
            connection.exec_driver_sql("UPDATE alert_routes SET failing_until = 0")

    return back


def failing_sensor(f: Fortnight) -> Callable[[], None]:
    """Sensors whose last ticks failed, and then did not."""
    tick(f.watching, TickStatus.FAILURE)
    return lambda: tick(f.watching)


def silent_thread(f: Fortnight) -> Callable[[], None]:
    """One thread of the daemon that hangs."""
    f.silent = {"SCHEDULER"}
    time.sleep(2)
    with open_instance() as instance:
        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time() - 400, "SCHEDULER", "one", []))
    return lambda: setattr(f, "silent", set())


def dead_daemon(f: Fortnight) -> Callable[[], None]:
    """The daemon is killed."""
    f.silent = set(DAEMONS)
    return lambda: setattr(f, "silent", set())


def gone(f: Fortnight) -> Callable[[], object]:
    f.end_exporter()
    return f.export


def service_gone(f: Fortnight) -> Callable[[], object]:
    f.end_service()
    return f.serve


def other_settings(section: str, **values: object) -> Fault:
    """The exporter with another setting, as where a disk is full for it."""

    def fault(f: Fortnight) -> Callable[[], None]:
        f.export(**{section: values})
        return f.export

    return fault


def clock_goes_on(until: Callable[[Fortnight], datetime]) -> Fault:
    """Time passes, and nothing comes."""

    def fault(f: Fortnight) -> Callable[[], None]:
        before, f.clock = f.clock, until(f)
        return lambda: setattr(f, "clock", before)

    return fault


def silent_database(f: Fortnight) -> Callable[[], object]:
    """What asks PostgreSQL gets no answer, and gives none."""
    f.stores.process.send_signal(signal.SIGSTOP)
    return lambda: f.stores.process.send_signal(signal.SIGCONT)


def connections_taken(f: Fortnight) -> Callable[[], object]:
    """Nine of ten are somebody's."""
    with psycopg.connect(f.stores.database) as connection:
        (most,) = connection.execute("SELECT current_setting('max_connections')::int").fetchone() or (0,)
    opened = [psycopg.connect(f.stores.database) for _ in range(most * 9 // 10)]
    return lambda: [one.close() for one in opened]


def of_a_job(change: str) -> Fault:
    """What TimescaleDB says of its job that compresses."""

    def fault(f: Fortnight) -> Callable[[], None]:
        def say(what: str) -> None:
            with psycopg.connect(f.stores.database) as connection:
                connection.execute(f"UPDATE job_stat SET {what} WHERE job_id = 1001".encode())

        say(change)
        return lambda: say("last_run_status = 'Success', last_successful_finish = now()")

    return fault
