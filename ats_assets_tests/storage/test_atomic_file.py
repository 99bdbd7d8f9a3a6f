"""A file is replaced whole or not at all, and what killed writers leave is swept away."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from ats_assets.errors import SettingsError
from ats_assets.storage.atomic_file import FileGroup, _make, replace_file

WRITER = """
import sys, time
from pathlib import Path
from ats_assets.storage.atomic_file import FileGroup, replace_file

def write(file):
    file.write(b"half of it")
    file.flush()
    sys.stdout.write("writing\\n"); sys.stdout.flush()
    time.sleep(60)

replace_file(Path(sys.argv[1]), write)
"""


def writing(path: Path) -> subprocess.Popen[str]:
    """A process that is in the middle of replacing `path`."""
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "writing\n"
    return process


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


@pytest.mark.parametrize("fsync", [True, False])
def test_the_folder_is_made_and_the_content_replaced(tmp_path: Path, fsync: bool) -> None:
    path = tmp_path / "a" / "b" / "data.bin"
    for content in (b"old", b"new and longer", b""):
        replace_file(path, lambda file, content=content: file.write(content), fsync=fsync)
        assert path.read_bytes() == content
    assert names(path.parent) == ["data.bin"]


def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(b"old")

    def fail(file: object) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        replace_file(path, fail)
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["data.bin"]


def test_a_killed_writer_leaves_the_old_file_and_the_next_one_sweeps_up(tmp_path: Path) -> None:
    path = tmp_path / "data.bin"
    path.write_bytes(b"old")
    with writing(path) as killed, writing(path) as living:
        try:
            assert len(names(tmp_path)) == 3
            killed.send_signal(signal.SIGKILL)
            killed.wait()
            assert path.read_bytes() == b"old"
            replace_file(path, lambda file: file.write(b"new"))
            assert path.read_bytes() == b"new"
            left = [name for name in names(tmp_path) if name != "data.bin"]
            assert len(left) == 1
            assert left[0].startswith(f".data.bin.{living.pid}-")
        finally:
            living.kill()
            killed.kill()


def test_files_that_only_look_like_leftovers_stay(tmp_path: Path) -> None:
    others = [".hidden", ".data.bin.notes", ".data.bin.12x-3", ".data.bin.\u00b2-1", "data.bin.999999999-1", f".data.bin.{os.getpid()}-1"]
    for name in others:
        (tmp_path / name).touch()
    replace_file(tmp_path / "data.bin", lambda file: file.write(b"new"))
    assert names(tmp_path) == sorted([*others, "data.bin"])


@pytest.mark.parametrize("inside", ["data.bin", "folder/data.bin"])
def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, inside: str) -> None:
    blocked = tmp_path / "blocked"
    if os.geteuid() == 0:  # root may write anywhere, but not below a file
        blocked.touch()
    else:
        blocked.mkdir(mode=0o555)
    with pytest.raises(SettingsError, match=rf"can't write .*blocked/{inside} .*\[storage\]"):
        replace_file(blocked / inside, lambda file: file.write(b"new"))


def test_a_folder_in_the_file_s_place_is_named_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "data.bin").mkdir()
    with pytest.raises(SettingsError, match=r"can't write .*data\.bin"):
        replace_file(tmp_path / "data.bin", lambda file: file.write(b"new"))
    assert names(tmp_path) == ["data.bin"]


def test_files_of_a_group_are_renamed_when_all_are_synced_and_their_folders_are_synced_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a lost power supply may find: every file that has its name is on the disk."""
    done: list[tuple[str, Path]] = []
    opened: dict[int, Path] = {}
    syncs, opens, renames = os.fsync, os.open, Path.replace

    def open_it(path: Path | str, *how: int) -> int:
        handle = opens(path, *how)
        opened[handle] = Path(path)
        return handle

    def sync(handle: int) -> None:
        syncs(handle)
        done.append(("sync", opened[handle]))

    def rename(path: Path, to: Path) -> Path:
        done.append(("rename", to))
        return renames(path, to)

    paths = [tmp_path / f"session={day:02}" / "data.bin" for day in range(20)]
    group = FileGroup()
    for path in paths:
        group.add(path, lambda file: file.write(b"new"))
    monkeypatch.setattr(os, "open", open_it)
    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(Path, "replace", rename)
    group.finish()
    first, last = (next(i for i in order if done[i][0] == "rename") for order in (range(len(done)), reversed(range(len(done)))))
    assert [path for what, path in done if what == "rename"] == paths
    assert sorted(path.parent for _, path in done[:first]) == [path.parent for path in paths]
    assert all(path.name.startswith(".data.bin.") for _, path in done[:first])
    assert {path for _, path in done[last + 1 :]} == {tmp_path, *(path.parent for path in paths)}


def test_nothing_of_a_group_is_replaced_before_it_is_finished_and_an_error_leaves_nothing(tmp_path: Path) -> None:
    paths = [tmp_path / name / "data.bin" for name in "abc"]
    replace_file(paths[0], lambda file: file.write(b"old"))
    group = FileGroup()
    for content in (b"newer", b"newest"):
        stat = group.add(paths[0], lambda file, content=content: file.write(content))
    group.add(paths[1], lambda file: file.write(b"new"))
    assert paths[0].read_bytes() == b"old"
    assert not paths[1].exists()
    group.finish()
    assert [path.read_bytes() for path in paths[:2]] == [b"newest", b"new"]
    there = paths[0].stat()
    assert (stat.st_ino, stat.st_mtime_ns, stat.st_size) == (there.st_ino, there.st_mtime_ns, there.st_size)
    group.add(paths[1], lambda file: file.write(b"dropped"))
    group.drop()
    group.finish()
    assert paths[1].read_bytes() == b"new"
    paths[2].mkdir(parents=True)
    for path in (paths[1], paths[2], paths[0]):
        group.add(path, lambda file: file.write(b"last"))
    with pytest.raises(SettingsError, match=r"can't write .*c/data\.bin"):
        group.finish()
    assert paths[1].read_bytes() == b"last"  # in the order in which they were added
    assert paths[0].read_bytes() == b"newest"
    assert [names(path.parent) for path in paths] == [["data.bin"]] * 3


def test_new_folders_are_told_to_be_synced_and_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    assert _make(tmp_path / "a" / "b" / "c") == {tmp_path, tmp_path / "a", tmp_path / "a" / "b"}
    assert _make(tmp_path / "a" / "b") == set()
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(SettingsError, match="can't write"):
        replace_file(tmp_path / "file" / "new", lambda file: file.write(b""))
