"""Each program of the examples runs on its small settings, without a key or a network, and shows what its docstring says."""

import ast
import json
import re
from pathlib import Path

import polars as pl
import pytest

from ats_assets_tests.backtests.child_engine.engine_environments import ENVIRONMENTS, engine_for_tests
from ats_assets_tests.examples.conftest import EXAMPLES, ROOT, example, of_examples

SHARED = {"small_deployment"}
"""What is no example itself."""
PROGRAMS = {file.stem for file in EXAMPLES.glob("*.py")} - SHARED
RUN_HERE = {"bots", "broadcasting", "data", "multi_asset_portfolio", "options_wheel", "own_strategy", "quick_start", "vectorbt_comparison"}


def printed(name: str, results: Path, capsys: pytest.CaptureFixture[str]) -> str:
    with of_examples(results):
        example(name).main([])
    return capsys.readouterr().out


def test_each_program_is_run_by_a_test_and_listed_for_readers() -> None:
    assert PROGRAMS == RUN_HERE
    listed = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    missing = [name for name in sorted(PROGRAMS) if f"({name}.py)" not in listed]
    books = [file.name for file in (EXAMPLES / "notebooks").glob("*.ipynb")]
    assert not missing + [name for name in books if f"(notebooks/{name})" not in listed]


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_its_docstring_says_how_to_call_it(name: str) -> None:
    told = ast.get_docstring(ast.parse((EXAMPLES / f"{name}.py").read_text(encoding="utf-8")))
    assert told is not None
    assert f"python examples/{name}.py" in told


def test_quick_start(quick_start: str, results: Path) -> None:
    assert "Signals of 2021-04-15 for the open of 2021-04-16" in quick_start
    assert re.search(r"Backtest: [+-]\d+\.\d% over \d+ sessions", quick_start)
    assert "Quarantined: 3 rows" in quick_start
    assert (results / "quick_start" / "warehouse" / "synthetic" / "signals").is_dir()


def test_data(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed("data", results, capsys)
    assert "decimal comma" in text
    assert re.search(r"2021-01-05 +ABC +high_below_close, high_below_open\n2021-01-05 +XYZ +volume_negative", text)
    assert "bars of that session still have 130,000" in text
    assert re.search(r"ABC +volume +1 ", text), "the correction is a restatement"


def test_own_strategy(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed("own_strategy", results, capsys)
    assert "no leak in quiet_dip_signals" in text
    assert re.search(r"Its signals: [1-9]\d* rows in \d+ sessions; long [1-9]", text)


def test_options_wheel(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = printed("options_wheel", results, capsys)
    assert re.search(r"open +sell_put +[1-9]", text)
    assert "free cash" in text
    decisions = pl.read_parquet(results / "options_wheel" / "warehouse" / "synthetic" / "option_backtest" / "decisions.parquet")
    assert decisions["reason"].str.len_chars().min() > 10  # pyright: ignore[reportOperatorIssue]


def test_multi_asset_portfolio(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each fund has about a sixth of the risk, and bonds most of the money."""
    text = printed("multi_asset_portfolio", results, capsys)
    rows = {name: (float(money), float(risk)) for name, money, risk in re.findall(r"│ ([A-Z]+) +┆ ([\d.]+) +┆ ([\d.]+) +│", text)}
    assert set(rows) == {"BONDS", "GOLD", "GOODS", "HOMES", "STOCKS", "WORLD"}
    assert max(rows, key=lambda name: rows[name][0]) == "BONDS"
    assert all(1 / 12 < risk < 1 / 4 for _, risk in rows.values())


def test_bots(quick_start: str, results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each of the three may what their role may, and who is nobody learns nothing."""
    pytest.importorskip("httpx")
    text = printed("bots", results, capsys)
    assert re.search(r"Signals of 2021-04-15\n(.*\n){2}SYN00\d\d +long", text)
    assert re.search(r"a picture of [\d,]+ bytes: SYN0000", text)
    answers = dict(re.findall(r"^(telegram:\d > /\w+ ?\w*).*\n((?:.+\n)+)", text, re.MULTILINE))
    assert "is for traders: you are a viewer" in answers["telegram:1 > /order buy"]
    assert "buttons: Confirm, Cancel" in answers["telegram:2 > /order buy"]
    assert answers["telegram:9 > /portfolio"].splitlines() == ["This is a private bot", "You are telegram:9, and not known here."]


def test_broadcasting(quick_start: str, results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """At once and whole to one, an hour later and shorter to the other, once to each."""
    pytest.importorskip("httpx")
    text = printed("broadcasting", results, capsys)
    figures = {
        name: int(number) for name, number in re.findall(r"^(messages queued|sent at once|sent an hour later): (\d+)$", text, re.MULTILINE)
    }
    assert figures == {"messages queued": 2, "sent at once": 1, "sent an hour later": 1}
    first, second = text.split("sent at once: 1")
    assert (first.count("SYN00"), second.count("SYN00")) == (5, 2)
    assert "to telegram:1" in first
    assert "to telegram:2" in second
    assert "looked again: 0 queued, 0 sent" in text


def test_vectorbt_says_how_to_set_it_up(results: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with of_examples(results):
        assert example("vectorbt_comparison").main([], engines=tmp_path) is False
    assert "python -m ats_assets.backtests.child_engine vectorbt" in capsys.readouterr().err


@pytest.mark.slow
def test_vectorbt_agrees(results: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine_for_tests("vectorbt")
    with of_examples(results):
        assert example("vectorbt_comparison").main([], engines=ENVIRONMENTS) is True
    found = re.search(r"which is ([+-][\d.]+)%", capsys.readouterr().out)
    assert found is not None
    assert abs(float(found[1])) < 1.0


def test_the_quick_starts_figures_are_those_of_its_files(quick_start: str, results: Path) -> None:
    file = results / "quick_start" / "warehouse" / "synthetic" / "backtest" / "metrics.json"
    metrics = json.loads(file.read_text(encoding="utf-8"))
    assert f"Backtest: {metrics['total_return']:+.1%} over {metrics['sessions']} sessions" in quick_start


def test_the_results_of_examples_are_not_committed() -> None:
    assert "results/" in (EXAMPLES / ".gitignore").read_text(encoding="utf-8")
    assert not (ROOT / "examples" / "notebooks" / "leaky.py").exists()
