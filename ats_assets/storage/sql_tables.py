"""The warehouse as tables of SQL, to be read and never written; the queries run in Polars.

Each asset is a table. Its partitions lie one below the other, of each session one version:

- now: of a delivery (`raw_bars`, …) the newest vintage; of what is made of it row by row (`bars`, …) the one that the session's own partition reads
  (`knowledge.mode`);
- as of a time: of each of these the newest that was known then; of all others the sessions that had closed by then.

A part of an asset without sessions is a table `<asset>_<part>`, such as `backtest_equity`; it is of no time, so as of an earlier one it is no table.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from difflib import get_close_matches
from functools import cached_property
from pathlib import Path

import polars as pl
from polars.exceptions import ColumnNotFoundError, PolarsError

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import CorruptPartitionError, QueryError
from ats_assets.storage.footed_files import DAMAGE
from ats_assets.storage.knowledge import stamp_of
from ats_assets.storage.vintages import DATA_FILE, DELIVERED, VINTAGES_OF
from ats_assets.storage.warehouse import Warehouse

_COMMENT = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_READS = re.compile(r"[\s(]*(select|with)\b", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class SqlTable:
    """The files of a table, ascending by session; those of an asset without sessions have none."""

    name: str
    files: tuple[Path, ...]
    sessions: tuple[date, ...]
    version: str

    @cached_property
    def schema(self) -> pl.Schema:
        """The columns of the newest file.

        Raises
        ------
        CorruptPartitionError
            If it can't be read.
        """
        try:
            return pl.Schema(pl.read_parquet_schema(self.files[-1]))
        except DAMAGE as error:
            raise CorruptPartitionError(
                f"{self.files[-1]} is damaged ({error}): delete it, then make it again with ats stale --heal"
            ) from error

    def frame(self) -> pl.LazyFrame:
        """All rows, read when they are needed. Columns are those of the newest file: one that an earlier file lacks is null there."""
        return pl.scan_parquet(
            list(self.files), schema=self.schema, hive_partitioning=False, missing_columns="insert", extra_columns="ignore"
        )


class SqlTables:
    """The tables of a warehouse.

    Parameters
    ----------
    calendar
        The exchange's sessions: of a day that is none, nothing is read.
    as_of
        Only what was known at this time; None: all that is known now.
    """

    def __init__(self, warehouse: Warehouse, calendar: SessionCalendar, as_of: datetime | None = None) -> None:
        self._warehouse, self._calendar, self._as_of = warehouse, calendar, as_of

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all tables, in order."""
        found: list[str] = []
        for asset in self._warehouse.assets():
            if self._warehouse.stored_sessions(asset):
                found.append(asset)
            elif self._as_of is None:
                found += [f"{asset}_{path.stem}" for path in sorted((self._warehouse.root / asset).glob("*.parquet")) if _plain(path)]
        return tuple(found)

    def table(self, name: str) -> SqlTable | None:
        """The table of a name; None where nothing of it was known."""
        whole = {f"{asset}_{path.stem}": path for asset, path in self._parts(name)}
        if name in whole:
            self._warehouse.root_folder.at_hand([whole[name]])
            return SqlTable(name=name, files=(whole[name],), sessions=(), version="as made")
        files = {day: path for day in self._warehouse.stored_sessions(name) if (path := self._file(name, day)) is not None}
        if not files:
            return None
        self._warehouse.root_folder.at_hand([*files.values()][-1:])
        return SqlTable(name=name, files=tuple(files.values()), sessions=tuple(files), version=self._version(name))

    def query(self, text: str) -> pl.LazyFrame:
        """What a SELECT comes to; rows are read when it is collected.

        Raises
        ------
        QueryError
            If it is no single SELECT, or names a table or column that there is not; the message says which there are.
        CorruptPartitionError
            If a file of a table can't be read.
        """
        if not _READS.match(_COMMENT.sub(" ", text)):
            raise QueryError(f"only a SELECT is run, and nothing is written: {' '.join(text.split())[:60] or 'the query is empty'}")
        named = {word.lower() for word in _WORD.findall(text)}  # of comments, too: what looks like one may be in quotes
        tables = [table for name in self.names if name.lower() in named and (table := self.table(name)) is not None]
        self._warehouse.root_folder.at_hand(file for table in tables for file in table.files)
        context = pl.SQLContext({table.name: table.frame() for table in tables})
        with explained(self.names, tables):
            found = context.execute(text, eager=False)
            found.collect_schema()
            return found

    def _parts(self, name: str) -> Iterator[tuple[str, Path]]:
        if self._as_of is not None:
            return
        for asset in self._warehouse.assets():
            if name.startswith(f"{asset}_"):
                yield from ((asset, path) for path in (self._warehouse.root / asset).glob("*.parquet") if _plain(path))

    def _file(self, name: str, day: date) -> Path | None:
        """The file of a session that is read, if there is one."""
        warehouse = self._warehouse
        if not self._calendar.is_session(day):
            return None
        if self._as_of is None:
            return warehouse.path(name, day)
        if name in DELIVERED or name in VINTAGES_OF:
            known = [stamp for stamp in warehouse.stamps(name, day) if stamp <= stamp_of(self._as_of)]
            return warehouse.vintage(name, day, known[-1]) if known else None
        return warehouse.folder(name, day) / DATA_FILE if self._calendar.closes_at(day) <= self._as_of else None

    def _version(self, name: str) -> str:
        if name in DELIVERED:
            return "newest delivery" if self._as_of is None else "newest delivery known then"
        if name in VINTAGES_OF:
            return "as the session's own partition reads it" if self._as_of is None else "newest known then"
        return "as made" if self._as_of is None else "sessions closed by then"


@contextmanager
def explained(names: Sequence[str], tables: Sequence[SqlTable]) -> Iterator[None]:
    """Make what Polars says of a query an error that says which tables (`names`) there are, and which columns those that were named (`tables`) have."""
    try:
        yield
    except OSError as error:  # of a file that the query itself names, or that was deleted meanwhile
        raise QueryError(f"the query can't be run: {error}") from error
    except PolarsError as error:
        said = str(error).split("\n", maxsplit=1)[0]
        missing = re.search(r"relation '(.+?)' was not found", said)
        if missing and missing[1] in names:
            raise QueryError(f"nothing of {missing[1]} was known then: choose a later time") from error
        if missing:
            near = get_close_matches(missing[1], names, n=1)
            meant = f" Did you mean {near[0]}?" if near else ""
            there_are = ", ".join(names) or "none, since nothing is stored yet: run ats run"
            raise QueryError(f"there is no table {missing[1]}.{meant} Tables: {there_are}") from error
        if isinstance(error, ColumnNotFoundError) or "column" in said.lower():
            columns = "; ".join(f"{table.name} has {', '.join(table.schema)}" for table in tables) or "none, since no table is named"
            raise QueryError(f"{said.split('; valid columns', maxsplit=1)[0]}. Columns: {columns}") from error
        raise QueryError(f"the query can't be run: {said}") from error


def _plain(path: Path) -> bool:
    """Whether a file's name can be that of a table."""
    return _WORD.fullmatch(path.stem) is not None
