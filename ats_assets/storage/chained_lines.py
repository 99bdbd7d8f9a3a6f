"""An append-only file of JSON lines, each of which holds its own SHA-256 and that of the line before it: one that was changed or taken out is found.

Lines are added under a lock, by any number of processes; a line that a crash tore was never there, and is cut off by the next.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from filelock import FileLock

from ats_assets.errors import SettingsError

NO_LINE = "0" * 64
"""What stands before the first line."""


class ChainedLines:
    """The lines of one file.

    Parameters
    ----------
    path
        Its folder is made at the first line.
    what
        What the file is called in messages, such as "the ledger of trials".
    fsync
        Wait for the disk; without it a lost power supply may cost the newest lines.

    Examples
    --------
    >>> import tempfile
    >>> lines = ChainedLines(Path(tempfile.mkdtemp()) / "notes.jsonl", "the notes")
    >>> with lines.writing():
    ...     lines.append({"note": "one"})
    >>> [line["note"] for line in lines.sound()], lines.fault()
    (['one'], None)
    """

    def __init__(self, path: Path, what: str, *, fsync: bool = True) -> None:
        self.path = path
        self._what = what
        self._fsync = fsync

    @contextlib.contextmanager
    def writing(self) -> Iterator[None]:
        """Alone among all processes and threads.

        Raises
        ------
        SettingsError
            If the folder can't be written.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(f"{self.path}.lock"):
                yield
        except OSError as error:
            raise SettingsError(
                f"can't write {self._what} in {self.path.parent} ({error.strerror or error}): check storage.data, its rights and the free disk space"
            ) from error

    def sound(self) -> list[dict[str, Any]]:
        """The lines that are what was written."""
        return _sound(self._content())[0]

    def append(self, values: Mapping[str, Any]) -> None:
        """Add a line, while `writing`."""
        lines = self.sound()
        before = lines[-1]["sha256"] if lines else NO_LINE
        line = json.loads(json.dumps(dict(values) | {"previous": before}, default=str))  # as it will be read
        line["sha256"] = _sha256(line)
        is_new = not self.path.is_file()
        with self.path.open("ab+") as file:
            file.truncate(self._content().rfind(b"\n") + 1)  # what a crash tore off
            file.write(json.dumps(line, sort_keys=True).encode() + b"\n")
            file.flush()
            if self._fsync:
                os.fsync(file.fileno())
        if is_new and self._fsync:
            handle = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def fault(self, lost: str = "lines are missing") -> str | None:
        """What is wrong with the file, or None: a line that was changed or taken out. A line torn by a crash is none.

        Parameters
        ----------
        lost
            What that means.
        """
        lines, damaged = _sound(self._content())
        if damaged is not None:
            may = lost.replace(" are ", " may be ")
            return f"line {damaged} of {self.path} is damaged, so that {may}: take the file from a backup"
        before = NO_LINE
        for number, line in enumerate(lines, start=1):
            if line["previous"] != before:
                return f"a line before line {number} of {self.path} was taken out or changed, so that {lost}: take the file from a backup"
            before = line["sha256"]
        return None

    def _content(self) -> bytes:
        return self.path.read_bytes() if self.path.is_file() else b""


def _sha256(line: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps({key: value for key, value in line.items() if key != "sha256"}, sort_keys=True).encode()).hexdigest()


def _sound(content: bytes) -> tuple[list[dict[str, Any]], int | None]:
    """The lines that are what was written, and the number of the first that is not."""
    lines: list[dict[str, Any]] = []
    damaged: int | None = None
    for number, text in enumerate(content[: content.rfind(b"\n") + 1].splitlines(), start=1):
        try:
            line = json.loads(text)
            sound = line["sha256"] == _sha256(line)
        except (ValueError, KeyError, TypeError):
            sound, line = False, {}
        if sound:
            lines.append(line)
        elif damaged is None:
            damaged = number
    return lines, damaged
