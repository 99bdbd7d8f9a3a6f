"""`ats leakcheck`: what the run made is honest, and a leaking function of one's own is named."""

import json
from pathlib import Path

import pytest

from ats_assets_tests.cli.conftest import Command

OWN = """
import polars as pl

def momentum(bars):
    past = (pl.col("close") / pl.col("close").shift(5)).over("symbol", order_by="session")
    future = pl.col("close").shift(-1).over("symbol", order_by="session")
    return bars.select("symbol", "session", past=past, future=future)

def table(bars):
    return [1, 2]
"""


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "mine_of_leakcheck.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_the_graph_does_not_leak(command: Command) -> None:
    run = command("leakcheck", "--sessions", "60", "--symbols", "8", "--draws", "2", "--json")
    assert run.exit_code == 0, run.output
    report = json.loads(run.stdout)
    assert {"alpha158", "forward_returns", "universe", "lightgbm_model", "signals", "targets", "backtest"} <= set(report["subjects"])
    assert report["findings"] == []


@pytest.mark.usefixtures("own_folder")
def test_a_function_of_one_s_own(command: Command) -> None:
    run = command("leakcheck", "--function", "mine_of_leakcheck:momentum", "--sessions", "40", "--symbols", "5", "--json")
    report = json.loads(run.stdout)
    assert run.exit_code == 1
    assert report["subjects"] == ["mine_of_leakcheck:momentum"]
    assert {finding["column"] for finding in report["findings"]} == {"future"}
    text = command("leakcheck", "--function", "mine_of_leakcheck:momentum", "--sessions", "40", "--symbols", "5").stdout
    assert "mine_of_leakcheck:momentum.future sees the future of bars" in text


@pytest.mark.usefixtures("own_folder")
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--function", "nowhere:momentum"), "there is no function nowhere:momentum"),
        (("--function", "mine_of_leakcheck:nothing"), "there is no function mine_of_leakcheck:nothing"),
        (("--function", "mine_of_leakcheck"), "write it as module:function"),
        (("--function", "mine_of_leakcheck:table"), "returned a list, not a polars.DataFrame"),
        (("alpha159",), "there is nothing to check called alpha159; choose from alpha158"),
    ],
)
def test_what_can_not_be_judged(command: Command, arguments: tuple[str, ...], message: str) -> None:
    run = command("leakcheck", *arguments)
    assert run.exit_code == 1
    assert message in run.stderr
    assert "Traceback" not in run.output
