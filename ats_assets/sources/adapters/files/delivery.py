"""From a file's own columns to canonical ones: each cell converted or, where it can't be, null and named in `defects`."""

from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from ats_assets.errors import SourceError
from ats_assets.settings import FilesSettings
from ats_assets.sources.adapters.files.recognition import REQUIRED, Recognition, normalised, recognise, require_columns
from ats_assets.sources.adapters.files.stamps import StampReader
from ats_assets.sources.adapters.files.table_files import DEFECTS_COLUMN, DataFile, read_table
from ats_assets.sources.schema import MEASURES, PRICES

_NOTHING = ("", "na", "n/a", "null", "none")
"""Texts that mean a missing value."""


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """A file's rows in canonical columns, in its order.

    Attributes
    ----------
    rows
        symbol, date, clock (the stamp as written, null for a date without a time), open … vwap, defects.
    recognition
        Which column of the file became which.
    vintages
        The different values of its column `vintage`, where it has one.
    """

    file: DataFile
    rows: pl.DataFrame
    recognition: Recognition
    vintages: tuple[str, ...] = ()


def read_delivery(file: DataFile, settings: FilesSettings, stamps: StampReader, *, symbol: str | None) -> Delivery:
    """Read and convert one file.

    Parameters
    ----------
    symbol
        Of all rows, where the file has no column for it.

    Raises
    ------
    SourceError
        If the file can't be read or lacks a column that is needed.
    """
    where = str(file.path)
    table = _selected(read_table(file), settings.where, where)
    if DEFECTS_COLUMN not in table.columns:
        table = table.with_columns(pl.lit(None, pl.String).alias(DEFECTS_COLUMN))
    notes, table = table[DEFECTS_COLUMN], table.drop(DEFECTS_COLUMN)
    recognition = recognise(table.schema, settings.columns, where)
    needed = [name for name in REQUIRED if name != "symbol" or symbol is None] + (["adj_close"] if settings.adjusted else [])
    require_columns(recognition, needed, table.schema, where)
    columns = recognition.columns
    days = stamps.days(_plain(table[columns["date"]]))
    numbers = [*MEASURES, "adj_close"] if settings.adjusted else MEASURES
    rows = table.select(
        (pl.col(columns["symbol"]).cast(pl.String) if "symbol" in columns else pl.lit(symbol, pl.String)).alias("symbol"),
        days["date"],
        days["clock"],
        *(_number(columns, name, table.schema) for name in numbers),
    )
    unread = [_unread_day(table[columns["date"]], days["date"]), *(_unread_number(table, columns, rows[name]) for name in numbers)]
    rows = rows.with_columns(_joined([notes, *(texts for texts in unread if texts is not None)]))
    vintages = [name for name in table.columns if normalised(name) == "vintage"]
    return Delivery(
        file=file,
        rows=_adjusted(rows) if settings.adjusted else rows,
        recognition=recognition,
        vintages=tuple(table[vintages[0]].cast(pl.String).drop_nulls().unique().sort()) if vintages else (),
    )


def _selected(table: pl.DataFrame, where: Mapping[str, str], file: str) -> pl.DataFrame:
    """The rows that `source.files.where` asks for."""
    for key, value in where.items():
        names = [name for name in table.columns if name == key] or [name for name in table.columns if normalised(name) == normalised(key)]
        if not names:
            raise SourceError(
                f"source.files.where selects by {key!r}, but {file} has only the columns {', '.join(table.columns)}: correct it"
            )
        table = table.filter(pl.col(names[0]).cast(pl.String) == value)
    return table


def _plain(column: pl.Series) -> pl.Series:
    """Categories as texts; a column of nothing as texts too."""
    return column.cast(pl.String) if isinstance(column.dtype, pl.Categorical | pl.Enum | pl.Null) else column


def _number(columns: Mapping[str, str], name: str, schema: pl.Schema) -> pl.Expr:
    if name not in columns:
        return pl.lit(None, pl.Float64).alias(name)
    cell = pl.col(columns[name])
    if schema[columns[name]] == pl.String:
        cell = cell.str.strip_chars()
    return cell.cast(pl.Float64, strict=False).alias(name)


def _unread_number(table: pl.DataFrame, columns: Mapping[str, str], numbers: pl.Series) -> pl.Series | None:
    name = numbers.name
    if name not in columns or table.schema[columns[name]] != pl.String:
        return None
    return _unread(table[columns[name]], numbers, name, "is not a number")


def _unread_day(column: pl.Series, days: pl.Series) -> pl.Series | None:
    return _unread(_plain(column).cast(pl.String), days, "date", "is not a date or time that can be read (write it as 2018-01-31)")


def _unread(texts: pl.Series, values: pl.Series, name: str, complaint: str) -> pl.Series | None:
    """What to say of cells that held something and became null."""
    if values.null_count() == texts.null_count():
        return None
    bare = texts.str.strip_chars()
    failed = values.is_null() & texts.is_not_null() & ~bare.str.to_lowercase().is_in(list(_NOTHING))
    said = pl.concat_str(pl.lit(f"{name}: '"), bare, pl.lit(f"' {complaint}"))
    return pl.select(pl.when(failed).then(said)).to_series()


def _joined(defects: list[pl.Series]) -> pl.Expr:
    joined = pl.concat_str([pl.lit(texts) for texts in defects], separator="; ", ignore_nulls=True)
    return pl.when(joined != "").then(joined).alias("defects")


def _adjusted(rows: pl.DataFrame) -> pl.DataFrame:
    """Prices scaled by adj_close / close and volumes by its inverse; where that is unknown, no prices, for a mixture of scales would look like returns.

    So price * volume stays the money that changed hands, whatever the two were counted in: as traded, or both adjusted for splits already, as some vendors' are.
    """
    factor = pl.col("adj_close") / pl.col("close")
    usable = (factor.is_finite() & (factor > 0)).fill_null(value=False)
    scaled = [pl.when(usable).then(pl.col(name) * factor).alias(name) for name in (*PRICES, "vwap")]
    scaled.append(pl.when(usable).then(pl.col("volume") / factor).otherwise("volume").alias("volume"))
    complaint = pl.concat_str(
        pl.col("defects"), pl.when(~usable).then(pl.lit("adj_close: no factor adj_close / close")), separator="; ", ignore_nulls=True
    )
    return rows.with_columns(*scaled, defects=pl.when(complaint != "").then(complaint)).drop("adj_close")
