"""Runs recorded in PostgreSQL: how many connections one keeps, and what is said and left where the server is restarted meanwhile."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import dagster as dg
import psycopg
import pytest
import yaml

from ats_assets.definitions import build
from ats_assets.errors import EventLogError
from ats_assets.runs.run_progress import RunProgress
from ats_assets.runs.runner import Outcome, Runner
from ats_assets_tests.small_market import FIRST, files_of, small_market
from ats_assets_tests.trade_state.databases import PostgresServer, create_database

pytest.importorskip("dagster_postgres", reason="dagster-postgres is in the image for training alone")
pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
LAST = date(2021, 1, 7)
ASSETS = frozenset(
    {"raw_bars", "bars", "rejected_bars", "raw_corporate_actions", "corporate_actions", "rejected_corporate_actions", "forward_returns"}
)
CONNECTIONS = 10


@pytest.fixture
def database(tmp_path: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """The database of an instance as the containers have it."""
    said = yaml.safe_load((Path(__file__).parents[2] / "deploy/compose/config/dagster.yaml").read_text(encoding="utf-8"))
    for name in ("local_artifact_storage", "compute_logs"):
        said[name]["config"]["base_dir"] = str(tmp_path / "dagster")
    (tmp_path / "dagster.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    url = create_database(postgresql, "launched_runs")
    monkeypatch.setenv("RUNS_DB_URL", url)
    return url


def run(root: Path, instance: dg.DagsterInstance) -> Outcome:
    deployment = small_market(root)
    sessions = deployment.calendar.sessions(FIRST, LAST)
    outcome = Outcome.of(sessions, ASSETS)
    with RunProgress(len(sessions)) as progress:
        runner = Runner(deployment, build(deployment), instance)
        runner.run(runner.parts(sessions, ASSETS, 2), outcome, progress)
    return outcome


@contextmanager
def looked_at(url: str, restart: Callable[[], None] | None = None) -> Iterator[list[int]]:
    """While open, how many connections to the database there are; when there have been some twenty times, the server is restarted."""
    counts, over = list[int](), threading.Event()
    name = url.rpartition("/")[2]

    def look() -> None:
        with psycopg.connect(url.rpartition("/")[0] + "/postgres", autocommit=True) as server:
            while not over.wait(0.01):
                found = server.execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", (name,)).fetchone()
                counts.append(found[0] if found else 0)
                if restart is not None and sum(map(bool, counts)) >= 20:
                    break
        if restart is not None:
            restart()

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield counts
    finally:
        over.set()
        thread.join()


def test_a_run_keeps_few_connections_and_one_whose_server_restarts_says_how_to_go_on(
    database: str, postgresql_running: PostgresServer, tmp_path: Path
) -> None:
    with dg.DagsterInstance.get() as instance:
        with looked_at(database) as counts:
            assert not run(tmp_path / "one", instance).messages
        assert 0 < max(counts) <= CONNECTIONS
        with (
            looked_at(database, postgresql_running.restart),
            pytest.raises(EventLogError, match=r"see that it is there, then run the same command again with --from 2021-01-0"),
        ):
            run(tmp_path / "two", instance)
        assert not run(tmp_path / "two", instance).messages
        assert files_of(tmp_path / "two") == files_of(tmp_path / "one")
        days = {day.isoformat() for day in small_market(tmp_path / "two").calendar.sessions(FIRST, LAST)}
        assert instance.get_materialized_partitions(dg.AssetKey("forward_returns")) == days, "nothing is lost"
