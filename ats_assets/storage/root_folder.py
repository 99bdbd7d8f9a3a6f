"""The folder under which warehouse or models lie, and what is done to its files: replaced whole, removed, renamed.

`MirroredFolder` does the same where the root is in an object store: it has all names, and the bytes of those files that were asked for (`at_hand`).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, TypeVar

from ats_assets.storage.atomic_file import FileGroup, replace_file
from ats_assets.storage.told_file import ToldFile

Found = TypeVar("Found")


class RootFolder:
    """A folder of this machine.

    Parameters
    ----------
    root
        The folder; made at the first write.
    fsync
        Whether files are synced before they are renamed.

    Examples
    --------
    >>> import tempfile
    >>> folder = RootFolder(Path(tempfile.mkdtemp()))
    >>> folder.replace(folder.root / "a", lambda file: file.write(b"new"))
    >>> folder.at_hand([folder.root / "a"])
    0
    >>> (folder.root / "a").read_bytes()
    b'new'
    """

    def __init__(self, root: Path, *, fsync: bool = True) -> None:
        self.root = root
        self.fsync = fsync

    @property
    def place(self) -> str:
        """What it is called in messages."""
        return str(self.root)

    def group(self) -> FileGroup:
        """Files that are replaced together."""
        return FileGroup(fsync=self.fsync)

    def replace(self, path: Path, write: Callable[[BinaryIO], object]) -> None:
        """Replace one file through `write`, which is handed the open temporary file."""
        replace_file(path, write, fsync=self.fsync)

    def remove(self, *paths: Path) -> None:
        """Remove files; one that is not there is none."""
        for path in paths:
            path.unlink(missing_ok=True)

    def rename(self, names: Mapping[Path, Path]) -> None:
        """Give files other names."""
        for path, name in names.items():
            path.rename(name)

    def at_hand(self, paths: Iterable[Path]) -> int:  # noqa: ARG002 - a disk has them all
        """See to it that the bytes of files can be read here, and are what was stored; a file that is not there stays missing. Returns how many were fetched."""
        return 0

    def while_at_hand(self, paths: Sequence[Path], read: Callable[[], Found]) -> Found:
        """What `read` finds in files that are at hand."""
        self.at_hand(paths)
        return read()

    def read_bytes(self, path: Path) -> bytes:
        """The bytes of a file."""
        return self.while_at_hand([path], path.read_bytes)

    def told(self, paths: Iterable[Path]) -> Mapping[Path, ToldFile]:  # noqa: ARG002 - a disk has them all
        """What is known of those files whose bytes are not here."""
        return {}

    def look(self, *, now: bool = False) -> None:
        """See what others have written, if that was not seen lately, or in any case (`now`)."""
