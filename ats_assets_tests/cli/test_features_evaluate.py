"""`ats features evaluate` over the finished run of the tiny market, and over copies of it that lack something."""

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import scipy.stats as st

from ats_assets_tests.cli.conftest import Command, Made

EVALUATE = ("features", "evaluate", "alpha158")


def figures(command: Command, *arguments: str, **home: Path) -> dict[str, Any]:
    run = command(*EVALUATE, *arguments, "--json", **home)
    assert run.exit_code == 0, run.stderr
    return json.loads(run.stdout, parse_constant=pytest.fail)


def copy_of(made: Made, folder: Path) -> Path:
    """A copy of the finished run's files, without the models and Dagster's history."""
    home = folder / "home"
    home.mkdir()
    for name in ("ats.toml", "dagster.yaml"):
        shutil.copyfile(made[0] / name, home / name)
    shutil.copytree(made[0] / "warehouse", home / "warehouse")
    return home


def test_figures_are_those_of_a_loop_over_the_stored_files(command: Command, made: Made) -> None:
    found = figures(command)
    assert (found["horizon_sessions"], found["horizons_sessions"], found["forward_returns"]) == (5, [1, 5], "stored")
    assert (found["sessions"], found["symbols"], found["features_looked_at"]) == (61, 10, 158)
    files = made[0] / "warehouse" / "synthetic"
    values, returns = (
        pl.read_parquet(f"{files}/{name}/session=*/*.parquet", hive_partitioning=False) for name in ("alpha158", "forward_returns")
    )
    for feature in ("KLEN", "ROC5", "CORR10"):
        (row,) = (one for one in found["features"] if one["feature"] == feature)
        assert row["coverage"] == pytest.approx(values[feature].is_not_nan().mean())
        for own in row["horizons"]:
            judged = values.select("symbol", pl.col("session").alias("decision_session"), feature).join(
                returns.filter(horizon_sessions=own["horizon_sessions"]), on=["symbol", "decision_session"]
            )
            ics = []
            for (_,), rows in judged.filter(pl.col(feature).is_not_nan()).group_by("decision_session"):
                if len(rows) >= 3:
                    ics.append(st.spearmanr(rows[feature].to_numpy(), rows["forward_return"].to_numpy()).statistic)
            assert own["sessions"] == len(ics)
            assert own["rank_ic"] == pytest.approx(np.mean(ics), abs=1e-9)
    sizes = [abs(next(h for h in row["horizons"] if h["horizon_sessions"] == 5)["rank_ic_t"] or 0) for row in found["features"]]
    assert sizes == sorted(sizes, reverse=True)


def test_nothing_after_the_last_session_counts(command: Command, made: Made, tmp_path: Path) -> None:
    """Over the whole files with `--to`, and over files that end there."""
    last = date(2021, 3, 10)
    whole = figures(command, "--to", last.isoformat())
    home = copy_of(made, tmp_path)
    for folder in (home / "warehouse").glob("*/*/session=*"):
        if date.fromisoformat(folder.name.removeprefix("session=")) > last:
            shutil.rmtree(folder)
    cut = figures(command, home=home)
    assert cut == whole
    assert cut["last_session"] == last.isoformat()
    assert max(h["sessions"] for row in cut["features"] for h in row["horizons"] if h["horizon_sessions"] == 5) == cut["sessions"] - 6


def test_without_stored_forward_returns_they_are_made_of_the_bars(command: Command, made: Made, tmp_path: Path) -> None:
    home = copy_of(made, tmp_path)
    shutil.rmtree(home / "warehouse" / "synthetic" / "forward_returns")
    found, stored = figures(command, home=home), figures(command)
    assert found.pop("forward_returns") == "made of stored bars"
    assert stored.pop("forward_returns") == "stored"
    assert found == stored
    other = figures(command, "--horizon", "3", home=home)
    assert other["horizons_sessions"] == [1, 3, 5]
    longer = json.loads(command(*EVALUATE, "--json", "ROC5", home=home, ATS_LABELS__HORIZONS_SESSIONS="[5]").stdout)
    assert longer["horizons_sessions"] == [1, 5, 10, 21]
    assert longer["features_looked_at"] == 1


def test_tables_show_the_largest_t_and_what_to_make_of_it(command: Command) -> None:
    run = command(*EVALUATE, "--top", "3")
    assert run.exit_code == 0, run.stderr
    lines = run.stdout.splitlines()
    assert lines[0] == "alpha158: 61 sessions, 2021-01-04 to 2021-03-31, 10 symbols; forward returns stored"
    assert lines[3].split() == ["feature", "rank", "IC", "t", "IC", "ICIR", ">", "0", "1", "s", "5", "s", "coverage"]
    best = [row["feature"] for row in figures(command)["features"]][:3]
    assert [line.split()[0] for line in lines[4:7]] == best == [line.split()[0] for line in lines[10:13]]
    assert "The 3 with the largest |t| of 158: --top 158 shows all, --json has every figure." in lines
    assert any(line.startswith("158 features were looked at: without any skill the largest |t| is expected at 2.9") for line in lines)
    assert "55 sessions with an outcome are too few to judge: 60 are needed." in lines


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["nothing"], 2, "there is no family 'nothing': the assets are alpha158"),
        (["technical"], 2, "'technical' is no asset, since features.families does not name it"),
        (["alpha158", "ROC6"], 1, "alpha158 has no feature 'ROC6'; did you mean ROC60"),
        (["alpha158", "--from", "2021-06-01"], 1, "alpha158 is not stored from 2021-06-01: make it with ats run --select '+alpha158'"),
        (["alpha158", "--from", "2021-03-01", "--to", "2021-02-01"], 2, "is after"),
        (["alpha158", "--horizon", "0"], 2, "--horizon"),
    ],
)
def test_what_is_wrong_is_said(command: Command, arguments: list[str], status: int, message: str) -> None:
    run = command("features", "evaluate", *arguments)
    assert (run.exit_code, run.stdout) == (status, "")
    assert message in " ".join(run.stderr.replace("│", " ").split())
    assert "Traceback" not in run.stderr


def test_a_file_that_is_newer_than_what_is_stored_is_told(command: Command, made: Made, tmp_path: Path) -> None:
    home = copy_of(made, tmp_path)
    (home / "features").mkdir()
    stored = home / "warehouse" / "synthetic"
    shutil.copytree(stored / "alpha158", stored / "mine")
    (home / "features" / "mine.toml").write_text('[features]\nROC5 = "Ref($close, 5) / $close"\n', encoding="utf-8")
    run = command("features", "evaluate", "mine", home=home)
    assert run.exit_code == 0, run.stderr
    assert "mine.toml is newer than what is stored of mine" in run.stderr
    assert "alpha158.ROC5 +1.00" in run.stdout
