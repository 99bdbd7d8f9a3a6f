import contextlib
import sqlite3
import sys
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ats_assets.storage.empty_database import COMPANIONS, EmptyDatabase, is_sound


@pytest.fixture(autouse=True)
def bytecode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Byte code is kept in a folder of this test's."""
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "bytecode"))
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    return tmp_path / "bytecode"


def library(made: list[Path], *versions: str) -> EmptyDatabase:
    """The database of a library that notes where it has made one; in SQLite's log of writes, as Dagster's are."""

    def make(folder: Path) -> Path:
        made.append(folder)
        with contextlib.closing(sqlite3.connect(folder / "new.db")) as database:
            database.execute("PRAGMA journal_mode=WAL")
            database.executescript(
                f"CREATE TABLE alembic_version (n); CREATE TABLE t (x); INSERT INTO alembic_version VALUES ('{versions[0]}')"
            )
            database.commit()
        return folder / "new.db"

    return EmptyDatabase("library", versions, make)


def rows(file: Path) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(file)) as database:
        assert database.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        return database.execute("SELECT * FROM alembic_version").fetchall()


def test_it_is_made_once_for_each_version_whatever_process_comes(tmp_path: Path) -> None:
    made: list[Path] = []
    for number in range(3):
        assert library(made, "1").put(tmp_path / f"{number}.db")
        assert rows(tmp_path / f"{number}.db") == [("1",)]
    assert len(made) == 1
    assert not made[0].exists()
    assert library(made, "2").put(tmp_path / "later.db")
    assert rows(tmp_path / "later.db") == [("2",)]
    assert len(made) == 2


@pytest.mark.parametrize(
    "damage", [lambda good: b"", lambda good: b"x" * 5000, lambda good: good[: len(good) // 2]], ids=["none", "other", "half"]
)
def test_a_damaged_one_is_made_again_and_not_copied(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    made: list[Path] = []
    kept = library(made, "1").kept_in()
    library(made, "1").put(tmp_path / "a.db")
    kept.write_bytes(damage(kept.read_bytes()))
    assert not is_sound(kept)
    library(made, "1").put(tmp_path / "b.db")
    assert len(made) == 2
    assert is_sound(kept)
    assert (tmp_path / "b.db").read_bytes() == kept.read_bytes()


@pytest.mark.parametrize("why", ["no_folder", "no_byte_code"])
def test_where_it_can_not_be_kept_it_is_made_once_a_process(
    tmp_path: Path, bytecode: Path, monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    if why == "no_folder":
        bytecode.write_text("a file, where folders were to be")
    else:
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
    made: list[Path] = []
    one = library(made, "1")
    assert one.put(tmp_path / "a.db")
    assert one.put(tmp_path / "b.db")
    assert len(made) == 1
    assert is_sound(tmp_path / "a.db")
    assert is_sound(tmp_path / "b.db")
    assert not one.kept_in().exists()


@pytest.mark.parametrize("tail", ["", *COMPANIONS])
def test_what_is_there_stays_as_it_is(tmp_path: Path, tail: str) -> None:
    """A log of writes that is left behind would be read into the copy, as if it were its own."""
    there = tmp_path / f"a.db{tail}"
    there.write_bytes(b"of the user")
    assert not library([], "1").put(tmp_path / "a.db")
    assert [file.name for file in tmp_path.iterdir()] == [there.name]
    assert there.read_bytes() == b"of the user"


def test_where_a_file_can_not_have_two_names_the_library_makes_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(path: Path, target: Path) -> None:
        raise PermissionError(f"{path}, {target}")

    monkeypatch.setattr(Path, "hardlink_to", no_links)
    assert not library([], "1").put(tmp_path / "a.db")
    assert [file.name for file in tmp_path.iterdir()] == ["bytecode"]


def test_where_it_can_not_be_made_the_library_makes_its_own(tmp_path: Path) -> None:
    """A folder for temporary files that is full, say, is nothing to a database elsewhere."""

    def full(folder: Path) -> Path:
        raise sqlite3.OperationalError(f"{folder}: database or disk is full")

    assert not EmptyDatabase("library", ["1"], full).put(tmp_path / "a.db")
    assert not list(tmp_path.iterdir())


def test_of_those_that_come_at_once_one_puts_it(tmp_path: Path) -> None:
    together, made = threading.Barrier(4, timeout=30), list[Path]()

    def come(_: int) -> bool:
        together.wait()
        return library(made, "1").put(tmp_path / "a.db")

    with ThreadPoolExecutor(4) as pool:
        assert sorted(pool.map(come, range(4))) == [False, False, False, True]
    assert rows(tmp_path / "a.db") == [("1",)]
    assert {file.name for file in tmp_path.iterdir()} == {"a.db", "bytecode"}
