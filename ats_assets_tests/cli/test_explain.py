"""`ats explain`: a tree for people, all of it as JSON."""

import json
import subprocess
import sys

import pytest

from ats_assets_tests.cli.conftest import Command, Made
from ats_assets_tests.cli.market import ROOT, environment


def test_as_json_and_as_a_tree(command: Command) -> None:
    symbol = json.loads(command("signals", "--format", "json").stdout)["signals"][0]["symbol"]
    run = command("explain", symbol, "2021-03-31", "--json")
    assert run.exit_code == 0, run.stderr
    found = json.loads(run.stdout)
    assert (found["symbol"], found["asset"], found["session"]) == (symbol, "targets", "2021-03-31")
    (window,) = found["made_from"]
    assert (window["asset"], window["spans"]) == ("signals", [["2021-03-25", "2021-03-31", 5]])  # as long as the label looks ahead
    (signals,) = window["made_from"]
    assert (signals["asset"], signals["session"], signals["row"]["rank"]) == ("signals", "2021-03-31", 1)
    assert {below["asset"] for below in signals["made_from"]} == {"predictions", "forward_returns"}
    tree = command("explain", symbol, "2021-03-31").stdout
    for asset in ("targets", "signals", "predictions", "lightgbm_model", "alpha158", "universe", "bars", "raw_bars", "forward_returns"):
        assert f"{asset} " in tree
    assert "known since 2021-" in tree


def test_the_features_that_made_the_score(command: Command) -> None:
    symbol = json.loads(command("signals", "--format", "json").stdout)["signals"][0]["symbol"]
    run = command("explain", symbol, "2021-03-31", "--json")
    found = json.loads(run.stdout)
    score = found["score"]
    (window,) = found["made_from"]
    (signals,) = window["made_from"]
    (predictions,) = (below for below in signals["made_from"] if below["asset"] == "predictions")
    predicted = predictions["made_from"][0]["row"]["score"]
    assert score["score"] == predicted
    assert score["base"] + sum(one["contribution"] for one in score["contributions"]) == pytest.approx(predicted)
    assert (score["model"], len(score["contributions"]), score["note"]) == ("lightgbm_model", 158, "")
    lines = command("explain", symbol, "2021-03-31").stdout.splitlines()
    at = lines.index(f"Score of {symbol}: {predicted:+.6f}, by lightgbm_model of {score['model_session']}")
    assert lines[at + 1].split() == ["feature", "value", "percentile", "contribution"]
    shown = score["contributions"][:10]
    assert [line.split()[0] for line in lines[at + 2 : at + 12]] == [one["feature"] for one in shown]
    assert lines[at + 2].split()[-1] == f"{shown[0]['contribution']:+.6f}"
    assert lines[at + 12].startswith("148 other features")
    assert lines[at + 13].startswith("base, the same for every symbol")


def test_refuses_what_is_not_there(command: Command) -> None:
    assert "has no target at 2021-03-31" in command("explain", "NOBODY", "2021-03-31").stderr
    assert "no targets of 2019-01-02 are stored" in command("explain", "NOBODY", "2019-01-02").stderr
    wrong = command("explain", "NOBODY", "yesterday")
    assert wrong.exit_code == 2
    assert "not a date" in wrong.stderr


def test_the_library_of_the_model_is_imported_for_a_score_alone(made: Made) -> None:
    line = [sys.executable, "-X", "importtime", "-m", "ats_assets.cli", "explain", "NOBODY", "2021-03-31"]
    run = subprocess.run(line, cwd=ROOT, env=environment(made[0]), capture_output=True, text=True, check=False, timeout=100)
    assert "has no target at 2021-03-31" in run.stderr
    imported = {text.rpartition("|")[2].strip() for text in run.stderr.splitlines()}
    assert "polars" in imported
    assert not {"lightgbm", "sklearn", "pandera", "dagster"} & imported
