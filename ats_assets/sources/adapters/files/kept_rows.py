"""Rows of files that are kept from one look to the next, so that a change costs what changed: the files that are others are read, and the days written that differ in them.

    <data>/source_files/<source>/kept.sqlite        of each file: its stamp, SHA-256, and a digest of its rows of each day; of each day: its facts and where its rows are
    <data>/source_files/<source>/<day>-<n>.arrow    the rows of one day, of all files

A file is known by its size, times and inode; where these differ, by its SHA-256. Rows of a day are written again under another name, and named in the same transaction as
the files that they are of: what is read is one state. Each has its SHA-256 in the database. All of it can be deleted at any time, and is rebuilt where the settings, the
calendar, the code that reads files or the library that does are others.
"""

import contextlib
import hashlib
import io
import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

import polars as pl

from ats_assets.errors import SourceError
from ats_assets.sources.adapters.files.day_digests import DayDigests, day_digests, day_text, packed, unpacked
from ats_assets.sources.adapters.files.day_facts import DAY_FACTS_SCHEMA, day_facts
from ats_assets.sources.adapters.files.delivery import Delivery
from ats_assets.sources.adapters.files.file_rows import ROWS_SCHEMA, FileFacts, by_file, count_days, in_time
from ats_assets.sources.adapters.files.file_state import file_stamp, settled, sha_of
from ats_assets.sources.adapters.files.kept_database import DATABASE, opened
from ats_assets.sources.adapters.files.table_files import DataFile

UNUSED_SECONDS: Final = 30 * 86_400.0
"""What was kept of another source, and has not been looked at for so long, is removed."""
REPLACED_SECONDS: Final = 86_400.0
"""Rows that others have replaced stay so long, for who began to read before."""
_STORED: Final = pl.Schema({**ROWS_SCHEMA, "file": pl.UInt32})


class DamagedRowsError(Exception):
    """What was kept is not what was written."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A file that is to be read, and the symbol of its rows where it has no column for it."""

    file: DataFile
    symbol: str | None


class KeptRows:
    """The rows of files as they are now, from what was kept of them and what has changed since; a `FileRows`.

    Parameters
    ----------
    folder
        Of this source alone; made where it is not there.
    key
        What rows follow from beside the files: another one, and all is read again.
    first
        The calendar's first session.
    asked
        The files, in the order of delivery.
    read
        How one is read.

    Raises
    ------
    SourceError
        If a file can't be read; what was read of the others is kept.
    OSError, sqlite3.Error
        If nothing can be kept there.
    """

    def __init__(self, folder: Path, key: str, first: date, asked: Sequence[Asked], read: Callable[[Asked], Delivery]) -> None:
        self._folder = folder
        self._first = first
        self._asked = asked
        with opened(folder, key) as connection:
            known = dict(connection.execute("SELECT path, stamp || '|' || COALESCE(symbol, '') FROM files").fetchall())
            if known != {str(one.file.path): f"{file_stamp(one.file.path)}|{one.symbol or ''}" for one in asked}:
                _Update(connection, folder, first).take(asked, read)
            self._take(connection)

    def _take(self, connection: sqlite3.Connection) -> None:
        """One state of the database."""
        connection.execute("BEGIN")
        stored = {path: (number, facts) for path, number, facts in connection.execute("SELECT path, id, facts FROM files")}
        self._places = {stored[str(one.file.path)][0]: i for i, one in enumerate(self._asked)}
        self.files: Sequence[FileFacts] = [FileFacts.from_text(one.file, stored[str(one.file.path)][1]) for one in self._asked]
        self._shards: dict[str, tuple[str, str]] = {}
        facts: list[dict[str, Any]] = []
        for day, name, sha, text in connection.execute("SELECT day, name, sha, facts FROM days"):
            self._shards[day] = (name, sha)
            facts.append(json.loads(text) | {"date": date.fromisoformat(day) if day else None})
        self.days = pl.DataFrame(facts, schema=DAY_FACTS_SCHEMA).sort("date")
        self._symbols: dict[str, int] = dict(connection.execute("SELECT symbol, days FROM symbols").fetchall())
        connection.execute("COMMIT")

    def days_of_symbols(self, first: date) -> Mapping[str, int]:
        """As `FileRows.days_of_symbols`; `first` is the calendar's first session."""
        if first != self._first:
            raise ValueError(f"days are counted from {self._first} on, not from {first}")
        return self._symbols

    def rows(self, dates: Iterable[date | None]) -> pl.DataFrame:
        """As `FileRows.rows`.

        Raises
        ------
        DamagedRowsError
            If what was kept is not what was written.
        """
        wanted = [self._shards[key] for day in in_time(dates) if (key := day_text(day)) in self._shards]
        found = [read_shard(self._folder / name, sha) for name, sha in wanted]
        placed = [rows.with_columns(pl.col("file").replace_strict(self._places, return_dtype=pl.UInt32)) for rows in found]
        return by_file(placed, _STORED.to_frame())


class _Update:
    """What changed of the files, taken over in one transaction."""

    def __init__(self, connection: sqlite3.Connection, folder: Path, first: date) -> None:
        self._connection = connection
        self._folder = folder
        self._first = first

    def take(self, asked: Sequence[Asked], read: Callable[[Asked], Delivery]) -> None:
        """Bring what is kept to what the files are; with one that can't be read all others, too, before its error is raised."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            errors = self._taken(asked, read)
            self._connection.execute("COMMIT")
        except BaseException:  # also where it is interrupted: half of an update is none
            self._connection.execute("ROLLBACK")
            raise
        self._sweep()
        if errors:
            raise errors[0]

    def _taken(self, asked: Sequence[Asked], read: Callable[[Asked], Delivery]) -> list[SourceError]:
        stored = {path: rest for path, *rest in self._connection.execute("SELECT path, id, stamp, symbol, sha FROM files").fetchall()}
        changed: dict[int, set[str]] = {}
        rows: list[pl.DataFrame] = []
        errors: list[SourceError] = []
        for path in stored.keys() - {str(one.file.path) for one in asked}:
            changed[stored[path][0]] = set(self._forget(path))
        for one in asked:
            path, began = str(one.file.path), time.time()
            before, stamp = stored.get(path), file_stamp(one.file.path)
            if before and before[1:3] == [stamp, one.symbol]:
                continue
            sha = sha_of(one.file.path)
            if before and before[2:] == [one.symbol, sha]:
                self._connection.execute("UPDATE files SET stamp = ? WHERE path = ?", (settled(one.file.path, stamp, began), path))
                continue
            try:
                delivery = read(one)
            except SourceError as error:
                errors.append(error)
                continue
            old = self._forget(path) if before else {}
            days = day_digests(delivery.rows)
            row = (
                before and before[0],
                path,
                settled(one.file.path, stamp, began),
                one.symbol,
                sha,
                FileFacts.of(delivery).as_text(),
                packed(days),
            )
            number = self._connection.execute("INSERT INTO files VALUES (?, ?, ?, ?, ?, ?, ?)", row).lastrowid or 0
            differ = {day for day in old.keys() | days.keys() if old.get(day) != days.get(day)}
            changed[number] = changed.get(number, set()) | differ
            rows.append(_of_days(delivery.rows, differ).with_columns(file=pl.lit(number, pl.UInt32)))
        self._write(changed, rows)
        return errors

    def _forget(self, path: str) -> DayDigests:
        (blob,) = self._connection.execute("SELECT days FROM files WHERE path = ?", (path,)).fetchone()
        self._connection.execute("DELETE FROM files WHERE path = ?", (path,))
        return unpacked(blob)

    def _write(self, changed: Mapping[int, set[str]], rows: Sequence[pl.DataFrame]) -> None:
        """The days that differ, each from its rows of files that have not changed there and those of files that have."""
        touched = sorted({day for days in changed.values() for day in days})
        if not touched:
            return
        before, kept = self._before(touched, changed)
        now = pl.concat([*kept, *rows]) if kept or rows else _STORED.to_frame()
        facts = {day_text(row["date"]): row for row in day_facts(now).iter_rows(named=True)}
        parts = {day_text(key[0]): part for key, part in now.partition_by("date", as_dict=True, maintain_order=True).items()}
        for day in touched:
            self._connection.execute("DELETE FROM days WHERE day = ?", (day,))
            if day in parts:
                name, sha = self._shard(day, parts[day])
                said = {name: value for name, value in facts[day].items() if name != "date"}
                self._connection.execute("INSERT INTO days VALUES (?, ?, ?, ?)", (day, name, sha, json.dumps(said)))
        counts = count_days(now, self._first)
        for symbol, less in count_days(before, self._first).items():
            counts[symbol] = counts.get(symbol, 0) - less
        statement = "INSERT INTO symbols VALUES (?, ?) ON CONFLICT (symbol) DO UPDATE SET days = days + excluded.days"
        self._connection.executemany(statement, [(symbol, by) for symbol, by in counts.items() if by])
        self._connection.execute("DELETE FROM symbols WHERE days = 0")

    def _before(self, touched: Sequence[str], changed: Mapping[int, set[str]]) -> tuple[pl.DataFrame, list[pl.DataFrame]]:
        """The rows of these days before, and of each day those that stay."""
        before: list[pl.DataFrame] = []
        kept: list[pl.DataFrame] = []
        for day in touched:
            found = self._connection.execute("SELECT name, sha FROM days WHERE day = ?", (day,)).fetchone()
            if found:
                rows = read_shard(self._folder / found[0], found[1])
                gone = [number for number, days in changed.items() if day in days]
                before.append(rows)
                kept.append(rows.filter(~pl.col("file").is_in(gone)))
        return pl.concat(before) if before else _STORED.to_frame(), kept

    def _shard(self, day: str, rows: pl.DataFrame) -> tuple[str, str]:
        buffer = io.BytesIO()
        rows.select(_STORED.names()).rechunk().write_ipc(buffer, compression="zstd")
        content = buffer.getvalue()
        name = f"{day or 'none'}-{time.time_ns():x}.arrow"
        (self._folder / name).write_bytes(content)
        return name, hashlib.sha256(content).hexdigest()

    def _sweep(self) -> None:
        """Remove the rows that others replaced some time ago, and what was kept of sources that nobody has looked at for long."""
        named = {name for (name,) in self._connection.execute("SELECT name FROM days")}
        now = time.time()
        for path in self._folder.glob("*.arrow"):
            with contextlib.suppress(OSError):
                if path.name not in named and now - path.stat().st_mtime > REPLACED_SECONDS:
                    path.unlink()
        for folder in self._folder.parent.iterdir():
            with contextlib.suppress(OSError):
                if folder != self._folder and now - (folder / DATABASE).stat().st_mtime > UNUSED_SECONDS:
                    shutil.rmtree(folder)


def read_shard(path: Path, sha: str) -> pl.DataFrame:
    """The rows of a day.

    Raises
    ------
    DamagedRowsError
        If the file is not what was written.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DamagedRowsError(str(path)) from error
    if hashlib.sha256(content).hexdigest() != sha:
        raise DamagedRowsError(str(path))
    return pl.read_ipc(io.BytesIO(content))


def _of_days(rows: pl.DataFrame, days: set[str]) -> pl.DataFrame:
    wanted = pl.Series([date.fromisoformat(day) for day in days if day], dtype=pl.Date)
    return rows.select(ROWS_SCHEMA.names()).filter(pl.col("date").is_in(wanted.implode()).fill_null(value="" in days))
