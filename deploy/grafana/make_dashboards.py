"""Makes the dashboards of this folder, by `python deploy/grafana/make_dashboards.py`.

A panel is a line here: its title, what it is drawn as, its unit, and its queries with their legends. The JSON files are what Grafana reads; a test makes them again and compares.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "dashboards"
SOURCE = {"type": "prometheus", "uid": "prometheus"}
WIDE = 24
Query = tuple[str, str]


@dataclass(frozen=True)
class Panel:
    """One panel: `kind` is a type of Grafana's, `unit` one of its units, `width` of 24."""

    title: str
    kind: str
    unit: str
    queries: tuple[Query, ...]
    width: int = 8
    height: int = 7
    about: str = ""
    mappings: tuple[tuple[str, str, str], ...] = ()
    red_from: float | None = None


ON_OFF = (("0", "no", "green"), ("1", "YES", "red"))


def stat(title: str, query: str, unit: str = "short", **how: Any) -> Panel:
    """A figure."""
    return Panel(title, "stat", unit, ((query, ""),), **{"width": 4, "height": 4} | how)


def lines(title: str, unit: str, *queries: Query, **how: Any) -> Panel:
    """Lines over time."""
    return Panel(title, "timeseries", unit, queries, **how)


def bars(title: str, unit: str, *queries: Query, **how: Any) -> Panel:
    """A bar for each series, as it is now."""
    return Panel(title, "bargauge", unit, queries, **how)


def table(title: str, *queries: Query, **how: Any) -> Panel:
    """The labels of each series, and its value."""
    return Panel(title, "table", "short", queries, **{"width": 12, "height": 9} | how)


DASHBOARDS: dict[str, tuple[str, tuple[Panel, ...]]] = {
    "system": (
        "System",
        (
            stat("Exporter", 'max(up{job="ats"})', mappings=(("0", "gone", "red"), ("1", "up", "green"))),
            stat("Need a person", "sum(ats_component_needs_person)", red_from=1),
            stat("Warnings", 'count(ats_component_state{state="warning"}) or vector(0)'),
            stat("Daemon silent for", "ats:daemon_silent_seconds", "s", red_from=50),
            stat("Schedules and sensors on", "ats:triggers_running"),
            stat("Firing alerts", 'count(ALERTS{alertstate="firing"}) or vector(0)', red_from=1),
            table(
                "Components",
                ('sum by (component, group, state) (ats_component_state{state!~"ok|off"} or ats_component_state == 1)', ""),
                width=12,
                height=12,
            ),
            lines("Late by", "s", ("ats_component_late_seconds", "{{component}}"), width=12, height=12),
            lines("Free disk", "bytes", ("ats_disk_free_bytes", "{{disk}}"), ("ats_disk_low_bytes", "warning below")),
            bars("Free disk, share", "percentunit", ("ats:disk_free:ratio", "{{disk}}")),
            lines("Databases", "bytes", ("ats_database_size_bytes", "{{database}}")),
            lines("Load", "short", ("ats_host_load1", "load"), ("ats_host_cpus", "processors")),
            lines("Memory", "bytes", ("ats_host_memory_available_bytes", "available"), ("ats_host_memory_size_bytes", "in all")),
            lines("Daemon's heartbeats, age", "s", ("time() - dagster_daemon_last_heartbeat_timestamp_seconds", "{{daemon_type}}")),
            lines("Requests of the service", "reqps", ("sum by (status) (rate(ats_http_requests_total[5m]))", "{{status}}")),
            lines("Errors of the service", "percentunit", ("ats:http_errors:ratio_rate5m", "share of answers")),
            lines("Answers within, 95 %", "s", ("ats:http_request_duration_seconds:p95_rate5m", "{{route}}")),
            lines("Scrape, by collector", "s", ("ats_exporter_collector_duration_seconds", "{{collector}}"), width=12),
            stat("Series", "max(ats_exporter_series)", width=6, height=7),
            stat("Open connections", "sum(ats_http_open) or vector(0)", width=6, height=7),
        ),
    ),
    "data_pipeline": (
        "Data pipeline",
        (
            stat("Sessions without bars", "ats_bars_late_sessions", red_from=1),
            stat("Sessions without signals", "ats_signals_late_sessions", red_from=1),
            stat("Failed checks", "sum(ats_check_failed)", red_from=1),
            stat("Stale partitions", "sum(ats_stale_partitions) or vector(0)"),
            stat("Rejected bars", 'ats_asset_newest_rows{asset="rejected_bars"}'),
            stat("Sessions known ahead", "ats_calendar_sessions_left"),
            lines(
                "Age of the newest session",
                "s",
                ('time() - ats_asset_newest_session_timestamp_seconds{asset=~"raw_bars|targets|predictions|orders"}', "{{asset}}"),
                width=12,
            ),
            lines("Late by", "s", ("ats_bars_late_seconds", "bars"), ("ats_signals_late_seconds", "signals"), width=12),
            bars("Rows of the newest session", "short", ("topk(20, ats_asset_newest_rows)", "{{asset}}"), width=12, height=11),
            bars("Stored sessions", "short", ("topk(20, ats_asset_sessions)", "{{asset}}"), width=12, height=11),
            table("Checks", ("ats_check_failed", ""), width=12),
            lines(
                "Runs under way",
                "short",
                ("sum by (job_name, status) (dagster_active_runs)", "{{job_name}} {{status}}"),
                width=12,
                height=9,
            ),
            lines(
                "Runs, an hour",
                "short",
                ("sum by (job_name, status) (increase(dagster_completed_runs_total[1h]))", "{{job_name}} {{status}}"),
            ),
            bars("Last run took", "s", ("dagster_last_run_duration_seconds", "{{job_name}} {{status}}")),
            table("Schedules and sensors", ("dagster_sensor_status or dagster_schedule_status", ""), width=8, height=7),
            lines("Calls to vendors", "reqps", ("sum by (vendor, outcome) (rate(ats_vendor_calls_total[5m]))", "{{vendor}} {{outcome}}")),
            lines("Vendors answer in", "s", ("ats:vendor_call_seconds:mean_rate5m", "{{vendor}}")),
            lines("Vendors' cache, share of hits", "percentunit", ("ats:vendor_cache_hits:ratio_rate1h", "{{vendor}}")),
            lines("Vendors, failures in a row", "short", ("ats_vendor_failures_in_a_row", "{{vendor}} {{server}}")),
            bars("Vendors, budget in use", "percentunit", ("ats_vendor_budget_used_ratio", "{{vendor}}")),
            bars("Exports behind, sessions", "short", ("ats_export_sessions_behind", "{{export}}")),
            lines("Assets, last made", "s", ("time() - dagster_asset_last_materialization_timestamp_seconds", "{{asset_key}}"), width=WIDE),
        ),
    ),
    "models": (
        "Models",
        (
            stat("Models in force", "sum(ats_model_available)"),
            stat("Champion", "ats_champion_info", width=8),
            stat("Oldest, sessions", "max(ats_model_age_sessions)"),
            stat("Alarms of drift", "sum(ats_drift_alarm) or vector(0)", red_from=1),
            stat("Symbols with a signal", 'sum(ats_signals{direction!="flat"})'),
            lines(
                "Rank IC, mean of a quarter",
                "none",
                ("ats_skill_rank_ic_mean", "{{horizon_sessions}} sessions"),
                ("ats_skill_rank_ic_mean + 2 * ats_skill_rank_ic_error", "{{horizon_sessions}} sessions, + 2 errors"),
                ("ats_skill_rank_ic_mean - 2 * ats_skill_rank_ic_error", "{{horizon_sessions}} sessions, - 2 errors"),
                width=12,
            ),
            lines("Rank IC, newest", "none", ("ats_skill_rank_ic", "{{horizon_sessions}} sessions"), width=12),
            lines(
                "Rank IC by model, on the same symbols",
                "none",
                ("ats_model_rank_ic", "{{model}}"),
                ("ats_model_validation_rank_ic", "{{model}}, held out of its fit"),
            ),
            lines("Age, sessions", "short", ("ats_model_age_sessions", "{{model}}"), ("ats_model_max_age_sessions", "at most")),
            bars("Rows of the last fit", "short", ("ats_model_training_rows", "{{model}}")),
            lines(
                "Drift, share of the threshold",
                "percentunit",
                ("ats_drift_threshold_ratio", "{{model}} {{of}} {{test}}"),
                width=12,
                height=9,
            ),
            table("Tests of drift", ("ats_drift_alarm", "")),
            lines("Signals", "short", ("ats_signals", "{{strategy}} {{direction}}"), width=12),
            lines("Wanted exposure", "percentunit", ("ats_targets_exposure_ratio", "{{kind}}"), width=12),
            lines(
                "Training runs took",
                "s",
                ('dagster_last_run_duration_seconds{job_name=~".*(nightly_retraining|history)"}', "{{job_name}}"),
                width=12,
            ),
            lines("Fitted, age", "s", ("time() - ats_model_fitted_timestamp_seconds", "{{model}}"), width=12),
        ),
    ),
    "trading": (
        "Trading",
        (
            stat("Halted", "max(ats_halted)", mappings=ON_OFF),
            stat("Kill switch", "ats_kill_switch_on", mappings=ON_OFF),
            stat("Equity", "ats_account_equity"),
            stat("Profit of the session", "ats_account_session_profit"),
            stat("Sessions not settled", "ats_positions_late_sessions", red_from=1),
            stat("Settled, age", "time() - ats_account_settled_timestamp_seconds", "s"),
            lines("Equity and cash", "short", ("ats_account_equity", "equity"), ("ats_account_cash", "cash"), width=12, height=9),
            lines("Drawdown", "percentunit", ("ats:account_drawdown:ratio", "from the highest of 90 days"), width=12, height=9),
            lines("Exposure", "percentunit", ("ats_exposure_ratio", "{{kind}}"), ("ats_largest_position_ratio", "largest position")),
            lines("Positions", "short", ("ats_positions", "{{side}}")),
            bars("Largest positions", "short", ("ats_position_value", "{{symbol}}"), height=14),
            lines("Orders by state", "short", ("ats_orders", "{{state}}")),
            lines("Events, an hour", "short", ("increase(ats_trading_events_total[1h])", "{{event}}")),
            lines(
                "Slippage of the last day of fills",
                "percentunit",
                ("ats_session_slippage_ratio", "against the decision"),
                ("ats_slippage_warning_ratio", "warning above"),
            ),
            lines("Traded value and fees of that day", "short", ("ats_session_traded_value", "value"), ("ats_session_fees", "fees")),
            stat("Fills", "ats_fills_total", width=4, height=7),
            stat("Last fill, age", "time() - ats_last_fill_timestamp_seconds", "s", width=4, height=7),
            lines("Halts of all time", "short", ("ats_halts_total", "{{kind}}")),
            lines("Executor at work", "short", ("ats_executor_at_work", "lease held")),
            lines("Alerts that wait", "short", ("sum by (route) (ats_alerts_waiting) or vector(0)", "{{route}}")),
            table("Trading's components", ('ats_component_state{group="trading"}', ""), width=WIDE, height=8),
        ),
    ),
    "stores": (
        "Stores",
        (
            stat("PostgreSQL", "min(pg_up)", mappings=(("0", "gone", "red"), ("1", "up", "green"))),
            stat("Connections", "sum(pg_stat_activity_count)"),
            stat("Share of all connections", "sum(pg_stat_activity_count) / max(pg_settings_max_connections)", "percentunit", red_from=0.9),
            stat("Hypertables", "count(timescale_hypertable_chunks) or vector(0)"),
            stat("Their size", "sum(timescale_hypertable_size_bytes) or vector(0)", "bytes"),
            stat("Jobs that failed, a day", "sum(increase(timescale_job_failures_total[1d])) or vector(0)", red_from=1),
            lines("Databases", "bytes", ('pg_database_size_bytes{datname!~"template.*"}', "{{datname}}")),
            lines(
                "Rows written",
                "short",
                (
                    "sum by (datname) (rate(pg_stat_database_tup_inserted[5m]) + rate(pg_stat_database_tup_deleted[5m]))",
                    "{{datname}} a second",
                ),
            ),
            lines("Rolled back", "ops", ('rate(pg_stat_database_xact_rollback{datname!~"template.*"}[5m])', "{{datname}}")),
            lines(
                "Read from memory",
                "percentunit",
                (
                    "rate(pg_stat_database_blks_hit[5m]) / (rate(pg_stat_database_blks_hit[5m]) + rate(pg_stat_database_blks_read[5m]) > 0)",
                    "{{datname}}",
                ),
            ),
            lines("Connections by state", "short", ("sum by (state) (pg_stat_activity_count)", "{{state}}")),
            lines("Deadlocks, an hour", "short", ('increase(pg_stat_database_deadlocks{datname!~"template.*"}[1h])', "{{datname}}")),
            bars(
                "Hypertables, size",
                "bytes",
                ("topk(20, timescale_hypertable_size_bytes)", "{{schema}}.{{hypertable}}"),
                width=12,
                height=11,
            ),
            bars(
                "Hypertables, chunks", "short", ("topk(20, timescale_hypertable_chunks)", "{{schema}}.{{hypertable}}"), width=12, height=11
            ),
            bars(
                "Compressed to",
                "percentunit",
                ("timescale_compression_after_bytes / (timescale_compression_before_bytes > 0)", "{{schema}}.{{hypertable}}"),
                width=12,
            ),
            lines(
                "Jobs, since they succeeded",
                "s",
                ("time() - timescale_job_last_success_timestamp_seconds", "{{number}} {{procedure}} {{hypertable}}"),
                width=12,
            ),
            table("Jobs whose last run failed", ("timescale_job_failed", ""), width=WIDE, height=8),
        ),
    ),
}


def dashboard(name: str) -> dict[str, Any]:
    """A dashboard as Grafana reads it."""
    title, panels = DASHBOARDS[name]
    placed: list[dict[str, Any]] = []
    x = y = row = 0
    for number, panel in enumerate(panels, 1):
        if x + panel.width > WIDE:
            x, y, row = 0, y + row, 0
        placed.append(_panel(panel, number) | {"gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height}})
        x, row = x + panel.width, max(row, panel.height)
    return {
        "uid": f"ats-{name.replace('_', '-')}",
        "title": f"ATS / {title}",
        "tags": ["ats"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-24h", "to": "now"},
        "timezone": "utc",
        "links": [{"type": "dashboards", "tags": ["ats"], "title": "ATS", "asDropdown": True, "includeVars": True, "keepTime": True}],
        "templating": {"list": []},
        "annotations": {"list": [_alerts()]},
        "panels": placed,
    }


def _alerts() -> dict[str, Any]:
    """When alerts fired, as marks on every panel."""
    return {
        "name": "Alerts",
        "datasource": SOURCE,
        "enable": True,
        "iconColor": "red",
        "expr": 'ALERTS{alertstate="firing", alertname=~"Ats.*"}',
        "titleFormat": "{{alertname}}",
        "step": "60s",
    }


def _panel(panel: Panel, number: int) -> dict[str, Any]:
    now = panel.kind != "timeseries"
    targets = [
        {
            "refId": chr(ord("A") + place),
            "datasource": SOURCE,
            "expr": expr,
            "legendFormat": legend or "__auto",
            "instant": now,
            "range": not now,
        }
        | ({"format": "table"} if panel.kind == "table" else {})
        for place, (expr, legend) in enumerate(panel.queries)
    ]
    defaults: dict[str, Any] = {"unit": panel.unit, "noValue": "none"}
    steps: list[dict[str, Any]] = [{"color": "green" if panel.red_from is not None else "text", "value": None}]
    steps += [{"color": "red", "value": panel.red_from}] if panel.red_from is not None else []
    defaults["thresholds"] = {"mode": "absolute", "steps": steps}
    if panel.mappings:
        options = {value: {"text": text, "color": color, "index": place} for place, (value, text, color) in enumerate(panel.mappings)}
        defaults["mappings"] = [{"type": "value", "options": options}]
    if panel.title == "Champion":
        options = {"textMode": "name", "reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "none"}
        targets[0]["legendFormat"] = "{{model}}"
    else:
        options = _OPTIONS[panel.kind]
    return {
        "id": number,
        "title": panel.title,
        "type": panel.kind,
        "datasource": SOURCE,
        "targets": targets,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
        **(
            {
                "transformations": [
                    {"id": "organize", "options": {"excludeByName": {"Time": True, "job": True, "instance": True, "__name__": True}}}
                ]
            }
            if panel.kind == "table"
            else {}
        ),
    }


_OPTIONS: dict[str, dict[str, Any]] = {
    "stat": {"reduceOptions": {"calcs": ["lastNotNull"]}, "colorMode": "value", "graphMode": "none"},
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "bargauge": {"displayMode": "basic", "orientation": "horizontal", "reduceOptions": {"calcs": ["lastNotNull"]}, "valueMode": "color"},
    "table": {"showHeader": True, "cellHeight": "sm"},
}


def written(name: str) -> str:
    """The text of a dashboard's file."""
    return json.dumps(dashboard(name), indent=1) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in DASHBOARDS:
        (FOLDER / f"{each}.json").write_text(written(each), encoding="utf-8")
