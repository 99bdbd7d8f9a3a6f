"""The real postgres_exporter of a real PostgreSQL, with the project's queries, as the role that deploy/compose makes; the dashboard and the alerts read what it tells.

The extension can't be installed here: its views and functions are stubs with the columns and parameters that its source gives them (sql/views.sql, sql/size_utils.sql).
"""

import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import suppress

import psycopg
import pytest

from ats_assets_tests.monitoring.prometheus import ROOT, Prometheus, free_port, needed, rules, running_prometheus
from ats_assets_tests.monitoring.test_prometheus_rules import queries
from ats_assets_tests.trade_state.databases import create_database

QUERIES = ROOT / "deploy/prometheus/postgres_queries.yml"
EXTENSION = """
CREATE SCHEMA timescaledb_information;
GRANT USAGE ON SCHEMA timescaledb_information TO PUBLIC;
CREATE VIEW timescaledb_information.hypertables AS
    SELECT 'ats'::name AS hypertable_schema, 'bars'::name AS hypertable_name, 7::bigint AS num_chunks, true AS compression_enabled;
CREATE TABLE job_stat (job_id integer, last_successful_finish timestamptz, total_failures bigint);
INSERT INTO job_stat VALUES (1001, now() - interval '5 minutes', 2), (1002, '-infinity', 0);
CREATE VIEW timescaledb_information.job_stats AS SELECT * FROM job_stat;
CREATE VIEW timescaledb_information.jobs AS
    SELECT * FROM (VALUES (1001, 'policy_compression'::name, interval '12 hours', true, 'bars'::name),
                          (1002, 'policy_retention', interval '1 day', true, 'bars'), (1003, 'mine', interval '1 day', false, NULL))
        AS told (job_id, proc_name, schedule_interval, scheduled, hypertable_name);
CREATE FUNCTION hypertable_size(hypertable regclass) RETURNS bigint LANGUAGE sql VOLATILE STRICT AS 'SELECT pg_total_relation_size($1) + 1';
CREATE FUNCTION hypertable_compression_stats(hypertable regclass, OUT before_compression_total_bytes bigint, OUT after_compression_total_bytes bigint)
    RETURNS SETOF record LANGUAGE sql STABLE STRICT AS 'SELECT 1000::bigint, 80::bigint';
GRANT SELECT ON ALL TABLES IN SCHEMA timescaledb_information TO PUBLIC;
CREATE SCHEMA ats;
CREATE TABLE ats.bars (session date);
"""


@pytest.fixture(scope="module")
def address(postgresql: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Of the exporter, which asks as a role that may read the catalogue and nothing else."""
    program = needed("prometheus-postgres-exporter")
    name = f"exported{os.getpid()}"
    url = create_database(postgresql, name)
    made = (ROOT / "deploy/compose/config/databases.sh").read_text(encoding="utf-8")
    (role,) = re.findall(r"<<'SQL'\n(CREATE ROLE watching.*?)SQL\n", made, re.DOTALL)
    statements = role.replace(":'password'", "'p4ss-of-watching'").replace("trading, runs, exports", name)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(statements.encode())
        connection.execute(EXTENSION.encode())
    password = tmp_path_factory.mktemp("secrets") / "postgres_watching"
    password.write_text("p4ss-of-watching")
    found = f"127.0.0.1:{free_port()}"
    host = url.rpartition("@")[2]
    told = {"DATA_SOURCE_URI": f"{host}?sslmode=disable", "DATA_SOURCE_USER": "watching", "DATA_SOURCE_PASS_FILE": str(password)}
    arguments = [program, f"--web.listen-address={found}", f"--extend.query-path={QUERIES}"]
    log = password.with_name("log")
    with log.open("w") as out, subprocess.Popen(arguments, env=told, stdout=out, stderr=out) as process:
        try:
            yield found
        finally:
            process.terminate()
            with psycopg.connect(url, autocommit=True) as connection:
                connection.execute("DROP OWNED BY watching")
                connection.execute("DROP ROLE watching")


@pytest.fixture(scope="module")
def prometheus(address: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prometheus]:
    with running_prometheus(tmp_path_factory.mktemp("prometheus"), {"postgres": address}) as found:
        found.until(lambda: bool(found.query("pg_up == 1")), "a scrape")
        yield found


def told(address: str) -> dict[str, str]:
    """Series -> value."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
        return dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if not line.startswith("#"))


def test_each_panel_of_the_stores_has_data_and_no_query_fails(prometheus: Prometheus, address: str) -> None:
    asked = queries(of_servers=True)
    assert len(asked) > 12
    with suppress(AssertionError):
        prometheus.until(lambda: all(prometheus.query(query) for *_, query in asked), "data in every panel", seconds=20)
    assert [one for one in asked if not prometheus.query(one[2])] == []
    series = told(address)
    assert series["pg_exporter_last_scrape_error"] == "0"
    assert {value for name, value in series.items() if name.startswith("pg_exporter_user_queries_load_error")} == {"0"}


def test_what_is_told_of_the_extension(prometheus: Prometheus, address: str) -> None:
    series = {re.sub(r',?server="[^"]*"', "", name): float(value) for name, value in told(address).items() if name.startswith("timescale_")}
    bars, job = '{hypertable="bars",schema="ats"}', 'hypertable="bars",number="{}",procedure="policy_{}"'
    assert series[f"timescale_hypertable_chunks{bars}"] == 7
    assert series[f"timescale_hypertable_size_bytes{bars}"] == 1
    assert series[f"timescale_compression_before_bytes{bars}"] == 1000
    assert series[f"timescale_compression_after_bytes{bars}"] == 80
    compresses, drops = (f"{{{job.format(*one)}}}" for one in ((1001, "compression"), (1002, "retention")))
    assert series[f"timescale_job_failures_total{compresses}"] == 2
    assert series[f"timescale_job_schedule_seconds{compresses}"] == 12 * 3600
    assert series[f"timescale_job_last_success_timestamp_seconds{drops}"] != series[f"timescale_job_last_success_timestamp_seconds{drops}"]
    assert not any("1003" in name for name in series), "a job that is paused"
    assert not prometheus.firing() & {rule["alert"] for rule in rules() if re.match("AtsPostgres|AtsTimescale", rule.get("alert", ""))}


def test_alerts_read_only_what_is_told(address: str) -> None:
    names = {name.partition("{")[0] for name in told(address)}
    asked = [rule["expr"] for rule in rules()] + [query for *_, query in queries(of_servers=True)]
    read = {word for expression in asked for word in re.findall(r"\b(?:pg|timescale)_\w+", expression)}
    assert len(read) > 12
    assert read <= names
