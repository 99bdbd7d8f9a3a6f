"""`ats backup` and `ats restore`: a deployment that has traded comes back elsewhere, and into PostgreSQL; it sends nothing before a person says so, and then goes on as the other."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from subprocess import CompletedProcess

import polars as pl
import pytest
from typer.testing import Result

from ats_assets.backups import Manifest, make_backup, restore_backup
from ats_assets.backups.places import places_of
from ats_assets.settings import load_settings
from ats_assets.storage.sealed_file import is_intact
from ats_assets.storage.warehouse import Warehouse
from ats_assets.trade_state import trade_state_url
from ats_assets_tests.alpaca_double import serving
from ats_assets_tests.cli.conftest import Command
from ats_assets_tests.cli.forking import started
from ats_assets_tests.cli.market import ROOT, environment, make_home
from ats_assets_tests.cli.test_trade import AFTER, BEFORE, MOURNING, Exchange, evening
from ats_assets_tests.small_market import SESSION_ASSETS, Files, differences
from ats_assets_tests.trade_state.databases import create_database

Made = tuple[Path, CompletedProcess[str]]
FIRST, SECOND, THIRD = (date(2021, 3, day) for day in (24, 25, 26))
RECORDS = ("fills", "positions", "account", "order_plan", "orders")


@pytest.fixture
def home(made: Made, tmp_path: Path) -> Path:
    """A copy of the finished run, with all that is kept of it."""
    home = make_home(tmp_path / "home")
    for name in ("warehouse", "models", "data"):
        shutil.copytree(made[0] / name, home / name)
    (home / ".env").write_text("OWN_SECRET_KEY=s3cret-of-the-account\n", encoding="utf-8")
    (home / ".env").chmod(0o600)
    return home


@pytest.fixture
def exchange(home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Exchange]:
    made = Exchange(home, monkeypatch)
    with serving(made.reference, made.desk, now=evening(BEFORE)) as made.double:
        yield made


def shown(run: Result) -> str:
    return f"{run.stdout}\n{run.stderr}\n{run.exception!r}"


def done(run: Result) -> Result:
    assert run.exit_code == 0, shown(run)
    return run


def files(home: Path) -> Files:
    """Warehouse and models, with all that is beside the partitions."""
    paths = (path for part in ("warehouse", "models") for path in sorted((home / part).rglob("*")))
    return {path.relative_to(home).as_posix(): path.read_bytes() for path in paths if path.is_file()}


def records(home: Path, session: date) -> Files:
    """What is stored of a session that was traded."""
    return {name: (home / f"warehouse/synthetic/{name}/session={session}/data.parquet").read_bytes() for name in RECORDS}


def states(home: Path, session: date) -> set[str]:
    """Those of a session's orders; none where it was not traded."""
    path = home / f"warehouse/synthetic/orders/session={session}/data.parquet"
    return set(pl.read_parquet(path, hive_partitioning=False)["state"]) if path.exists() else set()


def days(first: date, last: date) -> tuple[str, ...]:
    return "--from", str(first), "--to", str(last)


def test_what_has_traded_comes_back_halted_and_goes_on_as_the_other(command: Command, home: Path, tmp_path: Path, postgresql: str) -> None:
    done(command("trade", *days(FIRST, SECOND), home=home))
    backups = tmp_path / "backups"
    done(command("backup", str(backups), home=home))
    before = files(home)
    signals = done(command("signals", "--format", "json", home=home)).stdout
    done(command("trade", *days(THIRD, THIRD), home=home))
    assert not any(b"s3cret-of-the-account" in path.read_bytes() for path in backups.rglob("*") if path.is_file())
    database = {"DB_CONNECTION_STR": create_database(postgresql, f"restored_{os.getpid()}")}

    for name, named in {"file": {}, "postgresql": database}.items():
        other = tmp_path / name
        done(command("restore", str(backups), "--into", str(other), home=home, **named))
        assert differences(files(other), before) == []
        assert done(command("signals", "--format", "json", home=other)).stdout == signals
        assert not (other / ".env").exists()
        assert (other / "data" / "trade_state.sqlite").exists() is (not named)

        refused = command("trade", *days(THIRD, THIRD), home=other, **named)
        assert states(other, THIRD) <= {"planned"}, shown(refused)
        assert "restored from the backup" in command("orders", "status", home=other, **named).stdout
        done(command("orders", "resume", "--who", "a person", "--note", "looked at", home=other, **named))
        done(command("trade", *days(THIRD, THIRD), home=other, **named))
        assert states(other, THIRD) == states(home, THIRD) == {"accepted"}
        assert differences(records(other, THIRD), records(home, THIRD)) == []

    (first,) = json.loads(done(command("restore", str(backups), "--list", "--json", home=home)).stdout)
    done(command("backup", str(backups), "--keep", "1", home=home))
    assert done(command("backup", str(backups), "--verify", home=home)).stdout.startswith("1 backup, ")
    (kept,) = json.loads(done(command("restore", str(backups), "--list", "--json", home=home)).stdout)
    assert kept["backup"] > first["backup"], "the newest is kept"


def test_at_a_broker_that_has_gone_on_nothing_is_sent_twice(command: Command, home: Path, tmp_path: Path, exchange: Exchange) -> None:
    """Orders were sent after the backup, some of them filled, some open still: the restored records know none of them."""
    backups, other = tmp_path / "backups", tmp_path / "other"
    at_broker = exchange.changes()
    done(command("trade", *days(BEFORE, BEFORE), home=home, **at_broker))
    done(command("backup", str(backups), home=home))
    exchange.opens(MOURNING)
    exchange.double.now = evening(MOURNING)
    done(command("trade", *days(MOURNING, MOURNING), home=home, **at_broker))
    sent = list(exchange.desk.orders)

    done(command("restore", str(backups), "--into", str(other), home=home))
    assert command("trade", "--to", str(MOURNING), home=other, **at_broker).exit_code == 1
    again = command("orders", "resume", "--who", "a person", "--note", "too early", home=other, **at_broker)
    assert again.exit_code == 1
    assert "halted again" in again.stderr
    assert "open order main-20210323-" in again.stderr
    assert list(exchange.desk.orders) == sent

    exchange.opens(AFTER)
    exchange.double.now = evening(AFTER)
    seen = command("orders", "resume", "--who", "a person", "--note", "what has been filled?", home=other, **at_broker)
    assert "by order main-20210323-" in seen.stderr  # now a person knows of the fills, and may say that the broker is right
    refused = command("trade", *days(AFTER, AFTER), home=other, **at_broker)
    assert "continue with --from 2021-03-23" in refused.stderr  # nobody has said yet that its fills are right
    done(command("orders", "resume", "--accept", "--who", "a person", "--note", "they were ours", home=other, **at_broker))
    assert list(exchange.desk.orders) == sent
    done(command("trade", *days(AFTER, AFTER), home=other, **at_broker))
    names = [order["client_order_id"] for order in exchange.desk.orders.values()]
    assert len(names) == len(set(names)) > len(sent)
    assert {name.split("-")[1] for name in names[len(sent) :]} == {f"{AFTER:%Y%m%d}"}
    status = json.loads(command("orders", "status", "--json", home=other, **at_broker).stdout)
    held = {row["symbol"]: row["quantity"] for row in status["positions"] if row["quantity"]}
    assert held == {symbol: float(quantity) for symbol, quantity in exchange.desk.held.items() if quantity}


def test_backups_that_are_made_while_a_run_writes_hold_together(tmp_path: Path) -> None:
    """No file is torn, and where the run let a backup come to rest, each partition lies beside the very inputs that it was made of."""
    home, backups = make_home(tmp_path / "home"), tmp_path / "backups"
    settings = load_settings(own_file=home / "ats.toml")
    places = places_of(settings, home / "ats.toml", home)
    made: list[Manifest] = []
    asked = ["run", *days(date(2021, 1, 4), date(2021, 1, 29)), "--chunk", "4"]
    with started(asked, cwd=ROOT, env=environment(home), timeout=300) as run, ThreadPoolExecutor(1) as beside:
        ended, begun = beside.submit(run.end), datetime.now(UTC)
        while not ended.done():
            time.sleep(0.3)
            if any(settings.storage.warehouse.glob("raw_bars/session=*")):
                now = begun + timedelta(seconds=len(made))
                made.append(make_backup(places, trade_state_url(settings, {}), backups, now=now).manifest)
    assert ended.result().returncode == 0, ended.result().stderr
    with_partitions = [one for one in made if any(part == "warehouse" and "/session=" in path for part, path in one.entries)]
    assert with_partitions
    chosen = with_partitions[:: max(1, len(with_partitions) // 3)]
    for number, manifest in enumerate(chosen):
        other = tmp_path / f"other{number}"
        restore_backup(backups, manifest, lambda data: f"sqlite:///{data / 'trade_state.sqlite'}", into=other)
        warehouse = Warehouse(other / "warehouse" / "synthetic")
        partitions = sorted(warehouse.root.glob("*/session=*/*.parquet"))
        assert all(is_intact(path.read_bytes()) for path in partitions)
        if not manifest.facts["settled"]:
            continue
        for path in partitions:
            for asset, versions in warehouse.footer_of(path).upstream.items():
                if asset in SESSION_ASSETS:
                    stored = warehouse.data_versions(asset, map(date.fromisoformat, versions))
                    assert stored == dict(versions), (path, asset)
