"""Parquet files with footers under one root: written atomically, many with one wait for the disk, and checked before they are read."""

import contextlib
import io
import itertools
import json
import os
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import polars as pl

from ats_assets.errors import CorruptPartitionError
from ats_assets.storage.atomic_file import FileGroup
from ats_assets.storage.data_version import data_version
from ats_assets.storage.footer import FOOTER_KEY, Footer, Written
from ats_assets.storage.root_folder import RootFolder
from ats_assets.storage.sealed_file import is_intact, is_sealed, seal
from ats_assets.storage.work_ahead import worked_ahead
from ats_assets.storage.write_log import WriteLog

DAMAGE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
"""What Polars raises on a file that is not what it was when it was written."""
TOGETHER = 256
"""Files that share one wait for the disk: more save little, and a killed run loses what waits."""
FILES_AT_ONCE, CELLS_AT_ONCE = 16, 65_536
"""What one thread encodes at a time: so many files, or values in them."""
FOOTERS_KEPT = 16_384
"""Footers that are kept in memory: one names all that its partition was made of, which are some hundred hashes."""

Stamp = tuple[int, int, int]
"""Time, size and inode of a file: another one is another version of it."""


@dataclass(frozen=True)
class Encoded:
    """The bytes of a file, the footer in them, and how many rows they hold."""

    content: bytes
    footer: Footer
    rows: int


@dataclass
class _Waiting:
    """Files that are written and not yet in their place: what each is, and the folders in which they will be."""

    files: FileGroup
    written: dict[Path, tuple[Stamp, Footer]] = field(default_factory=dict)
    folders: set[Path] = field(default_factory=set)


class FootedFiles:
    """Files that say of themselves what they are, and whether they are intact.

    Parameters
    ----------
    root
        The folder; made at the first write.
    compression_level
        Of zstd.
    fsync
        Sync each file before it is renamed; without it a lost power supply may cost the newest files (a killed process can't).
    root_folder
        What does things to files under the root; default: that of this machine's disk.
    """

    def __init__(self, root: Path, *, compression_level: int = 1, fsync: bool = True, root_folder: RootFolder | None = None) -> None:
        self.root = root
        self.root_folder = root_folder or RootFolder(root, fsync=fsync)
        self.log = WriteLog(root)
        self._compression_level = compression_level
        self._open = threading.local()
        self._footers: dict[Path, tuple[Stamp, Footer]] = {}
        self._keeping = threading.Lock()
        self._intact: dict[Path, Stamp] = {}

    @contextlib.contextmanager
    def together(self) -> Iterator["_Waiting"]:
        """While open, what this thread writes waits in temporary files and is put in its place at the end, or when it is asked for: the disk is waited for once.

        After an exception what still waits is dropped. At most `TOGETHER` files wait.
        """
        if (outer := self._waiting) is not None:
            yield outer
            return
        self._open.waiting = waiting = _Waiting(self.root_folder.group())
        try:
            yield waiting
            self._settle(waiting)
        finally:
            self._open.waiting = None
            waiting.files.drop()

    @property
    def _waiting(self) -> "_Waiting | None":
        return getattr(self._open, "waiting", None)

    def put_in_place(self, folder: Path) -> None:
        """Put what waits in its place if some of it waits in a folder that is asked for."""
        if (waiting := self._waiting) is not None and folder in waiting.folders:
            self._settle(waiting)

    def _settle(self, waiting: "_Waiting") -> None:
        """Put what waits in its place."""
        self.log.announce(*waiting.files.paths)
        waiting.files.finish()
        for path, (stamp, footer) in waiting.written.items():
            self._keep(path, stamp, footer)
            self._intact[path] = stamp
        waiting.written.clear()
        waiting.folders.clear()

    def store(self, path: Path, frame: pl.DataFrame, footer: Footer) -> Written:
        """Write a frame with its footer, replacing what was there."""
        [encoded] = self.encoded([frame], [footer])
        return self.put(path, encoded)

    def store_each(self, files: Iterable[tuple[Path, pl.DataFrame, Footer]]) -> Iterator[Written]:
        """Write many frames, to the bytes of `store`: they are hashed and encoded by several threads, a few ahead of what is written.

        Parameters
        ----------
        files
            Where to, the rows, and the footer; a data version that it does not name is found from the rows.
        """

        def made(some: list[tuple[Path, pl.DataFrame, Footer]]) -> list[tuple[Path, Encoded]]:
            frames = [frame for _, frame, _ in some]
            footers = [footer if footer.data_version else replace(footer, data_version=data_version(frame)) for _, frame, footer in some]
            return list(zip((path for path, _, _ in some), self.encoded(frames, footers), strict=True))

        with self.together(), closing(worked_ahead(made, _in_batches(files))) as each:
            for path, encoded in itertools.chain.from_iterable(each):
                yield self.put(path, encoded)

    def encoded(self, frames: Sequence[pl.DataFrame], footers: Sequence[Footer]) -> list[Encoded]:
        """The bytes of frames with their footers, sealed: those that each has alone, by one query of Polars, which takes longer to begin than a small frame to encode."""
        buffers = [io.BytesIO() for _ in frames]
        how = partial(pl.LazyFrame.sink_parquet, compression="zstd", compression_level=self._compression_level, lazy=True)
        files = zip(frames, buffers, footers, strict=True)
        pl.collect_all(
            [how(frame.lazy(), buffer, metadata={FOOTER_KEY: footer.encoded()}) for frame, buffer, footer in files], engine="streaming"
        )
        sealed = [seal(buffer.getvalue()) for buffer in buffers]
        return [
            Encoded(content, replace(footer, file_sha256=file_sha256), frame.height)
            for (content, file_sha256), footer, frame in zip(sealed, footers, frames, strict=True)
        ]

    def put(self, path: Path, encoded: "Encoded") -> Written:
        """Write bytes, or let them wait with others (`together`)."""
        with self.together() as waiting:
            stat = waiting.files.add(path, lambda file: file.write(encoded.content))
            waiting.written[path] = (_stamp(stat), encoded.footer)
            waiting.folders.add(path.parent)
            if len(waiting.files) >= TOGETHER:
                self._settle(waiting)
        return Written(path=path, footer=encoded.footer, rows=encoded.rows, bytes=stat.st_size)

    def check(self, path: Path, make: str) -> None:
        """Raise CorruptPartitionError if something is wrong with a file's bytes; `make` is the command that makes it."""
        if fault := self.fault(path):
            raise CorruptPartitionError(f"{path} is damaged ({fault}): delete it, then {make}; or ats stale --heal")

    def fault(self, path: Path, *, again: bool = False) -> str | None:
        """What is wrong with a file's bytes, or None.

        Parameters
        ----------
        again
            Look at a file that was found intact, or that this process has written, once more: a disk can change bytes without changing the time.
        """
        return self.root_folder.while_at_hand([path], lambda: self._fault_in(path, again=again))

    def _fault_in(self, path: Path, *, again: bool) -> str | None:
        stamp = _stamp(path.stat())
        if not again and self._intact.get(path) == stamp:
            return None
        content = path.read_bytes()
        if is_sealed(content):
            fault = None if is_intact(content) else "its SHA-256 is not the one in its footer"
        else:
            fault = self._fault_of_content(path)
        if fault is None:
            self._intact[path] = stamp
        return fault

    def _fault_of_content(self, path: Path) -> str | None:
        """Of a file without a hash of itself, as earlier versions wrote them: whether its rows are those that its footer names."""
        try:
            same = data_version(pl.read_parquet(path, hive_partitioning=False)) == self.footer_of(path).data_version
        except (*DAMAGE, CorruptPartitionError) as error:
            return str(error)
        return None if same else "its rows are not those that its footer names"

    def footer_of(self, path: Path) -> Footer:
        """The footer of a file; kept in memory until the file changes, or many others were read."""
        stamp = _stamp(path.stat())
        kept = self._footers.get(path)
        if kept and kept[0] == stamp:
            return kept[1]
        return self.root_folder.while_at_hand([path], lambda: self._read_footer(path))

    def _read_footer(self, path: Path) -> Footer:
        stamp = _stamp(path.stat())
        try:
            footer = Footer(**json.loads(pl.read_parquet_metadata(path)[FOOTER_KEY]))
        except (*DAMAGE, KeyError, ValueError, TypeError) as error:
            raise CorruptPartitionError(
                f"{path} is damaged or was not written by this system ({error}): delete it and make it again"
            ) from error
        self._keep(path, stamp, footer)
        return footer

    def _keep(self, path: Path, stamp: Stamp, footer: Footer) -> None:
        """Remember a footer, and forget the one that was kept first where there are too many."""
        with self._keeping:
            self._footers[path] = (stamp, footer)
            if len(self._footers) > FOOTERS_KEPT:
                del self._footers[next(iter(self._footers))]


def _in_batches(files: Iterable[tuple[Path, pl.DataFrame, Footer]]) -> Iterator[list[tuple[Path, pl.DataFrame, Footer]]]:
    """Files that one thread encodes at a time: to hand over each small one takes longer than to encode it, and large ones would take memory."""
    batch, cells = list[tuple[Path, pl.DataFrame, Footer]](), 0
    for file in files:
        batch.append(file)
        cells += file[1].height * file[1].width
        if len(batch) >= FILES_AT_ONCE or cells >= CELLS_AT_ONCE:
            yield batch
            batch, cells = [], 0
    if batch:
        yield batch


def _stamp(stat: os.stat_result) -> Stamp:
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
