"""`ats predict` with a model of sessions."""

import json
from pathlib import Path

import polars as pl

from ats_assets_tests.cli.conftest import Command, Made


def test_the_predictions_of_a_session_are_those_of_the_asset(command: Command, made: Made, tmp_path: Path) -> None:
    run = command("predict", "--model", "lightgbm", "--session", "2021-03-30", "--format", "json")
    assert run.exit_code == 0
    found = json.loads(run.stdout)
    (file,) = (made[0] / "warehouse").rglob("predictions/session=2021-03-30/data.parquet")
    stored = pl.read_parquet(file, hive_partitioning=False)
    assert [row["score"] for row in found["predictions"]] == stored["score"].to_list()
    assert found["model"]["sha256"] in run.stderr
    out = tmp_path / "out.parquet"
    assert command("predict", "--model", "lightgbm", "--session", "2021-03-30", "--output", str(out)).exit_code == 0
    assert pl.read_parquet(out).equals(stored)


def test_a_model_that_is_none_is_said(command: Command) -> None:
    run = command("predict", "--model", "other")
    assert run.exit_code == 1
    assert "there is no model 'other' in the settings: choose one of lightgbm" in run.stderr
