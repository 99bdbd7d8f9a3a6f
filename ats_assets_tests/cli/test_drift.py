"""`ats drift`: the alarms of the tests, told as episodes."""

import json
from datetime import date
from pathlib import Path

import polars as pl

from ats_assets.evaluation.schema import DRIFT_SCHEMA
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.cli.conftest import Command
from ats_assets_tests.cli.market import make_home

ALARMS = {date(2021, 3, 1): False, date(2021, 3, 2): True, date(2021, 3, 3): True, date(2021, 3, 30): True}
"""Session -> whether there is one. The second of two that are ten sessions apart or less goes on with the first; the last is another."""


def written(home: Path) -> None:
    """The partitions of the sessions, as the asset has them."""
    with (home / "ats.toml").open("a", encoding="utf-8") as settings:
        settings.write("[drift]\n")
    warehouse = Warehouse(home / "warehouse" / "synthetic")
    row = {"model": "lightgbm", "of": "skill", "test": "cusum", "figure": 9.0, "threshold": 6.5, "about": "mean rank IC fell"}
    for day, alarm in ALARMS.items():
        warehouse.write("drift", day, pl.DataFrame([row | {"session": day, "alarm": alarm}], schema=DRIFT_SCHEMA))


def test_alarms_are_told_as_episodes_of_the_sessions_that_are_asked_for(command: Command, tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    without = command("drift", home=home)
    assert without.exit_code == 1
    assert "add a table [drift] to the settings" in without.stderr
    written(home)
    told = json.loads(command("drift", "--json", home=home).stdout)
    assert [(one["session"], one["until"], one["what"]) for one in told] == [
        ("2021-03-02", "2021-03-03", "drift"),
        ("2021-03-30", "2021-03-30", "drift"),
    ]
    assert "more than 6.50 is unusual (mean rank IC fell)" in told[0]["why"]
    (last,) = json.loads(command("drift", "--json", "--from", "2021-03-03", "--to", "2021-03-15", home=home).stdout)
    assert (last["session"], last["until"]) == ("2021-03-03", "2021-03-03")
    shown = command("drift", home=home).stdout.splitlines()
    assert shown[0].split()[:4] == ["session", "model", "what", "until"]
    assert "2021-03-30" in command("drift", "--from", "2021-03-04", home=home).stdout
    assert command("drift", "--to", "2021-03-01", home=home).stdout == "No drift was found.\n"
