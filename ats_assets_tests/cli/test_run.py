"""`ats run`: what it makes, what it says, and with which status it leaves."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from ats_assets.runs.summary import ROWS, SKILL
from ats_assets_tests.cli.conftest import Command
from ats_assets_tests.cli.forking import Started, started
from ats_assets_tests.cli.market import ROOT, SETTINGS, ats, environment, make_home

Made = tuple[Path, CompletedProcess[str]]
STAGES = {
    *("deliveries", "bars", "features", "labels", "models", "predictions", "evaluation", "signals", "portfolio", "backtests", "reports")
}


def test_makes_everything_and_sums_it_up(made: Made) -> None:
    home, run = made
    assert run.returncode == 0, run.stderr
    summary = json.loads((home / "summary.json").read_text(), parse_constant=pytest.fail)
    assert summary["sessions"] == 61
    assert summary["rows_in"] == summary["rows_accepted"] + summary["rows_rejected"] > 500
    assert sum(summary["rejected_reasons"].values()) >= summary["rows_rejected"]
    assert summary["symbols"] == 10
    assert summary["assets"] == {name: 61 for name in summary["assets"] if not name.startswith("backtest")} | {
        "backtest": 1,
        "backtest_report": 1,
    }
    assert len(summary["assets"]) == 16
    assert -1 <= summary["ic"] <= 1
    assert -1 <= summary["rank_ic"] <= 1
    assert {"total_return", "volatility", "sharpe", "sharpe_standard_error", "max_drawdown", "turnover", "benchmark_return"} <= set(
        summary["backtest"]
    )
    assert summary["backtest"]["gross_return"] > summary["backtest"]["total_return"]
    assert "The turnover limit (portfolio.max_turnover = 0.5) binds in" in summary["backtest"]["turnover_limit"]
    assert f"{summary['backtest']['gross_annual_return']:+.1%} a year), volatility" in run.stdout, "a yearly figure was not called one"
    assert f" from {summary['backtest']['first_session']} to 2021-03-31 (" in run.stdout
    assert f"{summary['backtest']['turnover_a_year']:.1f} times the equity a year, one-way" in run.stdout
    assert Path(summary["report"]).is_file()
    assert summary["signals"]["for_open_of"] == "2021-04-01"
    assert 50e6 < summary["peak_memory_bytes"] < 4e9


def test_the_seconds_add_up(made: Made) -> None:
    seconds = json.loads((made[0] / "summary.json").read_text())["seconds"]
    assert set(seconds) == STAGES | {"start", "dagster_events", "between_steps", "total"}
    assert all(value > 0 for value in seconds.values())
    total = seconds.pop("total")
    assert sum(seconds.values()) == pytest.approx(total, abs=0.02)


def test_output_is_plain_where_it_is_no_terminal(made: Made) -> None:
    _, run = made
    for text in (run.stdout, run.stderr):
        assert "\x1b" not in text
        assert "\r" not in text
        assert "DEBUG" not in text
        assert "Warning:" not in text
    assert "Out of sample" in run.stdout
    assert "Signals of 2021-03-31 for the open of 2021-04-01" in run.stdout
    loading, starting, *_ = run.stderr.splitlines()
    assert loading.startswith("ats run: loading the graph, with the settings of ")
    assert starting.startswith("starting at 2021-01-04, not 2021-01-02")
    assert "2021-01-04 to 2021-03-02" in run.stderr  # the first of two chunks


@pytest.fixture(scope="module")
def own(made: Made, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the finished run, which other tests read, to run again in."""
    return shutil.copytree(made[0], tmp_path_factory.mktemp("own") / "home")


def test_one_session_alone(command: Command, own: Path) -> None:
    asked = ["--from", "2021-03-31", "--to", "2021-03-31", "--select", "universe, forward_returns", "--summary-json", "-"]
    run = command("run", *asked, home=own)
    assert run.exit_code == 0, run.stderr
    summary = json.loads(run.stdout)
    assert summary["sessions"] == 1
    assert summary["assets"] == {"forward_returns": 1, "universe": 1}


@pytest.mark.parametrize(
    ("selection", "shown", "following"),
    [
        ("alpha158", set(), ["ats features evaluate alpha158"]),
        ("+universe", {"rows_in", "rows_accepted", "rows_rejected", "rejected_reasons", "symbols"}, ["ats run"]),
        ("skill", {"ic", "rank_ic", "rank_ic_t_statistic", "skill_sessions", "horizon_sessions", "verdict", "skill"}, ["ats run"]),
        ("targets", {"signals"}, ["ats signals"]),
        ("backtest,backtest_report", {"backtest", "report"}, ["ats signals", "ats report --open"]),
    ],
)
def test_a_run_of_some_assets_ends_with_their_figures_alone(
    command: Command, own: Path, tmp_path: Path, selection: str, shown: set[str], following: list[str]
) -> None:
    """An older backtest stood beneath the run of a feature family until then, as if it were of that run."""
    file = tmp_path / "summary.json"
    run = command("run", "--from", "2021-03-31", "--to", "2021-03-31", "--select", selection, "--summary-json", str(file), home=own)
    assert run.exit_code == 0, run.stderr
    summary = json.loads(file.read_text())
    figures = {
        name
        for name in (*ROWS, *SKILL, "backtest", "signals", "report")
        if summary[name] is not None and (name, summary[name]) != ("signals", {})
    }
    assert figures == shown
    assert summary["next"] == following
    said = run.stderr.rsplit("Next: ", 1)[1].split(", ")
    for shown_command, wanted in zip(said, following, strict=False):
        program, *arguments = shown_command.split()
        assert ["ats", *arguments] == wanted.split()
        assert shutil.which(program, path=environment(tmp_path).get("PATH")), (
            "without the environment on the path the command was not found"
        )
    lines = {line.split("  ")[0] for line in run.stdout.splitlines()}
    for heading, figure in {"Rows": "rows_in", "Out of sample": "skill", "Backtest": "backtest", "Report": "report"}.items():
        assert (heading in lines) == (figure in shown)
    assert ("Signals of 2021-03-31" in run.stdout) == ("signals" in shown)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["--from", "yesterday"], 2, "not a date"),
        (["--from", "2021-02-02", "--to", "2021-02-01"], 2, "is after"),
        (["--select", "bogus"], 2, "selects nothing"),
        (["--select", "(("], 2, "not a selection"),
        (["--chunk", "0"], 2, "--chunk"),
        (["--from", "2022-01-03"], 1, "the source (synthetic) has sessions from 2021-01-04 to 2021-03-31"),
        (["--to", "2020-12-31"], 1, "there is no session"),
        (["--from", "2021-01-09", "--to", "2021-01-10"], 1, "there is no session"),
    ],
)
def test_refuses_what_makes_no_sense(command: Command, arguments: list[str], status: int, message: str) -> None:
    run = command("run", *arguments)
    assert run.exit_code == status
    assert message in " ".join(run.stderr.replace("│", " ").split())
    assert "Traceback" not in run.stderr
    assert run.stdout == ""


def test_a_selection_of_which_nothing_is_made_is_refused(tmp_path: Path) -> None:
    """What is collected beside daily bars is made by a job of its own; `ats run` once said that 0 partitions were made, and left with status 0."""
    home = make_home(tmp_path / "home")
    synthetic = SETTINGS[SETTINGS.index("symbols = 10") : SETTINGS.index("[bars]")]
    several = f'[source]\nkind = "preferred"\n[source.preferred]\norder = ["synthetic", "other"]\ncompare = true\n[source.preferred.synthetic]\n{synthetic}'
    own = SETTINGS.replace(f"[source.synthetic]\n{synthetic}", f'{several}[source.preferred.other]\nkind = "synthetic"\n{synthetic}')
    (home / "ats.toml").write_text(own, encoding="utf-8")
    run = ats(home, "run", "--select", "vendor_comparison")
    assert run.returncode == 2
    told = " ".join(run.stderr.replace("│", " ").split())
    assert "vendor_comparison: ats run makes nothing of it" in told
    assert "market_data_schedule" in told


def test_a_wrong_setting_is_one_message(command: Command) -> None:
    run = command("run", ATS_TRAINING__HORIZON_SESSIONS="7")
    assert (run.exit_code, run.stdout) == (1, "")
    assert "labels.horizons_sessions" in run.stderr
    assert "Traceback" not in run.stderr


def test_a_failed_blocking_check_stops_what_comes_after(command: Command, tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    run = command("run", "--to", "2021-03-31", "--select", "+universe", home=home, ATS_BARS__MAX_REJECTED_SHARE="0")
    assert run.exit_code == 1
    assert "check contract of bars failed" in run.stderr
    assert "bars.max_rejected_share allows 0.00%" in run.stderr
    assert "Traceback" not in run.stderr
    assert (home / "warehouse" / "synthetic" / "rejected_bars").is_dir()
    assert not (home / "warehouse" / "synthetic" / "universe").exists()


def test_an_error_of_ours_names_asset_and_sessions(command: Command, made: Made, tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    assert command("run", "--to", "2021-01-05", "--select", "raw_bars", home=home).exit_code == 0
    run = command("run", "--to", "2021-01-06", "--select", "universe", home=home)
    assert run.exit_code == 1
    assert "universe, 2021-01-04 to 2021-01-06: bars has no partition for 2021-01-04" in run.stderr
    assert "Traceback" not in run.stderr


@contextmanager
def interpreted(arguments: Sequence[str], *, cwd: Path, env: Mapping[str, str], timeout: int) -> Iterator[Started]:
    """The command in an interpreter of its own, whose handling of signals is that of a user's."""
    line = [sys.executable, "-m", "ats_assets.cli", *arguments]
    with subprocess.Popen(line, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:

        def end() -> CompletedProcess[str]:
            out, said = process.communicate(timeout=timeout)
            return CompletedProcess(line, process.returncode, out, said)

        yield Started(pid=process.pid, end=end)


@pytest.mark.slow
@pytest.mark.parametrize(("sent", "status"), [(signal.SIGINT, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_goes_on_after_an_end_in_the_middle_of_training(tmp_path: Path, sent: signal.Signals, status: int) -> None:
    home = make_home(tmp_path)
    slow = environment(
        home, ATS_MODELS__LIGHTGBM__MIN_ROUNDS="3000", ATS_MODELS__LIGHTGBM__MAX_ROUNDS="3000", ATS_TRAINING__REFIT="session"
    )
    with (interpreted if sent == signal.SIGINT else started)(["run"], cwd=ROOT, env=slow, timeout=300) as command:
        deadline = time.monotonic() + 200
        while not list((home / "models").glob("synthetic/lightgbm_model/*/model.txt")) and time.monotonic() < deadline:
            time.sleep(0.05)
        os.kill(command.pid, sent)
        ended = command.end()
    assert ended.returncode == status, ended.stderr
    said = ended.stderr
    if sent == signal.SIGINT:
        assert "interrupted" in said
        assert "--from 2021-01-04" in said
        assert "Traceback" not in said
    again = ats(home, "run", "--select", "lightgbm_model")  # would wait for ever for the place that the killed run held in the pool
    assert again.returncode == 0, again.stderr
    assert ("1 earlier run was killed" in again.stderr) == (sent == signal.SIGKILL)
