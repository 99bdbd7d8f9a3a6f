"""The files that hold chains: which days each has, and its rows of a day.

A flat file of Massive's is of the day that its name says; of any other table a column says it. What was found in a file is kept in this process for as long as the file stays as it is.
"""

import functools
import gzip
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ats_assets.errors import SourceError
from ats_assets.options.option_sources.files.alpaca_snapshots import snapshot_day, snapshot_rows
from ats_assets.options.option_sources.files.chain_columns import ChainColumns, chain_columns
from ats_assets.options.option_sources.files.chain_rows import ChainReader
from ats_assets.options.option_sources.files.flat_files import flat_file_rows
from ats_assets.options.option_sources.files.settings import ChainFilesSettings
from ats_assets.options.quote_times import days_of, instants_of

PARQUET: Final = (".parquet", ".pq")
TEXTS: Final = (".csv", ".csv.gz", ".txt", ".txt.gz")
SNAPSHOTS: Final = (".json",)
SUFFIXES: Final = (*PARQUET, *TEXTS, *SNAPSHOTS)
_DAMAGE: Final = (pl.exceptions.PolarsError, pa.ArrowException, OSError, EOFError, UnicodeDecodeError, zlib.error)
_DAY: Final = re.compile(r"(?<!\d)(20\d\d)-?(\d\d)-?(\d\d)(?!\d)")


@dataclass(frozen=True, kw_only=True)
class ChainFile:
    """One file.

    Attributes
    ----------
    columns
        None of snapshots.
    days
        The days that its rows name, ascending.
    has_undated
        Whether some rows name none.
    """

    path: Path
    columns: ChainColumns | None
    days: tuple[date, ...]
    has_undated: bool


def chain_file(path: Path, settings: ChainFilesSettings, zone: str) -> ChainFile:
    """What a file holds.

    Raises
    ------
    SourceError
        If it can't be read, or nothing says which contracts or days its rows are of.
    """
    return _looked_at(path, _stamp(path), settings.model_dump_json(), zone)


@functools.lru_cache(maxsize=10_000)
def _looked_at(path: Path, _version: tuple[int, ...], settings_json: str, zone: str) -> ChainFile:
    settings = ChainFilesSettings.model_validate_json(settings_json)
    named = _day_in_name(path)
    if path.suffix.lower() in SNAPSHOTS:
        day = snapshot_day(path, zone) or named
        return ChainFile(path=path, columns=None, days=(day,) if day else (), has_undated=day is None)
    columns = chain_columns(_header(path, settings), settings, str(path), has_day=named is not None)
    names = columns.names
    if named is not None and (columns.format != "table" or not {"date", "quoted_at"} & names.keys()):
        return ChainFile(path=path, columns=columns, days=(named,), has_undated=False)
    key = "date" if "date" in names else "quoted_at"
    cells = _table(path, settings, [names[key]])[names[key]].unique()
    days = days_of(cells, zone, settings.date_format) if key == "date" else days_of(instants_of(cells, zone), zone)
    return ChainFile(path=path, columns=columns, days=tuple(days.drop_nulls().unique().sort()), has_undated=bool(days.null_count()))


def rows_of_file(
    file: ChainFile, settings: ChainFilesSettings, zone: str, underlyings: tuple[str, ...], *, days: Sequence[date], closes: datetime
) -> pl.DataFrame:
    """The rows of a file in its order, as `ChainReader.rows` makes them, with `date`: at least those of some days, and those whose day can't be read.

    Parameters
    ----------
    underlyings
        Of Massive's files only these are read.
    closes
        The close of the session, after which Massive's quotes are not looked at: of each contract the last one before it is taken.

    Raises
    ------
    SourceError
        If it can't be read.
    """
    if file.columns is None:
        return snapshot_rows(file.path, file.days[0], zone) if file.days else pl.DataFrame()
    names = file.columns.names
    reader = ChainReader(names=names, zone=zone, date_format=settings.date_format, strike_divisor=settings.strike_divisor)
    if file.columns.format == "table":
        if file.path.suffix.lower() in PARQUET and "date" in names and pl.read_parquet_schema(file.path)[names["date"]] == pl.Date:
            day = pl.col(names["date"])
            return reader.rows(
                _parquet_rows(file.path, [*names.values()], day.is_null() | day.is_in(pl.Series(days, dtype=pl.Date).implode()))
            )
        return _whole_table(file.path, _stamp(file.path), settings.model_dump_json(), zone)
    try:
        return flat_file_rows(file.path, file.columns, reader, underlyings, day=file.days[0], closes=closes)
    except _DAMAGE as error:
        raise _unreadable(file.path, error) from error


@functools.lru_cache(maxsize=1)
def _whole_table(path: Path, stamp: tuple[int, ...], settings_json: str, zone: str) -> pl.DataFrame:
    """All rows of a table; of the last one that was read they are kept, since it may be asked for session by session."""
    settings = ChainFilesSettings.model_validate_json(settings_json)
    file = _looked_at(path, stamp, settings_json, zone)
    names = file.columns.names if file.columns else {}
    reader = ChainReader(names=names, zone=zone, date_format=settings.date_format, strike_divisor=settings.strike_divisor)
    rows = reader.rows(_table(path, settings, [*dict.fromkeys(names.values())]))
    return rows if "date" in rows.columns else rows.with_columns(date=pl.lit(file.days[0] if file.days else None, pl.Date))


def _stamp(path: Path) -> tuple[int, ...]:
    stat = path.stat()
    return (stat.st_size, stat.st_mtime_ns, stat.st_ino)


def _parquet_rows(path: Path, columns: list[str], chosen: pl.Expr) -> pl.DataFrame:
    try:
        return pl.scan_parquet(path).filter(chosen).select(list(dict.fromkeys(columns))).collect()
    except _DAMAGE as error:
        raise _unreadable(path, error) from error


def _day_in_name(path: Path) -> date | None:
    found = _DAY.search(path.name)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def _header(path: Path, settings: ChainFilesSettings) -> list[str]:
    try:
        if path.suffix.lower() in PARQUET:
            return pq.read_schema(path).names
        return pl.read_csv(_plain(path), separator=_separator(path, settings), infer_schema=False, n_rows=0).columns
    except _DAMAGE as error:
        raise _unreadable(path, error) from error


def _table(path: Path, settings: ChainFilesSettings, columns: list[str]) -> pl.DataFrame:
    """Some columns of a file; of a text every cell as it is written."""
    try:
        if path.suffix.lower() in PARQUET:
            return pl.read_parquet(path, columns=columns)
        return pl.read_csv(
            _plain(path), separator=_separator(path, settings), infer_schema=False, columns=columns, truncate_ragged_lines=True
        )
    except _DAMAGE as error:
        raise _unreadable(path, error) from error


def _plain(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.name.lower().endswith(".gz") else content


def _separator(path: Path, settings: ChainFilesSettings) -> str:
    if settings.separator is not None:
        return settings.separator
    with gzip.open(path, "rt", encoding="utf-8") if path.name.lower().endswith(".gz") else path.open(encoding="utf-8") as text:
        line = text.readline()
    return max((",", ";", "\t", "|"), key=line.count)


def _unreadable(path: Path, error: BaseException) -> SourceError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return SourceError(f"{path} can't be read, it may be truncated or not what its name says: {reason}. Deliver it again, or remove it")
