"""A fortnight with everything on, watched by a real Prometheus: each alert fires when its fault is made, ends with it, and no other fires.

Usage: python benchmarks/fortnight_of_faults.py [--sessions 10] [--hours 1] [--json FILE]

A synthetic market is run and traded by the commands themselves, session by session; the market's clock goes from close to close in what is left of the hours. In each session some
faults are made in the deployment (files damaged, processes ended, orders and runs that fail, clocks that go on without data), seen to fire, taken back, and seen to end. Every query of
every dashboard is asked before and after the faults of a session. Waiting times (`for`) of the rules are shortened as the fortnight is, down to two scrapes, which they are at least in
deploy/prometheus; all else is as there. It needs `prometheus`, `prometheus-postgres-exporter` and PostgreSQL.
"""

import argparse
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path[:0] = [str(HERE.parents[1])]

import dagster as dg  # noqa: E402
import polars as pl  # noqa: E402
import psycopg  # noqa: E402
from dagster._core.scheduler.instigation import TickStatus  # noqa: E402
from dagster._daemon.types import DaemonHeartbeat  # noqa: E402

from ats_assets.alerts import Alert, Alerts, Severity, open_alerts  # noqa: E402
from ats_assets.deployment import Deployment  # noqa: E402
from ats_assets.execution.halts import halt  # noqa: E402
from ats_assets.monitoring.exporter import Exporter  # noqa: E402
from ats_assets.monitoring.exposition import Exposition  # noqa: E402
from ats_assets.runs.startup import open_instance  # noqa: E402
from ats_assets.settings import load_settings  # noqa: E402
from ats_assets.storage.artefacts import Unavailable  # noqa: E402
from ats_assets.trade_state import open_trade_state  # noqa: E402
from ats_assets.trade_state.tables import fills, halts, intents  # noqa: E402
from ats_assets.vendors.call_log import CallOutcome, VendorCall  # noqa: E402
from ats_assets.vendors.circuit import Breaker  # noqa: E402
from ats_assets.vendors.errors import VendorUnreachableError  # noqa: E402
from ats_assets.vendors.open_vendor import open_state  # noqa: E402
from ats_assets.vendors.vendor_state import Terms  # noqa: E402
from ats_assets_tests.alerts.receiver import Receiver, receiving  # noqa: E402
from ats_assets_tests.cli.market import SETTINGS, environment, make_home  # noqa: E402
from ats_assets_tests.monitoring.postgres_exporter import PostgresExporter, running_postgres_exporter  # noqa: E402
from ats_assets_tests.monitoring.prometheus import Prometheus, free_port, rules, running_prometheus  # noqa: E402
from ats_assets_tests.monitoring.test_prometheus_rules import queries  # noqa: E402
from ats_assets_tests.monitoring.watched_deployment import DAEMONS, add_what_runs_leave, ask_vendor, tick  # noqa: E402
from ats_assets_tests.monitoring.watched_deployment import SETTINGS as EVERYTHING  # noqa: E402
from ats_assets_tests.trade_state.databases import create_database, postgresql_server  # noqa: E402

FIRST, BEGUN = date(2020, 10, 1), date(2021, 3, 31)
"""The history, and its end when the fortnight begins."""
BY_NATURE = {"AtsChampionSkillGone", "AtsCheckWarns", "AtsSlippageHigh", "AtsDrift"}
"""What a made market may do by itself."""
Fault = Callable[["Fortnight"], Callable[[], object]]
SCRAPE_SECONDS = 2
"""Between two scrapes."""


class Fortnight:
    """The deployment, its clock, and all that watches it."""

    def __init__(self, home: Path, desk: Receiver, stores: PostgresExporter) -> None:
        self.desk, self.stores = desk, stores
        make_home(home)
        text = SETTINGS.replace("2021-03-31", "2021-04-30").replace("2021-01-04", str(FIRST)) + EVERYTHING
        text = text.replace("[alerts.routes]", '[alerts.routes]\nDESK = "info"')
        text = text.replace("[drift]", "[drift]\nrecent_sessions = 2")  # the default asks for more of a past than this market has
        (home / "ats.toml").write_text(text)
        os.environ.update(environment(home), DAGSTER_HOME=str(home), DESK=desk.address, PYTHONPATH=str(HERE.parents[1]))
        self.home, self.log = home, (home / "commands.log").open("a")
        self.port, self.service_port = free_port(), free_port()
        self.clock = datetime(2021, 4, 1, tzinfo=UTC)
        self.silent: set[str] = set()
        self.made: list[tuple[float, float, set[str]]] = []
        self.exporter: Exporter | None = None
        self.service: subprocess.Popen[bytes] | None = None

    @property
    def watching(self) -> Deployment:
        """As the exporter sees it: over a source that goes on."""
        storage = {name: self.home / name / "synthetic" for name in ("warehouse", "models")}
        return Deployment(load_settings(source={"kind": "files"}, storage={**storage, "data": self.home / "data"}))

    def command(self, *arguments: str) -> int:
        """Run `ats` in a process of its own."""
        command = [sys.executable, "-m", "ats_assets.cli", *arguments]
        return subprocess.run(command, cwd=self.home, stdout=self.log, stderr=self.log, check=False).returncode

    def export(self, **sections: object) -> None:
        """Start the exporter, or give the one that runs other settings; it answers meanwhile."""
        deployment = self.watching
        changed = {name: getattr(deployment.settings, name).model_copy(update=values) for name, values in sections.items()}
        deployment = Deployment(deployment.settings.model_copy(update=changed))
        if self.exporter is None:
            self.exporter = Exporter(deployment, "127.0.0.1", self.port, market_now=lambda: self.clock)
            self.exporter.warm()
            threading.Thread(target=self.exporter.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        else:
            exposition = Exposition(deployment, market_now=lambda: self.clock)
            exposition.text()
            self.exporter.exposition = exposition

    def end_exporter(self) -> None:
        """End it."""
        if self.exporter is not None:
            self.exporter.shutdown()
            self.exporter.server_close()
            self.exporter = None

    def serve(self) -> None:
        """Start the service."""
        command = [sys.executable, "-m", "ats_assets.cli", "serve", "--port", str(self.service_port)]
        self.service = subprocess.Popen(command, cwd=self.home, stdout=self.log, stderr=self.log)
        for _ in range(1_200):
            with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{self.service_port}/health", timeout=5):
                return
            time.sleep(0.1)
        raise TimeoutError("the service does not answer")

    def end_service(self) -> None:
        """End it."""
        if self.service is not None:
            self.service.terminate()
            self.service.wait(30)

    def ask(self, path: str = "/api/v1/signals") -> None:
        """Ask the service, whatever it answers."""
        with suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{self.service_port}{path}", timeout=5).read()

    @contextmanager
    def living(self) -> Iterator[None]:
        """The daemon's heartbeats, a vendor that is asked and a service that is, until the block ends."""
        ended = threading.Event()

        def live() -> None:
            with open_instance() as instance:
                while not ended.wait(1.0):
                    for kind in set(DAEMONS) - self.silent:
                        instance.add_daemon_heartbeat(DaemonHeartbeat(time.time(), kind, "one", []))
                    ask_vendor(self.watching)
                    self.ask()

        thread = threading.Thread(target=live)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    @contextmanager
    def state(self) -> Iterator[object]:
        """A transaction of the trade state."""
        with open_trade_state(self.watching.settings) as state, state.begin() as connection:
            yield connection

    def newest(self, asset: str) -> Path:
        """The file of the newest partition."""
        return max((self.home / "warehouse/synthetic" / asset).glob("session=*/*.parquet"))


def kept(*places: Path) -> Callable[[], None]:
    """Puts files and folders back as they are now."""
    saved = Path(tempfile.mkdtemp())
    for number, place in enumerate(places):
        (shutil.copytree if place.is_dir() else shutil.copyfile)(place, saved / str(number))

    def back() -> None:
        for number, place in enumerate(places):
            if (saved / str(number)).is_dir():
                shutil.rmtree(place)
                shutil.copytree(saved / str(number), place)
            else:  # at once, as the warehouse writes: somebody may be reading it
                new = place.with_name(f".{place.name}.new")
                shutil.copyfile(saved / str(number), new)
                new.replace(place)

    return back


def rewritten(f: Fortnight, asset: str, sessions: int, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[], None]:
    """Change the rows of the newest partitions of an asset."""
    warehouse = f.watching.warehouse
    days = warehouse.stored_sessions(asset)[-sessions:]
    back = kept(*(warehouse.path(asset, day) for day in days))
    for day in days:
        warehouse.write(asset, day, change(warehouse.read(asset, [day])))
    return back


def skill_of(rank_ic: float) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Sessions in which the champion had it."""
    return lambda rows: rows.with_columns(rank_ic=pl.lit(rank_ic))


def check(f: Fortnight, severity: dg.AssetCheckSeverity) -> Callable[[], None]:
    """A check that fails, and passes when it is made again."""

    def evaluate(passed: bool) -> None:
        with open_instance() as instance:
            told = dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey("bars"), check_name="made_fault", passed=passed, severity=severity, metadata={}
            )
            instance.report_runless_asset_event(told)

    assert f.home.is_dir()
    evaluate(False)
    return lambda: evaluate(True)


def failed_run(f: Fortnight) -> Callable[[], None]:
    """A job whose last run failed; then one that succeeds."""

    def run(fails: bool) -> None:
        @dg.asset
        def of_a_person() -> None:
            if fails:
                raise ValueError("made to fail")

        with open_instance() as instance, suppress(Exception):
            job = dg.Definitions([of_a_person], jobs=[dg.define_asset_job("by_hand", [of_a_person])]).resolve_job_def("by_hand")
            job.execute_in_process(instance=instance, raise_on_error=False)

    assert f.home.is_dir()
    run(True)
    return lambda: run(False)


def stuck_run(f: Fortnight) -> Callable[[], None]:
    """A run that has been starting for an hour."""
    with open_instance() as instance:
        run = dg.DagsterRun(job_name="trading", status=dg.DagsterRunStatus.STARTING)
        instance.run_storage.add_run(run)
    with sqlite3.connect(f.home / "data/dagster/history/runs.db", timeout=30) as database:
        database.execute("UPDATE runs SET update_timestamp = datetime('now', '-1 hour') WHERE run_id = ?", (run.run_id,))

    def back() -> None:
        with open_instance() as instance:
            instance.delete_run(run.run_id)

    return back


def changed_row(f: Fortnight, table: object, key: object, column: str, value: object) -> Callable[[], None]:
    """Change a column of the row with the greatest key of a table of the trade state."""
    from sqlalchemy import select, update

    with f.state() as connection:
        row = connection.execute(select(table).order_by(key.desc()).limit(1)).mappings().one()
        connection.execute(update(table).where(key == row[key.name]).values({column: value}))

    def back() -> None:
        with f.state() as connection:
            connection.execute(update(table).where(key == row[key.name]).values({column: row[column]}))

    return back


def cash_that_differs(f: Fortnight) -> Callable[[], None]:
    """The broker's cash is another than our records say: the next reconciliation halts trading."""

    def move(cents: int) -> None:
        with sqlite3.connect(f.home / "data/trade_state.sqlite", timeout=60) as database:
            database.execute("UPDATE paper_accounts SET cash_cents = cash_cents + ?", (cents,))

    move(100_000)
    newest = str(f.watching.warehouse.stored_sessions("orders")[-1])
    f.command("trade", "--from", newest, "--to", newest)

    def back() -> None:
        move(-100_000)
        assert f.command("orders", "resume", "--who", "fortnight") == 0

    return back


def broken_halt(f: Fortnight) -> Callable[[], None]:
    """A breach inside the session."""
    with f.state() as connection:
        halt(connection, datetime.now(UTC), "loop", "breach in the session: the loss is 4 %")

    def back() -> None:
        with f.state() as connection:
            connection.execute(halts.update().values(cleared_at=datetime.now(UTC), cleared_by="fortnight", note=""))

    return back


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


def damaged(f: Fortnight, file: Path, cut: int = -20) -> Callable[[], None]:
    """A file without its end."""
    assert f.home.is_dir()
    back = kept(file)
    file.write_bytes(file.read_bytes()[:cut])
    return back


def gone(f: Fortnight) -> Callable[[], object]:
    f.end_exporter()
    return f.export


def service_gone(f: Fortnight) -> Callable[[], object]:
    f.end_service()
    return f.serve


def unavailable_model(f: Fortnight) -> Callable[[], None]:
    store = f.watching.model_store("lightgbm_model")
    newest = store.stored_sessions()[-1]
    back = kept(store.folder(newest))
    store.write_unavailable(newest, Unavailable(reason="made fault"), {})
    return back


def behind(f: Fortnight) -> Callable[[], None]:
    """Receipts of the newest sessions are gone."""
    folders = sorted((f.home / "warehouse/synthetic/qlib_export").glob("session=*"))
    back = [(folder, folder.with_name(f"away-{folder.name}")) for folder in folders[-3:]]
    for folder, away in back:
        folder.rename(away)
    return lambda: [away.rename(folder) for folder, away in back]


def kill(f: Fortnight) -> Callable[[], None]:
    file = f.watching.settings.orders.kill_file
    file.touch()
    return file.unlink


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


def _next_open(f: Fortnight, sessions: int) -> datetime:
    deployment = f.watching
    return deployment.calendar.opens_at(deployment.calendar.offset(deployment.valid_sessions("targets")[-1], sessions))


def worse_fills(f: Fortnight) -> Callable[[], None]:
    """The newest fills were three times worse than they were, whichever side they are of."""
    from sqlalchemy import select, update

    with f.state() as connection:
        rows = connection.execute(select(fills.c.fill_id, fills.c.side, fills.c.price).order_by(fills.c.at.desc()).limit(20)).all()

    def to(prices: Iterable[Decimal]) -> None:
        with f.state() as connection:
            for row, price in zip(rows, prices, strict=True):
                connection.execute(update(fills).where(fills.c.fill_id == row.fill_id).values(price=price))

    to(row.price * 3 if row.side == "buy" else row.price / 4 for row in rows)
    return lambda: to(row.price for row in rows)


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


FAULTS: dict[str, tuple[Fault, set[str]]] = {
    "AtsReconciliationHalt": (cash_that_differs, {"AtsRunFailed", "AtsCheckFailed"}),
    "AtsHalted": (broken_halt, set()),
    "AtsKillSwitchOn": (kill, set()),
    "AtsCheckFailed": (lambda f: check(f, dg.AssetCheckSeverity.ERROR), set()),
    "AtsCheckWarns": (lambda f: check(f, dg.AssetCheckSeverity.WARN), set()),
    "AtsDrift": (lambda f: rewritten(f, "drift", 1, lambda rows: rows.with_columns(alarm=pl.lit(True))), set()),
    "AtsChampionSkillGone": (lambda f: rewritten(f, "skill", 63, skill_of(-0.1)), set()),
    "AtsModelMissing": (unavailable_model, set()),
    "AtsOrdersUndecided": (lambda f: changed_row(f, intents, intents.c.client_order_id, "state", "sending"), set()),
    "AtsSlippageHigh": (worse_fills, set()),
    "AtsVendorBreakerOpen": (vendor_down, set()),
    "AtsAlertRouteFails": (route_down, set()),
    "AtsRunFailed": (failed_run, set()),
    "AtsRunStuck": (stuck_run, set()),
    "AtsTriggerFails": (failing_sensor, set()),
    "AtsDaemonThreadSilent": (silent_thread, set()),
    "AtsDaemonDead": (dead_daemon, set()),
    "AtsApiErrors": (lambda f: damaged(f, f.newest("signals")), {"AtsCollectorFails"}),
    "AtsCollectorFails": (lambda f: damaged(f, f.home / "data/dagster/history/runs/index.db", 4_000), set()),
    "AtsServiceGone": (service_gone, set()),
    "AtsExporterGone": (gone, {"AtsCollectorFails"}),
    "AtsDiskNearlyFull": (other_settings("monitoring", low_disk_gigabytes=1e6), set()),
    "AtsDiskFull": (other_settings("monitoring", low_disk_gigabytes=1e6, full_disk_gigabytes=1e6), {"AtsDiskNearlyFull"}),
    "AtsExportBehind": (behind, set()),
    "AtsPostgresGone": (silent_database, set()),
    "AtsPostgresConnections": (connections_taken, set()),
    "AtsTimescaleJobFails": (of_a_job("last_run_status = 'Failed'"), set()),
    "AtsTimescaleJobLate": (of_a_job("last_successful_finish = now() - interval '3 days'"), set()),
    "AtsBarsLate": (clock_goes_on(lambda f: _next_open(f, 1) + timedelta(days=1)), {"AtsNoSignals", "AtsPositionsStale"}),
    "AtsNoSignals": (clock_goes_on(lambda f: _next_open(f, 2)), {"AtsBarsLate", "AtsPositionsStale"}),
    "AtsPositionsStale": (lambda f: changed_row(f, _snapshots(), _snapshots().c.id, "session", BEGUN - timedelta(days=30)), set()),
    "AtsCalendarEnds": (
        clock_goes_on(lambda f: f.watching.calendar.closes_at(f.watching.calendar.last) - timedelta(days=20)),
        {"AtsBarsLate", "AtsNoSignals", "AtsPositionsStale"},
    ),
}
"""Alert -> what makes it fire and returns what takes that back, and what else fires then."""
CALM: dict[str, Fault] = {"AtsChampionSkillGone": lambda f: rewritten(f, "skill", 63, skill_of(0.1))}
"""Alert that the made market may hold up by itself -> what ends it before its fault is made."""


def _snapshots():
    from ats_assets.trade_state.tables import account_snapshots

    return account_snapshots


def a_session(f: Fortnight, day: date) -> None:
    """Run and trade a session an hour after its close, as the daemon would."""
    calendar = f.watching.calendar
    f.clock = calendar.closes_at(day) + timedelta(hours=1)
    assert f.command("run", "--from", str(day), "--to", str(day)) == 0, (f.home / "commands.log").read_text()[-3_000:]
    f.command("trade", "--from", str(day), "--to", str(day))
    deployment = f.watching
    receipts = pl.DataFrame({"asset": ["bars"], "rows": [10]})
    deployment.warehouse.write("qlib_export", day, receipts)
    f.clock = calendar.opens_at(calendar.after(day)) - timedelta(minutes=30)


def tried(f: Fortnight, prometheus: Prometheus, name: str) -> tuple[float, float]:
    """Make the fault of an alert and take it back; seconds until it fired, and until it ended.

    Raises
    ------
    AssertionError
        If it fires before, does not fire, does not end, or another one fires.
    """
    restored = CALM.get(name, lambda _: lambda: None)(f)
    try:
        prometheus.until(lambda: name not in prometheus.firing(), f"silence of {name} before its fault", seconds=120)
        return _tried(f, prometheus, name)
    finally:
        restored()


def _tried(f: Fortnight, prometheus: Prometheus, name: str) -> tuple[float, float]:
    before = prometheus.firing()
    fault, others = FAULTS[name]
    begun, made = time.monotonic(), time.time()
    back = fault(f)
    try:
        prometheus.until(lambda: name in prometheus.firing(), f"{name} fires", seconds=120)
        fired = time.monotonic() - begun
        strangers = prometheus.firing() - before - {name} - others - BY_NATURE
    finally:
        begun = time.monotonic()
        back()
    wanted = before | (BY_NATURE - {name})
    prometheus.until(lambda: prometheus.firing() <= wanted, f"{name} ends", seconds=400 if name == "AtsApiErrors" else 120)
    f.made.append((made, time.time(), {name} | others))
    assert not strangers, f"{name}: {strangers} fire, too"
    return fired, time.monotonic() - begun


def faults_of(f: Fortnight, prometheus: Prometheus, day: date, names: list[str], found: dict[str, tuple[float, float]]) -> list[str]:
    """Make the faults of a session one after the other; what did not go as it should."""
    failed: list[str] = []
    for name in names:
        try:
            found[name] = tried(f, prometheus, name)
        except Exception as error:  # noqa: BLE001 - the other faults are made all the same
            failed.append(f"{name}: {error}")
            print(f"{day}  {failed[-1]}", flush=True)
            continue
        print(f"{day}  {name:24} fired after {found[name][0]:6.1f} s, ended after {found[name][1]:6.1f} s", flush=True)
    return failed


def strangers(f: Fortnight, prometheus: Prometheus, begun: float) -> list[str]:
    """Alerts that have fired since `begun` while no fault of theirs was made, by what Prometheus has stored, with when."""
    asked = urllib.parse.urlencode({"query": 'ALERTS{alertstate="firing"}', "start": begun, "end": time.time(), "step": SCRAPE_SECONDS})
    with urllib.request.urlopen(f"{prometheus.address}/api/v1/query_range?{asked}", timeout=30) as answer:
        series = json.loads(answer.read())["data"]["result"]
    found: dict[str, list[float]] = {}
    for one in series:
        name = one["metric"]["alertname"]
        for at, _ in one["values"]:
            by_fault = any(first <= at <= last + 2 * SCRAPE_SECONDS and name in names for first, last, names in f.made)
            if name not in BY_NATURE and not by_fault:
                found.setdefault(name, []).append(at)
    return [f"{name} fired without its fault at {min(times) - begun:.0f} to {max(times) - begun:.0f} s" for name, times in found.items()]


def looked_at(prometheus: Prometheus, day: date) -> list[str]:
    """What is not as it should be when no fault is made: panels without data, alerts that fire by themselves."""
    asked = queries() + queries(of_servers=True)

    def empty() -> list[str]:
        return [f"{board}: {title}" for board, title, query in asked if not prometheus.query(query)]

    wrong: list[str] = []
    with suppress(AssertionError):
        prometheus.until(lambda: not empty(), f"data in every panel at {day}", seconds=60)
    if without := empty():
        wrong.append(f"{day}: no data in {', '.join(without)}")
    if firing := prometheus.firing() - BY_NATURE:
        wrong.append(f"{day}: {firing} fire by themselves")
    for one in wrong:
        print(one, flush=True)
    return wrong


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=10)
    parser.add_argument("--hours", type=float, default=1.0, help="that it takes at least")
    parser.add_argument("--only", nargs="*", help="these alerts alone")
    parser.add_argument("--json", type=Path)
    return parser.parse_args()


def main() -> None:
    """Print a line a fault."""
    given = _arguments()
    assert set(FAULTS) == {rule["alert"] for rule in rules() if "alert" in rule}, "each alert has its fault"
    names = given.only or list(FAULTS)
    shorter = 14 * 24 / given.hours
    found: dict[str, tuple[float, float]] = {}
    failed: list[str] = []
    begun = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="fortnight-") as folder,
        receiving() as desk,
        postgresql_server() as server,
        running_postgres_exporter(create_database(server, "exports"), Path(folder)) as stores,
    ):
        f = Fortnight(Path(folder) / "home", desk, stores)
        assert f.command("run", "--to", str(BEGUN), "--chunk", "80") == 0, (f.home / "commands.log").read_text()[-3_000:]
        assert f.command("trade", "--from", "2021-03-24", "--to", str(BEGUN)) == 0
        deployment = f.watching
        add_what_runs_leave(f.home, deployment)
        tick(deployment)
        f.clock = deployment.calendar.opens_at(deployment.calendar.after(BEGUN)) - timedelta(minutes=30)
        f.export()
        f.serve()
        sessions = deployment.calendar.window(deployment.calendar.offset(BEGUN, given.sessions), given.sessions)
        targets = {"ats": f"127.0.0.1:{f.port}", "ats-service": f"127.0.0.1:{f.service_port}", "postgres": stores.address}
        try:
            every = f"{SCRAPE_SECONDS}s"
            with f.living(), running_prometheus(Path(folder) / "prometheus", targets, every=every, shorter=shorter) as prometheus:
                # Until its first scrape Prometheus knows of no exporter, and a rule of seconds takes that for one that is gone.
                prometheus.until(
                    lambda: len(prometheus.query("up == 1")) == len(targets) and prometheus.firing() <= BY_NATURE, "all are scraped"
                )
                time.sleep(2 * SCRAPE_SECONDS)
                started = time.time()
                for number, day in enumerate(sessions):
                    a_session(f, day)
                    tick(f.watching)
                    with suppress(AssertionError):  # which is told with the panels
                        prometheus.until(lambda: prometheus.firing() <= BY_NATURE, f"silence at {day}", seconds=120)
                    failed += looked_at(prometheus, day)
                    failed += faults_of(f, prometheus, day, names[number :: len(sessions)], found)
                    left = given.hours * 3600 * (number + 1) / len(sessions) - (time.monotonic() - begun)
                    time.sleep(max(0.0, left))
                    failed += looked_at(prometheus, day)
                    print(*strangers(f, prometheus, started), sep="\n", flush=True)
                failed += strangers(f, prometheus, started)
        finally:
            f.end_exporter()
            f.end_service()
    print(f"{len(found)} alerts fired and ended in {len(sessions)} sessions and {(time.monotonic() - begun) / 60:.0f} minutes")
    if given.json:
        given.json.write_text(json.dumps({name: {"fired_s": a, "ended_s": b} for name, (a, b) in found.items()}, indent=1) + "\n")
    if failed:
        sys.exit(f"{len(failed)} not as they should be: {'; '.join(failed)}")
    print("no other alert fired at any time, and every panel had data at the beginning and the end of each session")


if __name__ == "__main__":
    main()
