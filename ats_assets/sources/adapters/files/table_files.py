"""Files of tables as they lie on disk: finding them below a path, and reading one with the columns it has.

CSV files are read as text (`text_tables`), so that a cell that is no number costs a cell and not the file. `key=value` folders (hive layout), and a file name of that form,
become columns.
"""

import csv
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from ats_assets.errors import SourceError
from ats_assets.settings import FilesSettings
from ats_assets.sources.adapters.files.text_tables import ReadTable, is_text_table, read_text_table
from ats_assets.sources.adapters.files.wide_tables import BY_SYMBOL, parquet_by_symbol
from ats_assets.sources.zipped_table import ZIP, is_left_out

_NOTES: tuple[str, ...] = (".txt", ".txt.gz")
"""Suffixes of tables and of notes alike: what the file holds tells which it is."""
SUFFIXES: tuple[str, ...] = (".parquet", ".pq", ".csv", ".csv.gz", ZIP, *_NOTES)
_JSON = ".json"
"""Read where a path names the file itself: what else lies in a folder is not taken for bars."""


@dataclass(frozen=True, kw_only=True)
class DataFile:
    """A file, and what its path says: `keys` are the key=value parts, `stem` its name without suffixes."""

    path: Path
    stem: str
    keys: dict[str, str | None]


@dataclass(frozen=True, kw_only=True)
class FoundFiles:
    """The tables at or below a path, sorted, and the texts beside them that are none."""

    tables: list[DataFile]
    notes: list[Path]


def find_data_files(path: Path, setting: str = "source.files.path") -> FoundFiles:
    """The Parquet and CSV files, texts, and zips of one text, at or below `path`; hidden ones, those that begin with "_", and zips of other things, or whose text lies beside them, are left out.

    Parameters
    ----------
    setting
        What named the path, for messages.

    Raises
    ------
    SourceError
        If there is nothing at `path`, the file is of another kind, or the folder has no such file.
    """
    kinds = ", ".join(SUFFIXES)
    said = " (ATS_SOURCE__PATH)" if setting == "source.files.path" else ""
    if path.is_file():
        if _suffix(path) is None and not path.name.lower().endswith(_JSON):
            raise SourceError(f"{path} is none of {kinds}, {_JSON}: convert it, or set {setting} to another file")
        return FoundFiles(tables=[_data_file(path, path.absolute().parts)], notes=[])
    if not path.is_dir():
        raise SourceError(f"there is no file or folder {path}: correct {setting}{said}")
    inside = (found.relative_to(path) for found in path.rglob("*") if found.is_file() and _suffix(found))
    visible = sorted(found.parts for found in inside if not any(part.startswith((".", "_")) for part in found.parts))
    notes = {parts for parts in visible if _is_note(path.joinpath(*parts))}
    tables = [_data_file(path.joinpath(*parts), (*path.absolute().parts, *parts)) for parts in visible if parts not in notes]
    if not tables:
        raise SourceError(f"the folder {path} has no data file ({kinds}): put the data there, or correct {setting}")
    return FoundFiles(tables=tables, notes=[path.joinpath(*parts) for parts in sorted(notes)])


def _is_note(path: Path) -> bool:
    """Whether it is left out, and named as what is no table."""
    return is_left_out(path) or (path.name.lower().endswith(_NOTES) and not is_text_table(path))


def file_stamps(path: Path) -> Iterator[tuple[str, int, int, int, int]]:
    """Name, size, times and inode of each of the files that `find_data_files` finds, in any order, without opening one; nothing where there is no such path."""
    if path.is_file():
        stat = path.stat()
        yield path.name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino
        return
    folders = [str(path)] if path.is_dir() else []
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in entries:
                if entry.name.startswith((".", "_")):
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif entry.name.lower().endswith(SUFFIXES):
                    stat = entry.stat()
                    yield entry.path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino


def read_table(file: DataFile, settings: FilesSettings) -> ReadTable:
    """The rows of a file in its order, with the columns that its path adds and, of text with too long lines, `DEFECTS_COLUMN`.

    Parameters
    ----------
    settings
        How texts are laid out, where they do not say it.

    Raises
    ------
    SourceError
        If it is empty, truncated or otherwise unreadable.
    """
    try:
        if file.path.stat().st_size == 0:
            raise SourceError(f"{file.path} is empty (0 bytes): deliver it again, or remove it")
        table = _read(file.path, settings)
    except (pl.exceptions.PolarsError, pa.ArrowException, OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise SourceError(
            f"{file.path} can't be read, it may be truncated or not what its name says: {reason}. Deliver it again, or remove it"
        ) from error
    there = {name.casefold() for name in table.rows.columns}
    added = {key: value for key, value in file.keys.items() if key.casefold() not in there}
    return replace(table, rows=table.rows.with_columns(pl.lit(value, pl.String).alias(key) for key, value in added.items()))


def _read(path: Path, settings: FilesSettings) -> ReadTable:
    if path.name.lower().endswith(_JSON):
        return ReadTable(rows=pl.read_json(path, infer_schema_length=None))
    return _read_parquet(path) if _suffix(path) in {".parquet", ".pq"} else read_text_table(path, settings)


def _data_file(path: Path, parts: tuple[str, ...]) -> DataFile:
    stem = path.name[: -len(_suffix(path) or _JSON)]
    pairs = (part.split("=", 1) for part in (*parts[:-1], stem) if re.fullmatch(r"\w+=.*", part))
    return DataFile(
        path=path, stem=stem, keys={key: None if value == "__HIVE_DEFAULT_PARTITION__" else unquote(value) for key, value in pairs}
    )


def _suffix(path: Path) -> str | None:
    name = path.name.lower()
    return next((suffix for suffix in SUFFIXES if name.endswith(suffix) and name != suffix), None)


def _read_parquet(path: Path) -> ReadTable:
    """By pyarrow: where a page is damaged it raises, while Polars' reader ends the process."""
    with pq.ParquetFile(path, page_checksum_verification=True) as file:
        table = file.read()
    # texts and names that are no UTF-8, offsets that lead nowhere
    table.validate(full=True)
    rows = pl.DataFrame(pl.from_arrow(table.rename_columns(table.column_names).replace_schema_metadata(None)))
    by_symbol = parquet_by_symbol(rows)
    return ReadTable(rows=rows) if by_symbol is None else ReadTable(rows=by_symbol, choices=(BY_SYMBOL,))
