"""Backups of files and databases that others write to, and the way back: what changes is stored once, what is interrupted goes on, what is damaged is found."""

import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from ats_assets.backups import Manifest, Pieces, backups_in, make_backup, restore_backup
from ats_assets.backups.backing_up import PASSES
from ats_assets.backups.manifest import manifest_files
from ats_assets.backups.pieces import PIECE_BYTES
from ats_assets.backups.places import Places, places_of
from ats_assets.errors import BackupError
from ats_assets.settings import load_settings
from ats_assets.storage.atomic_file import replace_file
from ats_assets_tests.rounds import rounds

NOW = datetime(2026, 11, 30, 2, 15, tzinfo=UTC)
SETTINGS = '[storage]\nwarehouse = "bars"\n'
EVENTS = '[risk.calm]\nkind = "blackout"\nevents_file = "lists/events.csv"\n'


def fill(file: Path, content: bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    replace_file(file, lambda to: to.write(content))


@pytest.fixture
def deployed(home: Path) -> Path:
    """A deployment with a file of each part, and what does not belong to a backup."""
    (home / "ats.toml").write_text(SETTINGS, encoding="utf-8")
    for n in range(3):
        fill(home / f"bars/signals/session=2024-01-0{n + 2}/data.parquet", bytes([n]) * 100)
    fill(home / "models/synthetic/lightgbm_model/session=2024-01-02/model.json", b"{}")
    fill(home / "data/trials/ledger.jsonl", b"one\n")
    fill(home / "data/KILL", b"")
    fill(home / "features/own.toml", b"name = 'own'\n")
    fill(home / "data/source_files/parsed.bin", b"made again")
    fill(home / "data/lineage-1.db", b"made again")
    fill(home / "bars/signals/session=2024-01-02/.data.parquet.99999999-1-1", b"unfinished")
    fill(home / ".env", b"KEY=secret")
    return home


@pytest.fixture
def aside(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Another disk, as it were."""
    return tmp_path_factory.mktemp("aside")


def places(home: Path) -> Places:
    return places_of(load_settings(), home / "ats.toml", home)


def backup(home: Path, folder: Path, hours: float = 0, **how: Any) -> Manifest:
    url = f"sqlite:///{home / 'data' / 'trade_state.sqlite'}"
    return make_backup(places(home), url, folder, now=NOW + timedelta(hours=hours), **how).manifest


def restore(folder: Path, manifest: Manifest, into: Path) -> Path:
    restore_backup(folder, manifest, lambda data: f"sqlite:///{data / 'trade_state.sqlite'}", into=into)
    return into


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def pieces(folder: Path) -> set[str]:
    return {path.name for path in (folder / "pieces").glob("??/*")}


def test_what_belongs_to_it_comes_back_and_nothing_else(deployed: Path, aside: Path) -> None:
    folder = aside / "backups"
    manifest = backup(deployed, folder)
    back = contents(restore(folder, manifest, aside / "back"))
    wanted = contents(deployed)
    gone = [name for name in wanted if name not in back]
    assert sorted(name.rpartition("/")[2] for name in gone) == [
        ".data.parquet.99999999-1-1",
        ".env",
        "lineage-1.db",
        "parsed.bin",
    ]
    assert back == {name: content for name, content in wanted.items() if name in back}
    assert manifest.facts["settled"]
    assert manifest.facts["left_out"] == {}, "settings that name no folder, such as of plugins, leave nothing out"
    assert folder.stat().st_mode & 0o077 == 0


def test_only_what_has_changed_is_stored_again(deployed: Path, aside: Path) -> None:
    folder, large = aside / "backups", deployed / "data/large.bin"
    fill(large, b"".join(bytes([n]) * PIECE_BYTES for n in range(3)))
    backup(deployed, folder)
    before = pieces(folder)
    assert backup(deployed, folder, 1).entries.keys() == backup(deployed, folder, 2).entries.keys()
    assert pieces(folder) == before
    with large.open("r+b") as file:
        file.seek(PIECE_BYTES + 5)
        file.write(b"changed")
    made = make_backup(places(deployed), f"sqlite:///{deployed / 'none'}", folder, now=NOW + timedelta(hours=3))
    assert (made.files_read, made.stored_bytes) == (3, PIECE_BYTES)  # settings are read each time
    assert len(pieces(folder) - before) == 1


def test_what_no_backup_needs_any_more_is_removed(deployed: Path, aside: Path) -> None:
    folder, file = aside / "backups", deployed / "bars/signals/session=2024-01-02/data.parquet"
    for n in range(4):
        fill(file, b"version %d" % n)
        last = backup(deployed, folder, n, keep=2)
    kept = list(backups_in(folder))
    assert [one.name for one in kept] == ["2026-11-30T051500Z", "2026-11-30T041500Z"]
    assert pieces(folder) == {name for one in kept for name in one.pieces}
    assert contents(restore(folder, kept[1], aside / "back"))["bars/signals/session=2024-01-02/data.parquet"] == b"version 2"
    assert last.entries == kept[0].entries


class _StopError(Exception):
    """The power supply."""


@contextmanager
def stopped_after(monkeypatch: pytest.MonkeyPatch, writes: int) -> Iterator[list[int]]:
    """Every write of a file beyond so many fails."""
    left, real = [writes], Path.replace

    def replace(self: Path, target: Path) -> Path:
        left[0] -= 1
        if left[0] < 0:
            raise _StopError
        return real(self, target)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", replace)
        yield left


def until_done(monkeypatch: pytest.MonkeyPatch, step: Callable[[], Manifest | None]) -> int:
    """Stop a procedure after one write, begin again and stop after two, and so on; returns how often it was stopped."""
    for stops in range(200):
        with stopped_after(monkeypatch, stops):
            try:
                step()
            except _StopError:
                continue
            return stops
    raise AssertionError


def test_a_backup_that_was_stopped_is_none_and_the_next_goes_on_from_there(
    deployed: Path, aside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = aside / "backups"
    stored: list[int] = []

    def step() -> None:
        stored.append(len(pieces(folder)) if folder.is_dir() else 0)
        assert not manifest_files(folder)
        backup(deployed, folder)

    assert until_done(monkeypatch, step) > 2
    assert stored == sorted(stored)
    assert contents(restore(folder, next(backups_in(folder)), aside / "back"))["data/trials/ledger.jsonl"] == b"one\n"


def test_a_restoration_that_was_stopped_is_begun_again_by_the_same_command(
    deployed: Path, aside: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, back = aside / "backups", aside / "back"
    manifest = backup(deployed, folder)
    assert until_done(monkeypatch, lambda: restore(folder, manifest, back) and None) > 2
    whole = contents(restore(folder, manifest, aside / "at_once"))
    assert contents(back) == whole
    other = backup(deployed, folder, 1)
    with stopped_after(monkeypatch, 2), pytest.raises(_StopError):
        restore(folder, manifest, aside / "third")
    with pytest.raises(BackupError, match="not finished"):
        restore(folder, other, aside / "third")


def test_nothing_that_is_there_is_overwritten(deployed: Path, aside: Path) -> None:
    folder = aside / "backups"
    manifest = backup(deployed, folder)
    with pytest.raises(BackupError, match="is not empty"):
        restore(folder, manifest, deployed)
    with pytest.raises(BackupError, match="is not empty"):
        restore_backup(folder, manifest, lambda data: f"sqlite:///{data}", places=places(deployed))


def test_into_the_empty_folders_of_the_settings_in_use(deployed: Path, aside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, new = aside / "backups", aside / "new"
    manifest = backup(deployed, folder)
    wanted = contents(deployed / "bars")
    for name in ("WAREHOUSE", "MODELS", "DATA"):
        monkeypatch.setenv(f"ATS_STORAGE__{name}", str(new / name.lower()))
    done = restore_backup(folder, manifest, lambda data: f"sqlite:///{data / 'trade_state.sqlite'}", places=places(deployed))
    assert contents(new / "warehouse") == {name: content for name, content in wanted.items() if "/." not in name}
    assert done.passed_over == ("features", "settings")


@pytest.mark.parametrize("shared", [False, True])
def test_a_file_that_is_part_of_the_settings_comes_back_with_them(
    deployed: Path, aside: Path, monkeypatch: pytest.MonkeyPatch, shared: bool
) -> None:
    """Without it nothing of what was restored could be used: no command could read the settings. Whichever folder is the current one."""
    (aside / "shared.toml").write_text("[bars]\nmax_rejected_share = 0.5\n", encoding="utf-8")
    more = f'extends = "{aside / "shared.toml"}"\n' if shared else ""
    (deployed / "ats.toml").write_text(f'{more}{SETTINGS}[active_return]\ngroups_file = "lists/sectors.csv"\n{EVENTS}', encoding="utf-8")
    fill(deployed / "lists/events.csv", b"symbol,date,kind\nA,2024-03-01,earnings\n")
    fill(deployed / "lists/sectors.csv", b"symbol,group\nA,energy\n")
    monkeypatch.chdir(aside)
    manifest = backup(deployed, aside / "backups")
    back = restore(aside / "backups", manifest, aside / "back")
    (deployed / "lists/sectors.csv").unlink()
    settings = load_settings(own_file=back / "ats.toml")
    assert settings.risk["calm"]["events_file"] == str(back / "lists/events.csv")
    assert (back / "lists/events.csv").is_file()
    found = settings.active_return
    assert found is not None
    assert found.groups == {"energy": ("A",)}
    assert found.groups_file == back / "lists/sectors.csv"


def test_folders_that_lay_elsewhere_come_back_beside_the_settings(deployed: Path, aside: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was in another place, named by the file or the environment, is found in the new one."""
    folder, elsewhere = aside / "backups", aside / "elsewhere"
    fill(elsewhere / "bars" / "bars/session=2024-01-02/data.parquet", b"bars")
    (aside / "shared.toml").write_text('[bars]\nmax_rejected_share = 0.5\n[features]\nfolder = "elsewhere"\n', encoding="utf-8")
    (deployed / "ats.toml").write_text(f'extends = "{aside / "shared.toml"}"\n[storage]\nwarehouse = "{elsewhere / "bars"}"\n')
    monkeypatch.setenv("ATS_STORAGE__MODELS", str(elsewhere / "models"))
    manifest = backup(deployed, folder)
    assert manifest.facts["environment"] == ["ATS_STORAGE__MODELS"]
    back = restore(folder, manifest, aside / "back")
    monkeypatch.delenv("ATS_STORAGE__MODELS")
    settings = load_settings(own_file=back / "ats.toml")
    assert (settings.storage.warehouse, settings.storage.models) == (back / "warehouse", back / "models")
    assert settings.features.folder == back / "features"
    assert settings.bars.max_rejected_share == 0.5
    assert (back / "warehouse/bars/session=2024-01-02/data.parquet").read_bytes() == b"bars"


def test_a_damaged_piece_is_found_and_stored_again_by_the_next_backup(deployed: Path, aside: Path) -> None:
    folder = aside / "backups"
    manifest = backup(deployed, folder)
    (name,) = manifest.entries["data", "trials/ledger.jsonl"].pieces
    path = Pieces(folder).path(name)
    path.write_bytes(b"two\n")
    with pytest.raises(BackupError, match="is damaged"):
        restore(folder, manifest, aside / "back")
    assert Pieces(folder).faults(manifest.pieces) == [path]
    backup(deployed, folder, 1)
    assert path.read_bytes() == b"one\n"
    assert Pieces(folder).faults(manifest.pieces) == []
    file = manifest_files(folder)[0]
    file.write_bytes(file.read_bytes()[:-9])
    with pytest.raises(BackupError, match="no backup that can be read"):
        list(backups_in(folder))


def test_databases_that_are_written_to_are_copied_between_two_transactions(deployed: Path, aside: Path) -> None:
    """Two tables that each transaction changes together: copied as files, or page by page, they would differ."""
    file, folder, stop = deployed / "data" / "pairs.db", aside / "backups", threading.Event()
    with closing(sqlite3.connect(file)) as connection, connection:
        connection.execute("PRAGMA journal_mode=WAL")
        connection.executescript("CREATE TABLE a (n INTEGER, filling TEXT); CREATE TABLE b (n INTEGER, filling TEXT)")

    def write() -> None:
        with closing(sqlite3.connect(file)) as connection:
            n = 0
            while not stop.is_set():
                n += 1
                with connection:
                    for table in "ab":
                        connection.execute(f"INSERT INTO {table} VALUES (?, ?)", (n, "x" * 2_000))

    thread = threading.Thread(target=write)
    thread.start()
    try:
        made = [backup(deployed, folder, n) for n in range(rounds(3, 40))]
    finally:
        stop.set()
        thread.join()
    counts = []
    for n, manifest in enumerate(made):
        copy = restore(folder, manifest, aside / f"back{n}") / "data" / "pairs.db"
        with closing(sqlite3.connect(copy)) as connection:
            found = [connection.execute(f"SELECT COUNT(*), MAX(n) FROM {table}").fetchone() for table in "ab"]
        assert found[0] == found[1]
        counts.append(found[0][0])
    assert counts == sorted(counts)


def test_a_warehouse_that_changes_meanwhile_is_looked_at_again(deployed: Path, aside: Path) -> None:
    """Signals are written before the bars that they are of have been copied: one look would have kept new signals of old bars."""
    folder, looks = aside / "backups", list[str]()
    bars, signals = (deployed / f"bars/{name}/session=2024-01-05/data.parquet" for name in ("alpha", "signals"))
    fill(bars, b"old")

    def tell(what: str) -> None:
        looks.append(what)
        if what == "trade state" and looks.count(what) == 1:
            fill(bars, b"new")
            fill(signals, b"of new")

    manifest = backup(deployed, folder, tell=tell)
    assert looks.count("trade state") == 2
    assert manifest.facts["settled"]
    back = contents(restore(folder, manifest, aside / "back"))
    assert [back[f"bars/{name}/session=2024-01-05/data.parquet"] for name in ("alpha", "signals")] == [b"new", b"of new"]

    def always(what: str) -> None:
        looks.append(what)
        fill(bars, b"%d" % len(looks))

    assert not backup(deployed, folder, 1, tell=always).facts["settled"]
    assert looks.count("trade state") == 2 + PASSES


@pytest.mark.parametrize("change", [{"path": "../../etc/cron.d/x"}, {"path": "/etc/cron.d/x"}, {"part": "../.."}])
def test_a_manifest_that_leads_out_of_the_deployment_is_refused(deployed: Path, aside: Path, change: dict[str, str]) -> None:
    """Whoever can write to the backups could have had a file put anywhere by whoever restores them."""
    folder = aside / "backups"
    manifest = backup(deployed, folder)
    if "path" in change:
        first = next(iter(manifest.entries.values()))
        manifest.entries[first.part, change["path"]] = replace(first, path=change["path"])
    else:
        manifest.facts["parts"]["warehouse"] = change["part"]
    manifest.write(folder)
    with pytest.raises(BackupError, match="outside of a deployment"):
        list(backups_in(folder))


def test_the_folder_of_the_backups_lies_outside(deployed: Path) -> None:
    with pytest.raises(BackupError, match="is backed up itself"):
        backup(deployed, deployed / "data" / "backups")
    with pytest.raises(BackupError, match="is no folder"):
        list(backups_in(deployed / "nothing"))
