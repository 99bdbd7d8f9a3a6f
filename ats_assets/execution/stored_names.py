"""The changes of name among the stored corporate actions, kept together in one small file, so that a trade reads no history.

The file in the data folder is no truth: it repeats what the partitions of `corporate_actions` say, in their newest vintages, with the place in the warehouse's log of
writes up to which it does. Whoever asks reads the end of that log (`write_log`), and of the partitions only those announced there since. Where the file is missing,
damaged or of another log, all partitions are read once. What a person puts into a partition's folder is in no log: `ats stale --full` rebuilds the file.
"""

import hashlib
import json
from collections.abc import Collection
from dataclasses import astuple, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from ats_assets.corporate_actions.identity import NAME_CHANGE
from ats_assets.deployment import Deployment
from ats_assets.storage.atomic_file import replace_file
from ats_assets.storage.knowledge import FOREVER
from ats_assets.storage.warehouse import Warehouse
from ats_assets.storage.write_log import NOWHERE, LogPosition

ASSET = "corporate_actions"
VERSION = 1
"""Of the file's form; one of another is rebuilt."""
_COLUMNS = ["session", "symbol", "kind", "new_symbol"]
_SCHEMA = pl.Schema({"session": pl.Date, **dict.fromkeys(("symbol", "kind", "new_symbol"), pl.String)})

Told = list[tuple[str, str | None]]
"""The changes of name of one session: old ticker, new ticker, as they were delivered."""
Seen = tuple[str, int, int, int]
"""A file: name, time, size, inode."""


@dataclass
class _Names:
    """What the file has: the changes, the newest stored session, the log's place, and what was read of files announced lately, which come again."""

    log: LogPosition
    newest: date | None = None
    changes: dict[date, Told] = field(default_factory=dict)
    lately: dict[date, Seen | None] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class StoredNames:
    """What the stored actions tell of names.

    Attributes
    ----------
    actions
        The changes of name: session, symbol, kind, new_symbol, by session; those that do not count among them.
    newest
        The newest session whose actions are stored; None: there are none.
    """

    actions: pl.DataFrame
    newest: date | None


def stored_names(deployment: Deployment) -> StoredNames:
    """What all stored actions tell of names, in their newest vintages: who trades must know of a change that was told late.

    Raises
    ------
    CorruptPartitionError
        If a partition that is read is damaged.
    """
    warehouse, path = deployment.warehouse, _file(deployment)
    before = _load(path)
    names = _gone_on(warehouse, before) if before else None
    if names is None:
        names = _all_of(warehouse)
    _store(path, names)
    rows = [(day, old, NAME_CHANGE, new) for day, told in sorted(names.changes.items()) for old, new in told]
    return StoredNames(actions=pl.DataFrame(rows, schema=_SCHEMA, orient="row"), newest=names.newest)


def forget_stored_names(deployment: Deployment) -> None:
    """The next look reads all partitions: something may have been put there by hand."""
    _file(deployment).unlink(missing_ok=True)


def _file(deployment: Deployment) -> Path:
    storage = deployment.settings.storage
    return storage.data / f"names-{hashlib.sha256(str(storage.warehouse_folder.absolute()).encode()).hexdigest()[:8]}.json"


def _gone_on(warehouse: Warehouse, names: _Names) -> _Names | None:
    """With what was written since; None where that can't be told: the log is another one, or there was none when the last look was."""
    since = None if names.log == NOWHERE else warehouse.log.since(names.log)
    if since is None:
        return None
    paths, names.log = since
    lately: dict[date, Seen | None] = {}
    for day in sorted({day for path in paths if (day := _session_of(path)) is not None}):
        file = warehouse.path(ASSET, day, until=FOREVER)
        lately[day] = seen = _seen(file)
        if day not in names.lately or names.lately[day] != seen:
            names.changes.pop(day, None)
            if seen is not None:
                names.changes |= _read(warehouse, {day: file})
                names.newest = max(day, names.newest or day)
    names.lately = lately
    lost = names.newest is not None and not warehouse.exists(ASSET, names.newest)
    return None if lost else names


def _all_of(warehouse: Warehouse) -> _Names:
    """By all partitions; the place in the log comes first, so that what is written meanwhile is looked at again."""
    log = warehouse.log.start()
    days = [day for day in warehouse.stored_sessions(ASSET) if warehouse.exists(ASSET, day)]  # one in the middle may have been taken away
    changes = _read(warehouse, {day: warehouse.path(ASSET, day, until=FOREVER) for day in days})
    return _Names(log=log, newest=days[-1] if days else None, changes=changes)


def _read(warehouse: Warehouse, files: dict[date, Path]) -> dict[date, Told]:
    if not files:
        return {}
    found: dict[date, Told] = {}
    rows = warehouse.read_files(ASSET, files, _COLUMNS).filter(pl.col("kind") == NAME_CHANGE)
    for day, old, _, new in rows.select(_COLUMNS).iter_rows():
        found.setdefault(day, []).append((old, new))
    return found


def _session_of(path: str) -> date | None:
    """The session of an announced path, where it is one of a partition of actions."""
    asset, _, rest = path.partition("/session=")
    if asset != ASSET:
        return None
    try:
        return date.fromisoformat(rest[:10])
    except ValueError:
        return None


def _seen(file: Path) -> Seen | None:
    try:
        stat = file.stat()
    except FileNotFoundError:
        return None
    return file.name, stat.st_mtime_ns, stat.st_size, stat.st_ino


def _load(path: Path) -> _Names | None:
    try:
        told = json.loads(path.read_bytes())
        if told["version"] != VERSION:
            return None
        return _Names(
            log=LogPosition(*map(int, told["log"])),
            newest=date.fromisoformat(told["newest"]) if told["newest"] else None,
            changes={date.fromisoformat(day): [(str(old), new) for old, new in some] for day, some in told["changes"].items()},
            lately={date.fromisoformat(day): _tuple(seen) for day, seen in told["lately"].items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _tuple(seen: Collection[Any] | None) -> Seen | None:
    if seen is None:
        return None
    name, at, size, inode = seen
    return str(name), int(at), int(size), int(inode)


def _store(path: Path, names: _Names) -> None:
    told = {
        "version": VERSION,
        "log": astuple(names.log),
        "newest": names.newest.isoformat() if names.newest else None,
        "changes": {day.isoformat(): some for day, some in sorted(names.changes.items())},
        "lately": {day.isoformat(): seen for day, seen in names.lately.items()},
    }
    content = json.dumps(told, separators=(",", ":")).encode()
    try:
        if path.read_bytes() == content:
            return
    except OSError:
        pass
    path.parent.mkdir(parents=True, exist_ok=True)
    replace_file(path, lambda file: file.write(content), fsync=False)
