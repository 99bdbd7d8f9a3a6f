"""`ats exports`, and `ats run` whose stores are gone."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from subprocess import CompletedProcess

import polars as pl
import pytest

from ats_assets.exports.online import OnlineReader
from ats_assets_tests.cli.conftest import Command
from ats_assets_tests.cli.market import LAST, ats
from ats_assets_tests.exports.redis_servers import RedisServer, redis_server
from ats_assets_tests.trade_state.databases import create_database

EXPORTS = """
[exports.redis]
assets = ["alpha158", "predictions"]
attempts = 1

[exports.timescale]
assets = ["bars"]
attempts = 1
"""


@pytest.fixture
def server() -> Iterator[RedisServer]:
    with redis_server() as found:
        yield found


@pytest.fixture
def home(made: tuple[Path, CompletedProcess[str]], tmp_path: Path) -> Path:
    """A copy of the finished run, whose settings name two exports."""
    home = tmp_path / "home"
    shutil.copytree(made[0], home)
    with (home / "ats.toml").open("a", encoding="utf-8") as file:
        file.write(EXPORTS)
    return home


def test_a_lost_store_is_refilled_by_one_command(command: Command, home: Path, server: RedisServer, postgresql: str) -> None:
    address = create_database(postgresql, "refilled")
    variables = {"REDIS_URL": server.url, "TIMESCALE_DSN": address}
    empty = command("exports", "check", "redis", home=home, **variables)
    assert empty.exit_code == 1
    assert empty.stdout.count("is not there") == 6
    assert "ats exports refill redis" in empty.stderr
    filled = command("exports", "refill", "redis", home=home, **variables)
    assert (filled.exit_code, filled.stdout) == (0, "exports.redis: 3 sessions with 60 rows written.\n")
    again = command("exports", "check", "redis", home=home, **variables)
    assert (again.exit_code, again.stdout) == (0, "3 sessions of alpha158, predictions: the same as the warehouse.\n")
    assert str(OnlineReader(server.client()).newest("predictions")) == LAST
    part = command("exports", "refill", "timescale", "--from", "2021-03-01", home=home, **variables)
    bars = pl.read_parquet(home / "warehouse" / "synthetic" / "bars" / "session=2021-03-*" / "*.parquet").height
    assert part.stdout == f"exports.timescale: 23 sessions with {2 * bars} rows written.\n"  # the table of vintages has them, too
    whole = command("exports", "refill", "timescale", home=home, **variables)
    assert whole.stdout.endswith(", 23 it had already.\n")
    differs = command("exports", "check", "timescale", "--json", home=home, **variables)
    assert (differs.exit_code, json.loads(differs.stdout)) == (0, [])


def test_the_schema_is_that_of_the_contracts(command: Command, home: Path) -> None:
    tables = command("exports", "schema", "timescale", home=home)
    assert 'CREATE TABLE IF NOT EXISTS "ats"."bars" (\n    "symbol" text,\n    "session" date NOT NULL,' in tables.stdout
    assert 'COMMENT ON COLUMN "ats"."bars"."data_version" IS' in tables.stdout
    rows = command("exports", "schema", "redis", home=home)
    assert "{ats:redis}:alpha158:<session>    head, and a field =<symbol> for each row:\n    KMID  Float32" in rows.stdout
    wrong = command("exports", "schema", "nothing", home=home)
    assert (wrong.exit_code, wrong.stderr) == (1, "ats: 'nothing' is no export of the settings: choose one of redis, timescale\n")


def test_a_run_is_as_it_is_without_stores_and_says_that_they_are_gone(home: Path) -> None:
    gone = {
        "REDIS_URL": "redis://:s3cret-of-the-test@127.0.0.1:1/0",
        "TIMESCALE_DSN": "postgresql://ats:s3cret-of-the-test@127.0.0.1:1/x",
    }
    targets = home / "warehouse" / "synthetic" / "targets" / f"session={LAST}" / "data.parquet"
    before = targets.read_bytes()
    targets.unlink()
    run = ats(home, "run", "--from", LAST, "--summary-json", str(home / "summary.json"), **gone)
    assert run.returncode == 0, run.stderr
    assert targets.read_bytes() == before
    summary = json.loads((home / "summary.json").read_text(encoding="utf-8"))
    assert summary["ok"]
    assert summary["report"]
    for name in ("redis", "timescale"):
        (line,) = [line for line in run.stderr.splitlines() if "not exported, all else is made" in line and f"exports.{name}" in line]
        assert f"when the cause is gone: ats exports refill {name}" in line
    assert "s3cret" not in run.stdout + run.stderr
    alone = ats(home, "run", "--from", LAST, "--select", "redis_export", **gone)
    assert alone.returncode == 1
    assert "Redis can't be reached" in alone.stderr
    assert "s3cret" not in alone.stdout + alone.stderr
