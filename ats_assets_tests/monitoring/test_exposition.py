"""What a scrape tells of a large deployment is right, bounded and quick; nothing waits for it, and it waits for nothing."""

import json
import re
import shutil
import sqlite3
import subprocess
import threading
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from dagster._daemon.types import DaemonHeartbeat

from ats_assets.deployment import Deployment
from ats_assets.monitoring.exposition import COLLECTORS, Exposition
from ats_assets.monitoring.http_metrics import HttpMetrics
from ats_assets.monitoring.samples import LEFT_OUT, SERIES_MAX
from ats_assets.runs.startup import open_instance
from ats_assets.storage.model_record import DecisionWindow, TaughtLabel, Validation
from ats_assets.trade_state import open_trade_state, record
from ats_assets.trade_state.tables import account_snapshots, fills, intents, positions
from ats_assets.vendors.call_log import CallOutcome, VendorCall
from ats_assets.vendors.open_vendor import open_state
from ats_assets.vendors.vendor_state import Terms
from ats_assets_tests.monitoring.conftest import Deploy

SESSION = date(2024, 1, 5)
AT = datetime(2024, 1, 5, 20, tzinfo=UTC)
WINDOW = DecisionWindow(first_decision=SESSION, last_decision=SESSION, sessions=1, rows=1_234)
FITTED = {
    "learner": "lightgbm",
    "file": "model.txt",
    "features": ("KMID",),
    "label": TaughtLabel(horizon_sessions=5, kind="rank"),
    "training": WINDOW,
    "validation_window": WINDOW,
    "validation": Validation(rank_ic=0.02, by_session={SESSION: 0.02}),
    "best_iteration": 7,
}
MODELS, SYMBOLS, VENDORS, ASSETS, CHECKS = 40, 500, 60, 130, 400


def lines_of(text: bytes) -> dict[str, float]:
    """Series -> value of an exposition."""
    found = (line.rpartition(" ") for line in text.decode().splitlines() if not line.startswith("#"))
    return {name: float(value) for name, _, value in found}


def fill_trade_state(deployment: Deployment) -> None:
    with open_trade_state(deployment.settings) as state, state.begin() as connection:
        money = {"cash": Decimal(0), "buying_power": Decimal(0), "trading_blocked": False, "broker": "paper", "account_id": "a", "at": AT}
        connection.execute(account_snapshots.insert().values(id=1, kind="session", session=SESSION, equity=Decimal(1_000_000), **money))
        for number in range(SYMBOLS):
            symbol, name = f"S{number:03}", f"main-20240104-S{number:03}-open"
            price = Decimal(number + 1)
            held = {"snapshot_id": 1, "symbol": symbol, "quantity": Decimal(1), "price": price, "cost": None, "multiplier": None}
            connection.execute(positions.insert().values(**held))
            order = {
                "client_order_id": name,
                "session": date(2024, 1, 4),
                "strategy": "main",
                "symbol": symbol,
                "side": "buy",
                "leg": "open",
            }
            order |= {"quantity": Decimal(1), "kind": "market_on_open", "decision_price": price, "state": "filled", "attempts": 1}
            connection.execute(intents.insert().values(**order, planned_at=AT, updated_at=AT))
            fill = {"fill_id": name, "broker_order_id": name, "client_order_id": name, "intent_id": name, "symbol": symbol, "side": "buy"}
            fill |= {"quantity": Decimal(1), "price": price * Decimal("1.001"), "fees": Decimal("0.01"), "at": AT, "recorded_at": AT}
            connection.execute(fills.insert().values(**fill))
            record(connection, AT, "me", "fill", client_order_id=name)


def fill_warehouse(deployment: Deployment) -> None:
    for number in range(ASSETS):
        deployment.warehouse.write(f"asset_{number}", SESSION, pl.DataFrame({"a": range(number)}))
    tests = [("features", "psi"), ("features", "ks"), ("predictions", "ks"), ("skill", "cusum")]
    rows = [
        {"model": f"m{number}", "of": of, "test": test, "figure": 2.0, "threshold": 1.0, "alarm": number == 39, "about": ""}
        for number in range(MODELS)
        for of, test in tests
    ]
    deployment.warehouse.write("drift", SESSION, pl.DataFrame(rows))
    for number in range(MODELS):
        store = deployment.model_store(f"m{number}_model")
        store.write_fitted(SESSION, b"model", **FITTED)


def fill_vendors(deployment: Deployment) -> None:
    state = open_state(deployment.settings)
    for number in range(VENDORS):
        call = VendorCall(vendor=f"v{number:02}", host="api.example.org", key="-", method="GET", path="/bars")
        for status in (200, 200, 404):
            done = CallOutcome(outcome="answered" if status == 200 else "refused", status=status, seconds=0.25)
            state.end(state.begin(call, Terms()), call, done)


def fill_dagster(home: Path) -> None:
    with open_instance() as instance:
        instance.add_daemon_heartbeat(DaemonHeartbeat(AT.timestamp(), "SENSOR", "one", []))
    with sqlite3.connect(home / "data/dagster/history/runs/index.db") as connection:
        for number in range(CHECKS):
            evaluation = {"severity": {"__enum__": "AssetCheckSeverity.ERROR"}, "description": None}
            event = json.dumps({"dagster_event": {"event_specific_data": evaluation}})
            row = (
                json.dumps([f"asset_{number % ASSETS}"]),
                f"check_{number}",
                "2024-01-05",
                "r",
                "FAILED" if number == 7 else "SUCCEEDED",
                event,
            )
            connection.execute(
                "INSERT INTO asset_check_executions (asset_key, check_name, partition, run_id, execution_status, evaluation_event) VALUES (?, ?, ?, ?, ?, ?)",
                row,
            )
        for number in range(ASSETS):
            connection.execute(
                "INSERT INTO asset_keys (asset_key, last_run_id, last_materialization_timestamp) VALUES (?, 'r1', '2024-01-05 21:00:00')",
                (json.dumps([f"asset_{number}"]),),
            )
    with sqlite3.connect(home / "data/dagster/history/runs.db") as connection:
        for number in range(300):
            status = "FAILURE" if number == 299 else "SUCCESS"
            connection.execute(
                "INSERT INTO runs (run_id, pipeline_name, status, run_body, start_time, end_time) VALUES (?, ?, ?, '{}', 1.0, 3.5)",
                (f"r{number}", f"job_{number % 50}", status),
            )


@pytest.fixture
def large(home: Path, deploy: Deploy) -> Deployment:
    """500 symbols, 40 models, 60 vendors, 130 assets, 400 checks, 50 jobs."""
    deployment = deploy(
        models={f"m{number}": {"kind": "lightgbm"} for number in range(MODELS)},
        strategies={f"s{number}": {"kind": "model_scores"} for number in range(20)},
        drift={},
        calendar={"first_session": "2023-01-03"},
    )
    fill_trade_state(deployment)
    fill_warehouse(deployment)
    fill_vendors(deployment)
    fill_dagster(home)
    return deployment


def test_a_large_deployment_tells_a_bounded_number_of_series(large: Deployment) -> None:
    http = HttpMetrics()
    for number in range(200):
        http.observe(f"/api/v1/route{number}", "GET", 200 + number % 7, 0.01)
    exposition = Exposition(large, http, now=lambda: AT + timedelta(hours=2))
    text = exposition.text()
    found = lines_of(text)
    assert len(found) == found["ats_exporter_series"] <= SERIES_MAX
    assert len(found) > SERIES_MAX // 2, "there is enough to tell"
    assert all(found[f'ats_exporter_collector_success{{collector="{name}"}}'] == 1 for name in COLLECTORS)
    assert any(name.startswith(LEFT_OUT) for name in found)

    symbols = {name: value for name, value in found.items() if name.startswith("ats_position_value")}
    assert len(symbols) == 21
    assert symbols['ats_position_value{symbol="S499"}'] == 500
    assert sum(symbols.values()) == sum(range(1, SYMBOLS + 1))
    if promtool := shutil.which("promtool"):  # Prometheus' own conventions for names, units and texts
        checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, check=False)
        assert checked.returncode == 0, checked.stdout + checked.stderr
    assert found['ats_positions{side="long"}'] == found["ats_fills_total"] == found['ats_trading_events_total{event="fill"}'] == SYMBOLS
    assert found["ats_session_slippage_ratio"] == pytest.approx(0.001)
    assert found['ats_drift_alarm{model="m39",of="skill",test="cusum"}'] == 1, "alarms are told before what is quiet"
    assert found['ats_check_failed{asset="asset_7",check="check_7",severity="error"}'] == 1
    assert found['dagster_last_run_info{job_name="job_0",location="__unknown__",status="success"}'] == 1
    assert found['ats_model_training_rows{model="m17"}'] == 1_234
    vendors = {name: value for name, value in found.items() if name.startswith("ats_vendor_calls_total")}
    assert set(vendors.values()) <= {1.0, 2.0}
    assert len([name for name in found if name.startswith("ats_vendor_answered_total")]) == 20


def test_counts_go_on_from_where_they_were(large: Deployment) -> None:
    """Each line of the audit trail, each attempt at a vendor and each run is counted once, those that end later too."""
    exposition = Exposition(large, now=lambda: AT)
    before = lines_of(exposition.text())
    state = open_state(large.settings)
    call = VendorCall(vendor="v00", host="api.example.org", key="-", method="GET", path="/bars")
    waiting = state.begin(call, Terms())
    with open_trade_state(large.settings) as trading, trading.begin() as connection:
        record(connection, AT, "me", "halted")
    between = lines_of(exposition.text())
    state.end(waiting, call, CallOutcome(outcome="answered", status=200, seconds=0.5))
    after = lines_of(exposition.text())
    calls = 'ats_vendor_calls_total{outcome="answered",status="200",vendor="v00"}'
    assert (before[calls], between[calls], after[calls]) == (2, 2, 3)
    assert after['ats_vendor_call_seconds_total{vendor="v00"}'] == pytest.approx(
        before['ats_vendor_call_seconds_total{vendor="v00"}'] + 0.5
    )
    halted = 'ats_trading_events_total{event="halted"}'
    assert (before.get(halted), between[halted]) == (None, 1)
    anew = lines_of(Exposition(large, now=lambda: AT).text())
    counters = {name: value for name, value in after.items() if "_total" in name}
    assert counters == {name: value for name, value in anew.items() if "_total" in name}, "one that is started anew counts the same"


def test_a_writer_holds_up_no_scrape_and_no_scrape_a_writer(large: Deployment) -> None:
    """While the executor holds its write lock a scrape reads the snapshot before; while scrapes read, the executor writes."""
    exposition = Exposition(large, now=lambda: AT)
    exposition.text()
    with open_trade_state(large.settings) as trading:
        with trading.begin() as connection:
            record(connection, AT, "me", "halted")
            found = lines_of(exposition.text())
            assert found['ats_exporter_collector_success{collector="trading"}'] == 1
            assert 'ats_trading_events_total{event="halted"}' not in found
        ended = threading.Event()

        def scrape() -> None:
            while not ended.is_set():
                exposition.text()

        scraping = threading.Thread(target=scrape)
        scraping.start()
        try:
            for _ in range(20):
                with trading.begin() as connection:
                    record(connection, AT, "me", "settled")
        finally:
            ended.set()
            scraping.join()
    assert lines_of(exposition.text())['ats_trading_events_total{event="settled"}'] == 20


def test_what_can_not_be_read_is_told_and_hides_no_other(large: Deployment, monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    (home / "data/dagster/history/runs/index.db").write_bytes(b"no database at all, and long enough to be taken for one")
    found = lines_of(Exposition(large, now=lambda: AT).text())
    success = {name: found[f'ats_exporter_collector_success{{collector="{name}"}}'] for name in COLLECTORS}
    assert success == {name: float(name not in {"data", "dagster"}) for name in COLLECTORS}
    monkeypatch.setenv("DB_CONNECTION_STR", "postgresql://ats:s3cretWord99@127.0.0.1:1/trading")
    text = Exposition(large, now=lambda: AT).text()
    assert lines_of(text)['ats_exporter_collector_success{collector="trading"}'] == 0
    assert b"s3cret" not in text
    assert not re.search(rb"Traceback|/home|/root", text)


def test_a_deployment_of_which_nothing_is_stored(deploy: Deploy) -> None:
    found = lines_of(Exposition(deploy()).text())
    assert all(found[f'ats_exporter_collector_success{{collector="{name}"}}'] == 1 for name in COLLECTORS)
    assert found["ats_kill_switch_on"] == 0
