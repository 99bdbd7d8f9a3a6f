"""`ats predict --input bars`: of the bars of a stored session the bits of the asset `signals`, in any form, and a clear message for whatever is wrong."""

import json
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ats_assets.calendar import SessionCalendar
from ats_assets.intervals.return_intervals import return_intervals
from ats_assets.settings import ConfidenceSettings
from ats_assets_tests.cli.conftest import Command, Made
from ats_assets_tests.cli.market import ROOT, environment

SESSION = "2021-03-30"
DAYS = ["2021-03-08", "2021-03-15", "2021-03-16", "2021-03-24", SESSION, "2021-03-31"]
"""From the first with a model on."""


def stored(home: Path, asset: str, until: str = "9999") -> pl.DataFrame:
    """The rows of an asset up to a session."""
    files = sorted((home / "warehouse" / "synthetic" / asset).glob("session=*/*.parquet"))
    return pl.concat([pl.read_parquet(file, hive_partitioning=False) for file in files if file.parent.name <= f"session={until}"])


def exported(home: Path, folder: Path, until: str = "9999") -> tuple[str, list[str]]:
    """A file of bars up to a session, and the option that names their corporate actions, where there are some."""
    path, told = folder / "bars.parquet", stored(home, "corporate_actions")
    stored(home, "bars", until).write_parquet(path)
    splits = told.filter(kind="split").select("symbol", date="session", kind="kind", ratio="ratio")
    splits.write_csv(folder / "actions.csv")
    return str(path), ["--actions", str(folder / "actions.csv")] if splits.height else []


@settings(deadline=None, max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(DAYS), st.booleans())
def test_signals_have_the_bits_of_the_asset(command: Command, made: Made, tmp_path_factory, day: str, whole: bool) -> None:
    """Whether or not the file goes on after the session."""
    folder = tmp_path_factory.mktemp("bars")
    path, actions = exported(made[0], folder, "9999" if whole else day)
    out = folder / "signals.parquet"
    run = command("predict", "--input", path, *actions, "--session", day, "--output", str(out))
    assert run.exit_code == 0, run.stderr
    found, asset = pl.read_parquet(out), stored(made[0], "signals").filter(session=date.fromisoformat(day))
    found = found.rename({"size": "target_weight"}).sort("session", "symbol").select(asset.columns)
    assert asset.height > 5
    assert found.equals(asset), "to the bit"
    assert asset["probability"].null_count() == 0 or day < "2021-03-20"


@pytest.mark.parametrize("form", ["csv", "json"])
def test_bars_may_be_text(command: Command, made: Made, tmp_path: Path, form: str) -> None:
    bars = stored(made[0], "bars", SESSION).drop("vwap")
    file = tmp_path / f"bars.{form}"
    bars.write_csv(file) if form == "csv" else bars.with_columns(pl.col("session").cast(pl.String)).write_json(file)
    out = tmp_path / "signals.json"
    run = command("predict", "--input", str(file), "--output", str(out))
    assert run.exit_code == 0, run.stderr
    told = json.loads(out.read_text(encoding="utf-8"))
    assert told["session"] == SESSION
    assert told["for_open_of"] == "2021-03-31"
    assert {"symbol", "direction", "score", "probability", "lower", "upper", "confidence", "regime", "size"} <= told["signals"][0].keys()
    assert [row["rank"] for row in told["signals"]] == sorted(row["rank"] for row in told["signals"])
    assert "no interval: the settings have no table [confidence]" in told["notes"]


def test_good_symbols_go_through_beside_bad_ones_which_are_told(command: Command, made: Made, tmp_path: Path) -> None:
    bars = stored(made[0], "bars", SESSION)
    day = date.fromisoformat(SESSION)
    short = bars.filter(symbol="SYN0001", session=day).with_columns(symbol=pl.lit("NEWCOMER"))
    gone = bars.filter(pl.col("symbol") == "SYN0002", pl.col("session") < day).with_columns(symbol=pl.lit("GONE"))
    wrong = bars.filter(pl.col("symbol") == "SYN0003").with_columns(symbol=pl.lit("WRONG"), high=pl.col("low") * 0.5)
    pl.concat([bars, short, gone, wrong]).sort("session", "symbol").write_parquet(tmp_path / "bars.parquet")
    run = command("predict", "--input", str(tmp_path / "bars.parquet"), "--format", "json")
    assert run.exit_code == 0, run.stderr
    told = json.loads(run.stdout)
    reasons = {row["symbol"]: row["reason"] for row in told["left_out"]}
    assert "too short a history: 1 bars in the last 10 sessions, universe.min_history_sessions is 3" in reasons["NEWCOMER"]
    assert "no bar at 2021-03-30, the last one is of 2021-03-29" in reasons["GONE"]
    assert "quarantined: high_below" in reasons["WRONG"]
    assert len(told["signals"]) == stored(made[0], "signals").filter(session=day).height
    assert "no signal for GONE: no bar" in run.stderr


def test_a_folder_of_a_saved_model_predicts_as_the_model_of_the_settings(command: Command, made: Made, tmp_path: Path) -> None:
    path, actions = exported(made[0], tmp_path, SESSION)
    store = made[0] / "models" / "synthetic" / "lightgbm_model"
    expected = command("predict", "--input", path, *actions, "--format", "csv")
    assert command("predict", "--input", path, *actions, "--model", str(store), "--format", "csv").stdout == expected.stdout
    assert command("predict", "--input", path, *actions, "--model", "lightgbm", "--format", "csv").stdout == expected.stdout
    elsewhere = tmp_path / "copied" / "lightgbm_model"
    shutil.copytree(store, elsewhere)
    run = command("predict", "--input", path, *actions, "--model", str(elsewhere / "session=2021-03-29"), "--format", "csv")
    assert run.exit_code == 0, run.stderr
    assert "no probability: past predictions of a model from another place are not known" in run.stderr
    scores = [pl.read_csv(one.stdout.encode())["score"].to_list() for one in (run, expected)]
    assert scores[0] == scores[1]
    (elsewhere / "session=2021-03-29" / "model.json").write_text("{}", encoding="utf-8")
    damaged = command("predict", "--input", path, "--model", str(elsewhere / "session=2021-03-29"))
    assert damaged.exit_code == 1
    assert "its SHA-256 is not the one it holds" in damaged.stderr


def test_features_may_be_given(command: Command, made: Made, tmp_path: Path) -> None:
    path, actions = exported(made[0], tmp_path, SESSION)
    features = stored(made[0], "alpha158").filter(session=date.fromisoformat(SESSION))
    features.drop("session").write_csv(tmp_path / "features.csv")
    given_features = command("predict", "--input", path, *actions, "--features", str(tmp_path / "features.csv"), "--format", "csv")
    assert given_features.exit_code == 0, given_features.stderr
    assert given_features.stdout == command("predict", "--input", path, *actions, "--format", "csv").stdout
    features.drop("session").write_ndjson(tmp_path / "features.json")
    of_lines = command("predict", "--input", path, *actions, "--features", str(tmp_path / "features.json"), "--format", "csv")
    assert of_lines.stdout == given_features.stdout, "JSON of lines was refused, though said to be read"
    features.drop("session", "KMID").write_csv(tmp_path / "features.csv")
    run = command("predict", "--input", path, "--features", str(tmp_path / "features.csv"))
    assert run.exit_code == 1
    assert "lacks 1 columns of 159 that the model needs: KMID" in run.stderr


def test_rows_of_features_are_scored_as_before(command: Command, made: Made, tmp_path: Path) -> None:
    stored(made[0], "alpha158").filter(session=date.fromisoformat(SESSION)).write_parquet(tmp_path / "rows.parquet")
    run = command("predict", "--input", str(tmp_path / "rows.parquet"), "--session", "2021-03-29", "--output", str(tmp_path / "out.json"))
    assert run.exit_code == 0, run.stderr
    found = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))["predictions"]
    scores = {row["symbol"]: row["score"] for row in found}
    assert (
        stored(made[0], "predictions")
        .filter(session=date.fromisoformat(SESSION))
        .select((pl.col("symbol").replace_strict(scores, return_dtype=pl.Float64) == pl.col("score")).all())
        .item()
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--model", "other"], "there is no model 'other': choose champion, one of lightgbm, or the path of a model's folder"),
        (["--session", "2021-01-06"], "lightgbm_model of 2021-01-04 is not available|has no model before 2021-01-06"),
        (["--session", "2021-04-05"], "has no row at 2021-04-05: its rows are of 2021-01-04 to 2021-03-31"),
        (["--output", "signals.txt"], "ends in none of"),
        (["--output", "no_such_folder/signals.csv"], "which is no folder"),  # it ended in a traceback, once all was predicted
    ],
)
def test_what_is_wrong_is_said(command: Command, made: Made, tmp_path: Path, arguments: list[str], said: str) -> None:
    path, _ = exported(made[0], tmp_path)
    run = command("predict", "--input", path, *arguments)
    assert run.exit_code in {1, 2}
    assert any(part in run.stderr for part in said.split("|")), run.stderr


def test_a_table_that_lacks_columns_is_said(command: Command, made: Made, tmp_path: Path) -> None:
    stored(made[0], "bars").rename({"close": "something"}).write_csv(tmp_path / "bars.csv")
    run = command("predict", "--input", str(tmp_path / "bars.csv"))
    assert run.exit_code == 1
    assert "lacks 'close': its columns are" in run.stderr
    run = command("predict", "--input", str(tmp_path / "nothing.csv"))
    assert run.exit_code == 1
    assert "there is no file or folder" in run.stderr


def test_without_a_warehouse_there_is_no_probability_and_the_reason_is_told(command: Command, made: Made, tmp_path: Path) -> None:
    path, actions = exported(made[0], tmp_path, SESSION)
    run = command("predict", "--input", path, *actions, "--format", "csv", ATS_STORAGE__WAREHOUSE=str(tmp_path / "nothing"))
    assert run.exit_code == 0, run.stderr
    rows = pl.read_csv(run.stdout.encode())
    assert rows["probability"].null_count() == rows.height
    assert "no probability: nothing is stored in" in run.stderr
    assert (
        rows["score"].to_list()
        == pl.read_csv(command("predict", "--input", path, *actions, "--format", "csv").stdout.encode())["score"].to_list()
    )


def test_intervals_are_those_of_the_stored_past(command: Command, made: Made, tmp_path: Path) -> None:
    """By the function that makes the asset, of what is stored."""
    path, actions = exported(made[0], tmp_path, SESSION)
    own = {"scale_sessions": 5, "min_scale_outcomes": 3, "calibration_sessions": 8, "min_calibration_rows": 20}
    changes = {f"ATS_CONFIDENCE__{name.upper()}": str(value) for name, value in own.items()}
    run = command("predict", "--input", path, *actions, "--output", str(tmp_path / "out.parquet"), **changes)
    assert run.exit_code == 0, run.stderr
    found = pl.read_parquet(tmp_path / "out.parquet").sort("symbol")
    day = date.fromisoformat(SESSION)
    predictions, returns = (stored(made[0], name, SESSION) for name in ("predictions", "forward_returns"))
    calendar = SessionCalendar("XNYS", date(2020, 10, 1))
    days = calendar.sessions(date(2021, 1, 4), day)
    how = {"calendar": calendar, "horizon_sessions": 5}
    expected = return_intervals(predictions, returns, days, [day], ConfidenceSettings(**own), **how)
    assert expected["width"].null_count() == 0
    names = ["symbol", "expected_return", "lower", "upper", "level", "confidence"]
    assert found.select(names).equals(expected.select(names))


def test_only_what_inference_needs_is_imported(made: Made, tmp_path: Path) -> None:
    path, actions = exported(made[0], tmp_path, SESSION)
    heavy = ("dagster", "mlflow", "lightgbm", "sklearn", "pandas", "pandera", "optuna", "torch", "xgboost", "hmmlearn", "matplotlib")
    program = (
        "import sys\nfrom ats_assets.cli import app\n"
        f"app({['predict', '--input', path, *actions, '--format', 'csv']!r}, standalone_mode=False)\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)"
    )
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment(made[0]), capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stderr.splitlines()[-1] == "[]"
    assert len(run.stdout.splitlines()) > 5
