"""Dagster's storage in PostgreSQL: made from an address that no file holds, and without secrets in what is written."""

from pathlib import Path
from typing import Any

import dagster as dg
import psycopg
import pytest
import yaml

from ats_assets.errors import SettingsError
from ats_assets.orchestration.postgres_storage import ProjectPostgresStorage
from ats_assets_tests.trade_state.databases import create_database

SECRET = "s3cret-of-a-vendor-0123"


@pytest.fixture
def instance_file(home: Path) -> Path:
    """The instance's settings of the containers, with the runs in this process."""
    said = yaml.safe_load((Path(__file__).parents[2] / "deploy/compose/config/dagster.yaml").read_text(encoding="utf-8"))
    for name in ("local_artifact_storage", "compute_logs"):
        said[name]["config"]["base_dir"] = str(home / "data" / "dagster")
    (home / "dagster.yaml").write_text(yaml.safe_dump(said), encoding="utf-8")
    return home


def test_the_address_comes_from_the_environment(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNS_DB_URL", raising=False)
    with pytest.raises(SettingsError, match="RUNS_DB_URL is not set"):
        ProjectPostgresStorage.from_config_value(None, {"url_variable": "RUNS_DB_URL"})


def test_a_library_that_is_missing_is_named(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RUNS_DB_URL", "postgresql://runs:p4ss@127.0.0.1:1/runs")
    monkeypatch.setitem(__import__("sys").modules, "dagster_postgres", None)
    with pytest.raises(SettingsError, match="pip install dagster-postgres") as told:
        ProjectPostgresStorage.from_config_value(None, {"url_variable": "RUNS_DB_URL"})
    assert "p4ss" not in str(told.value)


def test_what_is_written_holds_no_secret(instance_file: Path, postgresql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The storage of dagster-postgres by itself writes what a step says, keys of vendors included."""
    pytest.importorskip("dagster_postgres", reason="dagster-postgres is in the image for training alone")
    url = create_database(postgresql, "runs")
    (instance_file / ".env").write_text(f"RUNS_DB_URL={url}\nOWN_VENDOR_KEY={SECRET}\n", encoding="utf-8")
    (instance_file / ".env").chmod(0o600)
    for name in ("RUNS_DB_URL", "OWN_VENDOR_KEY"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)

    @dg.asset
    def told() -> dg.MaterializeResult[Any]:
        return dg.MaterializeResult(metadata={"asked": f"with the key {SECRET}"})

    with dg.DagsterInstance.get() as instance:
        assert dg.materialize([told], instance=instance).success
        assert instance.get_latest_materialization_event(told.key) is not None
    with psycopg.connect(url) as connection:
        tables = [name for (name,) in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        text = "\n".join(str(row) for name in tables for row in connection.execute(f'SELECT * FROM "{name}"'))  # pyright: ignore[reportCallIssue, reportArgumentType]
    assert "with the key ***" in text
    assert SECRET not in text
