"""From a file's own columns to canonical ones: each cell converted or, where it can't be, null and named in `defects`."""

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from ats_assets.errors import SourceError
from ats_assets.settings import FilesSettings
from ats_assets.sources.adapters.files.choices import ReaderChoice
from ats_assets.sources.adapters.files.recognition import Recognition
from ats_assets.sources.adapters.files.stamps import StampReader
from ats_assets.sources.adapters.files.table_files import DataFile, read_table
from ats_assets.sources.adapters.files.table_recognition import recognised
from ats_assets.sources.adapters.files.text_tables import DEFECTS_COLUMN
from ats_assets.sources.adapters.files.written_days import formatted_days, iso_days
from ats_assets.sources.adapters.files.written_numbers import NOTHING, doubtful_sizes, number_style, numbers, style_said
from ats_assets.sources.column_names import normalised
from ats_assets.sources.schema import MEASURES, PRICES
from ats_assets.sources.symbol_names import symbol_in_name


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
        If the file can't be read or lacks a column that is needed, or its numbers or days can be read in two ways.
    """
    where = str(file.path)
    read = read_table(file, settings)
    table = _selected(read.rows, settings.where, where)
    if DEFECTS_COLUMN not in table.columns:
        table = table.with_columns(pl.lit(None, pl.String).alias(DEFECTS_COLUMN))
    notes, table = table[DEFECTS_COLUMN], table.drop(DEFECTS_COLUMN)
    recognition = recognised(read, table, settings, where, symbol_is_known=symbol is not None)
    columns = recognition.columns
    days, unread_day = _days(table, columns["date"], read.positions.get("time"), settings, stamps, where=where)
    names = [name for name in ([*MEASURES, "adj_close"] if settings.adjusted else MEASURES) if name in columns]
    values, unread, style = _numbers(table, {name: columns[name] for name in names}, settings, where)
    symbols, unnamed = _symbols(table, columns, symbol, settings.symbol_pattern)
    missing = [pl.lit(None, pl.Float64).alias(name) for name in MEASURES if name not in names]
    rows = table.select(symbols, days["date"], days["clock"], *values, *missing, _joined([notes, unnamed, unread_day.texts, *unread]))
    rows = rows.select("symbol", "date", "clock", *MEASURES, *(["adj_close"] if settings.adjusted else []), "defects")
    vintages = [name for name in table.columns if normalised(name) == "vintage"]
    return Delivery(
        file=file,
        rows=_adjusted(rows) if settings.adjusted else rows,
        recognition=replace(recognition, choices=(*recognition.choices, *unread_day.choices, *style)),
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


@dataclass(frozen=True, kw_only=True)
class _DaysRead:
    """What there is to say of days: of cells that are none, and of how the others are written."""

    texts: pl.Series | None
    choices: tuple[ReaderChoice, ...] = ()


def _days(
    table: pl.DataFrame, name: str, time: str | None, settings: FilesSettings, stamps: StampReader, *, where: str
) -> tuple[pl.DataFrame, _DaysRead]:
    """Day and clock of each row. A time of day in a column of its own tells bars of one day apart, and changes no day."""
    column = table[name]
    column = column.cast(pl.String) if isinstance(column.dtype, pl.Categorical | pl.Enum | pl.Null) else column
    texts, choices, written = column.cast(pl.String), (), column
    if settings.date_format is not None and not isinstance(column.dtype, pl.Date | pl.Datetime):
        written = formatted_days(texts, settings.date_format)
    days = stamps.days(written)
    if written is column and column.dtype == pl.String and days["date"].null_count() > texts.null_count():
        written, choice = iso_days(column, where)
        days, choices = stamps.days(written), (choice,) if choice else ()
    times = time or next(
        (one for one in table.columns if normalised(one) == "time" and one != name and table.schema[one] == pl.String), None
    )
    if times is not None:
        days = days.with_columns(clock=pl.coalesce("clock", _clock(days["date"], table[times])))
    unread = _unread(texts, days["date"], "date", "is not a date or time that can be read (write it as 2018-01-31)")
    return days, _DaysRead(texts=unread, choices=choices)


def _clock(days: pl.Series, times: pl.Series) -> pl.Series:
    """Days with times of day such as 09:30, 09:30:00 and 093000."""
    digits = pl.lit(times).str.strip_chars().str.replace_all(":", "", literal=True).str.pad_end(6, "0")
    clock = pl.concat_str(pl.lit(days).cast(pl.String), pl.lit("T"), digits).str.to_datetime(
        "%Y-%m-%dT%H%M%S", strict=False, time_unit="us"
    )
    return pl.select(clock.alias("clock")).to_series()


def _symbols(
    table: pl.DataFrame, columns: Mapping[str, str], symbol: str | None, pattern: str | None
) -> tuple[pl.Series, pl.Series | None]:
    """The symbol of each row, and what to say of those in which the pattern finds none."""
    if "symbol" not in columns:
        return pl.Series("symbol", [symbol], pl.String).new_from_index(0, table.height), None
    texts = table[columns["symbol"]].cast(pl.String).alias("symbol")
    if pattern is None:
        return texts, None
    found: dict[str, str] = {}
    for text in texts.drop_nulls().unique():
        with contextlib.suppress(SourceError):
            found[text] = symbol_in_name(text, pattern).symbol
    symbols = texts.replace_strict(found, default=None, return_dtype=pl.String)
    return symbols, _unread(texts, symbols, "symbol", "does not fit source.files.symbol_pattern")


def _numbers(
    table: pl.DataFrame, columns: Mapping[str, str], settings: FilesSettings, where: str
) -> tuple[list[pl.Series], list[pl.Series | None], tuple[ReaderChoice, ...]]:
    """The numbers of each column, what to say of cells that are none, and how they are written where they are not plain."""
    cells = {name: table[own] for name, own in columns.items()}
    texts = {name: column for name, column in cells.items() if column.dtype == pl.String}
    values = {name: _plain(column).alias(name) for name, column in cells.items()}
    complaints = {name: _unread(column, values[name], name, "is not a number") for name, column in texts.items()}
    prices, sizes = [texts[name] for name in texts if name != "volume"], [texts[name] for name in texts if name == "volume"]
    is_plain = not any(said is not None and said.count() for said in complaints.values())
    if not texts or (is_plain and not settings.decimal and not settings.thousands):
        return list(values.values()), list(complaints.values()), doubtful_sizes(prices, sizes)
    style = number_style(prices, sizes, settings, where)
    before = sum(column.null_count() for column in values.values())
    values |= {
        name: column.to_frame().select(numbers(pl.col(column.name), style).alias(name)).to_series() for name, column in texts.items()
    }
    complaints = {name: _unread(column, values[name], name, "is not a number") for name, column in texts.items()}
    is_another = style.decimal == "," or sum(column.null_count() for column in values.values()) < before
    return list(values.values()), list(complaints.values()), (style_said(style, list(texts.values())),) if is_another else ()


def _plain(column: pl.Series) -> pl.Series:
    return (column.str.strip_chars() if column.dtype == pl.String else column).cast(pl.Float64, strict=False)


def _unread(texts: pl.Series, values: pl.Series, name: str, complaint: str) -> pl.Series | None:
    """What to say of cells that held something and became null."""
    if values.null_count() == texts.null_count():
        return None
    bare = texts.str.strip_chars()
    failed = values.is_null() & texts.is_not_null() & ~bare.str.to_lowercase().is_in(list(NOTHING))
    said = pl.concat_str(pl.lit(f"{name}: '"), bare, pl.lit(f"' {complaint}"))
    return pl.select(pl.when(failed).then(said)).to_series()


def _joined(defects: list[pl.Series | None]) -> pl.Expr:
    joined = pl.concat_str([pl.lit(texts) for texts in defects if texts is not None], separator="; ", ignore_nulls=True)
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
