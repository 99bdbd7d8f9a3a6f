"""`ats sql`: its formats, its limit, and the queries of docs/sql.md and warehouse/README.md as they are written there."""

import json
import re
import shlex
from pathlib import Path
from subprocess import CompletedProcess

import duckdb
import polars as pl
import pytest

from ats_assets_tests.cli.conftest import Command
from ats_assets_tests.cli.market import ROOT

Made = tuple[Path, CompletedProcess[str]]
PAGE = (ROOT / "docs" / "sql.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL) for line in re.split(r"\n(?=ats )", block.strip())
]
README = (ROOT / "warehouse" / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("line", COMMANDS, ids=range(len(COMMANDS)))
def test_the_page_is_run_as_it_is_written(command: Command, line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run = command(*shlex.split(line)[1:])
    assert run.exit_code == 0, run.stderr
    shown = run.stdout.splitlines()
    if "--output" in line:
        shown = (tmp_path / "months.csv").read_text(encoding="utf-8").splitlines()
    assert len(shown) > 1, "a heading and rows"


def test_the_page_shows_which_tables_there_are(command: Command) -> None:
    listed = json.loads(command("sql", "--format", "json").stdout)
    assert {"bars", "raw_bars", "signals", "backtest_equity"} <= {row["table"] for row in listed}
    (bars,) = (row for row in listed if row["table"] == "bars")
    assert (bars["sessions"], bars["first"], bars["last"]) == (61, "2021-01-04", "2021-03-31")


def test_formats_hold_the_same_rows(command: Command, tmp_path: Path) -> None:
    query = "SELECT symbol, session, close, volume FROM bars ORDER BY session, symbol"
    parquet = tmp_path / "bars.parquet"
    assert command("sql", query, "--format", "parquet", "--output", str(parquet)).exit_code == 0
    rows = pl.read_parquet(parquet)
    assert rows.height > 500
    assert pl.read_csv(command("sql", query, "--format", "csv").stdout.encode(), try_parse_dates=True).equals(rows)
    plain = [row | {"session": str(row["session"])} for row in rows.to_dicts()]
    assert json.loads(command("sql", query, "--format", "json").stdout) == plain


def test_a_table_stops_at_its_limit_and_says_so(command: Command) -> None:
    for arguments, shown, notice in (((), 50, True), (("--limit", "3"), 3, True), (("--limit", "0"), 61, False)):
        run = command("sql", "SELECT DISTINCT session FROM bars", *arguments)
        assert len(run.stdout.splitlines()) == shown + 1
        assert (f"only the first {shown} rows" in run.stderr) == notice


def test_what_is_refused(command: Command, tmp_path: Path) -> None:
    run = command("sql", "SELECT * FROM signal")
    assert run.exit_code == 1
    assert "there is no table signal. Did you mean signals? Tables: " in run.stderr
    assert command("sql", "DELETE FROM bars").exit_code == 1
    assert command("sql", "SELECT 1", "--as-of", "soon").exit_code == 2
    assert command("sql", "SELECT 1", "--output", str(tmp_path / "x")).exit_code == 2
    nowhere = command("sql", "SELECT 1", "--format", "csv", "--output", str(tmp_path / "no_such_folder" / "x.csv"))
    assert nowhere.exit_code == 2, "it ended in a traceback"


def test_the_query_of_the_warehouse_readme_runs(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    """DuckDB's and Polars' lines, in the folder of the project: the path had lacked the kind of the source."""
    monkeypatch.chdir(made[0])
    (query,) = re.findall(r'duckdb -c "(.+?)"', README)
    assert len(duckdb.sql(query).fetchall()) > 200
    (scan,) = re.findall(r"`(polars\.scan_parquet\(.+?\))`", README)
    assert eval(scan, {"polars": pl}).collect().height > 200
