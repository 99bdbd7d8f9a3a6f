"""A deployment of a backup: into an empty folder, or into the empty folders of the settings in use.

Every piece is compared with its name as it is read. A restoration that was interrupted is begun again by the same command: what is there already is compared, and stays.
The trade state comes last, halted (`trade_state_back`).
"""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ats_assets.backups.manifest import KeptFile, Manifest
from ats_assets.backups.pieces import PIECE_BYTES, Pieces, Reach
from ats_assets.backups.places import SETTINGS, TRADE_STATE, TRADE_STATE_FILE, Places
from ats_assets.backups.trade_state_back import restore_trade_state
from ats_assets.errors import BackupError, SettingsError
from ats_assets.settings import load_settings
from ats_assets.settings.inheriting import FOLDERS
from ats_assets.settings.toml_text import toml_text
from ats_assets.storage.atomic_file import FileGroup, replace_file

MARK = ".restoring"
"""The file that says of which backup a restoration has been begun; it goes when that is whole."""
STAYS = {"README.md", ".gitignore", ".gitkeep", "lost+found", MARK}
"""What an empty folder may have."""
TOGETHER = 128
BYTES_TOGETHER = 64 * 2**20
Tell = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Restored:
    """What was restored.

    Attributes
    ----------
    settings_file
        Of the deployment that has come back.
    files, size
        What was compared or written, with its bytes.
    passed_over
        Parts that have no place here.
    trade_state
        Whether there was one, which is halted now.
    """

    settings_file: Path
    files: int
    size: int
    passed_over: tuple[str, ...]
    trade_state: bool


@dataclass(frozen=True, kw_only=True)
class _Target:
    settings_file: Path
    parts: Mapping[str, Path]
    mark: Path
    with_settings: bool


def restore_backup(
    folder: Path,
    manifest: Manifest,
    trade_state_url: Callable[[Path], str],
    *,
    into: Path | None = None,
    places: Places | None = None,
    now: datetime | None = None,
    tell: Tell = lambda _: None,
    reach: Reach = lambda _done, _total: None,
) -> Restored:
    """Put a backup back.

    Parameters
    ----------
    folder
        Of the backups.
    trade_state_url
        The data folder -> where the trade state goes.
    into
        An empty folder, which becomes a deployment of its own; or
    places
        the empty folders of the settings in use, which stay as they are.
    tell
        Is told what is being done.
    reach
        Is told how many files of how many are back.

    Raises
    ------
    BackupError
        If something is there already, or a piece is missing or damaged.
    """
    target = _new_folder(into.expanduser().resolve(), manifest) if into is not None else _in_place(places)
    _require_empty(target, folder, manifest)
    pieces, files, size, passed_over = Pieces(folder), 0, 0, set[str]()
    writing = _Writing(pieces)
    for entry in manifest.entries.values():
        place = _place(target, entry)
        if place is None:
            passed_over.add(entry.part)
            continue
        writing.write(entry, place)
        files, size = files + 1, size + entry.size
        reach(files, len(manifest.entries))
    writing.finish()
    if target.with_settings:
        _point_settings(target)
    held = manifest.entries.get((TRADE_STATE, TRADE_STATE_FILE))
    if held is not None:
        tell("trade state")
        _restore_trade_state(pieces, held, trade_state_url(target.parts["data"]), manifest, now)
    target.mark.unlink(missing_ok=True)
    return Restored(
        settings_file=target.settings_file, files=files, size=size, passed_over=tuple(sorted(passed_over)), trade_state=held is not None
    )


def _new_folder(into: Path, manifest: Manifest) -> _Target:
    """Each part where it lay beside the settings file; one that lay elsewhere under its own name."""
    said: Mapping[str, Any] = manifest.facts["parts"]
    parts = {part: into / (part if Path(where).is_absolute() else where) for part, where in said.items()}
    return _Target(settings_file=into / manifest.facts["settings_file"], parts=parts, mark=into / MARK, with_settings=True)


def _in_place(places: Places | None) -> _Target:
    if places is None:
        raise BackupError("say where to restore to: a folder, or the folders of the settings in use")
    parts = {part: folder for part, folder in places.parts.items() if part not in {"features", "plugins"}}
    return _Target(settings_file=places.settings_file, parts=parts, mark=parts["data"] / MARK, with_settings=False)


def _require_empty(target: _Target, folder: Path, manifest: Manifest) -> None:
    """Begin, or go on with what was begun."""
    mine = f"{manifest.name} of {folder.resolve()}\n"
    if target.mark.is_file():
        begun = target.mark.read_text(encoding="utf-8")
        if begun != mine:
            raise BackupError(
                f"{target.mark.parent} holds a restoration that was not finished, of {begun.strip()}: finish that, or empty the folder"
            )
        return
    for place in [target.mark.parent] if target.with_settings else target.parts.values():
        held = next((path for path in place.iterdir() if path.name not in STAYS), None) if place.is_dir() else None
        if held is not None:
            raise BackupError(
                f"{place} is not empty (it has {held.name}): nothing that is there is overwritten. Name an empty folder with --into"
            )
    replace_file(target.mark, lambda file: file.write(mine.encode()))


def _place(target: _Target, entry: KeptFile) -> Path | None:
    if entry.part == SETTINGS:
        return target.settings_file.parent / entry.path if target.with_settings else None
    if entry.part == TRADE_STATE:
        return None
    folder = target.parts.get(entry.part)
    return None if folder is None else folder / entry.path


class _Writing:
    """Writes files many at once, each whole or not at all."""

    def __init__(self, pieces: Pieces) -> None:
        self._pieces = pieces
        self._group = FileGroup()
        self._bytes = 0

    def write(self, entry: KeptFile, place: Path) -> None:
        """Write a file, unless it is there with its content."""
        if place.is_file() and _holds(place, entry):
            return

        def content(file: Any) -> None:
            for piece in self._pieces.content(entry.pieces):
                file.write(piece)

        try:
            self._group.add(place, content)
        except BaseException:  # also where it is interrupted: no temporary file is left behind
            self._group.drop()
            raise
        self._bytes += entry.size
        if len(self._group) >= TOGETHER or self._bytes >= BYTES_TOGETHER:
            self.finish()

    def finish(self) -> None:
        """Put all in their places."""
        self._group.finish()
        self._bytes = 0


def _holds(place: Path, entry: KeptFile) -> bool:
    if place.stat().st_size != entry.size:
        return False
    with place.open("rb") as file:
        return all(hashlib.sha256(file.read(PIECE_BYTES)).hexdigest() == name for name in entry.pieces)


def _point_settings(target: _Target) -> None:
    """See to it that the settings name the folders that were restored: where they do not, a file that extends them does."""
    for folder in target.parts.values():
        folder.mkdir(parents=True, exist_ok=True)
    file = target.settings_file
    if not file.is_file():
        replace_file(file, lambda to: to.write(b"# The deployment that was backed up had no settings file: these are the defaults.\n"))
    if _names_them(target):
        return
    before = file.with_name(f"{file.stem}-as-backed-up{file.suffix}")
    if not before.is_file():
        content = file.read_bytes()
        replace_file(before, lambda to: to.write(content))
    values: dict[str, Any] = {"extends": before.name}
    for section, name in FOLDERS:
        part = section if name == "folder" else name
        if part not in target.parts:
            continue  # it is in an object store, as the settings say
        values.setdefault(section, {})[name] = str(target.parts[part].relative_to(file.parent))
    text = "# Written by `ats restore`: the folders of what was restored; all else is as it was backed up.\n" + toml_text(values)
    replace_file(file, lambda to: to.write(text.encode()))


def _names_them(target: _Target) -> bool:
    try:
        settings = load_settings(own_file=target.settings_file)
    except SettingsError:  # it names a folder that is not here
        return False
    named = {section if name == "folder" else name: getattr(getattr(settings, section), name) for section, name in FOLDERS}
    return all(named[part] == folder for part, folder in target.parts.items() if part in named)


def _restore_trade_state(pieces: Pieces, held: KeptFile, url: str, manifest: Manifest, now: datetime | None) -> None:
    with TemporaryDirectory(prefix="ats-restore-") as scratch:
        copy = Path(scratch) / TRADE_STATE_FILE
        with copy.open("wb") as file:
            for piece in pieces.content(held.pieces):
                file.write(piece)
        reason = (
            f"restored from the backup of {manifest.name}: orders may have been sent since, which these records do not know. "
            "Look at the account at the broker, then: ats orders resume"
        )
        restore_trade_state(copy, url, reason=reason, now=now)
