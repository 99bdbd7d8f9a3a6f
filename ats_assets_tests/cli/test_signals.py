"""`ats signals`."""

import csv
import io
import json

import pytest

from ats_assets_tests.cli.conftest import Command


def test_json_names_open_and_model(command: Command) -> None:
    run = command("signals", "--format", "json")
    assert run.exit_code == 0, run.stderr
    rows = json.loads(run.stdout, parse_constant=pytest.fail)
    assert (rows["session"], rows["for_open_of"], rows["opens_at"]) == ("2021-03-31", "2021-04-01", "2021-04-01T13:30:00+00:00")
    assert rows["model_session"] < rows["session"]
    assert [row["rank"] for row in rows["signals"]] == list(range(1, len(rows["signals"]) + 1))
    assert {"symbol", "score", "direction", "probability", "signal_weight", "target_weight"} <= set(rows["signals"][0])


def test_what_the_backtest_holds_stands_beside_what_is_wanted(command: Command) -> None:
    """Nothing said that the turnover limit kept twice as many names in the book as were wanted."""
    rows = json.loads(command("signals", "--format", "json").stdout)
    assert rows["backtest"]["wanted_positions"] == sum(row["target_weight"] != 0 for row in rows["signals"])
    assert rows["holding_sessions"] == 5
    assert sum(row["signal_weight"] != 0 for row in rows["signals"]) < rows["backtest"]["wanted_positions"]
    assert sum(row["target_weight"] for row in rows["signals"]) == pytest.approx(sum(row["signal_weight"] for row in rows["signals"]))
    assert rows["backtest"]["turnover_limit"] == 0.5
    assert f"In the backtest {rows['backtest']['held_positions']} symbols are held at this close" in command("signals").stdout


def test_csv_has_the_weights_of_the_table_and_nothing_else_is_written(command: Command) -> None:
    """`target_weight` was the signal's own weight in CSV, and what is traded in the table."""
    run = command("signals", "--format", "csv", "--session", "2021-03-30")
    rows = list(csv.DictReader(io.StringIO(run.stdout)))
    table = json.loads(command("signals", "--format", "json", "--session", "2021-03-30").stdout)["signals"]
    names = ("signal_weight", "target_weight")
    assert [[float(row[name]) for name in names] for row in rows] == [[row[name] for name in names] for row in table]
    assert any(row["signal_weight"] != row["target_weight"] for row in table)
    assert {row["session"] for row in rows} == {"2021-03-30"}
    assert float(rows[0]["score"]) >= float(rows[-1]["score"])
    assert "for the open of 2021-03-31" in run.stderr


def test_table(command: Command) -> None:
    run = command("signals")
    assert "Signals of 2021-03-31 for the open of 2021-04-01" in run.stdout
    assert "\x1b" not in run.stdout


def test_no_model_yet_is_said(command: Command) -> None:
    run = command("signals", "--session", "2021-01-05")
    assert run.exit_code == 0
    assert "No signals: " in run.stdout


@pytest.mark.parametrize(
    ("session", "status", "message"),
    [("2021-04-01", 1, "signals has no partition for 2021-04-01"), ("2021-04-03", 1, "not a session"), ("soon", 2, "not a date")],
)
def test_a_session_without_signals(command: Command, session: str, status: int, message: str) -> None:
    run = command("signals", "--session", session)
    assert (run.exit_code, run.stdout) == (status, "")
    assert message in run.stderr
    assert "Traceback" not in run.stderr
