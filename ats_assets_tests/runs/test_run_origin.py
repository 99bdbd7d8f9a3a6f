"""Where the runs of the command line are listed in Dagster's UI. Before, they had no origin: its first page was empty, and no run could be executed again."""

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.workspace.load import location_origins_from_yaml_paths

from ats_assets.runs.run_origin import job_origin, with_origin
from ats_assets_tests.cli.market import ROOT


@dg.op
def nothing() -> None: ...


@dg.job
def history() -> None:
    nothing()


@pytest.mark.parametrize(("settings", "workspace"), [("ats.toml", "workspace.yaml"), ("crypto.toml", "workspace-crypto.yaml")])
def test_a_run_has_the_origin_that_the_workspace_gives_its_job(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: str, workspace: str
) -> None:
    for name in ("ats.toml", "crypto.toml"):
        (tmp_path / name).touch()
    monkeypatch.delenv("ATS_CRYPTO_SETTINGS", raising=False)
    monkeypatch.setenv("ATS_SETTINGS", str(tmp_path / settings))
    (location,) = location_origins_from_yaml_paths([str(ROOT / workspace)])
    with dg.DagsterInstance.ephemeral() as instance:
        with with_origin(instance, "history"):
            run_id = history.execute_in_process(instance=instance).run_id
        run = instance.get_run_by_id(run_id)
        listed = instance.get_runs(dg.RunsFilter(tags={".dagster/repository": f"__repository__@{location.location_name}"}))
        outside = instance.get_run_by_id(history.execute_in_process(instance=instance).run_id)
    assert run is not None
    assert run.remote_job_origin == (origin := job_origin("history"))
    assert origin.repository_origin.code_location_origin == location
    assert run.tags["dagster/code_location"] == location.location_name
    assert [one.run_id for one in listed] == [run_id]
    assert outside is not None
    assert outside.remote_job_origin is None


def test_settings_of_another_name_are_the_crypto_graphs_where_they_are_named_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATS_SETTINGS", str(tmp_path / "coins.toml"))
    assert job_origin("history").repository_origin.code_location_origin.location_name == "ats_assets.definitions"
    monkeypatch.setenv("ATS_CRYPTO_SETTINGS", str(tmp_path / "coins.toml"))
    assert job_origin("history").repository_origin.code_location_origin.location_name == "ats_assets.crypto"
