"""What belongs to a backup, and where it lies."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ats_assets.secrecy import SECRETS_FILE
from ats_assets.settings import Settings
from ats_assets.settings.inheriting import FOLDERS, written_settings

TRADE_STATE, SETTINGS, DAGSTER = "trade_state", "settings", "dagster"
TRADE_STATE_FILE = "trade_state.sqlite"
INSTANCE_FILES = ("dagster.yaml", "workspace.yaml", "workspace-crypto.yaml", "crypto.toml")
"""Files beside the settings file, or in Dagster's home, that are settings as well."""
MADE_AGAIN = frozenset({"alpaca_spool", "data_docs", "engines", "massive_flat_files", "source_files", "tick_files"})
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
    """

    settings_file: Path
    parts: Mapping[str, Path]
    home: Path

    def relative(self, part: str) -> str | None:
        """The folder of a part as seen from that of the settings file; None where it lies elsewhere."""
        folder, beside = self.parts[part], self.settings_file.parent
        return folder.relative_to(beside).as_posix() if folder.is_relative_to(beside) else None


def places_of(settings: Settings, settings_file: Path, home: Path) -> Places:
    """Where a deployment lies: what the settings say, and the instance of Dagster in `home`."""
    parts = {section if name == "folder" else name: getattr(getattr(settings, section), name) for section, name in FOLDERS}
    instance = _instance_folder(home)
    if instance is not None and not any(instance.is_relative_to(folder) for folder in parts.values()):
        parts[DAGSTER] = instance
    return Places(settings_file=settings_file.resolve(), parts=parts, home=home.resolve())


def files_of_part(part: str, folder: Path) -> Iterator[tuple[str, Path, Stamp]]:
    """The files of a part: path below its folder, file, stamp. What goes away meanwhile is not among them."""
    pending = [str(folder)]
    while pending:
        try:
            entries = sorted(os.scandir(pending.pop()), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        for entry in entries:
            top = Path(entry.path).parent == folder
            if _is_passed_over(part, entry.name, top=top) or (entry.is_symlink() and entry.is_dir()):
                continue
            if entry.is_dir():
                pending.append(entry.path)
                continue
            path = Path(entry.path)
            stamp = stamp_with_log(path)
            if stamp is not None:
                yield path.relative_to(folder).as_posix(), path, stamp


def settings_files(places: Places) -> dict[str, Path] | None:
    """The settings file with all that it extends, and the instance's settings: path as seen from the settings file's folder -> file.

    None where one that is extended lies elsewhere: then what they say together is stored as one file.
    """
    beside = places.settings_file.parent
    found = {*written_settings(places.settings_file).origins.values(), places.settings_file} if places.settings_file.is_file() else set()
    if not all(file.is_relative_to(beside) for file in found):
        return None
    return {file.relative_to(beside).as_posix(): file for file in sorted(found)} | instance_files(places)


def instance_files(places: Places) -> dict[str, Path]:
    """The settings of Dagster's instance, and of the second graph."""
    folders = (places.home, places.settings_file.parent)
    return {name: folder / name for name in INSTANCE_FILES for folder in folders if (folder / name).is_file()}


def stamp_with_log(path: Path) -> Stamp | None:
    """Size, time and inode of a file, and of a database's write-ahead log, to which changes go first; None if it is gone."""
    stamps = []
    for file in (path, path.with_name(f"{path.name}-wal")):
        try:
            found = file.stat()
        except OSError:
            if file is path:
                return None
            continue
        stamps.append(f"{found.st_size}.{found.st_mtime_ns}.{found.st_ino}")
    return "+".join(stamps)


def _is_passed_over(part: str, name: str, *, top: bool) -> bool:
    if name in {SECRETS_FILE, "__pycache__"} or name.endswith(PASSED_OVER) or _is_temporary(name):
        return True
    if part != "data" or not top:
        return False
    # the trade state is copied by itself; the index of lineage is made again of the footers
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
