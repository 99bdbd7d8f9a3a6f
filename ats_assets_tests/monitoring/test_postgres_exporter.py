"""The real postgres_exporter of a real PostgreSQL: the dashboard and the alerts of the stores read what it tells."""

import os
import re
from collections.abc import Iterator
from contextlib import suppress

import pytest

from ats_assets_tests.monitoring.postgres_exporter import PostgresExporter, running_postgres_exporter
from ats_assets_tests.monitoring.prometheus import Prometheus, rules, running_prometheus
from ats_assets_tests.monitoring.test_prometheus_rules import queries
from ats_assets_tests.trade_state.databases import create_database


@pytest.fixture(scope="module")
def exporter(postgresql: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresExporter]:
    with running_postgres_exporter(create_database(postgresql, f"exported{os.getpid()}"), tmp_path_factory.mktemp("exporter")) as found:
        yield found


@pytest.fixture(scope="module")
def prometheus(exporter: PostgresExporter, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with running_prometheus(tmp_path_factory.mktemp("prometheus"), {"postgres": exporter.address}) as found:
        found.until(lambda: bool(found.query("pg_up == 1")), "a scrape")
        yield found


def test_each_panel_of_the_stores_has_data_and_no_query_fails(prometheus: Prometheus, exporter: PostgresExporter) -> None:
    asked = queries(of_servers=True)
    assert len(asked) > 12
    with suppress(AssertionError):
        prometheus.until(lambda: all(prometheus.query(query) for *_, query in asked), "data in every panel", seconds=20)
    assert [one for one in asked if not prometheus.query(one[2])] == []
    series = exporter.told()
    assert series["pg_exporter_last_scrape_error"] == "0"
    assert {value for name, value in series.items() if name.startswith("pg_exporter_user_queries_load_error")} == {"0"}


def test_what_is_told_of_the_extension(prometheus: Prometheus, exporter: PostgresExporter) -> None:
    series = {
        re.sub(r',?server="[^"]*"', "", name): float(value) for name, value in exporter.told().items() if name.startswith("timescale_")
    }
    bars, job = '{hypertable="bars",schema="ats"}', 'hypertable="bars",number="{}",procedure="policy_{}"'
    assert series[f"timescale_hypertable_chunks{bars}"] == 7
    assert series[f"timescale_hypertable_size_bytes{bars}"] == 1
    assert series[f"timescale_compression_before_bytes{bars}"] == 1000
    assert series[f"timescale_compression_after_bytes{bars}"] == 80
    compresses, drops = (f"{{{job.format(*one)}}}" for one in ((1001, "compression"), (1002, "retention")))
    assert series[f"timescale_job_failures_total{compresses}"] == 2
    assert series[f"timescale_job_failed{compresses}"] == 0
    assert series[f"timescale_job_schedule_seconds{compresses}"] == 12 * 3600
    assert series[f"timescale_job_last_success_timestamp_seconds{drops}"] != series[f"timescale_job_last_success_timestamp_seconds{drops}"]
    assert not any("1003" in name for name in series), "a job that is paused"
    assert not prometheus.firing() & {rule["alert"] for rule in rules() if re.match("AtsPostgres|AtsTimescale", rule.get("alert", ""))}


def test_alerts_read_only_what_is_told(exporter: PostgresExporter) -> None:
    names = {name.partition("{")[0] for name in exporter.told()}
    asked = [rule["expr"] for rule in rules()] + [query for *_, query in queries(of_servers=True)]
    read = {word for expression in asked for word in re.findall(r"\b(?:pg|timescale)_\w+", expression)}
    assert len(read) > 12
    assert read <= names
