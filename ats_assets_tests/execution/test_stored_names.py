"""What the stored actions tell of names is kept beside them: right after any history of writes, and read at the same cost after any."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.corporate_actions.identity import NAME_CHANGE
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA
from ats_assets.deployment import Deployment
from ats_assets.execution.names import known_identities
from ats_assets.execution.stored_names import forget_stored_names, stored_names
from ats_assets.settings import load_settings
from ats_assets.storage import write_log
from ats_assets.storage.knowledge import FOREVER, stamp_of
from ats_assets.storage.warehouse import Warehouse
from ats_assets_tests.rounds import rounds

FIRST = date(2023, 1, 3)
Told = list[tuple[str, str | None]]


def deployed(root: Path) -> Deployment:
    storage: Any = {name: root / name for name in ("warehouse", "models", "data")} | {"fsync": False}
    source: Any = {"kind": "files", "files": {"path": root, "actions": root / "actions.csv"}}
    return Deployment(load_settings(storage=storage, source=source))


def deliver(deployment: Deployment, day: date, told: Told, known: int = 0) -> None:
    """A session's actions: changes of name, and a dividend beside them; `known` hours after its close."""
    rows = [{"session": day, "symbol": old, "kind": NAME_CHANGE, "new_symbol": new} for old, new in told]
    rows.append({"session": day, "symbol": "PAYS", "kind": "cash_dividend", "new_symbol": None})
    frame = pl.DataFrame(rows, schema_overrides={"new_symbol": pl.String})
    missing = {name: pl.lit(None, dtype) for name, dtype in CORPORATE_ACTIONS_SCHEMA.items() if name not in frame.columns}
    frame = frame.with_columns(**missing).select(CORPORATE_ACTIONS_SCHEMA.names()).cast(dict(CORPORATE_ACTIONS_SCHEMA))
    stamp = stamp_of(deployment.calendar.closes_at(day) + timedelta(hours=known))
    deployment.warehouse.write_made_vintage("corporate_actions", day, frame, stamp=stamp, upstream={})


def read_all(deployment: Deployment) -> list[tuple[date, str, str | None]]:
    """All partitions, as each trade read them before."""
    warehouse = deployment.warehouse
    files = {day: warehouse.path("corporate_actions", day, until=FOREVER) for day in warehouse.stored_sessions("corporate_actions")}
    if not files:
        return []
    rows = warehouse.read_files("corporate_actions", files, ["session", "symbol", "kind", "new_symbol"]).filter(kind=NAME_CHANGE)
    return [(day, old, new) for day, old, _, new in rows.iter_rows()]


def told(deployment: Deployment) -> list[tuple[date, str, str | None]]:
    return [(day, old, new) for day, old, _, new in stored_names(deployment).actions.iter_rows()]


@contextmanager
def counted(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[date]]:
    """The sessions of the files that are read."""
    read: list[date] = []
    original = Warehouse.read_files

    def reading(self: Warehouse, asset: str, files: dict[date, Path], *more: Any) -> pl.DataFrame:
        read.extend(files)
        return original(self, asset, files, *more)

    with monkeypatch.context() as patched:
        patched.setattr(Warehouse, "read_files", reading)
        yield read


NAMES = st.sampled_from(["A", "B", "C"])
DEEDS = st.one_of(
    st.tuples(st.just("write"), st.integers(0, 7), st.lists(st.tuples(NAMES, st.one_of(NAMES, st.none())), max_size=2), st.integers(0, 2)),
    st.tuples(st.just("take away"), st.integers(0, 7)),
    st.tuples(st.sampled_from(["look", "an hour", "lose the log", "lose the file", "break the file", "another process"])),
)


@settings(max_examples=rounds(20, 60), deadline=None)
@given(st.lists(DEEDS, max_size=25))
def test_after_any_history_of_writes_it_is_what_all_partitions_say(deeds: list[tuple[Any, ...]]) -> None:
    with TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patched:
        deployment = deployed(Path(name))
        days, now = deployment.calendar.window(date(2023, 1, 31), 8), write_log.time.time()
        for what, *values in deeds:
            now += 3600 if what == "an hour" else 1
            patched.setattr(write_log.time, "time", lambda now=now: now)
            if what == "write":
                deliver(deployment, days[values[0]], values[1], values[2])
            elif what == "take away":
                deployment.warehouse.keep_vintages("corporate_actions", days[values[0]], [])
            elif what == "lose the log":
                (deployment.warehouse.root / write_log.NAME).unlink(missing_ok=True)
            elif what == "another process":
                deployment = deployed(Path(name))
            elif what != "an hour":
                for file in (Path(name) / "data").glob("names-*") if what != "look" else ():
                    file.write_text("{", encoding="utf-8") if what == "break the file" else file.unlink()
                assert told(deployment) == read_all(deployed(Path(name)))
        fresh = deployed(Path(name))
        assert told(fresh) == read_all(fresh)
        assert stored_names(fresh).newest == max(fresh.warehouse.stored_sessions("corporate_actions"), default=None)


def test_a_trade_reads_what_was_written_since_however_long_the_history(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All partitions were read for each trade. Now the files of the new session alone, after 10 sessions as after 200."""
    deployment = deployed(tmp_path)
    days, now = deployment.calendar.sessions(FIRST, FIRST + timedelta(days=400)), write_log.time.time()
    read: dict[int, list[date]] = {}
    for i, day in enumerate(days[:201]):
        deliver(deployment, day, [(f"S{i}", f"T{i}")] if i % 7 == 0 else [])
        if i in (9, 199):
            stored_names(deployed(tmp_path))
            now += 3600
            monkeypatch.setattr(write_log.time, "time", lambda now=now: now)
            stored_names(deployed(tmp_path))  # the writes have settled
        if i in (10, 200):
            with counted(monkeypatch) as files:
                trading = deployed(tmp_path)
                for _ in range(3):
                    assert known_identities(trading, day).of("T0", day) == "files:S0"
            read[i] = files
    assert read == {10: [days[10]], 200: [days[200]]}


def test_what_was_put_there_by_hand_is_seen_after_a_full_look(tmp_path: Path) -> None:
    deployment = deployed(tmp_path)
    days = deployment.calendar.window(date(2023, 1, 31), 3)
    deliver(deployment, days[0], [])
    deliver(deployment, days[2], [])
    other = deployed(tmp_path / "other")
    deliver(other, days[1], [("A", "B")])
    assert told(deployment) == []
    shutil.copytree(other.warehouse.folder("corporate_actions", days[1]), deployment.warehouse.folder("corporate_actions", days[1]))
    forget_stored_names(deployment)
    assert told(deployed(tmp_path)) == [(days[1], "A", "B")]
