"""The command that is told for Dagster's web UI works where it is told."""

from pathlib import Path

import pytest

from ats_assets.orchestration.dagster_home import how_to_open_ui


def test_the_ui_is_opened_by_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`ats run` said python3 dev.py ui in a folder of `ats init`, too, which has no dev.py."""
    home = tmp_path / "my deployment"
    home.mkdir()
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.chdir(home)
    assert how_to_open_ui() == f"DAGSTER_HOME='{home}' dagster dev -w workspace.yaml"
    monkeypatch.chdir(tmp_path)
    assert how_to_open_ui() == f"DAGSTER_HOME='{home}' dagster dev -w '{home}/workspace.yaml'"
    (tmp_path / "dev.py").touch()
    assert how_to_open_ui() == "python3 dev.py ui"
