"""Tables with a column for each field of each symbol, as yfinance and pandas write them.

Their header has two rows, `Close, Close, …` and `AAPL, MSFT, …` in either order, and below them perhaps a row with the name of the index alone. They become a row for each
symbol and day; a day on which all fields of a symbol are empty is no row of it, but another symbol's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import polars as pl

from ats_assets.sources.adapters.files.choices import ReaderChoice
from ats_assets.sources.adapters.files.recognition import PRICES_AND_SIZES, SYNONYMS
from ats_assets.sources.adapters.files.text_cells import is_day
from ats_assets.sources.column_names import normalised

FIELDS: Final = frozenset(name for canonical in PRICES_AND_SIZES for name in SYNONYMS[canonical]) | {
    *("dividends", "stocksplits", "capitalgains", "repaired"),
}
"""What the fields of a symbol may be called, without case and punctuation."""
_CORNERS: Final = frozenset(("ticker", "tickers", "symbol", "symbols", "price", "attributes", "date", "datetime", "index", "field"))
"""What stands before the fields, or the symbols."""
_PAIR: Final = re.compile(r"""\(['"](.*)['"], ['"](.*)['"]\)""")
"""How pandas writes two levels as the name of one column of Parquet."""
BY_SYMBOL: Final = ReaderChoice(
    taken="two rows of names: a column for each field of each symbol, made into rows; a day on which all fields of a symbol are empty is no row of it",
    setting="write a row for each symbol and day",
)


@dataclass(frozen=True, kw_only=True)
class WideHeader:
    """A header of two rows.

    Attributes
    ----------
    pairs
        Of each column but the first its field and its symbol.
    rows
        How many rows the header has: two, or three.
    """

    pairs: tuple[tuple[str, str], ...]
    rows: int


def wide_header(lines: Sequence[Sequence[str]]) -> WideHeader | None:
    """The header, if the lines above the first one of data are such.

    Examples
    --------
    >>> wide_header([["Price", "Close", "High", "Low", "Open"], ["Ticker", "A", "A", "A", "A"], ["Date", "", "", "", ""]])
    WideHeader(pairs=(('Close', 'A'), ('High', 'A'), ('Low', 'A'), ('Open', 'A')), rows=3)
    >>> wide_header([["symbol", "open", "high", "low", "close"], ["A", "x", "x", "x", "x"]])
    """
    if len(lines) < 2 or len(lines[0]) != len(lines[1]) or len(lines[0]) < 5:
        return None
    if any(not _is_corner(line[0]) or not all(map(_is_name, line[1:])) for line in lines[:2]):
        return None
    upper, lower = ([cell.strip() for cell in line[1:]] for line in lines[:2])
    fields = [all(normalised(cell) in FIELDS for cell in cells) for cells in (upper, lower)]
    if fields[0] == fields[1] or len(set(zip(upper, lower, strict=True))) < len(upper):
        return None
    third = lines[2] if len(lines) > 2 and lines[2] else [""]
    named = bool(third[0].strip()) and not is_day(third[0]) and not any(cell.strip() for cell in third[1:])
    pairs = zip(upper, lower, strict=True) if fields[0] else zip(lower, upper, strict=True)
    return WideHeader(pairs=tuple(pairs), rows=3 if named else 2)


def _is_corner(cell: str) -> bool:
    return not cell.strip() or normalised(cell) in _CORNERS


def _is_name(cell: str) -> bool:
    """Whether it may be a field or a symbol: a plain number is a cell of data."""
    return re.fullmatch(r"\s*[+-]?[\d.,]*\s*", cell) is None


def of_each_symbol(rows: pl.DataFrame, pairs: Sequence[tuple[str, str]], other: Sequence[str] = ()) -> pl.DataFrame:
    """Rows of each symbol, in the order of the columns, then of the rows: Date, Ticker, and the fields.

    Parameters
    ----------
    rows
        The day, then a column for each of `pairs`, then `other`.
    other
        Columns that all symbols share.
    """
    day, *columns = rows.columns[: len(pairs) + 1]
    frames: list[pl.DataFrame] = []
    for symbol in dict.fromkeys(symbol for _, symbol in pairs):
        own = {field: column for (field, of), column in zip(pairs, columns, strict=True) if of == symbol}
        frame = rows.select(
            pl.col(day).alias("Date"),
            pl.lit(symbol).alias("Ticker"),
            *(pl.col(column).alias(field) for field, column in own.items()),
            *other,
        )
        frames.append(frame.filter(pl.any_horizontal(pl.col(field).is_not_null() for field in own)))
    return pl.concat(frames, how="diagonal_relaxed")


def parquet_by_symbol(rows: pl.DataFrame) -> pl.DataFrame | None:
    """The rows of each symbol of a Parquet file that pandas wrote with two levels of columns; None where it has not two."""
    found = {name: pair.groups() for name in rows.columns if (pair := _PAIR.fullmatch(name)) and all(pair.groups())}
    if len(found) < 4:
        return None
    fields = [all(normalised(pair[level]) in FIELDS for pair in found.values()) for level in (0, 1)]
    days = [name for name in rows.columns if name not in found]
    if fields[0] == fields[1] or len(days) != 1:
        return None
    pairs = [(pair[0], pair[1]) if fields[0] else (pair[1], pair[0]) for pair in found.values()]
    return of_each_symbol(rows.select(*days, *found), pairs)
