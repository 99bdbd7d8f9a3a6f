"""`ats experiment run` and `ats experiment compare` over a finished run, which is the base."""

import json
import math
import shutil
from collections import Counter
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import numpy as np
import pytest

from ats_assets.evaluation.overfitting import deflated_sharpe_ratio
from ats_assets.trials import TrialLedger
from ats_assets_tests.cli.conftest import Command
from ats_assets_tests.cli.market import LAST, ats

EXPERIMENT = """
[experiment]
base = "ats.toml"
first = 2021-01-04

[sweep]
"portfolio.top_k" = [3, 2]

[[variant]]
name = "lambda"
set = { "models.lightgbm.lambda_l2" = 3.0 }
"""
NAMES = ("top_k=3", "top_k=2", "lambda")
SHARED = {"raw_bars", "bars", "rejected_bars", "universe", "alpha158", "forward_returns"}


@pytest.fixture
def home(made: tuple[Path, CompletedProcess[str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished run with an experiment beside it; the same for all tests, which leave it as it was."""
    folder = tmp_path_factory.getbasetemp() / "experiment-home"
    if not folder.exists():
        shutil.copytree(made[0], folder)
        (folder / "topk.toml").write_text(EXPERIMENT, encoding="utf-8")
    return folder


@pytest.fixture
def experiment(command: Command, home: Path) -> Path:
    """The experiment's file, once it has been run."""
    file = home / "topk.toml"
    if not result(home, NAMES[-1]).is_file():
        run = command("experiment", "run", str(file), home=home)
        assert run.exit_code == 0, run.stderr
        assert f"{len(NAMES)} that were tried here" in run.stdout
    return file


def folder_of(home: Path, variant: str) -> Path:
    return home / "data" / "experiments" / "topk" / variant


def result(home: Path, variant: str) -> Path:
    return folder_of(home, variant) / "result.json"


def files(root: Path) -> dict[str, Path]:
    """What is stored below a folder, but the report, which counts all that was tried up to then."""
    found = {str(path.relative_to(root)): path for path in sorted(root.rglob("*")) if path.is_file() and not path.name.startswith(".")}
    return {place: path for place, path in found.items() if not place.startswith("backtest_report/")}


def test_what_is_equal_is_one_file_and_the_rest_is_made(home: Path, experiment: Path) -> None:
    base = home / "warehouse" / "synthetic"
    for name in NAMES:
        shared = set(json.loads(result(home, name).read_bytes())["shared"])
        assert shared >= SHARED
        assert ("lightgbm_model" in shared) == (name != "lambda")
        own = folder_of(home, name) / "warehouse"
        for asset in SHARED:
            found = files(own / asset)
            assert found
            assert all(path.samefile(base / asset / place) for place, path in found.items())
        assert not any(path.samefile(base / "backtest" / place) for place, path in files(own / "backtest").items())


def test_a_variant_that_shares_has_the_bytes_of_one_that_is_run_alone(home: Path, experiment: Path, tmp_path: Path) -> None:
    shutil.copyfile(home / "ats.toml", tmp_path / "ats.toml")
    shutil.copyfile(home / "dagster.yaml", tmp_path / "dagster.yaml")
    alone = ats(tmp_path, "run", "--from", "2021-01-02", "--chunk", "200", ATS_MODELS__LIGHTGBM__LAMBDA_L2="3.0")
    assert alone.returncode == 0, alone.stderr
    for kept, own in (("warehouse/synthetic", "warehouse"), ("models/synthetic", "models")):
        mine, other = files(tmp_path / kept), files(folder_of(home, "lambda") / own)
        deliveries = {place for place in mine if place.startswith(("raw_", "calendar"))}  # those are named after when they were known
        assert mine.keys() - deliveries == {place for place in other if not place.startswith(("raw_", "calendar"))}
        assert not [place for place in mine.keys() - deliveries if mine[place].read_bytes() != other[place].read_bytes()]


def test_what_is_done_is_passed_over_and_what_was_interrupted_goes_on(command: Command, home: Path, experiment: Path) -> None:
    variant = folder_of(home, "top_k=2") / "warehouse"
    before = {place: (path.stat().st_ino, path.read_bytes()) for place, path in files(variant).items()}
    result(home, "top_k=2").unlink()
    for path in (variant / "targets" / f"session={LAST}").iterdir():
        path.unlink()
    run = command("experiment", "run", str(experiment), "--chunk", "40", home=home)
    assert run.exit_code == 0, run.stderr
    assert run.stderr.count("done already") == 2
    after = {place: (path.stat().st_ino, path.read_bytes()) for place, path in files(variant).items()}
    assert {place: content for place, (_, content) in after.items()} == {place: content for place, (_, content) in before.items()}
    first = "targets/session=2021-01-29/data.parquet"
    assert after[first][0] == before[first][0], "a part that was whole is not made again"


def test_each_variant_counts_as_a_trial_of_the_base(home: Path, experiment: Path) -> None:
    """The one that changes nothing is what the base has tried already, and a model that is shared is fitted once."""
    (ledger,) = (home / "data" / "trials").iterdir()
    kinds = Counter(one.trial.kind for one in TrialLedger(ledger).trials())
    assert kinds == {"backtest": 3, "fit": 2}


def test_compare_shows_figures_deflated_by_the_number_of_variants(command: Command, home: Path, experiment: Path) -> None:
    rows = {row["variant"]: row for row in json.loads(command("experiment", "compare", str(experiment), "--json", home=home).stdout)}
    assert tuple(rows) == NAMES
    assert rows["top_k=2"]["differs"] == {"portfolio.top_k": 2}
    stored: list[dict[str, Any]] = [json.loads(result(home, name).read_bytes())["backtest"] for name in NAMES]
    metrics = json.loads((home / "warehouse" / "synthetic" / "backtest" / "metrics.json").read_bytes())
    assert stored[0] == metrics, "the variant that changes nothing is the base"
    ratios = [one["sharpe"] / math.sqrt(252) for one in stored]
    for name, one, ratio in zip(NAMES, stored, ratios, strict=True):
        assert rows[name]["sharpe"] == one["sharpe"]
        moments = {"skewness": one["skewness"], "kurtosis": one["kurtosis"] + 3.0}
        expected = deflated_sharpe_ratio(ratio, one["sessions"], n_trials=3, variance=float(np.var(ratios, ddof=1)), **moments)
        assert rows[name]["deflated_sharpe"] == pytest.approx(expected)
    table = command("experiment", "compare", str(experiment), home=home).stdout.splitlines()
    assert table[0].split()[:3] == ["variant", "top_k", "lambda_l2"]
    assert len(table) == 1 + len(NAMES) + 1


def test_a_stale_base_is_not_shared(command: Command, home: Path, experiment: Path) -> None:
    """Its features were made by other settings than those that it has now."""
    other = home / "stale.toml"
    (home / "other.toml").write_text(
        'extends = "ats.toml"\n[universe]\nsize = 9\n[storage]\nwarehouse = "warehouse/synthetic"\nmodels = "models/synthetic"\n'
    )
    other.write_text('[experiment]\nbase = "other.toml"\nfirst = 2021-01-04\n[[variant]]\nname = "a"\n', encoding="utf-8")
    run = command("experiment", "run", str(other), home=home)
    assert run.exit_code == 0, run.stderr
    shared = set(json.loads((home / "data" / "experiments" / "stale" / "a" / "result.json").read_bytes())["shared"])
    assert {"bars", "alpha158"} <= shared
    assert not {"universe", "lightgbm_model", "targets"} & shared


def test_a_wrong_variant_is_told_before_any_is_run(command: Command, home: Path) -> None:
    file = home / "wrong.toml"
    file.write_text('[experiment]\nbase = "ats.toml"\n[sweep]\n"universe.size" = [9, 0]\n', encoding="utf-8")
    run = command("experiment", "run", str(file), home=home)
    assert run.exit_code == 1
    assert "the variant size=0" in run.stderr
    assert "universe.size" in run.stderr
    assert not (home / "data" / "experiments" / "wrong" / "size=9" / "warehouse").exists()
    unknown = command("experiment", "run", str(home / "topk.toml"), "--only", "none", home=home)
    assert "has no variant 'none': choose among top_k=3, top_k=2, lambda" in unknown.stderr
    assert command("experiment", "compare", str(home / "none.toml"), home=home).exit_code == 1
