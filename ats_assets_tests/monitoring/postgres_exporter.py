"""A real postgres_exporter for tests, with the project's queries, as the role that deploy/compose makes.

The extension can't be installed here: its views and functions are stubs with the columns and parameters that its source gives them (sql/views.sql, sql/size_utils.sql).
"""

import re
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from ats_assets_tests.ending_with_tests import ends_with_tests
from ats_assets_tests.monitoring.prometheus import ROOT, free_port, needed

QUERIES = ROOT / "deploy/prometheus/postgres_queries.yml"
EXTENSION = """
CREATE SCHEMA timescaledb_information;
GRANT USAGE ON SCHEMA timescaledb_information TO PUBLIC;
CREATE VIEW timescaledb_information.hypertables AS
    SELECT 'ats'::name AS hypertable_schema, 'bars'::name AS hypertable_name, 7::bigint AS num_chunks, true AS compression_enabled;
CREATE TABLE job_stat (job_id integer, last_successful_finish timestamptz, total_failures bigint, last_run_status text);
INSERT INTO job_stat VALUES (1001, now() - interval '5 minutes', 2, 'Success'), (1002, '-infinity', 0, NULL);
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


@dataclass(frozen=True)
class PostgresExporter:
    """One that runs.

    Attributes
    ----------
    address
        Host and port.
    database
        The URL of what it asks, with the rights of its owner.
    """

    address: str
    database: str
    process: "subprocess.Popen[bytes]"

    def told(self) -> dict[str, str]:
        """Series -> value."""
        with urllib.request.urlopen(f"http://{self.address}/metrics", timeout=10) as answer:
            return dict(line.rsplit(" ", 1) for line in answer.read().decode().splitlines() if not line.startswith("#"))


@contextmanager
def running_postgres_exporter(database: str, folder: Path) -> Iterator[PostgresExporter]:
    """Start one for an empty database, as a role that may read the catalogue and nothing else."""
    program = needed("prometheus-postgres-exporter")
    made = (ROOT / "deploy/compose/config/databases.sh").read_text(encoding="utf-8")
    (role,) = re.findall(r"<<'SQL'\n(CREATE ROLE watching.*?)SQL\n", made, re.DOTALL)
    host = database.rpartition("@")[2]
    statements = role.replace(":'password'", "'p4ss-of-watching'").replace("trading, runs, exports", host.rpartition("/")[2])
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(statements.encode())
        connection.execute(EXTENSION.encode())
    password = folder / "postgres_watching"
    password.write_text("p4ss-of-watching")
    address = f"127.0.0.1:{free_port()}"
    told = {"DATA_SOURCE_URI": f"{host}?sslmode=disable", "DATA_SOURCE_USER": "watching", "DATA_SOURCE_PASS_FILE": str(password)}
    arguments = [program, f"--web.listen-address={address}", f"--extend.query-path={QUERIES}"]
    with (folder / "log").open("w") as log, subprocess.Popen(arguments, env=told, stdout=log, stderr=log) as process:
        try:
            ends_with_tests(process)
            yield PostgresExporter(address, database, process)
        finally:
            process.terminate()
            with psycopg.connect(database, autocommit=True) as connection:
                connection.execute("DROP OWNED BY watching")
                connection.execute("DROP ROLE watching")
