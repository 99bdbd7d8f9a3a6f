"""What belongs to a backup, and where it lies."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ats_assets.secrecy import SECRETS_FILE
from ats_assets.settings import Settings
from ats_assets.settings.inheriting import FOLDERS, naming_files, written_settings

TRADE_STATE, SETTINGS, DAGSTER = "trade_state", "settings", "dagster"
TRADE_STATE_FILE = "trade_state.sqlite"
INSTANCE_FILES = ("dagster.yaml", "workspace.yaml", "workspace-crypto.yaml", "crypto.toml")
"""Files beside the settings file, or in Dagster's home, that are settings as well."""
MADE_AGAIN = frozenset({"alpaca_spool", "data_docs", "engines", "massive_flat_files", "objects", "source_files", "tick_files"})
"""Folders in the data folder that hold what can be made or fetched again."""
PASSED_OVER = ("-wal", "-shm", "-journal", ".lock")
"""Ends of the names of files that belong to an open database, or are locks."""
Stamp = str


@dataclass(frozen=True, kw_only=True)
class Places:
    """The folders of a deployment.

    Attributes
    ----------
    settings_file
        The settings file.
    parts
        Part -> its folder: `warehouse`, `models`, `data`, `features`, `plugins`, and `dagster` where the instance's files lie elsewhere.
    home
        The folder of the settings of Dagster's instance.
    elsewhere
        Part -> URL of those that lie in an object store: they are in no backup, since the store keeps copies and former versions itself.
    """

    settings_file: Path
    parts: Mapping[str, Path]
    home: Path
    elsewhere: Mapping[str, str] = field(default_factory=dict)

    def relative(self, part: str) -> str | None:
        """The folder of a part as seen from that of the settings file; None where it lies elsewhere."""
        folder, beside = self.parts[part], self.settings_file.parent
        return folder.relative_to(beside).as_posix() if folder.is_relative_to(beside) else None


def places_of(settings: Settings, settings_file: Path, home: Path) -> Places:
    """Where a deployment lies: what the settings say, and the instance of Dagster in `home`."""
    named = {section if name == "folder" else name: getattr(getattr(settings, section), name) for section, name in FOLDERS}
    parts = {part: folder for part, folder in named.items() if isinstance(folder, Path)}
    instance = _instance_folder(home)
    if instance is not None and not any(instance.is_relative_to(folder) for folder in parts.values()):
        parts[DAGSTER] = instance
    elsewhere = {part: str(url) for part, url in named.items() if url is not None and part not in parts}
    return Places(settings_file=settings_file.resolve(), parts=parts, home=home.resolve(), elsewhere=elsewhere)


def files_of_part(part: str, folder: Path) -> Iterator[tuple[str, str, Stamp]]:
    """The files of a part: path below its folder, path, stamp. What goes away meanwhile is not among them."""
    pending = [""]
    while pending:
        below = pending.pop()
        try:
            with os.scandir(f"{folder}/{below}") as found:
                entries = {entry.name: entry for entry in found}
        except (FileNotFoundError, NotADirectoryError):
            continue
        for name, entry in sorted(entries.items()):
            if _is_passed_over(part, name, top=not below):
                continue
            if entry.is_dir():
                if not entry.is_symlink():
                    pending.append(f"{below}{name}/")
                continue
            log = entries.get(f"{name}-wal")  # of a database: changes go there first
            try:
                stamp = _stamp(entry) if log is None else f"{_stamp(entry)}+{_stamp(log)}"
            except FileNotFoundError:
                continue
            yield f"{below}{name}", entry.path, stamp


def settings_files(places: Places) -> dict[str, Path] | None:
    """The settings file with all that it extends, and the instance's settings: path as seen from the settings file's folder -> file.

    None where one that is extended lies elsewhere: then what they say together is stored as one file.
    """
    beside = places.settings_file.parent
    found = {*written_settings(places.settings_file).origins.values(), places.settings_file} if places.settings_file.is_file() else set()
    if not all(file.is_relative_to(beside) for file in found):
        return None
    return {file.relative_to(beside).as_posix(): file for file in sorted(found)} | instance_files(places) | named_files(places)


def named_files(places: Places) -> dict[str, Path]:
    """The files beside the settings file whose content is part of the settings: without them those can't be read."""
    beside = places.settings_file.parent
    named = [Path(table[name]) for table, name in naming_files(written_settings(places.settings_file).values)]
    return {file.relative_to(beside).as_posix(): file for file in named if file.is_relative_to(beside) and file.is_file()}


def instance_files(places: Places) -> dict[str, Path]:
    """The settings of Dagster's instance, and of the second graph."""
    folders = (places.home, places.settings_file.parent)
    return {name: folder / name for name in INSTANCE_FILES for folder in folders if (folder / name).is_file()}


def _stamp(entry: os.DirEntry[str]) -> Stamp:
    """Size, time and inode of a file."""
    found = entry.stat()
    return f"{found.st_size}.{found.st_mtime_ns}.{found.st_ino}"


def _is_passed_over(part: str, name: str, *, top: bool) -> bool:
    if name in {SECRETS_FILE, "__pycache__"} or name.endswith(PASSED_OVER) or _is_temporary(name):
        return True
    if part != "data" or not top:
        return False
    # the trade state is copied by itself; the index of lineage is rebuilt from the footers
    return name in MADE_AGAIN or name == TRADE_STATE_FILE or name.startswith("lineage-")


def _is_temporary(name: str) -> bool:
    """Whether a file is `.<name>.<process id>-<thread>-…`, which is about to be renamed."""
    head, dash, _ = name.rpartition(".")[2].partition("-")
    return name.startswith(".") and bool(dash) and head.isdigit()


def _instance_folder(home: Path) -> Path | None:
    """Where an instance keeps its files; None where they are in a database elsewhere."""
    file = home / "dagster.yaml"
    if not file.is_file():
        return None
    import yaml  # noqa: PLC0415 - Dagster's

    said: Any = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    storage = said.get("storage", {}) if isinstance(said, dict) else {}
    kinds = storage.values() if isinstance(storage, dict) else ()
    for kind in kinds:
        where = kind.get("base_dir") or kind.get("config", {}).get("base_dir") if isinstance(kind, dict) else None
        if isinstance(where, str):
            return (home / where).resolve()
    return None
