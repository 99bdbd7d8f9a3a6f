"""Tables that are texts: what parts the cells, where the header is and whether there is one, in which encoding; then Polars' reader, every cell as it is written.

What the first lines say holds for the file. A line with a date or four numbers is data; a header is above it, in one row or (`wide_tables`) two or three.
"""

import csv
import gzip
import io
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import polars as pl

from ats_assets.errors import SourceError
from ats_assets.settings import FilesSettings
from ats_assets.sources.adapters.files.choices import ReaderChoice
from ats_assets.sources.adapters.files.positions import guessed_positions
from ats_assets.sources.adapters.files.recognition import SYNONYMS
from ats_assets.sources.adapters.files.text_cells import is_day, is_number
from ats_assets.sources.adapters.files.wide_tables import BY_SYMBOL, WideHeader, of_each_symbol, wide_header
from ats_assets.sources.column_names import normalised
from ats_assets.sources.zipped_table import is_zip, opened_zip

DEFECTS_COLUMN = "__defects__"
"""A column beside those of the file: what is wrong with a row as a whole."""
HEAD_BYTES: Final = 32_768
"""So much of a file's beginning is looked at before it is read."""
_SAMPLE: Final = 50
_SEPARATORS: Final = ("\t", ";", "|", ",")
_KNOWN: Final = frozenset(name for names in SYNONYMS.values() for name in names)


@dataclass(frozen=True, kw_only=True)
class ReadTable:
    """A table, and what is known of it beside its rows.

    Attributes
    ----------
    rows
        As they are written.
    first_line
        Of a table without a header, which has columns `column_1`, `column_2` and so on; else None.
    positions
        Of such a table, canonical name (and `time`) -> name of the column, where its rows say so.
    choices
        What was decided.
    """

    rows: pl.DataFrame
    first_line: str | None = None
    positions: Mapping[str, str] = field(default_factory=dict)
    choices: tuple[ReaderChoice, ...] = ()


@dataclass(frozen=True, kw_only=True)
class _Layout:
    """How a text is laid out: `skip` are the lines above the header, or above the data where there is none or it is wide; `begins` those that are empty, or say the separator."""

    separator: str
    encoding: str
    begins: int
    skip: int
    has_header: bool
    wide: WideHeader | None
    first_rows: Sequence[Sequence[str]]


def read_text_table(path: Path, settings: FilesSettings) -> ReadTable:
    """The rows of a text, every cell as it is written.

    Raises
    ------
    SourceError
        If its header has a name twice.
    PolarsError, OSError, EOFError, UnicodeDecodeError, csv.Error
        If it can't be read.
    """
    layout = _layout(path, settings)
    rows = _rows(path, layout)
    above = ReaderChoice(
        taken=f"the header is line {layout.skip + 1}; what is above it is left out", setting="remove these lines from the file"
    )
    choices = (above,) if layout.has_header and layout.skip > layout.begins else ()
    if layout.wide is not None:
        other = [name for name in rows.columns if name == DEFECTS_COLUMN]
        return ReadTable(rows=of_each_symbol(rows, layout.wide.pairs, other), choices=(BY_SYMBOL,))
    if layout.has_header:
        rows, count = _without_count(rows)
        return ReadTable(rows=rows, choices=(*choices, *count))
    first = layout.first_rows[0] if layout.first_rows else []
    places = guessed_positions([row for row in layout.first_rows if len(row) == len(first)])
    said = ", ".join(f"{name} = {place}" for name, place in places.items() if name != "time")
    guessed = ReaderChoice(
        taken=f"no header: columns by what they hold, {said}", setting="source.files.columns = { date = 1, … } by position"
    )
    return ReadTable(
        rows=rows,
        first_line=layout.separator.join(first),
        positions={name: f"column_{place}" for name, place in places.items()},
        choices=(guessed,) if places else (),
    )


def is_text_table(path: Path) -> bool:
    """Whether a text begins like a table: five cells in its first line that is not empty."""
    try:
        lines = [line for line in _head(path)[0] if line.strip()]
    except (OSError, EOFError, UnicodeDecodeError):
        return True  # what can't be read is said when it is read
    return not lines or lines[0].count(_separator(lines)) >= 4


def _head(path: Path) -> tuple[list[str], str]:
    """The first lines of a text, whole ones only, and its encoding."""
    with _opened(path) as file:
        content = file.read(HEAD_BYTES)
    head, encoding = _decoded(content)
    lines = [line.removesuffix("\r") for line in head.split("\n")]
    whole = lines if len(content) < HEAD_BYTES or len(lines) == 1 else lines[:-1]
    return whole[:_SAMPLE], encoding


def _decoded(content: bytes) -> tuple[str, str]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content[: len(content) // 2 * 2].decode("utf-16"), "utf-16"
    try:
        return content.decode("utf-8-sig"), "utf-8"
    except UnicodeDecodeError as error:
        if len(content) == HEAD_BYTES and error.start >= HEAD_BYTES - 4:  # a character that the end cuts
            return content[: error.start].decode("utf-8-sig"), "utf-8"
    return content.decode("cp1252"), "cp1252"


def _layout(path: Path, settings: FilesSettings) -> _Layout:
    lines, encoding = _head(path)
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    if lines and lines[first].lower().startswith("sep=") and len(lines[first]) == 5:  # Excel's way to say it
        separator, first = lines[first][4], first + 1
    else:
        separator = settings.separator or _separator(lines[first:])
    begins = first
    cells = list(csv.reader(lines, delimiter=separator)) if lines else []
    if len(cells) != len(lines):  # a cell has a line break: what follows is not told by lines
        cells = cells[: first + 1]
    data = next((i for i in range(first, len(cells)) if _is_data(cells[i])), None)
    has_header = settings.header if settings.header is not None else data != first
    wide = wide_header(cells[first : first + 3]) if settings.header is not False else None  # its symbols may look like numbers: 7203.T
    if wide is not None:
        first += wide.rows
    elif has_header:
        first = next((i for i in range(first, data or first) if _names(cells[i]) >= 3), first)
    sample = [row for row in cells[first:] if row]
    return _Layout(
        separator=separator,
        encoding=encoding,
        begins=begins,
        skip=first,
        has_header=has_header and wide is None,
        wide=wide,
        first_rows=sample,
    )


def _separator(lines: Sequence[str]) -> str:
    """What parts the cells: a tab, semicolon or bar that each line has as often as the others, at least three times; else what the first line has most of."""
    some = [line for line in lines[:6] if line.strip()]
    for one in _SEPARATORS[:-1]:
        if some and len({line.count(one) for line in some}) == 1 and some[0].count(one) >= 3:
            return one
    return max((",", ";", "\t", "|"), key=some[0].count) if some else ","


def _is_data(cells: Sequence[str]) -> bool:
    numbers = sum(map(is_number, cells))
    return numbers >= 4 or (bool(numbers) and any(map(is_day, cells)))


def _names(cells: Sequence[str]) -> int:
    return sum(normalised(cell) in _KNOWN for cell in cells)


def _rows(path: Path, layout: _Layout) -> pl.DataFrame:
    how = {"separator": layout.separator, "has_header": layout.has_header, "skip_lines": layout.skip, "infer_schema": False, "glob": False}
    width = None if layout.wide is None else 1 + len(layout.wide.pairs)
    try:
        as_it_is = layout.encoding == "utf-8" and not is_zip(path)
        rows = pl.read_csv(path if as_it_is else _text(path, layout.encoding).encode(), **how)  # pyright: ignore[reportArgumentType]
    except pl.exceptions.ComputeError:
        rows = None  # a line of another length than the header, most likely: slower, line by line
    if rows is None or rows.width != (width or rows.width):
        text = _text(path, layout.encoding)
        lines = list(csv.reader(io.StringIO(text, newline=""), delimiter=layout.separator))
        return _ragged(lines[layout.skip :], has_header=layout.has_header, width=width)
    return rows if layout.has_header else rows.rename({name: f"column_{i}" for i, name in enumerate(rows.columns, start=1)})


def _without_count(rows: pl.DataFrame) -> tuple[pl.DataFrame, tuple[ReaderChoice, ...]]:
    """The rows without a last line that is one small number alone, as EODHD ends its CSVs: it would be rejected in the newest session, and count there."""
    last = rows.row(-1) if rows.height > 1 and rows.width >= 5 else ()
    if not last or last[0] is None or any(last[1:]) or not re.fullmatch(r"\d{1,7}", last[0].strip()):
        return rows, ()
    taken = f"the last line is a number alone, {last[0].strip()}, and left out"
    return rows[:-1], (ReaderChoice(taken=taken, setting="remove it from the file"),)


def _text(path: Path, encoding: str) -> str:
    """All of a text; one that begins as UTF-8 may still turn out to be written on Windows."""
    with _opened(path) as file:
        content = file.read()
    try:
        return content.decode("utf-8-sig" if encoding == "utf-8" else encoding)
    except UnicodeDecodeError:
        return content.decode("cp1252")


def _opened(path: Path) -> io.BufferedIOBase:
    if is_zip(path):
        return opened_zip(path)
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb")


def _ragged(lines: list[list[str]], *, has_header: bool, width: int | None) -> pl.DataFrame:
    """Rows with too many fields keep the first ones and get a defect; short rows end in nulls. Without a header the first row says how many there are, or `width`."""
    names, *rows = lines if has_header else [[f"column_{i}" for i in range(1, (width or max(map(len, lines[:1]), default=0)) + 1)], *lines]
    repeated = [name for name, count in Counter(names).items() if count > 1]
    if repeated:
        raise SourceError(f"the header names {repeated} twice: rename the columns")
    width = len(names)
    rows = [row for row in rows if row]
    cells = [[cell or None for cell in row[:width]] + [None] * (width - len(row)) for row in rows]
    whose = "header" if has_header else "first line"
    defects = [f"{len(row)} fields, but the {whose} has {width}" if len(row) > width else None for row in rows]
    schema = dict.fromkeys(names, pl.String)
    return pl.DataFrame(cells, schema=schema, orient="row").with_columns(pl.Series(DEFECTS_COLUMN, defects, dtype=pl.String))
