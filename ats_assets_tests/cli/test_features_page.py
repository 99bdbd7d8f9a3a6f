"""docs/features.md is run as it is written: its family, its commands, its Python, what they print, and the figures in its table."""

import re
import shlex
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from ats_assets.features.built_in import ALPHA158, FAMILIES
from ats_assets.storage.artefacts import ModelStore
from ats_assets_tests.cli.conftest import Command
from ats_assets_tests.cli.market import FIRST, LAST, ROOT, make_home
from ats_assets_tests.expressions.panels import random_walks

PAGE = (ROOT / "docs" / "features.md").read_text(encoding="utf-8")
FIRST_FACTOR = "A first own factor"


def section(title: str) -> str:
    """What stands under a heading."""
    return PAGE.split(f"\n## {title}\n")[1].split("\n## ")[0]


REST = PAGE.replace(section(FIRST_FACTOR), "")


def blocks(language: str, text: str = REST) -> list[str]:
    found = re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    return [each[2] for each in found if each[1] == language]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tiny market with the page's family."""
    made = make_home(tmp_path_factory.mktemp("page"))
    (made / "features").mkdir()
    (made / "features" / "reversal.toml").write_text(blocks("toml")[0], encoding="utf-8")
    return made


def run_line(command: Command, home: Path, line: str) -> str:
    """Run a line of shell, `NAME=value … ats arguments`; what it prints."""
    words = shlex.split(line)
    at = words.index("ats")
    run = command(*words[at + 1 :], home=home, **dict(word.split("=", 1) for word in words[:at]))
    assert run.exit_code == 0, f"{line}\n{run.stderr}"
    return run.stdout


def test_a_first_own_factor_is_a_file_and_three_commands(command: Command, tmp_path: Path) -> None:
    text = section(FIRST_FACTOR)
    home = make_home(tmp_path / "first")
    (home / "features").mkdir()
    (home / "features" / "mine.toml").write_text(blocks("toml", text)[0], encoding="utf-8")
    (lines,) = blocks("sh", text)
    _, ran, printed = [run_line(command, home, line) for line in lines.splitlines()]
    (shown,) = blocks("text", text)
    assert "Backtest" not in ran
    assert not {"forward_returns", "alpha158", "backtest"} & {path.name for path in (home / "warehouse" / "synthetic").iterdir()}

    def words(block: str) -> list[list[str]]:
        return [line.split() for line in block.splitlines()]

    ours, theirs = words(printed), words(shown)
    assert {row[0] for row in ours[4:6]} == {row[0] for row in theirs[4:6]} == {"REV5", "TAIL"}
    assert ours[3] == [*theirs[3][:-3], "coverage"]  # the tiny market has horizons of 1 and 5 sessions, the default 20, too
    assert ours[8] == theirs[8]
    assert ours[12][:4] == theirs[12][:4] == ["2", "features", "were", "looked"]
    assert float(ours[4][2]) != 0


@pytest.mark.slow
def test_the_commands_do_what_the_page_says(command: Command, home: Path) -> None:
    first, second = blocks("sh")
    assert FIRST in first
    assert LAST in first
    printed = [run_line(command, home, line) for line in first.splitlines()]
    assert "look-back   5 sessions before the current one" in printed[0]
    assert printed[1] == blocks("")[0]
    stored = list((home / "warehouse" / "synthetic" / "reversal").glob("session=*/data.parquet"))
    assert len(stored) == 61
    (line,) = second.splitlines()
    run_line(command, home, line)
    record = ModelStore(home / "models" / "synthetic", "lightgbm_model").active(date.fromisoformat(LAST))
    assert [*record.features][:158] == [*ALPHA158]
    assert [*record.features][158:] == ["REV5", "REV20", "CALM10", "HEARD10", "REVRANK5"]


def test_a_wrong_file_is_said_as_on_the_page(command: Command, home: Path, tmp_path: Path) -> None:
    broken = make_home(tmp_path / "broken")
    (broken / "features").mkdir()
    text = blocks("toml")[0].replace("1 - $close / Ref($close, 5)", "1 - $close / Reff($close, 5)", 1)
    (broken / "features" / "reversal.toml").write_text(text, encoding="utf-8")
    run = command("features", "list", home=broken)
    assert run.exit_code == 1
    assert run.stderr.replace(f"{broken}/", "") == blocks("")[1]


def test_the_python_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    random_walks(3, 70, seed=1).write_parquet(tmp_path / "bars.parquet")
    monkeypatch.chdir(tmp_path)
    (text,) = blocks("python")
    names: dict[str, object] = {}
    exec(text, names)
    assert isinstance(names["features"], pl.DataFrame)
    assert names["features"].columns == ["symbol", "session", *ALPHA158]


@pytest.mark.parametrize("name", FAMILIES)
def test_the_table_has_the_figures_of_each_family(name: str) -> None:
    family = FAMILIES[name]
    assert f"| `{name}` | {len(family.expressions)} | {family.lookback} |" in PAGE


def test_the_block_of_settings_is_a_setting(command: Command, home: Path, tmp_path: Path) -> None:
    copy = make_home(tmp_path / "copy")
    (copy / "features").mkdir()
    (copy / "features" / "reversal.toml").write_text(blocks("toml")[0], encoding="utf-8")
    settings = (copy / "ats.toml").read_text(encoding="utf-8")
    (block,) = (text for text in blocks("toml") if text.startswith("[training]"))
    (copy / "ats.toml").write_text(settings.replace("[training]\n", block), encoding="utf-8")
    assert "the model uses alpha158, reversal" in command("features", "list", home=copy).stderr
