"""`ats sources inspect`, and what `ats run` and `ats doctor` say of files."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from ats_assets.cli import app
from ats_assets.deployment import Deployment
from ats_assets.runs.sessions import chosen_sessions
from ats_assets.settings import CalendarSettings, Settings, SourceSettings, StorageSettings

SAMPLES = Path(__file__).parents[1] / "sources" / "adapters" / "files" / "samples"
Inspect = Callable[..., Result]


@pytest.fixture
def inspect(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Inspect:
    """The command in an empty folder, without any setting."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(app, ["sources", "inspect", *map(str, arguments)])


def test_what_is_recognised_is_shown_with_the_first_rows_and_nothing_is_stored(inspect: Inspect, tmp_path: Path) -> None:
    run = inspect(SAMPLES / "metatrader5", "--rows", "2")
    assert run.exit_code == 0, run.output
    for part in (
        "symbols by the names of the files: EURUSD",
        "volume = '<TICKVOL>'; unused: '<VOL>', '<SPREAD>'",
        'to change it: source.files.columns = { volume = "<VOL>" }',
        "3 sessions of XNYS, 2023-01-12 to 2023-01-17",
        "EURUSD  2023-01-12  1.0755  1.0865  1.073  1.085  125,500\n",
        "EURUSD  2023-01-13",
    ):
        assert part in run.stdout
    assert "EURUSD  2023-01-17" not in run.stdout
    assert list(tmp_path.iterdir()) == []


def test_chains_are_shown_with_what_would_be_rejected_of_them(inspect: Inspect, tmp_path: Path) -> None:
    lines = ["day,symbol,bid,ask,underlying_price", "2024-03-04,ABC240315C00050000,1.0,1.1,50", "2024-03-04,ABC240315P00050000,1.1,1.0,50"]
    (tmp_path / "chains.csv").write_text("\n".join(lines), encoding="utf-8")
    refused = inspect(tmp_path, "--chains")
    assert refused.exit_code == 1
    assert "lacks 'date'" in refused.stderr
    run = inspect(tmp_path, "--chains", "--set", 'columns={ date = "day" }')
    assert run.exit_code == 0, run.output
    for part in ("contract = 'symbol'", "2024-03-04: 1 contract accepted; rejected: crossed 1\n", "ABC240315P00050000"):
        assert part in run.stdout
    assert inspect(tmp_path, "--chains", "--ticks", "trades").exit_code == 2


@pytest.mark.parametrize("form", [(), ("--chains",), ("--ticks", "trades")])
def test_a_path_that_is_not_there_is_no_wrong_setting(inspect: Inspect, tmp_path: Path, form: tuple[str, ...]) -> None:
    """A setting was to be corrected that nobody had written."""
    run = inspect("nowhere.csv", *form)
    assert (run.exit_code, run.stdout) == (1, "")
    assert f"there is no file or folder {tmp_path / 'nowhere.csv'}: give the path of one" in run.stderr


def test_chains_without_a_spot_are_said_to_have_it_of_the_bars_in_a_run(inspect: Inspect, tmp_path: Path) -> None:
    """A good file was shown as rejected whole, by what `ats run` would have taken from the bars."""
    (tmp_path / "chains.csv").write_text("date,symbol,bid,ask\n2024-03-04,ABC240315C00050000,1.0,1.1\n", encoding="utf-8")
    run = inspect(tmp_path, "--chains")
    assert "0 contracts accepted; rejected: no_underlying 1" in run.stdout
    assert "no_underlying: these files give no spot; a run takes it from bars" in run.stdout


def test_ticks_are_shown_with_what_would_be_rejected_of_them(inspect: Inspect, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    lines = ["sym,when,price,qty", "A,2024-03-04 09:00,5,1", "A,2024-03-04 10:00,5,1", "A,2024-03-04 10:01,-5,1"]
    (folder / "t.csv").write_text("\n".join(lines), encoding="utf-8")
    refused = inspect(folder, "--ticks", "trades")
    assert refused.exit_code == 1
    assert "lacks 'at'" in refused.stderr
    run = inspect(folder, "--ticks", "trades", "--set", 'columns={ at = "when" }')
    assert run.exit_code == 0, run.output
    for part in (
        "columns: at = 'when', symbol = 'sym', price = 'price', size = 'qty'",
        "2024-03-04: 1 trade accepted; rejected: outside_hours 1, price_not_positive 1\n",
        "A       2024-03-04 14:00:00+00:00  5      1",
    ):
        assert part in run.stdout
    found = json.loads(inspect(folder, "--ticks", "trades", "--set", 'columns={ at = "when" }', "--format", "json").stdout)
    assert (found["accepted"], found["rejected"], len(found["rows"])) == (1, {"outside_hours": 1, "price_not_positive": 1}, 3)
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


def test_settings_can_be_tried(inspect: Inspect) -> None:
    refused = inspect(SAMPLES / "us_spreadsheet")
    assert refused.exit_code == 1
    assert "'1/3/2023' can be 2023-01-03 (month first) or 2023-03-01 (day first)" in refused.stderr
    for form, first in (("%m/%d/%Y", "2023-01-03"), ("%d/%m/%Y", "2023-03-01")):
        run = inspect(SAMPLES / "us_spreadsheet", "--set", f"date_format={form}", "--format", "json")
        found = json.loads(run.stdout)
        assert (found["symbols"], found["first_session"], found["rows"][0]["close"]) == (["AAPL"], first, 1132.5)
    run = inspect(SAMPLES / "yahoo", "--set", 'columns={ volume = "Adj Close" }', "--format", "json")
    assert [row["volume"] for row in json.loads(run.stdout)["rows"]] == [131.625, 133.125, 134.875]
    assert inspect(SAMPLES / "yahoo", "--set", "symbol").exit_code == 2
    wrong = inspect(SAMPLES / "yahoo", "--set", "simbol=AAPL")
    assert wrong.exit_code == 1
    assert "simbol" in wrong.stderr


def test_no_file_is_an_error_with_the_way_out(inspect: Inspect, tmp_path: Path) -> None:
    run = inspect(tmp_path / "nowhere")
    assert (run.exit_code, run.stdout) == (1, "")
    assert "there is no file or folder" in run.stderr


def test_a_run_prints_what_was_recognised_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Only the doctor said it, whom nobody asks before a run."""
    settings = Settings(
        calendar=CalendarSettings(),
        source=SourceSettings(kind="files", path=SAMPLES / "alpha_vantage"),
        storage=StorageSettings(warehouse=tmp_path / "warehouse", models=tmp_path / "models", data=tmp_path / "data"),
    )
    chosen_sessions(Deployment(settings), None, None)
    said = [line for line in capsys.readouterr().err.splitlines() if line.startswith("source: ")]
    assert len(said) == len(set(said)) == 6
    assert "source: symbols by the names of the files: AAPL" in said
    assert any("'adjusted_close', adjusted for splits and dividends, is not used" in line for line in said)
