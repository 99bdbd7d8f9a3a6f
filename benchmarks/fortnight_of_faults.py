"""A fortnight with everything on, watched by a real Prometheus: each alert fires when its fault is made, ends with it, and no other fires.

Usage: python benchmarks/fortnight_of_faults.py [--sessions 10] [--hours 1] [--json FILE]

A synthetic market is run and traded by the commands themselves, session by session; the market's clock goes from close to close in what is left of the hours. In each session some
faults are made in the deployment (files damaged, processes ended, orders and runs that fail, clocks that go on without data), seen to fire, taken back, and seen to end. Every query of
every dashboard is asked before and after the faults of a session. Waiting times (`for`) of the rules are shortened as the fortnight is, down to two scrapes, which they are at least in
deploy/prometheus; all else is as there. It needs `prometheus`, `prometheus-postgres-exporter` and PostgreSQL.
"""

import argparse
import json
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from contextlib import suppress
from datetime import date, timedelta
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1])]

import polars as pl  # noqa: E402

from ats_assets_tests.alerts.receiver import receiving  # noqa: E402
from ats_assets_tests.monitoring.postgres_exporter import running_postgres_exporter  # noqa: E402
from ats_assets_tests.monitoring.prometheus import Prometheus, rules, running_prometheus  # noqa: E402
from ats_assets_tests.monitoring.test_prometheus_rules import queries  # noqa: E402
from ats_assets_tests.monitoring.watched_deployment import add_what_runs_leave, tick  # noqa: E402
from ats_assets_tests.trade_state.databases import create_database, postgresql_server  # noqa: E402
from benchmarks.fortnight.faults import BY_NATURE, CALM, FAULTS  # noqa: E402
from benchmarks.fortnight.watched import BEGUN, Fortnight  # noqa: E402

SCRAPE_SECONDS = 2
"""Between two scrapes."""


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
