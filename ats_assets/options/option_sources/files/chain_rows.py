"""Rows of a table of chains, as the file has them, into canonical columns: a cell that can't be read becomes null and is named in the row's `defects`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from ats_assets.options.contract import parts_of, symbols_of
from ats_assets.options.quote_times import days_of, instants_of
from ats_assets.options.schema import KEY, TRADED_COLUMNS, VENDOR_COLUMNS

_NUMBERS: Final = ("strike", "multiplier", *TRADED_COLUMNS, "underlying_price", *VENDOR_COLUMNS)
_RIGHTS: Final = {"c": "C", "call": "C", "calls": "C", "p": "P", "put": "P", "puts": "P"}
_STYLES: Final = {"a": "american", "american": "american", "e": "european", "european": "european"}


@dataclass(frozen=True, kw_only=True)
class ChainReader:
    """How the rows of a table are read.

    Attributes
    ----------
    names
        Canonical name -> the file's own.
    zone
        Of quote times that have none, and of the days of instants.
    """

    names: Mapping[str, str]
    zone: str
    date_format: str | None = None
    strike_divisor: float = 1.0

    def rows(self, table: pl.DataFrame) -> pl.DataFrame:
        """The rows in their order: the columns of `RAW_OPTION_CHAINS_SCHEMA` that the file has, but session, and `defects`."""
        readers = self._readers()
        made = {name: readers[name](table[column]).alias(name) for name, column in self.names.items()}
        unread = [pl.lit(_unread(table[column], made[name], name)) for name, column in self.names.items()]
        frame = pl.DataFrame(made)
        if "strike" in made and self.strike_divisor != 1.0:
            frame = frame.with_columns(
                strike=pl.Series(frame["strike"].to_numpy() / self.strike_divisor)
            )  # a column is multiplied by the reciprocal
        if "date" not in made and "quoted_at" in made:
            frame = frame.with_columns(date=pl.col("quoted_at").dt.convert_time_zone(self.zone).dt.date())
        defects = pl.concat_str(unread, separator="; ", ignore_nulls=True)
        return _completed(frame.with_columns(defects=pl.when(defects != "").then(defects)))

    def _readers(self) -> dict[str, Callable[[pl.Series], pl.Series]]:
        """How the cells of each canonical column are read."""
        return {
            "date": lambda cells: days_of(cells, self.zone, self.date_format),
            "expiry": lambda cells: days_of(cells, self.zone, self.date_format),
            "quoted_at": lambda cells: instants_of(cells, self.zone),
            "right": lambda cells: _words(cells, _RIGHTS),
            "style": lambda cells: _words(cells, _STYLES),
            **dict.fromkeys(_NUMBERS, _numbers),
            **dict.fromkeys(("underlying", "contract", "deliverable"), _texts),
        }


def _completed(frame: pl.DataFrame) -> pl.DataFrame:
    """Contract and parts, each of the other where it is not told; a symbol that is none, or contradicts them, is left as it is, for screening to tell."""
    if "contract" not in frame.columns:
        return frame.with_columns(contract=symbols_of(*(pl.col(name) for name in KEY)))
    parts = parts_of(pl.col("contract"))
    told = [pl.coalesce(name, part).alias(name) if name in frame.columns else part.alias(name) for name, part in parts.items()]
    plain = pl.col("contract").str.strip_prefix("O:").str.replace_all(" ", "")
    wrong = pl.when(pl.col("contract").is_not_null() & parts["underlying"].is_null()).then(
        "contract: '" + pl.col("contract").str.slice(0, 40) + "' is no symbol of an option"
    )
    defects = pl.concat_str(["defects", wrong], separator="; ", ignore_nulls=True).replace("", None)
    return frame.with_columns(*told, contract=plain, defects=defects)


def _words(column: pl.Series, meanings: Mapping[str, str]) -> pl.Series:
    return _texts(column).str.strip_chars().str.to_lowercase().replace_strict(meanings, default=None, return_dtype=pl.String)


def _texts(column: pl.Series) -> pl.Series:
    return column if column.dtype == pl.String else column.cast(pl.String, strict=False)


def _numbers(column: pl.Series) -> pl.Series:
    return (column.str.strip_chars().str.strip_prefix("$").str.replace_all(",", "") if column.dtype == pl.String else column).cast(
        pl.Float64, strict=False
    )


def _unread(cells: pl.Series, read: pl.Series, name: str) -> pl.Series:
    """What a cell holds that could not be read; null where it could, or where it is empty."""
    none = pl.Series([None], dtype=pl.String).new_from_index(0, len(cells))
    if read.null_count() == cells.null_count():
        return none
    texts = _texts(cells)
    bad = read.is_null() & texts.is_not_null() & ~texts.str.strip_chars().str.to_lowercase().is_in(["", "nan", "null", "none", "n/a", "-"])
    if not bad.any():
        return none
    return pl.select(pl.when(bad).then(pl.lit(name + ": '") + texts.str.slice(0, 40) + pl.lit("'"))).to_series()
