"""`ats report`."""

from pathlib import Path
from subprocess import CompletedProcess

from ats_assets_tests.cli.conftest import Command
from ats_assets_tests.cli.market import ats, make_home


def test_makes_the_report_where_it_is_missing(command: Command, made: tuple[Path, CompletedProcess[str]]) -> None:
    path = made[0] / "warehouse" / "synthetic" / "backtest_report" / "report.html"
    path.unlink()
    run = command("report")
    assert run.exit_code == 0, run.stderr
    assert run.stdout == f"{path}\n"
    assert path.read_text(encoding="utf-8").startswith("<!")


def test_nothing_to_report_on(command: Command, tmp_path: Path) -> None:
    """The run that failed for it stood in `ats status` as one that needs a person."""
    home = make_home(tmp_path)
    run = command("report", home=home)
    assert (run.exit_code, run.stdout) == (1, "")
    assert "no targets are stored" in run.stderr
    assert "Traceback" not in run.stderr
    assert command("status", home=home).exit_code == 0
    assert "Nothing is stored in" in command("stale", home=home).stdout


def test_writes_it_in_other_forms(command: Command, made: tuple[Path, CompletedProcess[str]], tmp_path: Path) -> None:
    stored = made[0] / "warehouse" / "synthetic" / "backtest_report"
    run = command("report", "--pdf", str(tmp_path / "a.pdf"), "--json", str(tmp_path / "a.json"))
    assert run.exit_code == 0, run.stderr
    assert (tmp_path / "a.pdf").read_bytes().startswith(b"%PDF")
    assert (tmp_path / "a.json").read_bytes() == (stored / "report.json").read_bytes()
    assert not (stored / "report.pdf").exists(), "report.forms does not name it"


def test_opens_it_in_the_browser_that_the_environment_names(made: tuple[Path, CompletedProcess[str]], tmp_path: Path) -> None:
    (tmp_path / "browser").write_text(f'echo "$1" > {tmp_path}/opened\n', encoding="utf-8")
    run = ats(made[0], "report", "--open", BROWSER=f"sh {tmp_path}/browser %s")
    assert run.returncode == 0, run.stderr
    assert (tmp_path / "opened").read_text(encoding="utf-8") == f"{Path(run.stdout.strip()).as_uri()}\n"
    assert "no browser" not in run.stderr
