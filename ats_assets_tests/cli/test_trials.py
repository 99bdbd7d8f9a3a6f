"""`ats trials`: what the market of the commands' tests has tried, and an empty ledger."""

import json
from pathlib import Path

from ats_assets_tests.cli.conftest import Command
from ats_assets_tests.cli.market import make_home


def test_what_was_made_is_listed_with_what_came_of_it(command: Command) -> None:
    fit, backtest = json.loads(command("trials", "--json").stdout)
    assert (fit["kind"], fit["name"], fit["what"]["learner"]) == ("fit", "lightgbm_model", "lightgbm")
    assert (backtest["kind"], backtest["made_of"]) == ("backtest", [fit["tried"]])
    assert backtest["sharpe"] is not None
    assert fit["mean_rank_ic"] is not None
    shown = command("trials").stdout
    assert f"Sharpe {backtest['sharpe']:+.2f}" in shown
    assert "1 trial, models that a backtest trades alone apart; 1 different bet." in shown


def test_nothing_was_tried_yet(command: Command, tmp_path: Path) -> None:
    make_home(tmp_path)
    assert json.loads(command("trials", "--json", home=tmp_path).stdout) == []
    assert "No trial is in" in command("trials", home=tmp_path).stdout


def test_a_damaged_ledger_is_told(command: Command, tmp_path: Path) -> None:
    make_home(tmp_path)
    folder = tmp_path / "data" / "trials" / "synthetic"
    folder.mkdir(parents=True)
    (folder / "trials.jsonl").write_text('{"kind": "fit"}\n', encoding="utf-8")
    found = command("trials", "--json", home=tmp_path)
    assert json.loads(found.stdout) == []
    assert "line 1 of" in found.stderr
