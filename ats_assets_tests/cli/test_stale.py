"""`ats stale`: what it lists, as a table and as JSON, and healing by the command."""

import json
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from subprocess import CompletedProcess

import polars as pl

from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.cli.conftest import Command

Made = tuple[Path, CompletedProcess[str]]


def test_nothing_is_stale_after_a_run(command: Command) -> None:
    assert json.loads(command("stale", "--json").stdout) == []
    assert json.loads(command("stale", "--json", "--source", "--deep").stdout) == []
    assert "Nothing is stale" in command("stale").stdout


def test_what_a_changed_setting_concerns_is_listed_with_the_reason(command: Command) -> None:
    found = json.loads(command("stale", "--json", ATS_PORTFOLIO__TOP_K="2").stdout)
    assert {row["asset"] for row in found} == {"signals", "backtest", "backtest_report"}
    assert sum(row["session"] is None for row in found) == 2
    assert all(set(row) == {"asset", "session", "reason"} and row["reason"].startswith("settings changed (") for row in found)
    shown = command("stale", ATS_PORTFOLIO__TOP_K="2").stdout
    assert "2021-01-04 to 2021-03-31 (61)" in shown
    assert "63 partitions are stale" in shown


def test_heals_a_deleted_partition(command: Command, made: Made, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(made[0], home)
    path = home / "warehouse" / "synthetic" / "universe" / "session=2021-02-10" / "data.parquet"
    content = path.read_bytes()
    path.unlink()
    healed = command("stale", "--heal", "--json", home=home)
    assert healed.exit_code == 0, healed.stderr
    assert json.loads(healed.stdout) == [{"asset": "universe", "session": "2021-02-10", "reason": "missing", "changed": True}]
    assert path.read_bytes() == content
    assert "Nothing was stale" in command("stale", "--heal", home=home).stdout


def test_says_what_stops_the_healing(command: Command, made: Made, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(made[0], home)
    (raw,) = (home / "warehouse" / "synthetic" / "raw_bars" / "session=2021-02-10").iterdir()
    raw.write_bytes(b"PAR1 nothing PAR1")
    healed = command("stale", "--heal", "--json", home=home)
    assert healed.exit_code == 1
    assert f"{raw} is damaged" in healed.stderr
    assert json.loads(healed.stdout) == []


def test_nothing_was_restated(command: Command) -> None:
    assert json.loads(command("restatements", "--json").stdout) == []
    assert "No row of 61 sessions differs" in command("restatements").stdout
    assert command("restatements", "--from", "x").exit_code == 2
    assert json.loads(command("restatements", "--effects", "--json").stdout) == {
        "restatements": [],
        "signals": [],
        "targets": [],
        "backtest": {},
    }


def test_a_second_delivery_is_told_with_what_came_of_it(command: Command, made: Made, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(made[0], home)
    warehouse = Warehouse(home / "warehouse" / "synthetic", fsync=False)
    day = date(2021, 3, 24)
    rows, footer = warehouse.read("raw_bars", [day]), warehouse.footer("raw_bars", day)
    restated = rows.with_columns(pl.when(pl.col("symbol") == rows["symbol"][0]).then(pl.col(pl.Float64) / 2).otherwise(pl.col(pl.Float64)))
    versions = {"code_version": footer.code_version, "settings_version": footer.settings_version}
    warehouse.write_vintage("raw_bars", day, restated, known=datetime(2021, 3, 25, 12, tzinfo=UTC), **versions)
    early = command("restatements", "--effects", home=home)
    assert early.exit_code == 1
    assert "ats stale --heal" in early.stderr
    assert command("stale", "--heal", home=home).exit_code == 0
    told = json.loads(command("restatements", "--effects", "--json", home=home).stdout)
    (one,) = told["restatements"]
    assert (one["symbol"], one["kind"], one["split"]) == (rows["symbol"][0], "split", "2:1")
    assert min(row["session"] for row in told["signals"]) == "2021-03-25", "the first session that knew it"
    assert told["backtest"]["final_equity"]["before"] != told["backtest"]["final_equity"]["now"]
    shown = command("restatements", "--effects", home=home).stdout
    assert f"{len(told['targets'])} targets differ, in " in shown
    assert f"{len(told['signals'])} signals differ, in " in shown
    assert "final equity" in shown


def test_a_run_as_of_a_time_is_what_a_run_at_that_time_made(command: Command, made: Made, tmp_path: Path) -> None:
    world = tmp_path / "world"
    run = command("run", "--as-of", "2021-02-10T21:00", "--warehouse", str(world), "--select", "+universe")
    assert run.exit_code == 0, run.stderr
    assert "were known" in run.stderr
    stored = made[0] / "warehouse" / "synthetic"
    for asset in ("raw_bars", "bars", "rejected_bars", "universe"):
        files = {path.relative_to(world / "warehouse"): path.read_bytes() for path in (world / "warehouse" / asset).rglob("*.parquet")}
        assert max(path.parts[1] for path in files) == "session=2021-02-10"
        assert files == {path: (stored / path).read_bytes() for path in files}
        assert len(files) == 27
    again = command("run", "--as-of", "2021-02-10T21:00", "--warehouse", str(world))
    assert again.exit_code == 1
    assert "is not empty" in again.stderr
    early = command("run", "--as-of", "2020-12-31", "--warehouse", str(tmp_path / "early"))
    assert early.exit_code == 1
    assert "were known at 2021-01-01" in early.stderr, "a date is the end of its day"
    assert command("run", "--as-of", "2021-02-10").exit_code == 2
    assert command("run", "--as-of", "soon", "--warehouse", str(tmp_path / "w")).exit_code == 2


def test_one_asset_over_a_range_as_of_a_time_is_made_with_all_that_it_needs(command: Command, made: Made, tmp_path: Path) -> None:
    world = tmp_path / "world"
    asked = ["--as-of", "2021-03-30T16:00-04:00", "--select", "universe", "--from", "2021-03-01"]
    run = command("run", *asked, "--warehouse", str(world))
    assert run.exit_code == 0, run.stderr
    assert {path.name for path in (world / "warehouse").iterdir() if not path.name.startswith(".")} == {
        "calendar",
        "raw_bars",
        "raw_corporate_actions",
        "bars",
        "rejected_bars",
        "universe",
    }
    days = sorted(path.name for path in (world / "warehouse" / "universe").iterdir())
    assert (days[0], days[-1]) == ("session=2021-03-01", "session=2021-03-30")


def test_a_backtest_is_reproduced_by_the_command(command: Command, tmp_path: Path) -> None:
    found = command("reproduce", "backtest", "--json", "--folder", str(tmp_path / "world"))
    assert found.exit_code == 0, found.stderr
    said = json.loads(found.stdout)
    assert said["different"] == said["changed"] == []
    assert said["same"] > 400
    assert (tmp_path / "world" / "warehouse" / "backtest" / "metrics.json").is_file()
    other = command("reproduce", "universe", "2021-02-10", ATS_UNIVERSE__SIZE="3")
    assert other.exit_code == 1
    assert "settings of universe changed" in other.stderr
    assert "differs: universe/session=2021-02-10/data.parquet" in other.stdout
    assert command("reproduce", "signals").exit_code == 1
