"""Faults in what is stored: rows, files, records of runs and of trading. Each is made and returns what takes it back."""

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import dagster as dg
import polars as pl
from sqlalchemy import select, update

from ats_assets.execution.halts import halt
from ats_assets.runs.startup import open_instance
from ats_assets.storage.artefacts import Unavailable
from ats_assets.trade_state.tables import fills, halts
from benchmarks.fortnight.watched import Fortnight


def kept(*places: Path) -> Callable[[], None]:
    """Puts files and folders back as they are now."""
    saved = Path(tempfile.mkdtemp())
    for number, place in enumerate(places):
        (shutil.copytree if place.is_dir() else shutil.copyfile)(place, saved / str(number))

    def back() -> None:
        for number, place in enumerate(places):
            if (saved / str(number)).is_dir():
                shutil.rmtree(place)
                shutil.copytree(saved / str(number), place)
            else:  # at once, as the warehouse writes: somebody may be reading it
                new = place.with_name(f".{place.name}.new")
                shutil.copyfile(saved / str(number), new)
                new.replace(place)

    return back


def rewritten(f: Fortnight, asset: str, sessions: int, change: Callable[[pl.DataFrame], pl.DataFrame]) -> Callable[[], None]:
    """Change the rows of the newest partitions of an asset."""
    warehouse = f.watching.warehouse
    days = warehouse.stored_sessions(asset)[-sessions:]
    back = kept(*(warehouse.path(asset, day) for day in days))
    for day in days:
        warehouse.write(asset, day, change(warehouse.read(asset, [day])))
    return back


def skill_of(rank_ic: float) -> Callable[[pl.DataFrame], pl.DataFrame]:
    """Sessions in which the champion had it."""
    return lambda rows: rows.with_columns(rank_ic=pl.lit(rank_ic))


def check(f: Fortnight, severity: dg.AssetCheckSeverity) -> Callable[[], None]:
    """A check that fails, and passes when it is made again."""

    def evaluate(passed: bool) -> None:
        with open_instance() as instance:
            told = dg.AssetCheckEvaluation(
                asset_key=dg.AssetKey("bars"), check_name="made_fault", passed=passed, severity=severity, metadata={}
            )
            instance.report_runless_asset_event(told)

    assert f.home.is_dir()
    evaluate(False)
    return lambda: evaluate(True)


def failed_run(f: Fortnight) -> Callable[[], None]:
    """A job whose last run failed; then one that succeeds."""

    def run(fails: bool) -> None:
        @dg.asset
        def of_a_person() -> None:
            if fails:
                raise ValueError("made to fail")

        with open_instance() as instance, suppress(Exception):
            job = dg.Definitions([of_a_person], jobs=[dg.define_asset_job("by_hand", [of_a_person])]).resolve_job_def("by_hand")
            job.execute_in_process(instance=instance, raise_on_error=False)

    assert f.home.is_dir()
    run(True)
    return lambda: run(False)


def stuck_run(f: Fortnight) -> Callable[[], None]:
    """A run that has been starting for an hour."""
    with open_instance() as instance:
        run = dg.DagsterRun(job_name="trading", status=dg.DagsterRunStatus.STARTING)
        instance.run_storage.add_run(run)
    with sqlite3.connect(f.home / "data/dagster/history/runs.db", timeout=30) as database:
        database.execute("UPDATE runs SET update_timestamp = datetime('now', '-1 hour') WHERE run_id = ?", (run.run_id,))

    def back() -> None:
        with open_instance() as instance:
            instance.delete_run(run.run_id)

    return back


def changed_row(f: Fortnight, table: object, key: object, column: str, value: object) -> Callable[[], None]:
    """Change a column of the row with the greatest key of a table of the trade state."""
    with f.state() as connection:
        row = connection.execute(select(table).order_by(key.desc()).limit(1)).mappings().one()
        connection.execute(update(table).where(key == row[key.name]).values({column: value}))

    def back() -> None:
        with f.state() as connection:
            connection.execute(update(table).where(key == row[key.name]).values({column: row[column]}))

    return back


def cash_that_differs(f: Fortnight) -> Callable[[], None]:
    """The broker's cash is another than our records say: the next reconciliation halts trading."""

    def move(cents: int) -> None:
        with sqlite3.connect(f.home / "data/trade_state.sqlite", timeout=60) as database:
            database.execute("UPDATE paper_accounts SET cash_cents = cash_cents + ?", (cents,))

    move(100_000)
    newest = str(f.watching.warehouse.stored_sessions("orders")[-1])
    f.command("trade", "--from", newest, "--to", newest)

    def back() -> None:
        move(-100_000)
        assert f.command("orders", "resume", "--who", "fortnight") == 0

    return back


def broken_halt(f: Fortnight) -> Callable[[], None]:
    """A breach inside the session."""
    with f.state() as connection:
        halt(connection, datetime.now(UTC), "loop", "breach in the session: the loss is 4 %")

    def back() -> None:
        with f.state() as connection:
            connection.execute(halts.update().values(cleared_at=datetime.now(UTC), cleared_by="fortnight", note=""))

    return back


def damaged(f: Fortnight, file: Path, cut: int = -20) -> Callable[[], None]:
    """A file without its end."""
    assert f.home.is_dir()
    back = kept(file)
    file.write_bytes(file.read_bytes()[:cut])
    return back


def unavailable_model(f: Fortnight) -> Callable[[], None]:
    store = f.watching.model_store("lightgbm_model")
    newest = store.stored_sessions()[-1]
    back = kept(store.folder(newest))
    store.write_unavailable(newest, Unavailable(reason="made fault"), {})
    return back


def behind(f: Fortnight) -> Callable[[], None]:
    """Receipts of the newest sessions are gone."""
    folders = sorted((f.home / "warehouse/synthetic/qlib_export").glob("session=*"))
    back = [(folder, folder.with_name(f"away-{folder.name}")) for folder in folders[-3:]]
    for folder, away in back:
        folder.rename(away)
    return lambda: [away.rename(folder) for folder, away in back]


def kill(f: Fortnight) -> Callable[[], None]:
    file = f.watching.settings.orders.kill_file
    file.touch()
    return file.unlink


def worse_fills(f: Fortnight) -> Callable[[], None]:
    """The newest fills were three times worse than they were, whichever side they are of."""
    with f.state() as connection:
        rows = connection.execute(select(fills.c.fill_id, fills.c.side, fills.c.price).order_by(fills.c.at.desc()).limit(20)).all()

    def to(prices: Iterable[Decimal]) -> None:
        with f.state() as connection:
            for row, price in zip(rows, prices, strict=True):
                connection.execute(update(fills).where(fills.c.fill_id == row.fill_id).values(price=price))

    to(row.price * 3 if row.side == "buy" else row.price / 4 for row in rows)
    return lambda: to(row.price for row in rows)
