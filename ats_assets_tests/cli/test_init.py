"""`ats init`: what it writes loads, is what was asked for, runs, and overwrites nothing."""

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest
from dotenv import dotenv_values
from typer.testing import CliRunner, Result

from ats_assets.cli import app
from ats_assets.deployment import Deployment
from ats_assets.runs.new_deployment import SOURCE_NAMES, Wishes
from ats_assets.runs.new_deployment.deployment_folder import deployment_texts
from ats_assets.settings import Settings, load_settings
from ats_assets_tests.cli.market import ROOT, ats, environment

FILES = {".env.example", ".gitignore", "README.md", "ats.toml", "dagster.yaml", "workspace.yaml"}


@pytest.fixture(autouse=True)
def _of_no_other_deployment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ATS_SETTINGS", raising=False)


def init(*arguments: object) -> Result:
    """Run it where no terminal is."""
    return CliRunner().invoke(app, ["init", *map(str, arguments)])


def made(folder: Path, *arguments: object) -> Settings:
    """The settings of the deployment that it makes."""
    result = init(folder, *arguments)
    assert result.exit_code == 0, result.stderr
    assert {file.name for file in folder.iterdir()} == FILES
    return load_settings(folder / "ats.toml")


def bars_file(folder: Path, first: str = "2008-02-01") -> Path:
    days = pl.date_range(pl.lit(first).str.to_date(), pl.lit("2020-03-02").str.to_date(), "1d", eager=True)
    prices = {name: pl.Series([10.0] * len(days)) for name in ("open", "high", "low", "close")}
    bars = pl.DataFrame({"symbol": "ABC", "date": days, **prices, "volume": 100}).filter(pl.col("date").dt.weekday() < 6)
    bars.write_parquet(folder / "bars.parquet")
    return folder / "bars.parquet"


def test_without_options_it_is_the_synthetic_market_with_the_defaults(tmp_path: Path) -> None:
    settings, default = made(tmp_path / "new"), Settings()
    assert settings.source.kind == "synthetic"
    assert settings.source.synthetic == default.source.synthetic
    assert settings.models == {"lightgbm": {}}
    assert settings.training == default.training
    assert not settings.orders.enabled
    assert settings.orders.broker == "paper"
    assert settings.storage.warehouse == tmp_path / "new" / "warehouse" / "synthetic"


def test_what_is_asked_for_is_set(tmp_path: Path) -> None:
    how = ("--symbols", "AAPL, BRK.B", "--from", "2005-03-01", "--model", "ridge", "--model", "lightgbm", "--orders")
    settings = made(tmp_path / "of_alpaca", "--source", "alpaca", *how)
    assert settings.source.alpaca.symbols == ("AAPL", "BRK.B")
    assert str(settings.source.alpaca.first_session) == "2005-03-01"
    assert str(settings.calendar.first_session) == "2005-01-01", "the calendar must begin before history does"
    assert list(settings.models) == ["ridge", "lightgbm"]
    assert settings.orders.enabled
    keys = dotenv_values(tmp_path / "of_alpaca" / ".env.example")
    assert keys == {"APCA_API_KEY_ID": "", "APCA_API_SECRET_KEY": ""}
    of_ccxt = made(tmp_path / "of_ccxt", "--source", "ccxt", "--exchange", "kraken", "--symbols", "BTC/USD")
    assert of_ccxt.calendar.exchange == "24/7"
    assert of_ccxt.source.own["ccxt"] == {"exchange": "kraken", "symbols": ["BTC/USD"]}
    assert of_ccxt.backtest.fractional_shares
    coins = made(tmp_path / "coins", "--source", "alpaca", "--symbols", "BTC/USD")
    assert (coins.source.alpaca.asset_class, coins.calendar.exchange) == ("crypto", "24/7")
    assert "cp .env" not in (tmp_path / "coins" / "README.md").read_text(encoding="utf-8"), "bars of coins need no key"


@pytest.mark.parametrize("source", SOURCE_NAMES)
def test_each_source_is_accepted_by_its_own_settings(source: str, tmp_path: Path) -> None:
    options = {"files": ("--path", bars_file(tmp_path)), "ccxt": ("--symbols", "BTC/USDT"), "coingecko": ("--symbols", "BTC/USD")}
    settings = made(tmp_path / "new", "--source", source, *options.get(source, ()))
    assert Deployment(settings).source_plugin is not None
    assert "\n\n\n" not in (tmp_path / "new" / "ats.toml").read_text(encoding="utf-8")


def test_files_are_read_at_once_and_their_history_fits_into_the_calendar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    bars_file(tmp_path)
    settings = made(Path("new"), "--path", "bars.parquet")
    assert settings.source.files.path == tmp_path / "bars.parquet", "whatever folder a command is called in"
    assert str(settings.calendar.first_session) == "2008-01-01"
    assert Deployment(settings).source.first_session().isoformat() == "2008-02-01"
    shorter = made(tmp_path / "shorter", "--path", "bars.parquet", "--from", "2020-01-02")
    assert str(shorter.calendar.first_session) == "2020-01-02"
    (tmp_path / "bars.csv").write_text("a,b\n1,2\n", encoding="utf-8")
    assert "lacks 'date'" in init("broken", "--path", "bars.csv").stderr
    assert not Path("broken").exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--source", "yahoo"), "choose one of synthetic, files"),
        (("--source", "files"), "needs --path"),
        (("--source", "files", "--path", "nowhere.csv"), "there is no file or folder"),
        (("--source", "alpaca", "--path", "."), "leave one of them out"),
        (("--symbols", "AAPL"), "give their number, such as 60"),
        (("--symbols", "0"), "give their number"),
        (("--source", "ccxt"), "needs --symbols, such as BTC/USDT"),
        (("--source", "coingecko", "--symbols", "bitcoin"), "BTC/USD"),
        (("--from", "2024-01-02"), "ends on 2023-12-29"),
        (("--from", "soon"), "not a date"),
        (("--model", "oracle"), "which is no model: choose one of"),
        (("--model", "ridge", "--model", "ridge"), "twice"),
        (("--calendar", "XXXX"), "XXXX"),
    ],
)
def test_what_can_not_be_is_refused_before_anything_is_written(arguments: tuple[str, ...], said: str, tmp_path: Path) -> None:
    result = init(tmp_path / "new", *arguments)
    assert result.exit_code in {1, 2}
    assert said in " ".join(result.stderr.replace("│", " ").split())
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("name", sorted(FILES))
def test_nothing_is_overwritten(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("mine", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("other files do not matter", encoding="utf-8")
    result = init(tmp_path)
    assert result.exit_code == 1
    assert f"has {name}: nothing is overwritten" in result.stderr
    assert {file.name for file in tmp_path.iterdir()} == {name, "notes.txt"}
    assert (tmp_path / name).read_text(encoding="utf-8") == "mine"


def test_no_file_holds_a_value_of_a_secret(tmp_path: Path) -> None:
    for source in ("alpaca", "massive", "coingecko"):
        texts = deployment_texts(Wishes(source=source, symbols=("BTC/USD",)))
        assert not any(dotenv_values(stream=None, dotenv_path=_written(tmp_path, texts[".env.example"])).values())
        assert re.search(r"^\.env$", texts[".gitignore"], re.MULTILINE)


def _written(folder: Path, text: str) -> Path:
    (folder / "env").write_text(text, encoding="utf-8")
    return folder / "env"


def test_its_instance_is_the_projects() -> None:
    """But for the first line, which says whose it is."""
    of_project = (ROOT / "dagster.yaml").read_text(encoding="utf-8").splitlines()
    assert deployment_texts(Wishes())["dagster.yaml"].splitlines()[1:] == of_project[1:]


def typed(command: list[str], answers: list[str], cwd: Path) -> tuple[str, int]:
    """Call a program on a terminal, type an answer whenever it asks, and return what was on the screen, and its status."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        command, cwd=cwd, env=environment(cwd) | {"PYTHONPATH": str(ROOT), "ATS_SETTINGS": ""}, stdin=slave, stdout=slave, stderr=slave
    )
    os.close(slave)
    screen, waiting, deadline = b"", list(answers), time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        if select.select([master], [], [], 0.05)[0]:
            try:
                screen += os.read(master, 4096)
            except OSError:
                break
        elif waiting and screen.rstrip(b" ").endswith(b":"):
            os.write(master, f"{waiting.pop(0)}\n".encode())
            time.sleep(0.02)
    os.close(master)
    return screen.decode(), process.wait(timeout=10)


def test_on_a_terminal_it_asks_five_questions(tmp_path: Path) -> None:
    bars_file(tmp_path)
    command = [sys.executable, "-m", "ats_assets.cli", "init", "new"]
    screen, status = typed(command, ["files", "bars.parquet", "2020-01-02", "ridge", "yes"], tmp_path)
    assert status == 0, screen
    assert [int(number) for number in re.findall(r"^(\d)\. ", screen, re.MULTILINE)] == [1, 3, 4, 5], "symbols of files are not asked for"
    assert "1 symbols" in screen or "1 symbol" in screen, "what was read of the files is shown before the next question"
    settings = load_settings(tmp_path / "new" / "ats.toml")
    assert (settings.source.kind, list(settings.models), settings.orders.enabled) == ("files", ["ridge"], True)


def test_its_three_commands_work_on_a_short_history(tmp_path: Path) -> None:
    """As its README has them, in its folder; nothing of the project's own deployment is touched."""
    made(tmp_path / "new", "--symbols", "8", "--from", "2023-11-01")
    commands = re.findall(r"^ats (\w+)", (tmp_path / "new" / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert commands == ["doctor", "run", "signals"]
    quick = {"ATS_MLFLOW__ENABLED": "false", "ATS_BARS__PROFILE": "false", "ATS_STORAGE__FSYNC": "false"}
    doctor = ats(tmp_path / "new", "doctor", **quick)
    assert (doctor.returncode, "0 failures" in doctor.stdout) == (0, True), doctor.stdout
    run = ats(tmp_path / "new", "run", "--to", "2023-11-10", **quick)
    assert run.returncode == 0, run.stderr
    assert len(list((tmp_path / "new" / "warehouse" / "synthetic" / "alpha158").glob("session=*"))) == 8
    assert (tmp_path / "new" / "data" / "dagster").is_dir()
    again = ats(tmp_path / "new", "doctor", **quick)
    assert again.returncode == 0, again.stdout
