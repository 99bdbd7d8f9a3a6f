"""Texts of ticks, a block at a time: what parts the cells, whether there is a header, and what the columns are called where there is none."""

import contextlib
import csv
import gzip
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl
import pyarrow as pa
from pyarrow import csv as arrow_csv

from ats_assets.errors import SourceError
from ats_assets.intraday.tick_source import What
from ats_assets.intraday.tick_sources.files.settings import TickFilesSettings
from ats_assets.intraday.tick_sources.files.tick_columns import SYNONYMS
from ats_assets.sources.column_names import normalised
from ats_assets.sources.zipped_table import is_zip, opened_zip

BLOCK_BYTES: Final = 1 << 20
"""Of a text that are in memory at once; a block is some ten thousand ticks."""
_HEAD_BYTES: Final = 16_384
_PAIR_AND_TIME: Final = [r"[A-Z]{3}/[A-Z]{3}", r"\d{8} \d\d:\d\d:\d\d\.\d+", r"[\d.]+", r"[\d.]+"]
_COMPACT_TIME: Final = [r"\d{8} \d{9}", r"[\d.]+", r"[\d.]+", r"[\d.]+"]
_NUMBER, _STAMP, _TRUTH = r"[\d.]+", r"\d{13}|\d{16}", r"(?i:true|false)"
_BINANCE_TRADE: Final = [r"\d+", _NUMBER, _NUMBER, _NUMBER, _STAMP, _TRUTH, _TRUTH]
_BINANCE_AGGREGATE: Final = [r"\d+", _NUMBER, _NUMBER, r"\d+", r"\d+", _STAMP, _TRUTH, _TRUTH]
_TRADE_NAMES: Final = ["id", "price", "qty", "quote_qty", "time", "is_buyer_maker", "is_best_match"]
_AGGREGATE_NAMES: Final = [
    "agg_trade_id",
    "price",
    "quantity",
    "first_trade_id",
    "last_trade_id",
    "transact_time",
    "is_buyer_maker",
    "is_best_match",
]
_WITHOUT_HEADER: Final = (
    (_PAIR_AND_TIME, ["symbol", "timestamp", "bid", "ask"]),  # TrueFX
    (_COMPACT_TIME, ["timestamp", "bid", "ask", "volume"]),  # HistData, ASCII ticks
    (_BINANCE_TRADE, _TRADE_NAMES),  # Binance's dumps of spot; those of futures, some of which have a header, lack the last column
    (_BINANCE_TRADE[:-1], _TRADE_NAMES[:-1]),
    (_BINANCE_AGGREGATE, _AGGREGATE_NAMES),
    (_BINANCE_AGGREGATE[:-1], _AGGREGATE_NAMES[:-1]),
)
"""How the first line of known formats without a header looks, and what its columns are."""


@dataclass(frozen=True, kw_only=True)
class TextLayout:
    """How a text is laid out: `columns` are the names in its header, or those that are given to what has none."""

    separator: str
    columns: tuple[str, ...]
    has_header: bool


def text_layout(path: Path, what: What, settings: TickFilesSettings) -> TextLayout:
    """The layout of a text, by its first lines.

    Raises
    ------
    SourceError
        If it is empty, has no header that can be told, or its header has a name twice.
    """
    lines = _head(path)
    if not lines:
        raise SourceError(f"{path} is empty: deliver it again, or remove it")
    separator = settings.separator or max((",", ";", "\t", "|"), key=lines[0].count)
    first = next(csv.reader([lines[0]], delimiter=separator))
    known = {name for names in SYNONYMS[what].values() for name in names}
    has_header = settings.header
    if has_header is None:
        has_header = sum(normalised(cell) in known for cell in first) >= 2 or not any(re.search(r"\d", cell) for cell in first)
    if has_header:
        if len(set(first)) < len(first):
            raise SourceError(
                f"{path}: the header names {sorted({name for name in first if first.count(name) > 1})} twice: rename the columns"
            )
        return TextLayout(separator=separator, columns=tuple(first), has_header=True)
    for patterns, names in _WITHOUT_HEADER:
        if len(first) == len(patterns) and all(re.fullmatch(pattern, cell) for pattern, cell in zip(patterns, first, strict=True)):
            return TextLayout(separator=separator, columns=tuple(names), has_header=False)
    if not settings.columns:
        raise SourceError(
            f"{path} has no header, and its first line is {lines[0][:200]!r}: say which column is which by position, such as "
            f"intraday.{what}.columns = {{ at = 1, {', '.join(f'{name} = {i}' for i, name in enumerate(('price', 'size') if what == 'trades' else ('bid', 'ask'), start=2))} }}"
        )
    return TextLayout(separator=separator, columns=tuple(f"column_{i}" for i in range(1, len(first) + 1)), has_header=False)


def text_blocks(path: Path, layout: TextLayout, needed: list[str]) -> Iterator[pl.DataFrame]:
    """The rows, a block at a time, every cell as it is written. A line of another length than the others is a row of nulls, with what is wrong in `defects`; those come last.

    Raises
    ------
    SourceError
        If the file is truncated or otherwise unreadable.
    """
    wrong: list[str] = []

    def kept(row: arrow_csv.InvalidRow) -> str:
        wrong.append(f"{row.actual_columns} fields, but there should be {row.expected_columns}: {(row.text or '')[:60]}")
        return "skip"

    how = {
        "read_options": arrow_csv.ReadOptions(
            use_threads=False, block_size=BLOCK_BYTES, column_names=list(layout.columns), skip_rows=1 if layout.has_header else 0
        ),
        "parse_options": arrow_csv.ParseOptions(delimiter=layout.separator, invalid_row_handler=kept),
        "convert_options": arrow_csv.ConvertOptions(
            column_types=dict.fromkeys(layout.columns, pa.string()),
            include_columns=needed,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            check_utf8=True,
        ),
    }
    try:
        with contextlib.ExitStack() as stack:
            text = stack.enter_context(opened_zip(path)) if is_zip(path) else path
            reader = stack.enter_context(arrow_csv.open_csv(text, **how))
            for batch in reader:
                yield pl.DataFrame(pl.from_arrow(pa.table(batch)))
    except (pa.ArrowException, OSError, EOFError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise SourceError(
            f"{path} can't be read, it may be truncated or not what its name says: {reason}. Deliver it again, or remove it"
        ) from error
    if wrong:
        nulls = {name: pl.Series([None], dtype=pl.String).new_from_index(0, len(wrong)) for name in needed}
        yield pl.DataFrame({**nulls, "defects": wrong})


def _head(path: Path) -> list[str]:
    try:
        with _opened(path) as file:
            head = file.read(_HEAD_BYTES)
    except (OSError, EOFError) as error:
        raise SourceError(f"{path} can't be read: {error}. Deliver it again, or remove it") from error
    return [line for line in io.StringIO(head.decode("utf-8-sig", errors="replace")).read().splitlines() if line.strip()][:5]


def _opened(path: Path) -> io.BufferedIOBase:
    if is_zip(path):
        return opened_zip(path)
    return gzip.open(path, "rb") if path.name.lower().endswith(".gz") else path.open("rb")
