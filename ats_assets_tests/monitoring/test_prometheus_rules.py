"""The rules are valid, read only what is told, and each alert fires when its fault is made and is silent otherwise: by promtool."""

import importlib.util
import json
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

from ats_assets.monitoring.exposition import ALL_METRICS
from ats_assets.settings.monitoring import MonitoringSettings
from ats_assets_tests.monitoring.prometheus import ROOT, RULES, needed, rules, seconds_of

EVERY = 30
"""Seconds between two samples."""
MINUTES = 25
BEAT = f"0+{EVERY}x{MINUTES * 60 // EVERY}"
"""A heartbeat with each sample; time begins at 0."""
ALWAYS = f"x{MINUTES * 60 // EVERY}"

JOB = 'job="postgres",instance="p",number="1001",procedure="policy_compression",hypertable="bars"'
"""Of TimescaleDB."""
WELL = {
    'up{job="ats",instance="a"}': f"1{ALWAYS}",
    'up{job="ats-service",instance="s"}': f"1{ALWAYS}",
    'ats_exporter_collector_success{job="ats",instance="a",collector="data"}': f"1{ALWAYS}",
    'ats_bars_late_sessions{job="ats",instance="a"}': f"0{ALWAYS}",
    'ats_signals_late_sessions{job="ats",instance="a"}': f"0{ALWAYS}",
    'ats_check_failed{job="ats",instance="a",asset="bars",check="contract",severity="error"}': f"0{ALWAYS}",
    'ats_check_failed{job="ats",instance="a",asset="bars",check="suspicions",severity="warn"}': f"0{ALWAYS}",
    'ats_vendor_breaker_open{job="ats",instance="a",vendor="massive",server="api"}': f"0{ALWAYS}",
    'ats_export_sessions_behind{job="ats",instance="a",export="timescale"}': f"1{ALWAYS}",
    'ats_calendar_sessions_left{job="ats",instance="a"}': f"250{ALWAYS}",
    'ats_drift_alarm{job="ats",instance="a",model="lightgbm",of="skill",test="cusum"}': f"0{ALWAYS}",
    'ats_skill_rank_ic_mean{job="ats",instance="a",horizon_sessions="5"}': f"0.02{ALWAYS}",
    'ats_skill_sessions{job="ats",instance="a",horizon_sessions="5"}': f"63{ALWAYS}",
    'ats_model_available{job="ats",instance="a",model="lightgbm"}': f"1{ALWAYS}",
    'ats_model_age_sessions{job="ats",instance="a",model="lightgbm"}': f"20{ALWAYS}",
    'ats_model_max_age_sessions{job="ats",instance="a"}': f"63{ALWAYS}",
    'ats_halted{job="ats",instance="a",kind="reconciliation"}': f"0{ALWAYS}",
    'ats_halted{job="ats",instance="a",kind="breach"}': f"0{ALWAYS}",
    'ats_kill_switch_on{job="ats",instance="a"}': f"0{ALWAYS}",
    'ats_positions_late_sessions{job="ats",instance="a"}': f"0{ALWAYS}",
    'ats_orders{job="ats",instance="a",state="sending"}': f"0{ALWAYS}",
    'ats_orders{job="ats",instance="a",state="filled"}': f"900{ALWAYS}",
    'ats_executor_at_work{job="ats",instance="a"}': f"0{ALWAYS}",
    'ats_session_slippage_ratio{job="ats",instance="a"}': f"0.0004{ALWAYS}",
    'ats_slippage_warning_ratio{job="ats",instance="a"}': f"0.005{ALWAYS}",
    'ats_alert_route_failing{job="ats",instance="a",route="SLACK_URL"}': f"0{ALWAYS}",
    'dagster_daemon_last_heartbeat_timestamp_seconds{job="ats",instance="a",daemon_type="SENSOR"}': BEAT,
    'dagster_daemon_last_heartbeat_timestamp_seconds{job="ats",instance="a",daemon_type="SCHEDULER"}': BEAT,
    'dagster_sensor_status{job="ats",instance="a",sensor_name="trading_sensor",location="x",status="running"}': f"1{ALWAYS}",
    'dagster_sensor_last_tick_status{job="ats",instance="a",sensor_name="trading_sensor",location="x",status="skipped"}': f"1{ALWAYS}",
    'dagster_last_run_info{job="ats",instance="a",job_name="daily_signals",location="x",status="success"}': f"1{ALWAYS}",
    'dagster_active_run_duration_seconds{job="ats",instance="a",job_name="trading",location="x",status="queued"}': f"60{ALWAYS}",
    'ats_disk_free_bytes{job="ats",instance="a",disk="data"}': f"6e9{ALWAYS}",
    'ats_disk_size_bytes{job="ats",instance="a",disk="data"}': f"1e11{ALWAYS}",
    'ats_disk_low_bytes{job="ats",instance="a"}': f"5e9{ALWAYS}",
    'ats_disk_full_bytes{job="ats",instance="a"}': f"5e8{ALWAYS}",
    'up{job="postgres",instance="p"}': f"1{ALWAYS}",
    'pg_up{job="postgres",instance="p"}': f"1{ALWAYS}",
    'pg_settings_max_connections{job="postgres",instance="p",server="p"}': f"100{ALWAYS}",
    'pg_stat_activity_count{job="postgres",instance="p",datname="trading",state="idle"}': f"80{ALWAYS}",
    f"timescale_job_failed{{{JOB}}}": f"0{ALWAYS}",
    f"timescale_job_schedule_seconds{{{JOB}}}": f"60{ALWAYS}",
    f"timescale_job_last_success_timestamp_seconds{{{JOB}}}": BEAT,
    'ats_http_requests_total{job="ats-service",instance="s",route="/a",method="GET",status="200"}': f"0+96{ALWAYS}",
    'ats_http_requests_total{job="ats-service",instance="s",route="/a",method="GET",status="500"}': f"0+4{ALWAYS}",
}
"""A deployment in which all is well, or nearly not."""

AT, LATE = 'job="ats",instance="a"', "10m"
FAULTS: dict[str, tuple[dict[str, str], set[str]]] = {
    "AtsExporterGone": ({'up{job="ats",instance="a"}': f"1x20 0{ALWAYS}"}, set()),
    "AtsCollectorFails": ({f'ats_exporter_collector_success{{{AT},collector="data"}}': f"1x10 0{ALWAYS}"}, set()),
    "AtsServiceGone": ({'up{job="ats-service",instance="s"}': f"1x20 0{ALWAYS}"}, set()),
    "AtsBarsLate": ({f"ats_bars_late_sessions{{{AT}}}": f"0x10 1{ALWAYS}"}, set()),
    "AtsNoSignals": ({f"ats_signals_late_sessions{{{AT}}}": f"0x10 2{ALWAYS}"}, set()),
    "AtsCheckFailed": ({f'ats_check_failed{{{AT},asset="bars",check="contract",severity="error"}}': f"0x10 1{ALWAYS}"}, set()),
    "AtsCheckWarns": ({f'ats_check_failed{{{AT},asset="bars",check="suspicions",severity="warn"}}': f"0x10 1{ALWAYS}"}, set()),
    "AtsVendorBreakerOpen": ({f'ats_vendor_breaker_open{{{AT},vendor="massive",server="api"}}': f"0x10 1{ALWAYS}"}, set()),
    "AtsExportBehind": ({f'ats_export_sessions_behind{{{AT},export="timescale"}}': "2x1000"}, set()),
    "AtsCalendarEnds": ({f"ats_calendar_sessions_left{{{AT}}}": f"20{ALWAYS}"}, set()),
    "AtsDrift": ({f'ats_drift_alarm{{{AT},model="lightgbm",of="skill",test="cusum"}}': f"1{ALWAYS}"}, set()),
    "AtsChampionSkillGone": ({f'ats_skill_rank_ic_mean{{{AT},horizon_sessions="5"}}': f"-0.001{ALWAYS}"}, set()),
    "AtsModelMissing": ({f'ats_model_age_sessions{{{AT},model="lightgbm"}}': f"64{ALWAYS}"}, set()),
    "AtsReconciliationHalt": ({f'ats_halted{{{AT},kind="reconciliation"}}': f"1{ALWAYS}"}, set()),
    "AtsHalted": ({f'ats_halted{{{AT},kind="breach"}}': f"1{ALWAYS}"}, set()),
    "AtsKillSwitchOn": ({f"ats_kill_switch_on{{{AT}}}": f"1{ALWAYS}"}, set()),
    "AtsPositionsStale": ({f"ats_positions_late_sessions{{{AT}}}": f"1{ALWAYS}"}, set()),
    "AtsOrdersUndecided": ({f'ats_orders{{{AT},state="sending"}}': f"1{ALWAYS}"}, set()),
    "AtsSlippageHigh": ({f"ats_session_slippage_ratio{{{AT}}}": f"0.006{ALWAYS}"}, set()),
    "AtsAlertRouteFails": ({f'ats_alert_route_failing{{{AT},route="SLACK_URL"}}': f"1{ALWAYS}"}, set()),
    "AtsDaemonDead": (
        {
            f'dagster_daemon_last_heartbeat_timestamp_seconds{{{AT},daemon_type="{kind}"}}': f"0+30x10 300{ALWAYS}"
            for kind in ("SENSOR", "SCHEDULER")
        },
        set(),
    ),
    "AtsDaemonThreadSilent": ({f'dagster_daemon_last_heartbeat_timestamp_seconds{{{AT},daemon_type="SCHEDULER"}}': f"0{ALWAYS}"}, set()),
    "AtsTriggerFails": (
        {f'dagster_sensor_last_tick_status{{{AT},sensor_name="trading_sensor",location="x",status="failure"}}': f"1{ALWAYS}"},
        set(),
    ),
    "AtsRunFailed": ({f'dagster_last_run_info{{{AT},job_name="trading",location="x",status="failure"}}': f"1{ALWAYS}"}, set()),
    "AtsRunStuck": (
        {f'dagster_active_run_duration_seconds{{{AT},job_name="trading",location="x",status="queued"}}': f"1801{ALWAYS}"},
        set(),
    ),
    "AtsPostgresGone": ({'pg_up{job="postgres",instance="p"}': f"1x10 0{ALWAYS}"}, set()),
    "AtsPostgresConnections": (
        {'pg_stat_activity_count{job="postgres",instance="p",datname="runs",state="active"}': f"11{ALWAYS}"},
        set(),
    ),
    "AtsTimescaleJobFails": ({f"timescale_job_failed{{{JOB}}}": f"0x10 1{ALWAYS}"}, set()),
    "AtsTimescaleJobLate": ({f"timescale_job_last_success_timestamp_seconds{{{JOB}}}": f"-4000{ALWAYS}"}, set()),
    "AtsDiskNearlyFull": ({f'ats_disk_free_bytes{{{AT},disk="data"}}': f"4e9{ALWAYS}"}, set()),
    "AtsDiskFull": ({f'ats_disk_free_bytes{{{AT},disk="data"}}': f"4e8{ALWAYS}"}, {"AtsDiskNearlyFull"}),
    "AtsApiErrors": (
        {'ats_http_requests_total{job="ats-service",instance="s",route="/a",method="GET",status="500"}': f"0+8{ALWAYS}"},
        set(),
    ),
}
"""Alert -> the series that its fault changes, and what else fires then."""


def promtool(*arguments: str, folder: Path | None = None) -> str:
    done = subprocess.run([needed("promtool"), *arguments], capture_output=True, text=True, check=False, cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def counted(condition: str) -> str:
    return f'count(ALERTS{{alertstate="firing",{condition}}}) or vector(0)'


def unit_test(series: dict[str, str], at: str, *, fires: str | None, others: set[str]) -> dict[str, object]:
    known = "|".join(sorted({*others, *([fires] if fires else [])}))
    of_others = counted(f'alertname!~"{known}"')
    told = [{"expr": of_others, "eval_time": at, "exp_samples": [{"labels": "{}", "value": 0}]}]
    if fires:
        its_own = counted(f'alertname="{fires}"')
        told.append({"expr": f"({its_own}) > bool 0", "eval_time": at, "exp_samples": [{"labels": "{}", "value": 1}]})
    inputs = [{"series": name, "values": values} for name, values in (WELL | series).items()]
    return {"interval": f"{EVERY}s", "input_series": inputs, "promql_expr_test": told}


def test_configuration_and_rules_are_valid() -> None:
    promtool("check", "config", str(RULES.parent / "prometheus.yml"))
    promtool("check", "rules", str(RULES / "recording.yml"), str(RULES / "alerts.yml"))


def test_each_alert_fires_when_its_fault_is_made_and_is_silent_otherwise(tmp_path: Path) -> None:
    alerts = {rule["alert"]: rule for rule in rules() if "alert" in rule}
    assert set(FAULTS) == set(alerts), "each alert has a fault here"
    tests = [unit_test({}, f"{minutes}m", fires=None, others=set()) for minutes in (1, 10, MINUTES)]
    for name, (series, others) in FAULTS.items():
        waits = seconds_of(alerts[name].get("for", "0s"))
        at = f"{round(waits) + 840}s"
        if waits > MINUTES * 60:  # its own fault alone: all else has no samples so late
            tests.append(
                unit_test(
                    dict.fromkeys(series, "2x1000") | {one: f"1x{1000}" for one in WELL if one.startswith("up")}, at, fires=name, others=ANY
                )
            )
            continue
        tests.append(unit_test(series, at, fires=name, others=others))
        if waits:
            tests.append(unit_test(series, "60s" if waits > 60 else "30s", fires=None, others={*others, "none"}))
    told = {"rule_files": [str(RULES / "recording.yml"), str(RULES / "alerts.yml")], "evaluation_interval": "10s", "tests": tests}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(told))
    promtool("test", "rules", "tests.yml", folder=tmp_path)


ANY = {"Ats.*"}


def test_a_daemon_that_dies_is_told_of_within_two_scrapes_and_one_that_lives_never(tmp_path: Path) -> None:
    """Of thirty seconds each, by the project's own configuration, whenever between two heartbeats it dies; with scrapes of thirty seconds one that lived seemed dead now and then."""
    config = yaml.safe_load((RULES.parent / "prometheus.yml").read_text())
    (job,) = [one for one in config["scrape_configs"] if one["job_name"] == "ats"]
    scrape, looked = seconds_of(job["scrape_interval"]), seconds_of(config["global"]["evaluation_interval"])
    rule = next(rule for rule in rules() if rule.get("alert") == "AtsDaemonDead")
    silent = float(re.search(r"> (\d+)", rule["expr"])[1])  # pyright: ignore[reportOptionalSubscript]
    assert "for" not in rule
    assert silent + looked <= 2 * seconds_of(config["global"]["scrape_interval"])
    beats = {
        f'dagster_daemon_last_heartbeat_timestamp_seconds{{{AT},daemon_type="{kind}"}}': f"0+30x10 300{ALWAYS}"
        for kind in ("SENSOR", "SCHEDULER")
    }
    tests = [unit_test(beats, "350s", fires=None, others={"none"}), unit_test(beats, "360s", fires="AtsDaemonDead", others=set())]
    # One that never ran has no heartbeat; `ats status` called it dead, and no alert did.
    tests.append(unit_test(dict.fromkeys(beats, f"_{ALWAYS}"), "60s", fires="AtsDaemonDead", others=set()))
    never = {"expr": 'count(ALERTS{alertname="AtsDaemonDead"}) or vector(0)', "exp_samples": [{"labels": "{}", "value": 0}]}
    looks = [never | {"eval_time": f"{second}s"} for second in range(0, 600, int(looked))]
    on = {name: values for name, values in WELL.items() if "sensor_status" in name}
    # The first scrape is `late` seconds after a heartbeat; a thread that has work to do writes one every 36.
    for late in range(36, 36 + int(scrape)):
        seen = " ".join(str(36 * (second // 36) - late) for second in range(late, late + 600, int(scrape)))
        inputs = [{"series": name, "values": values} for name, values in (on | dict.fromkeys(beats, seen)).items()]
        tests.append({"interval": f"{scrape:g}s", "input_series": inputs, "promql_expr_test": looks})
    told = {"rule_files": [str(RULES / "recording.yml"), str(RULES / "alerts.yml")], "evaluation_interval": "5s", "tests": tests}
    (tmp_path / "tests.yml").write_text(yaml.safe_dump(told))
    promtool("test", "rules", "tests.yml", folder=tmp_path)


def dashboards() -> ModuleType:
    file = ROOT / "deploy" / "grafana" / "make_dashboards.py"
    spec = importlib.util.spec_from_file_location("make_dashboards", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["make_dashboards"] = module
    spec.loader.exec_module(module)
    return module


def queries(*, of_servers: bool = False) -> list[tuple[str, str, str]]:
    """Dashboard, panel and query of every panel that Grafana reads: of what a deployment tells of itself, or of what its servers are asked by postgres_exporter."""
    found = []
    for file in sorted((ROOT / "deploy" / "grafana" / "dashboards").glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            found += [(file.stem, panel["title"], target["expr"]) for target in panel["targets"]]
    return [one for one in found if (one[0] == "stores") == of_servers]


def test_rules_and_dashboards_read_only_what_is_told() -> None:
    """A metric that was renamed would leave a rule silent, and a panel empty, for ever."""
    known = {spec.name for spec in ALL_METRICS} | {
        f"{spec.name}{end}" for spec in ALL_METRICS if spec.kind == "histogram" for end in ("_bucket", "_sum", "_count")
    }
    known |= {rule["record"] for rule in rules() if "record" in rule} | {"up", "ALERTS"}
    for expression in [rule["expr"] for rule in rules()] + [query for *_, query in queries()]:
        bare = re.sub(r"\"[^\"]*\"|\{[^}]*\}|\[[^]]*\]|\((?:job|instance|[a-z_, ]+)\)(?=\s)", " ", expression)
        named = {word for word in re.findall(r"[a-zA-Z_:][a-zA-Z0-9_:]*", bare) if word.startswith(("ats_", "ats:", "dagster_"))}
        assert named <= known, (expression, named - known)


def test_dashboards_are_those_that_the_script_makes_and_no_panels_overlap() -> None:
    module = dashboards()
    uids = set()
    assert set(module.DASHBOARDS) == {"system", "trading", "models", "data_pipeline", "stores"}
    for name in module.DASHBOARDS:
        text = (module.FOLDER / f"{name}.json").read_text()
        assert text == module.written(name), "run python deploy/grafana/make_dashboards.py"
        board = json.loads(text)
        uids.add(board["uid"])
        taken: set[tuple[int, int]] = set()
        for panel in board["panels"]:
            place = panel["gridPos"]
            cells = {(x, y) for x in range(place["x"], place["x"] + place["w"]) for y in range(place["y"], place["y"] + place["h"])}
            assert not taken & cells
            assert place["x"] + place["w"] <= 24
            taken |= cells
            assert panel["targets"]
            assert all(target["datasource"]["uid"] == "prometheus" for target in panel["targets"])
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert len(uids) == 5


def test_provisioning_names_what_the_dashboards_name() -> None:
    folder = ROOT / "deploy" / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())["datasources"]
    assert (source["uid"], source["type"]) == ("prometheus", "prometheus")
    (provider,) = yaml.safe_load((folder / "dashboards" / "ats.yml").read_text())["providers"]
    assert (provider["type"], provider["options"]["path"]) == ("file", "$ATS_DASHBOARDS")


def test_targets_are_where_the_exporter_listens_by_default() -> None:
    (exporter,) = yaml.safe_load((RULES.parent / "targets" / "exporter.yml").read_text())
    assert exporter["targets"] == [f"127.0.0.1:{MonitoringSettings().port}"]


@pytest.mark.parametrize("rule", [rule for rule in rules() if "alert" in rule], ids=lambda rule: rule["alert"])
def test_an_alert_says_what_to_do(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert set(rule["annotations"]) == {"summary", "description"}
    assert rule["annotations"]["description"].rstrip().endswith((".", "?"))


def test_each_alert_has_a_fault_that_the_fortnight_makes() -> None:
    """Which takes an hour, by hand: benchmarks/fortnight_of_faults.py."""
    pytest.importorskip("psycopg")
    from benchmarks.fortnight.faults import FAULTS  # noqa: PLC0415

    alerts = {rule["alert"] for rule in rules() if "alert" in rule}
    assert set(FAULTS) == alerts
    assert {other for _, others in FAULTS.values() for other in others} <= alerts
