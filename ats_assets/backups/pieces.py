"""Contents by their SHA-256: each is stored once, under its name, whichever backup needs it.

    <folder>/pieces/3f/3f2a…        at most 4 MiB

A file is cut into pieces of one size, so that of a large database only what has changed is stored again. A piece is written to a temporary file, synced and renamed:
it is whole, or not there. So a backup that was interrupted finds what it has stored, and goes on from there.
"""

import hashlib
import os
from collections.abc import Callable, Collection, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO, Final

from ats_assets.errors import BackupError
from ats_assets.storage.atomic_file import FileGroup

FOLDER = "pieces"
PIECE_BYTES: Final = 4 * 2**20
TOGETHER: Final = 128
"""Pieces that share one wait for the disk."""
Reach = Callable[[int, int], None]
"""Is told how many of how many are done."""


class Pieces:
    """The pieces of the backups in one folder.

    Parameters
    ----------
    folder
        Of the backups.

    Examples
    --------
    >>> import io, tempfile
    >>> pieces = Pieces(Path(tempfile.mkdtemp()))
    >>> names = pieces.put(io.BytesIO(b"bars"))
    >>> pieces.finish()
    >>> b"".join(pieces.content(names))
    b'bars'
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._group = FileGroup()
        self._waiting = set[str]()
        self.stored_bytes = 0
        """What was new, of all that was put."""

    def put(self, file: BinaryIO, size: int | None = None) -> list[str]:
        """Store what is left of a file, at most `size` bytes of it; returns the names of its pieces. On the disk after `finish`."""
        names: list[str] = []
        left = size
        while left is None or left > 0:
            piece = file.read(PIECE_BYTES if left is None else min(PIECE_BYTES, left))
            if not piece:
                break
            names.append(self._put_piece(piece))
            left = None if left is None else left - len(piece)
        return names

    def _put_piece(self, piece: bytes) -> str:
        name = hashlib.sha256(piece).hexdigest()
        path = self.path(name)
        if name not in self._waiting and not path.is_file():
            self.stored_bytes += len(piece)
            self._waiting.add(name)
            self._group.add(path, lambda file: file.write(piece))
            if len(self._waiting) >= TOGETHER:
                self.finish()
        return name

    def finish(self) -> None:
        """Bring all that was put to the disk."""
        self._group.finish()
        self._waiting.clear()

    def have(self, names: Collection[str]) -> bool:
        """Whether all pieces are there, whatever they hold."""
        return all(os.path.isfile(f"{self._folder}/{name[:2]}/{name}") for name in names)  # noqa: PTH113 - asked for each file of a deployment

    def content(self, names: Sequence[str]) -> Iterator[bytes]:
        """The content of a file, piece by piece, each compared with its name.

        Raises
        ------
        BackupError
            If a piece is missing or damaged.
        """
        for name in names:
            path = self.path(name)
            try:
                piece = path.read_bytes()
            except OSError as error:
                raise BackupError(f"{path} of the backup can't be read ({error.strerror}): take another backup, or another copy") from None
            if hashlib.sha256(piece).hexdigest() != name:
                raise BackupError(f"{path} of the backup is damaged: take another copy of the backups, or an earlier backup")
            yield piece

    def faults(self, names: Collection[str], reach: Reach = lambda _done, _total: None) -> list[Path]:
        """The pieces that are missing or damaged. What is damaged is taken out of the way, so that the next backup stores it again."""
        found = []
        for number, name in enumerate(sorted(names)):
            reach(number, len(names))
            try:
                for _ in self.content([name]):
                    pass
            except BackupError:
                path = self.path(name)
                found.append(path)
                if path.is_file():
                    path.replace(path.with_name(f"{name}.damaged"))
        return found

    def drop_all_but(self, names: Collection[str]) -> int:
        """Remove the pieces that no backup needs any more; returns the bytes that this frees."""
        kept, freed = set(names), 0
        for path in sorted(self._folder.glob("??/*")):
            if path.name not in kept:
                freed += path.stat().st_size
                path.unlink()
        return freed

    def path(self, name: str) -> Path:
        """Where a piece lies."""
        return self._folder / name[:2] / name
