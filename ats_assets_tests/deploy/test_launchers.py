"""Dagster's launchers: each instance is loaded by Dagster, and a run is launched where its engine can be here, with a real broker and a real worker."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
import yaml
from dagster._core.definitions.reconstruct import ReconstructableJob, ReconstructableRepository
from dagster._core.launcher import LaunchRunContext, RunLauncher, WorkerStatus
from dagster._core.test_utils import create_run_for_test
from dagster_celery.launcher import CeleryRunLauncher
from dagster_docker import DockerRunLauncher
from dagster_k8s import K8sRunLauncher

from ats_assets.orchestration import celery_launcher
from ats_assets_tests.deploy.files import DEPLOY, compose
from ats_assets_tests.exports.redis_servers import RedisServer, redis_server
from ats_assets_tests.workers.celery_workers import CeleryWorker, celery_worker

INSTANCES: dict[str, tuple[Path, type[RunLauncher]]] = {
    "celery": (DEPLOY / "launchers/celery/dagster.yaml", CeleryRunLauncher),
    "docker": (DEPLOY / "launchers/docker/dagster.yaml", DockerRunLauncher),
    "kubernetes": (DEPLOY / "kubernetes/base/config/dagster.yaml", K8sRunLauncher),
}
OF_RUNS = (
    "celery",
    "-A",
    "ats_assets.orchestration.celery_runs",
    "worker",
    "--concurrency",
    "1",
    "--queues",
    "dagster",
    "--without-gossip",
    "--without-mingle",
)
LOCATION = """
import time

import dagster as dg


@dg.asset(partitions_def=dg.DailyPartitionsDefinition("2024-01-01", end_date="2024-01-05"), backfill_policy=dg.BackfillPolicy.single_run())
def sessions(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
    return dg.MaterializeResult(metadata={"made": len(context.partition_keys)})


@dg.asset
def endless() -> None:
    time.sleep(600)


defs = dg.Definitions(
    assets=[sessions, endless], jobs=[dg.define_asset_job("history", [sessions]), dg.define_asset_job("long", [endless])], executor=dg.in_process_executor
)
"""


def said(name: str) -> dict[str, Any]:
    return yaml.safe_load(INSTANCES[name][0].read_text(encoding="utf-8"))


@pytest.fixture
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home for an instance, with the storage of a checkout: PostgreSQL's library is in the image for training alone."""
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    return tmp_path


def write_instance(home: Path, name: str) -> None:
    of_checkout = yaml.safe_load((DEPLOY.parent / "dagster.yaml").read_text(encoding="utf-8"))
    stored = {part: of_checkout[part] for part in ("storage", "local_artifact_storage", "compute_logs")}
    (home / "dagster.yaml").write_text(yaml.safe_dump(said(name) | stored), encoding="utf-8")


@pytest.mark.parametrize("name", sorted(INSTANCES))
def test_an_instance_is_that_of_compose_with_another_launcher(name: str, own_home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_compose = yaml.safe_load((DEPLOY / "compose/config/dagster.yaml").read_text(encoding="utf-8"))
    assert {part: value for part, value in said(name).items() if part != "run_launcher"} == of_compose
    monkeypatch.setenv("CELERY_URL", "redis://127.0.0.1:6379/1")
    monkeypatch.setenv("ATS_TRAINING_IMAGE", "ats-training:1")
    monkeypatch.setenv("ATS_IMAGE", "ats-training:1")
    monkeypatch.setenv("POD_NAMESPACE", "ats")
    monkeypatch.setattr("kubernetes.config.load_incluster_config", lambda: None)
    write_instance(own_home, name)
    with dg.DagsterInstance.get() as instance:
        assert isinstance(instance.run_launcher, INSTANCES[name][1])


def test_a_container_of_a_run_has_what_the_code_location_has() -> None:
    config = said("docker")["run_launcher"]["config"]
    code, networks = compose("production")["services"]["code"], compose("production")["networks"]
    assert {f"ats_{name}" for name in code["networks"]} == set(config["networks"])
    assert {name.removeprefix("ats_") for name in config["networks"]} <= set(networks)
    own = config["container_kwargs"]
    assert [f"ats_{volume}" for volume in code["volumes"]] == own["volumes"][:3]
    assert (own["user"], own["read_only"], own["cap_drop"], own["security_opt"]) == tuple(
        code[name] for name in ("user", "read_only", "cap_drop", "security_opt")
    )
    assert own["mem_limit"]


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[RedisServer]:
    with redis_server() as broker:
        monkeypatch.setenv("CELERY_URL", f"redis+socket://{broker.socket}")
        yield broker


@pytest.fixture
def worker(broker: RedisServer, own_home: Path) -> Iterator[CeleryWorker]:
    write_instance(own_home, "celery")
    (own_home / "location.py").write_text(LOCATION, encoding="utf-8")
    with celery_worker(broker, own_home / "log", OF_RUNS, DAGSTER_HOME=str(own_home)) as worker:
        yield worker


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_range_is_one_run_of_a_worker_of_celery(worker: CeleryWorker, own_home: Path) -> None:
    range_of_run = {"dagster/asset_partition_range_start": "2024-01-01", "dagster/asset_partition_range_end": "2024-01-04"}
    with dg.DagsterInstance.get() as instance:
        run = launched(instance, own_home / "location.py", range_of_run)
        assert run.status == dg.DagsterRunStatus.SUCCESS, (own_home / "log").read_text()[-3000:]
        assert instance.get_materialized_partitions(dg.AssetKey("sessions")) == {f"2024-01-0{day}" for day in range(1, 5)}


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_run_goes_on_while_its_worker_does_and_is_lost_with_it(
    worker: CeleryWorker, broker: RedisServer, own_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with dg.DagsterInstance.get() as instance:
        run = launched(instance, own_home / "location.py", {}, job="long", until=dg.DagsterRunStatus.STARTED)

        def health() -> WorkerStatus:
            return instance.run_launcher.check_run_worker_health(run).status

        assert health() == WorkerStatus.RUNNING
        with broker.client() as client:
            client.flushall()  # as a broker that was restarted: it knows nothing of the task
            assert health() == WorkerStatus.RUNNING
            monkeypatch.setattr(celery_launcher, "MISSED_SECONDS", 2 * celery_launcher.BEAT_SECONDS)
            time.sleep(2 * celery_launcher.BEAT_SECONDS)
            assert health() == WorkerStatus.RUNNING
            worker.kill()
            client.delete(*client.keys("ats-launched-*"))  # as after a minute
        assert health() == WorkerStatus.RUNNING
        monkeypatch.setattr(celery_launcher, "MISSED_SECONDS", 0.0)
        assert health() == WorkerStatus.FAILED


def launched(
    instance: dg.DagsterInstance,
    location: Path,
    tags: dict[str, str],
    job: str = "history",
    until: dg.DagsterRunStatus | None = None,
) -> dg.DagsterRun:
    """A run that was launched, and has ended, or come to a status; workers find the job by its file."""
    found_by = ReconstructableJob(ReconstructableRepository.for_file(str(location), "defs", str(location.parent)), job)
    run = create_run_for_test(instance, job_name=job, tags=tags, job_code_origin=found_by.get_python_origin())
    instance.run_launcher.launch_run(LaunchRunContext(run, None))
    patience = time.monotonic() + 300
    while time.monotonic() < patience:
        found = instance.get_run_by_id(run.run_id)
        assert found is not None
        if found.is_finished or found.status == until:
            return found
        time.sleep(0.2)
    raise AssertionError("the run does not end")
