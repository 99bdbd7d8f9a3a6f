"""What a backup consists of: one file, which holds its own SHA-256 and is written last. A backup without it is none.

<folder>/2026-11-30T021500Z.json.gz
"""

import gzip
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ats_assets.errors import BackupError
from ats_assets.storage.atomic_file import replace_file
from ats_assets.storage.sealed_file import BLANK, is_intact, seal

FORM = 1
"""Of a manifest: raised by one with each change that an older program can't read."""
ENDING = ".json.gz"
_NAME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{6}Z")


@dataclass(frozen=True, kw_only=True)
class KeptFile:
    """A file of a backup.

    Attributes
    ----------
    part
        What it belongs to, such as `warehouse`.
    path
        Below the part's folder, with slashes.
    stamp
        Size, time and inode of the file that was read: where they are the same, it is not read again.
    size
        In bytes, of what is stored.
    pieces
        The names of its pieces, in order.
    """

    part: str
    path: str
    stamp: str
    size: int
    pieces: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """A backup.

    Attributes
    ----------
    name
        The time at which it was made, in UTC.
    facts
        What is known of the deployment: `program`, `settings_file`, `parts` (part -> folder, relative to that of the settings file where it lies in it),
        `schema` of the trade state, `settled`, `left_out`.
    entries
        By part and path.
    """

    name: str
    facts: dict[str, Any]
    entries: dict[tuple[str, str], KeptFile] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(entry.size for entry in self.entries.values())

    @property
    def pieces(self) -> set[str]:
        """The names of all pieces."""
        return {name for entry in self.entries.values() for name in entry.pieces}

    def write(self, folder: Path) -> Path:
        """Make the backup one."""
        rows = [[e.part, e.path, e.stamp, e.size, list(e.pieces)] for _, e in sorted(self.entries.items())]
        whole = {"form": FORM, "name": self.name, "facts": self.facts, "entries": rows, "file_sha256": BLANK}
        content, _ = seal(json.dumps(whole, ensure_ascii=False).encode())
        path = folder / f"{self.name}{ENDING}"
        replace_file(path, lambda file: file.write(gzip.compress(content, 6, mtime=0)))
        return path


def read_manifest(path: Path) -> Manifest:
    """Read a backup's manifest.

    Raises
    ------
    BackupError
        If it is damaged, or of a newer program.
    """
    try:
        content = gzip.decompress(path.read_bytes())
        whole = json.loads(content)
    except (OSError, EOFError, ValueError) as error:
        raise BackupError(f"{path} is no backup that can be read ({error}): take another one, or another copy of the folder") from None
    if not is_intact(content):
        raise BackupError(f"{path} is damaged: take another backup of the folder, or another copy of it")
    if whole["form"] > FORM:
        raise BackupError(f"{path} was written by a newer program: restore it by that one, or a newer one than this")
    entries = [
        KeptFile(part=part, path=name, stamp=stamp, size=size, pieces=tuple(names)) for part, name, stamp, size, names in whole["entries"]
    ]
    places = [*(entry.path for entry in entries), *(where for where in whole["facts"]["parts"].values() if not where.startswith("/"))]
    outside = next((one for one in places if one.startswith("/") or ".." in one.split("/")), None)
    if outside is not None:  # it would be written there
        raise BackupError(
            f"{path} names {outside}, which lies outside of a deployment: somebody has changed it, take another copy of the folder"
        )
    return Manifest(name=whole["name"], facts=whole["facts"], entries={(entry.part, entry.path): entry for entry in entries})


def manifest_files(folder: Path) -> list[Path]:
    """The manifests in a folder of backups, the oldest first."""
    return sorted(path for path in folder.glob(f"*{ENDING}") if _NAME.fullmatch(path.name.removesuffix(ENDING)))


def backups_in(folder: Path) -> Iterator[Manifest]:
    """The backups in a folder, the newest first.

    Raises
    ------
    BackupError
        If there is no such folder, or one of them can't be read.
    """
    if not folder.is_dir():
        raise BackupError(f"{folder} is no folder: name one that `ats backup` has written to")
    for path in reversed(manifest_files(folder)):
        yield read_manifest(path)


def new_name(folder: Path, now: datetime) -> str:
    """The name of a backup that is begun now: later than all others in the folder."""
    name = f"{now.astimezone(UTC):%Y-%m-%dT%H%M%SZ}"
    newest = max((path.name.removesuffix(ENDING) for path in manifest_files(folder)), default="")
    if name <= newest:
        raise BackupError(f"{folder} has the backup {newest}, and the clock says {name}: wait a second, or correct the clock")
    return name
