"""Numbers as people and their programs write them: 1,234.56 and 1.234,56, $112.13, 7.75M.

Which of comma and dot is the decimal mark is a matter of the file: the cells of all its columns of prices and sizes say it together. A cell such as 12,5 or 1.234,50 can only
have a decimal comma, 12.5 or 1,234.50 only a decimal point; 1,234 can have either.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import polars as pl

from ats_assets.errors import SourceError
from ats_assets.settings import FilesSettings
from ats_assets.sources.adapters.files.choices import ReaderChoice

NOTHING: Final = ("", "-", "--", "na", "n/a", "null", "none")
"""Texts that mean a missing value, in lower case."""
ENOUGH: Final = 0.2
"""A reading of a whole file needs this share of its cells: a stray cell is a fault of its row, and changes no other."""
_SPACES: Final = r"\s\x{00a0}\x{202f}'’"
_MONEY: Final = r"(?:[$€£¥₹]|USD|EUR|GBP|CHF|JPY)"
_POWERS: Final = {"k": "e3", "m": "e6", "b": "e9", "t": "e12"}

_COMMA: Final = r"^[+-]?(?:\d{1,3}(?:\.\d{3})+,\d+|\d*,(?:\d{1,2}|\d{4,})|(?:0|\d{4,}),\d{3}|\d{1,3}(?:\.\d{3}){2,})$"
_POINT: Final = r"^[+-]?(?:\d{1,3}(?:,\d{2,3})*,\d{3}\.\d*|\d*\.(?:\d{1,2}|\d{4,})|(?:0|\d{4,})\.\d{3}|\d{1,3}(?:,\d{3}){2,})$"
_EITHER: Final = r"^[+-]?[1-9]\d{0,2},\d{3}$"


@dataclass(frozen=True, kw_only=True)
class NumberStyle:
    """How a file writes numbers.

    Attributes
    ----------
    decimal
        The decimal mark.
    thousands
        What may stand between groups of digits, as a class of characters of a regular expression; empty: nothing.
    """

    decimal: Literal[".", ","]
    thousands: str


def number_style(prices: Sequence[pl.Series], sizes: Sequence[pl.Series], settings: FilesSettings, where: str) -> NumberStyle:
    """The style of a file's cells that are texts.

    Parameters
    ----------
    prices, sizes
        Columns of prices and of volumes.

    Raises
    ------
    SourceError
        If prices can be read in two ways.
    """
    if settings.decimal or settings.thousands:
        comma = settings.decimal == "," or (settings.decimal is None and settings.thousands == ".")
        return _style(comma=comma, thousands=settings.thousands)
    comma, point, either, cells = (sum(counts) for counts in zip(*map(_evidence, [*prices, *sizes]), strict=True))
    if comma > point and comma + either >= ENOUGH * cells:
        return _style(comma=True)
    unclear = sum(_evidence(column)[2] for column in prices)
    if unclear and not comma and not point:
        if unclear >= ENOUGH * sum(column.len() - column.null_count() for column in prices):
            cell = next(found[0] for column in prices if (found := _bare(column).filter(_bare(column).str.contains(_EITHER))).len())
            raise SourceError(
                f"{where}: the number {cell!r} can be {cell.replace(',', '')} (comma between thousands) or {cell.replace(',', '.')} (decimal comma), and no other cell "
                'says which: set source.files.decimal to "." or ","'
            )
        return NumberStyle(decimal=".", thousands="")
    return _style(comma=False)


def numbers(texts: pl.Expr, style: NumberStyle) -> pl.Expr:
    """The numbers (Float64) that texts write; null where they write none."""
    plain = texts.str.strip_chars().cast(pl.Float64, strict=False)
    mark = rf"\{style.decimal}"
    groups = rf"\d{{1,3}}(?:{style.thousands}\d{{2,3}})*{style.thousands}\d{{3}}|" if style.thousands else ""
    written = rf"^\s*([+-]?)\s*{_MONEY}?\s*((?:{groups}\d+|{mark}\d)(?:{mark}?\d*)?(?:[eE][+-]?\d+)?)\s*([kKmMbBtT]?)\s*{_MONEY}?\s*$"
    digits = texts.str.extract(written, 2)
    digits = digits.str.replace_all(style.thousands, "") if style.thousands else digits
    power = texts.str.extract(written, 3).str.to_lowercase().replace(_POWERS)
    exact = pl.concat_str(texts.str.extract(written, 1), digits.str.replace(mark, "."), power).cast(pl.Float64, strict=False)
    if style.decimal == ".":
        return pl.coalesce(plain, exact)
    return pl.when(texts.str.contains(r"\d")).then(exact).otherwise(plain)


def style_said(style: NumberStyle, columns: Sequence[pl.Series]) -> ReaderChoice:
    """What was taken, where cells are not plain numbers."""
    seen = pl.concat([_stripped(column).rename("cell") for column in columns])
    found = (
        (bool(seen.str.contains(_MONEY).any()), "currency signs"),
        (bool(seen.str.contains(r"(?i)\d\s*[kmbt]$").any()), "letters for thousands, millions and billions"),
    )
    also = "".join(f", {text}" for is_there, text in found if is_there)
    mark = "comma" if style.decimal == "," else "point"
    return ReaderChoice(
        taken=f"numbers: decimal {mark}{also}", setting='source.files.decimal = "."' if mark == "comma" else 'source.files.decimal = ","'
    )


def doubtful_sizes(prices: Sequence[pl.Series], sizes: Sequence[pl.Series]) -> tuple[ReaderChoice, ...]:
    """A warning where all numbers are plain, prices are whole, and each volume has three digits after its point, as 71.250 for 71250 has."""
    cells = [_stripped(column) for column in sizes]
    like = sum(int(column.str.contains(r"^[1-9]\d{0,2}\.\d{3}$").sum()) for column in cells)
    if not like or like < sum(column.len() for column in cells) or any(column.str.contains(".", literal=True).any() for column in prices):
        return ()
    taken = f"volumes such as {cells[0][0]} are read with a decimal point, although prices are whole"
    return (ReaderChoice(taken=taken, setting='source.files.decimal = ","', is_doubtful=True),)


def _style(*, comma: bool, thousands: str | None = None) -> NumberStyle:
    between = f"[{_SPACES}{'.' if comma else ','}]" if thousands is None else f"[{_SPACES if thousands == ' ' else thousands}]"
    return NumberStyle(decimal="," if comma else ".", thousands=between)


def _stripped(column: pl.Series) -> pl.Series:
    return column.drop_nulls().str.strip_chars()


def _bare(column: pl.Series) -> pl.Series:
    """The cells without signs of currencies, spaces and the letter for a power."""
    return _stripped(column).str.replace_all(rf"[{_SPACES}]|{_MONEY}", "").str.replace(r"(?i)[kmbt]$", "")


def _evidence(column: pl.Series) -> tuple[int, int, int, int]:
    """Cells that have a decimal comma, that have a decimal point, that can have either; all that are not empty."""
    bare = _bare(column)
    return (*(int(bare.str.contains(pattern).sum()) for pattern in (_COMMA, _POINT, _EITHER)), bare.len())  # pyright: ignore[reportReturnType]
