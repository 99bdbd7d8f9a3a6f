"""The Parquet warehouse: one file an asset and session, written atomically, with its lineage in the footer.

    <root>/<asset>/session=YYYY-MM-DD/data.parquet            an asset's partition
    <root>/<asset>/session=YYYY-MM-DD/known=<UTC>.parquet     a vintage: of a delivery, which is never overwritten, or of what is made of it row by row

The layout is hive's, so DuckDB, Polars and Spark read it as it is. A write goes to a temporary file in the same folder, is synced and renamed: a
reader sees the old file or the new one. Many files that are written together share the wait for the disk (`Warehouse.together`). The data version of a partition is a SHA-256 of its content (schema and rows in order), independent of
Parquet's encoding and of the footer. The footer (key `ats`) names the asset, session, data version, code version, settings version and
the data versions of every partition that was read; and it holds the SHA-256 of the file itself (`sealed_file`), which is checked once for each version of a
file that a process reads, unless that process wrote it.

No reader opens a partition that it was not asked for by session, so a caller that is handed the sessions up to D can't see beyond D.
All knowledge of paths is here (and, for models, in the model store, whose root is a sibling).
"""

import contextlib
import hashlib
import io
import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

from ats_assets.errors import CorruptPartitionError, MissingPartitionError
from ats_assets.storage.atomic_file import FileGroup, replace_file
from ats_assets.storage.knowledge import FOREVER, Knowledge, known_vintage, stamp_of, time_of
from ats_assets.storage.sealed_file import BLANK, is_intact, is_sealed, seal
from ats_assets.storage.session_folders import SessionFolders
from ats_assets.storage.work_ahead import worked_ahead
from ats_assets.storage.write_log import WriteLog

FOOTER_KEY = "ats"
DATA_FILE = "data.parquet"
TEXT_FOOTER = ".footer"
"""Ending of the file beside a text that says what a footer says."""
DELIVERED = ("raw_bars", "raw_corporate_actions")
"""The assets that are what a source delivered: all others are made from them. `raw_bars` says where history starts."""
MADE_TOGETHER = ("bars,rejected_bars", "corporate_actions,rejected_corporate_actions")
VINTAGES_OF = {name: raw for raw, together in zip(DELIVERED, MADE_TOGETHER, strict=True) for name in together.split(",")}
"""What is made of a delivery row by row -> the delivery: it has a vintage for each of the delivery's, known from the same time."""
RESTATEMENTS = "restatements"
"""The folder of what was compared of restatements, and the name under which a report's footer has what it tells of them."""
DAMAGE = (pl.exceptions.PolarsError, pl.exceptions.PanicException, OSError)
"""What Polars raises on a file that is not what it was when it was written."""
TOGETHER = 256
"""Files that share one wait for the disk: more save little, and a killed run loses what waits."""
FLOATS = frozenset({pl.Float32(), pl.Float64()})
KNOWN, ENDING = "known=", ".parquet"
REFUSED = "refused="
"""In the place of `KNOWN`, of what was made of a vintage that nobody is to read (`bars.refusal`)."""

Stamp = tuple[int, int, int]
"""Time, size and inode of a file: another one is another version of it."""
Upstream = Mapping[str, Mapping[str, str]]
"""Asset -> session (ISO) -> data version."""


@dataclass(frozen=True, kw_only=True)
class Footer:
    """What a file says of itself; `file_sha256` is blank until it is written."""

    asset: str
    session: str
    data_version: str
    code_version: str
    settings_version: str
    upstream: Upstream = field(default_factory=dict)
    file_sha256: str = BLANK

    def encoded(self) -> str:
        """The footer as JSON with sorted keys, so that equal footers are equal bytes."""
        return json.dumps(vars(self), sort_keys=True, separators=(",", ":"))


@dataclass(frozen=True, kw_only=True)
class Written:
    """The outcome of a write."""

    path: Path
    footer: Footer
    rows: int
    bytes: int


@dataclass(frozen=True)
class _Encoded:
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


def data_version(frame: pl.DataFrame) -> str:
    """SHA-256 (hex) of a frame's content: names, types, and values in order; NaN is one value, null another.

    Parameters
    ----------
    frame
        Columns of booleans, numbers, dates, strings or lists of them.
    """
    digest = hashlib.sha256(f"{frame.height}".encode())
    for column, dtype in zip(frame.iter_columns(), frame.dtypes, strict=True):
        digest.update(f"|{column.name}:{_name(dtype)}|".encode())
        _digest_values(digest, column, dtype)
    return digest.hexdigest()


@lru_cache(maxsize=256)
def _name(dtype: pl.DataType) -> str:
    return str(dtype)


def _digest_values(digest: "hashlib._Hash", column: pl.Series, dtype: pl.DataType) -> None:
    if column.null_count():
        digest.update(np.packbits(column.is_null().to_numpy()).tobytes())
        column = column.drop_nulls()
    if dtype in FLOATS or dtype.is_float():
        values = column.to_numpy()
        nan = np.isnan(values)
        digest.update(np.where(nan, values.dtype.type(np.nan), values).tobytes() if nan.any() else values.tobytes())
    elif isinstance(dtype, pl.List):
        digest.update(column.list.len().to_numpy().tobytes())
        inner = column.explode(empty_as_null=False, keep_nulls=False)
        _digest_values(digest, inner, inner.dtype)
    elif dtype == pl.String:
        digest.update(column.str.len_bytes().to_numpy().tobytes())
        digest.update("".join(column.to_list()).encode())
    else:
        digest.update(column.to_physical().cast(pl.Int64).to_numpy().tobytes())


class Warehouse:
    """Partitions of assets under one root folder.

    Parameters
    ----------
    root
        The folder; made at the first write.
    compression_level
        Of zstd.
    fsync
        Sync each file before it is renamed; without it a lost power supply may cost the newest files (a killed process can't).
    knowledge
        Which vintage is read of an asset in `VINTAGES_OF` where the caller does not say: that which the session's own partition knows. Without it, the newest.
    """

    def __init__(self, root: Path, *, compression_level: int = 1, fsync: bool = True, knowledge: Knowledge | None = None) -> None:
        self.root = root
        self._knowledge = knowledge
        self._compression_level = compression_level
        self._fsync = fsync
        self.log = WriteLog(root)
        self._open = threading.local()
        self._footers: dict[Path, tuple[Stamp, Footer]] = {}
        self._intact: dict[Path, Stamp] = {}
        self._sessions = SessionFolders(_holds_partition)

    def folder(self, asset: str, session: date) -> Path:
        """The folder of a partition."""
        return self.root / asset / f"session={session.isoformat()}"

    def path(self, asset: str, session: date, *, until: str | None = None) -> Path:
        """The file of a partition. Of a delivery the newest vintage; of what is made of it the one that the session's own partition knows.

        Parameters
        ----------
        until
            The stamp up to which the reader knows (see `knowledge`), where it is another partition than the session's own.
        """
        folder = self.folder(asset, session)
        self._put_in_place(folder)
        if asset not in VINTAGES_OF:
            plain = folder / DATA_FILE
            if plain.is_file():
                return plain
        stamps = self.stamps(asset, session)
        if not stamps:
            return folder / DATA_FILE
        if until is None:
            of_session = asset in VINTAGES_OF and len(stamps) > 1 and self._knowledge is not None
            until = self._knowledge.until(session) if of_session and self._knowledge else FOREVER
        return self.vintage(asset, session, known_vintage(stamps, until))

    def vintage(self, asset: str, session: date, stamp: str, *, refused: bool = False) -> Path:
        """The file of one vintage."""
        return self.folder(asset, session) / f"{REFUSED if refused else KNOWN}{stamp}{ENDING}"

    def stamps(self, asset: str, session: date, *, prefix: str = KNOWN) -> list[str]:
        """The times from which the vintages of a partition were known, as their names have them, ascending; without those that are refused, or with that prefix these alone."""
        self._put_in_place(self.folder(asset, session))
        try:
            names = os.listdir(f"{self.root}/{asset}/session={session.isoformat()}")  # noqa: PTH208 - asked for each session of each window
        except (FileNotFoundError, NotADirectoryError):
            return []
        return sorted(name[len(prefix) : -len(ENDING)] for name in names if name.startswith(prefix) and name.endswith(ENDING))

    def made_vintages(self, asset: str, session: date) -> dict[str, Path]:
        """What was made of the vintages of a delivery, by the times from which they were known; with what is refused."""
        made = {stamp: self.vintage(asset, session, stamp, refused=True) for stamp in self.stamps(asset, session, prefix=REFUSED)}
        return made | {stamp: self.vintage(asset, session, stamp) for stamp in self.stamps(asset, session)}

    def exists(self, asset: str, session: date) -> bool:
        """Whether the partition is stored."""
        stored = self.path(asset, session).is_file()
        if not stored:
            self._sessions.forget(self.root / asset, session)
        return stored

    def sessions(self, asset: str) -> list[date]:
        """The sessions whose partition is stored, ascending."""
        return self._sessions.sessions(self.root / asset)

    def assets(self) -> list[str]:
        """The assets that have a folder."""
        return sorted(folder.name for folder in self.root.iterdir() if folder.is_dir()) if self.root.is_dir() else []

    def write(
        self,
        asset: str,
        session: date,
        frame: pl.DataFrame,
        *,
        code_version: str = "",
        settings_version: str = "",
        upstream: Upstream | None = None,
    ) -> Written:
        """Store a partition, replacing what was there.

        Raises
        ------
        SettingsError
            If the folder can't be written.
        """
        made = self.write_each(asset, [(session, frame, upstream or {})], code_version=code_version, settings_version=settings_version)
        return made[session]

    def write_each(
        self,
        asset: str,
        partitions: Iterable[tuple[date, pl.DataFrame, Upstream]],
        *,
        code_version: str = "",
        settings_version: str = "",
    ) -> dict[date, Written]:
        """Store many partitions of an asset together: rows and upstream of each session. They are hashed and encoded by several threads, to the bytes of `write`.

        Raises
        ------
        SettingsError
            If a folder can't be written.
        """

        def made(partition: tuple[date, pl.DataFrame, Upstream]) -> tuple[date, _Encoded]:
            session, frame, upstream = partition
            footer = Footer(
                asset=asset,
                session=session.isoformat(),
                data_version=data_version(frame),
                code_version=code_version,
                settings_version=settings_version,
                upstream=upstream,
            )
            return session, self._encoded(frame, footer)

        with self.together():
            return {
                session: self._put(self.folder(asset, session) / DATA_FILE, encoded) for session, encoded in worked_ahead(made, partitions)
            }

    def write_delivery(
        self,
        asset: str,
        session: date,
        parts: Sequence[tuple[datetime, pl.DataFrame]],
        *,
        code_version: str = "",
        settings_version: str = "",
    ) -> Written:
        """Store a delivery that says of its rows when they were known, as the vintages in which they became known; returns the newest.

        What partitions could know already stays: beside stored vintages, those alone are added that became known after the newest of them. Another content under other
        settings restates nothing (`write_vintage`), so it is a first delivery, and none of its vintages is left out.

        Parameters
        ----------
        parts
            UTC times, ascending, and the rows that were known from each on; the last one has all rows.
        """
        versions = {"code_version": code_version, "settings_version": settings_version}
        version = data_version(parts[-1][1])
        stored = self._of_settings(asset, session, version, settings_version)
        if stored:
            newest = max(stored)
            is_new = self.footer_of(stored[newest]).data_version != version
            parts = [part for part in parts if is_new and part[0] > newest] or parts[-1:]
        return [self.write_vintage(asset, session, rows, known=known, **versions) for known, rows in parts][-1]

    def write_vintage(
        self, asset: str, session: date, frame: pl.DataFrame, *, known: datetime, code_version: str = "", settings_version: str = ""
    ) -> Written:
        """Store a delivery as a vintage of its partition: a new file only where the content differs from the newest one's.

        The same content again under other versions of code or settings, or over a damaged file, is written in the newest vintage's place: its rows and the time
        from which they were known stay, its footer says what read them last. Another content under other settings answers another question to the source (more symbols,
        another feed): it restates nothing. The vintages of the other settings are put out of the way, and come back when these do.

        Parameters
        ----------
        known
            The UTC time from which the delivery was known. A delivery that differs from the newest vintage is never stored under a time before
            it: it takes the time of this call then, or the next microsecond.
        """
        version = data_version(frame)
        footer = Footer(
            asset=asset, session=session.isoformat(), data_version=version, code_version=code_version, settings_version=settings_version
        )
        vintages = self._of_settings(asset, session, version, settings_version)
        if vintages:
            newest = vintages[max(vintages)]
            stored = self.footer_of(newest)
            if stored.data_version == version:
                if replace(stored, file_sha256=BLANK) == footer and self.fault(newest) is None:
                    return Written(path=newest, footer=stored, rows=frame.height, bytes=newest.stat().st_size)
                return self._store(newest, frame, footer)
            if known <= max(vintages):
                known = max(datetime.now(UTC), max(vintages) + timedelta(microseconds=1))
        return self._store(self.vintage(asset, session, stamp_of(known)), frame, footer)

    def _of_settings(self, asset: str, session: date, version: str, settings_version: str) -> dict[datetime, Path]:
        """The vintages beside which a delivery is stored: those that are there, or, where they have another content under other settings, those of these settings."""
        vintages = self.vintages(asset, session)
        if not vintages:
            return vintages
        stored = self.footer_of(vintages[max(vintages)])
        if stored.data_version == version or stored.settings_version == settings_version:
            return vintages
        return self._change_settings(asset, session, stored.settings_version, settings_version)

    def _change_settings(self, asset: str, session: date, before: str, now: str) -> dict[datetime, Path]:
        """Put the vintages of other settings out of the way (`known=….parquet.<settings version>`) and bring back those of these; returns them."""
        folder = self.folder(asset, session)
        for stamp in self.stamps(asset, session):
            path = self.vintage(asset, session, stamp)
            path.rename(path.with_name(f"{path.name}.{before or 'none'}"))
        for path in folder.glob(f"{KNOWN}*{ENDING}.{now or 'none'}"):
            path.rename(path.with_name(path.name.removesuffix(f".{now or 'none'}")))
        return self.vintages(asset, session)

    def write_made_vintage(
        self,
        asset: str,
        session: date,
        frame: pl.DataFrame,
        *,
        stamp: str,
        code_version: str = "",
        settings_version: str = "",
        upstream: Upstream,
        refused: bool = False,
    ) -> Written:
        """Store what was made of one vintage of a delivery, under the time from which that was known; what was made of it before is replaced."""
        footer = Footer(
            asset=asset,
            session=session.isoformat(),
            data_version=data_version(frame),
            code_version=code_version,
            settings_version=settings_version,
            upstream=upstream,
        )
        return self._store(self.vintage(asset, session, stamp, refused=refused), frame, footer)

    def keep_vintages(self, asset: str, session: date, paths: Iterable[Path]) -> None:
        """Delete of a partition all but these: what was made of vintages that are not there any more, or have another name now, and what was stored before vintages were kept."""
        folder, kept = self.folder(asset, session), set(paths)
        self._put_in_place(folder)  # first, so that the session is never without a file
        stored = [path for prefix in (KNOWN, REFUSED) for path in folder.glob(f"{prefix}*{ENDING}")]
        for path in {*stored, folder / DATA_FILE} - kept:
            if path.is_file():
                self.log.announce(path)
                path.unlink()

    def vintages(self, asset: str, session: date) -> dict[datetime, Path]:
        """The vintages of a partition, by the time from which each was known."""
        return {time_of(stamp): self.vintage(asset, session, stamp) for stamp in self.stamps(asset, session)}

    def read(self, asset: str, sessions: Sequence[date], columns: Sequence[str] | None = None) -> pl.DataFrame:
        """The rows of the given sessions, in their order.

        Raises
        ------
        MissingPartitionError
            If a partition is not stored; the message names it and the command that makes it.
        CorruptPartitionError
            If a file is damaged.
        """
        if not sessions:
            raise MissingPartitionError(
                f"no session of {asset} was asked for: the range holds none; choose a range of at least one session"
            )
        return self.read_files(asset, {session: self.path(asset, session) for session in sessions}, columns)

    def read_files(self, asset: str, files: Mapping[date, Path], columns: Sequence[str] | None = None) -> pl.DataFrame:
        """The rows of chosen files, one a session, in their order.

        Raises
        ------
        MissingPartitionError, CorruptPartitionError
            As `read`.
        """
        sessions, paths = list(files), list(files.values())
        if not all(path.is_file() for path in paths):
            self.require(asset, sessions)
        for session, path in files.items():
            self._check(path, materialize_command(asset, session))
        try:
            frame = pl.read_parquet(paths, columns=list(columns) if columns else None, hive_partitioning=False, missing_columns="raise")
        except DAMAGE as error:
            raise self._unreadable(asset, sessions, paths, error) from error
        return frame

    def _check(self, path: Path, make: str) -> None:
        if fault := self.fault(path):
            raise CorruptPartitionError(f"{path} is damaged ({fault}): delete it, then {make}; or ats stale --heal")

    def fault(self, path: Path, *, again: bool = False) -> str | None:
        """What is wrong with a file's bytes, or None.

        Parameters
        ----------
        again
            Look at a file that was found intact, or that this process has written, once more: a disk can change bytes without changing the time.
        """
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

    def require(self, asset: str, sessions: Iterable[date]) -> None:
        """Raise MissingPartitionError unless every partition is stored."""
        missing = [session for session in sessions if not self.exists(asset, session)]
        if missing:
            some = ", ".join(map(str, missing[:3])) + (f" and {len(missing) - 3} more" if len(missing) > 3 else "")
            raise MissingPartitionError(
                f"{asset} has no partition for {some} in {self.root}. Make it: "
                f"{materialize_command(asset, missing[0])}"
                + (
                    f" (or, for the whole range: ats run --select '+{asset}' --from {missing[0]} --to {missing[-1]})"
                    if len(missing) > 1
                    else ""
                )
            )

    def footer(self, asset: str, session: date) -> Footer:
        """The footer of a partition.

        Raises
        ------
        MissingPartitionError, CorruptPartitionError
        """
        path = self.path(asset, session)
        try:
            return self.footer_of(path)
        except FileNotFoundError:
            self.require(asset, [session])
            raise

    def footer_of(self, path: Path) -> Footer:
        """The footer of a file; kept in memory until the file changes."""
        stamp = _stamp(path.stat())
        kept = self._footers.get(path)
        if kept and kept[0] == stamp:
            return kept[1]
        try:
            footer = Footer(**json.loads(pl.read_parquet_metadata(path)[FOOTER_KEY]))
        except (*DAMAGE, KeyError, ValueError, TypeError) as error:
            raise CorruptPartitionError(
                f"{path} is damaged or was not written by this system ({error}): delete it and make it again"
            ) from error
        self._footers[path] = (stamp, footer)
        return footer

    def data_versions(self, asset: str, sessions: Iterable[date]) -> dict[str, str]:
        """Session (ISO) -> data version."""
        return {session.isoformat(): self.footer(asset, session).data_version for session in sessions}

    def write_part(
        self,
        asset: str,
        part: str,
        frame: pl.DataFrame,
        *,
        code_version: str = "",
        settings_version: str = "",
        upstream: Upstream | None = None,
    ) -> Written:
        """Store one table of an asset without partitions, as `<root>/<asset>/<part>.parquet`."""
        footer = Footer(
            asset=asset,
            session="",
            data_version=data_version(frame),
            code_version=code_version,
            settings_version=settings_version,
            upstream=upstream or {},
        )
        return self._store(self.part(asset, part), frame, footer)

    def write_text(
        self,
        asset: str,
        name: str,
        text: str,
        *,
        code_version: str = "",
        settings_version: str = "",
        upstream: Upstream | None = None,
    ) -> Path:
        """Store a text of an asset without partitions, with its footer in a file beside it; the old footer goes first, so that they never belong to two texts."""
        path = self.root / asset / name
        content = text.encode()
        footer = Footer(
            asset=asset,
            session="",
            data_version=hashlib.sha256(content).hexdigest(),
            code_version=code_version,
            settings_version=settings_version,
            upstream=upstream or {},
        )
        beside = text_footer(path)
        self.log.announce(path)
        beside.unlink(missing_ok=True)
        replace_file(path, lambda file: file.write(content), fsync=self._fsync)
        replace_file(beside, lambda file: file.write(seal(footer.encoded().encode())[0]), fsync=self._fsync)
        return path

    def read_text(self, asset: str, name: str) -> str:
        """A text of an asset without partitions, checked against its footer.

        Raises
        ------
        MissingPartitionError, CorruptPartitionError
        """
        path = self.root / asset / name
        make = f"Make it: dagster asset materialize -m ats_assets.definitions --select {asset}"
        if not path.is_file():
            raise MissingPartitionError(f"{path} is not there. {make}")
        if fault := self.text_fault(path):
            raise CorruptPartitionError(f"{path} is damaged ({fault}). {make}")
        return path.read_text(encoding="utf-8")

    def text_fault(self, path: Path) -> str | None:
        """What is wrong with a text or with the footer beside it, or None."""
        try:
            footer = self.footer_of_text(path)
        except CorruptPartitionError as error:
            return str(error)
        same = hashlib.sha256(path.read_bytes()).hexdigest() == footer.data_version
        return None if same else "its SHA-256 is not the one in its footer"

    def footer_of_text(self, path: Path) -> Footer:
        """The footer beside a text.

        Raises
        ------
        CorruptPartitionError
            If it is missing or damaged.
        """
        beside = text_footer(path)
        try:
            content = beside.read_bytes()
            footer = Footer(**json.loads(content))
        except (OSError, ValueError, TypeError) as error:
            raise CorruptPartitionError(f"{beside} is missing or damaged ({error}): make {path.parent.name} again") from error
        if not is_intact(content):
            raise CorruptPartitionError(f"{beside} is damaged (its SHA-256 is not the one it holds): make {path.parent.name} again")
        return footer

    def part(self, asset: str, part: str) -> Path:
        """The file of one table of an asset without partitions."""
        return self.root / asset / f"{part}.parquet"

    def read_part(self, asset: str, part: str) -> pl.DataFrame:
        """One table of an asset without partitions.

        Raises
        ------
        MissingPartitionError, CorruptPartitionError
        """
        path = self.part(asset, part)
        self._put_in_place(path.parent)
        if not path.is_file():
            raise MissingPartitionError(
                f"{asset} is not in {self.root}. Make it: dagster asset materialize -m ats_assets.definitions --select {asset}"
            )
        self._check(path, f"materialise {asset} again")
        try:
            return pl.read_parquet(path)
        except DAMAGE as error:
            raise CorruptPartitionError(f"{path} is damaged ({error}): delete it and materialise {asset} again") from error

    def history_start(self) -> date | None:
        """The first session with raw bars: what lies before it is before history, not missing."""
        return self._sessions.first(self.root / "raw_bars")

    @contextlib.contextmanager
    def together(self) -> Iterator["_Waiting"]:
        """While open, what this thread writes waits in temporary files and is put in its place at the end, or when it is asked for: the disk is waited for once.

        After an exception what still waits is dropped. At most `TOGETHER` files wait.
        """
        if (outer := self._waiting) is not None:
            yield outer
            return
        self._open.waiting = waiting = _Waiting(FileGroup(fsync=self._fsync))
        try:
            yield waiting
            self._settle(waiting)
        finally:
            self._open.waiting = None
            waiting.files.drop()

    @property
    def _waiting(self) -> "_Waiting | None":
        return getattr(self._open, "waiting", None)

    def _put_in_place(self, folder: Path) -> None:
        """Put what waits in its place if some of it waits in a folder that is asked for."""
        if (waiting := self._waiting) is not None and folder in waiting.folders:
            self._settle(waiting)

    def _settle(self, waiting: "_Waiting") -> None:
        """Put what waits in its place."""
        self.log.announce(*waiting.files.paths)
        waiting.files.finish()
        for path, (stamp, footer) in waiting.written.items():
            self._footers[path] = (stamp, footer)
            self._intact[path] = stamp
        waiting.written.clear()
        waiting.folders.clear()

    def _store(self, path: Path, frame: pl.DataFrame, footer: Footer) -> Written:
        return self._put(path, self._encoded(frame, footer))

    def _encoded(self, frame: pl.DataFrame, footer: Footer) -> "_Encoded":
        buffer = io.BytesIO()
        frame.write_parquet(buffer, compression="zstd", compression_level=self._compression_level, metadata={FOOTER_KEY: footer.encoded()})
        content, file_sha256 = seal(buffer.getvalue())
        return _Encoded(content, replace(footer, file_sha256=file_sha256), frame.height)

    def _put(self, path: Path, encoded: "_Encoded") -> Written:
        with self.together() as waiting:
            stat = waiting.files.add(path, lambda file: file.write(encoded.content))
            waiting.written[path] = (_stamp(stat), encoded.footer)
            waiting.folders.add(path.parent)
            if len(waiting.files) >= TOGETHER:
                self._settle(waiting)
        return Written(path=path, footer=encoded.footer, rows=encoded.rows, bytes=stat.st_size)

    def _unreadable(self, asset: str, sessions: Sequence[date], paths: Sequence[Path], cause: BaseException) -> CorruptPartitionError:
        for session, path in zip(sessions, paths, strict=True):
            try:
                pl.read_parquet(path, hive_partitioning=False)
            except DAMAGE as error:
                return CorruptPartitionError(f"{path} is damaged ({error}): delete it, then {materialize_command(asset, session)}")
        return CorruptPartitionError(
            f"the partitions of {asset} from {sessions[0]} to {sessions[-1]} can't be read together ({cause}): "
            f"make them again with ats run --select {asset} --from {sessions[0]} --to {sessions[-1]}"
        )


def _holds_partition(folder: str) -> bool:
    """Whether a session's folder holds a partition, or a vintage of one."""
    if os.path.isfile(f"{folder}/{DATA_FILE}"):  # noqa: PTH113 - asked for each session of each asset
        return True
    try:
        return any(name.startswith("known=") and name.endswith(".parquet") for name in os.listdir(folder))  # noqa: PTH208
    except (FileNotFoundError, NotADirectoryError):
        return False


def _stamp(stat: os.stat_result) -> Stamp:
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def text_footer(path: Path) -> Path:
    """Where the footer of a text lies."""
    return path.with_name(path.name + TEXT_FOOTER)


def materialize_command(asset: str, session: date) -> str:
    """The command that makes one partition; what is accepted and what is rejected are made together."""
    selected = next((together for together in MADE_TOGETHER if asset in together.split(",")), asset)
    return f"dagster asset materialize -m ats_assets.definitions --select {selected} --partition {session}"
