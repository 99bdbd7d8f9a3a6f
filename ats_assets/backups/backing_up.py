"""A backup of a deployment that goes on working.

1. Files of the warehouse, of the models and of the settings: each is written by renaming, so what is read of one is whole. What has the size, time and inode that
   the newest backup says is not read again.
2. Files and databases of the data folder, and Dagster's. A database is copied between two of its transactions.
3. The trade state, after all partitions: what it knows may be ahead of the warehouse, never behind. A session that it has settled and the warehouse has not is
   settled again, to the same partitions; the reverse would lose fills.
4. The warehouse is looked at again. If nothing has changed since step 1, the backup is of one instant; else steps 1 and 3 are repeated for what has changed, five
   times at most. After that it is `settled = false`: `ats stale` tells which partitions were made of others than those that lie beside them.
5. The manifest, last.
"""

import contextlib
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy.exc import DBAPIError

from ats_assets.backups.manifest import KeptFile, Manifest, backups_in, manifest_files, new_name, read_manifest
from ats_assets.backups.pieces import Pieces, Reach
from ats_assets.backups.places import (
    DAGSTER,
    SETTINGS,
    TRADE_STATE,
    TRADE_STATE_FILE,
    Places,
    files_of_part,
    instance_files,
    named_files,
    settings_files,
)
from ats_assets.errors import BackupError, TradeStateError
from ats_assets.secrecy import redacted
from ats_assets.settings.inheriting import written_settings
from ats_assets.settings.toml_text import toml_text
from ats_assets.storage.sqlite_copy import copy_database, is_database
from ats_assets.trade_state.database import engine_of_url, parse_database
from ats_assets.trade_state.portable_copy import save_copy, schema_of

PASSES = 5
RENAMED_INTO_PLACE = ("warehouse", "models", "features", "plugins")
"""Parts whose files are replaced whole; the others have databases, and files that grow."""
Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class MadeBackup:
    """What a backup came to.

    Attributes
    ----------
    files_read
        The files that were new or changed.
    stored_bytes
        Of new pieces.
    freed_bytes
        Of pieces that only backups needed which are not kept.
    """

    manifest: Manifest
    files_read: int
    stored_bytes: int
    freed_bytes: int


@dataclass(kw_only=True)
class _Work:
    """A backup that is being made."""

    pieces: Pieces
    before: dict[tuple[str, str], KeptFile]
    scratch: Path
    reach: Reach
    entries: dict[tuple[str, str], KeptFile] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    files_read: int = 0

    def keep(self, part: str, name: str, path: str, stamp: str) -> None:
        """Take a file in, unless it is as it was in the backup before, or in the pass before."""
        key = (part, name)
        for known in (self.entries.get(key), self.before.get(key)):
            if known is not None and known.stamp == stamp and self.pieces.have(known.pieces):
                self.entries[key] = known
                return
        self.entries.pop(key, None)
        try:
            self._read(key, Path(path), stamp)
        except FileNotFoundError:  # it has gone meanwhile
            return
        except (OSError, sqlite3.Error) as error:
            self.left_out[path] = f"{type(error).__name__}: {error}"

    def _read(self, key: tuple[str, str], path: Path, stamp: str) -> None:
        if path.stat().st_size and is_database(path):
            copy = self.scratch / "copy.sqlite"
            copy.unlink(missing_ok=True)
            copy_database(path, copy)
            path = copy
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size  # of a file that grows no more than was there
            self.put(key, stamp, size, self.pieces.put(file, size))

    def put(self, key: tuple[str, str], stamp: str, size: int, names: list[str]) -> None:
        """Note a file whose pieces are stored."""
        self.entries[key] = KeptFile(part=key[0], path=key[1], stamp=stamp, size=size, pieces=tuple(names))
        self.files_read += 1

    def forget_others(self, part: str, names: set[str]) -> None:
        """Leave out what a part does not have any more."""
        for key in [key for key in self.entries if key[0] == part and key[1] not in names]:
            del self.entries[key]


def make_backup(
    places: Places,
    trade_state_url: str,
    folder: Path,
    *,
    keep: int | None = None,
    now: datetime | None = None,
    tell: Tell = lambda _: None,
    reach: Reach = lambda _done, _total: None,
) -> MadeBackup:
    """Make a backup in a folder of backups.

    Parameters
    ----------
    trade_state_url
        Where the trade state is.
    keep
        How many backups are kept, this one included; None: all.
    tell
        Is told what is being done.
    reach
        Is told how many files of how many of a part have been looked at.

    Raises
    ------
    BackupError
        If the folder can't be used, another backup is being made there, or the trade state is damaged.
    """
    folder = folder.expanduser().resolve()
    for part, place in places.parts.items():
        if folder.is_relative_to(place):
            raise BackupError(
                f"{folder} lies in the folder {place} ({part}), which is backed up itself: choose one outside, on another disk"
            )
    with _alone(folder), tempfile.TemporaryDirectory(dir=folder, prefix=".copying-") as scratch:
        name = new_name(folder, now or datetime.now(UTC))
        newest = next(iter(manifest_files(folder)[::-1]), None)
        before = read_manifest(newest).entries if newest else {}
        work = _Work(pieces=Pieces(folder), before=before, scratch=Path(scratch), reach=reach)
        facts = _all_parts(work, places, trade_state_url, tell)
        work.pieces.finish()
        manifest = Manifest(name=name, facts=facts | {"left_out": work.left_out}, entries=work.entries)
        manifest.write(folder)
        freed = _forget_old(folder, keep, work.pieces)
    return MadeBackup(manifest=manifest, files_read=work.files_read, stored_bytes=work.pieces.stored_bytes, freed_bytes=freed)


def _all_parts(work: _Work, places: Places, trade_state_url: str, tell: Tell) -> dict[str, object]:
    settled, facts = False, {}
    renamed = [part for part in RENAMED_INTO_PLACE if part in places.parts]
    why = "it lies in an object store, which keeps copies itself: switch the versioning of the bucket on"
    work.left_out |= dict.fromkeys(places.elsewhere.values(), why)
    _keep_settings(work, places)
    for number in range(PASSES):
        again = f", pass {number + 1}: it changed meanwhile" if number else ""
        tell(f"warehouse and models{again}")
        listed = [_keep_part(work, places, part) for part in renamed]
        if not number:
            for part in [part for part in places.parts if part not in RENAMED_INTO_PLACE]:
                tell("Dagster's storage" if part == DAGSTER else part)
                _keep_part(work, places, part)
        tell("trade state")
        facts = _keep_trade_state(work, trade_state_url)
        settled = listed == [{name: stamp for name, _, stamp in files_of_part(part, places.parts[part])} for part in renamed]
        if settled:
            break
    told = {part: places.relative(part) or str(folder) for part, folder in places.parts.items()}
    named = sorted(name for name in os.environ if name.startswith("ATS_") and "__" in name)
    return {
        "program": version("ats-assets"),
        "settings_file": places.settings_file.name,
        "parts": told,
        "settled": settled,
        "environment": named,
        **facts,
    }


def _keep_part(work: _Work, places: Places, part: str) -> dict[str, str]:
    """Take a part in; returns what was listed of it."""
    files = list(files_of_part(part, places.parts[part]))
    listed = {name: stamp for name, _, stamp in files}
    for number, (name, path, stamp) in enumerate(files):
        work.reach(number, len(files))
        work.keep(part, name, path, stamp)
    work.forget_others(part, set(listed))
    return listed


def _keep_settings(work: _Work, places: Places) -> None:
    """The settings without secrets. Where they extend files that lie elsewhere, what they say together is one file."""
    files = settings_files(places)
    texts = {name: path.read_bytes() for name, path in (instance_files(places) | named_files(places) if files is None else files).items()}
    if files is None:
        whole = toml_text(written_settings(places.settings_file).values)
        for name, path in named_files(places).items():
            whole = whole.replace(str(path), name)
        texts[places.settings_file.name] = whole.encode()
    for name, content in texts.items():
        clean = redacted(content.decode(errors="surrogateescape")).encode(errors="surrogateescape")
        if clean != content:
            work.left_out[name] = "a secret in it was left out"
        piece = work.scratch / "settings"
        piece.write_bytes(clean)
        with piece.open("rb") as file:
            work.put((SETTINGS, name), "", len(clean), work.pieces.put(file))


def _keep_trade_state(work: _Work, url: str) -> dict[str, object]:
    """Copy the trade state as it is now, without changing its schema."""
    parsed = parse_database(url)
    kind = parsed.get_backend_name()
    key = (TRADE_STATE, TRADE_STATE_FILE)
    work.entries.pop(key, None)
    if kind == "sqlite" and not Path(str(parsed.database)).is_file():
        return {"trade_state": None, "schema": None}
    copy = work.scratch / TRADE_STATE_FILE
    copy.unlink(missing_ok=True)
    engine = engine_of_url(parsed)
    try:
        schema = schema_of(engine)
        if schema is None:
            return {"trade_state": None, "schema": None}
        isolated = engine.execution_options(isolation_level="REPEATABLE READ") if kind == "postgresql" else engine
        with isolated.connect() as connection:
            save_copy(connection, copy)
    except (sqlite3.Error, DBAPIError, TradeStateError) as error:
        raise BackupError(
            f"the trade state can't be copied ({type(error).__name__}): no backup was made. If its database is damaged, an earlier backup has it; ats doctor says more"
        ) from None
    finally:
        engine.dispose()
    with copy.open("rb") as file:
        work.put(key, "", copy.stat().st_size, work.pieces.put(file))
    return {"trade_state": kind, "schema": schema}


def _forget_old(folder: Path, keep: int | None, pieces: Pieces) -> int:
    if keep is None:
        return 0
    for path in manifest_files(folder)[:-keep]:
        path.unlink()
    return pieces.drop_all_but({name for manifest in backups_in(folder) for name in manifest.pieces})


@contextlib.contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One backup at a time in a folder, which is made where it is not there, for its owner alone."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(folder / ".lock", timeout=0):
            yield
    except Timeout:
        raise BackupError(f"another backup is being made in {folder}: wait for it") from None
    except OSError as error:
        raise BackupError(f"{folder} can't be written ({error.strerror}): check its rights and the free disk space") from error
