"""A deployment that an older build has traded is opened by this one, trades on, and goes back once.

The trade state is that of the last build of schema 5, written as SQL by `benchmarks/upgrade.py --text`, which does the whole with that build itself where git has it.
"""

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

from ats_assets.trade_state import SCHEMA_VERSION
from ats_assets_tests.cli.conftest import Command
from ats_assets_tests.cli.market import make_home
from ats_assets_tests.cli.test_backup import THIRD, Made, days, done, records, states
from ats_assets_tests.small_market import differences
from ats_assets_tests.trade_state.stored_rows import STATE, stored_rows, stored_version

OLDER = Path(__file__).resolve().parents[1] / "trade_state" / "traded_schema_5_sqlite.sql"


def test_a_traded_schema_5_is_migrated_trades_on_and_goes_back(command: Command, made: Made, tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    for name in ("warehouse", "models"):
        shutil.copytree(made[0] / name, home / name)
    (home / "data").mkdir()
    with closing(sqlite3.connect(home / STATE)) as connection:
        connection.executescript(OLDER.read_text(encoding="utf-8"))
    before = stored_rows(home)
    assert {"intents", "orders", "fills", "positions", "paper_orders"} <= set(before)

    assert "SYN0001" in done(command("orders", "status", home=home)).stdout
    assert stored_version(home) == SCHEMA_VERSION
    assert {table: read for table, read in stored_rows(home).items() if table in before} == before
    (copy,) = (home / "data/before_migrations").iterdir()
    assert copy.name.startswith("trade_state-schema-5-")

    done(command("trade", *days(THIRD, THIRD), home=home))
    assert states(home, THIRD) == {"accepted"}
    traded = records(home, THIRD)

    done(command("restore", str(copy), "--replace", home=home))
    back = stored_rows(home)
    assert [table for table in before if back[table] != before[table]] == ["audit", "leases"], "which say that it was restored"
    assert "restored" in command("orders", "status", home=home).stdout, "halted"
    done(command("orders", "resume", "--who", "a person", home=home))
    done(command("trade", *days(THIRD, THIRD), home=home))
    assert differences(records(home, THIRD), traded) == []
