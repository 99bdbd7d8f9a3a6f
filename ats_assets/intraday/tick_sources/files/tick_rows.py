"""Rows of a file of ticks, as the file has them, into canonical columns: a cell that can't be read becomes null and is named in the row's `defects`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import polars as pl

from ats_assets.intraday.conditions import CANCELLED
from ats_assets.intraday.schema import NANOSECONDS, RAW_QUOTES_SCHEMA, RAW_TRADES_SCHEMA
from ats_assets.intraday.tick_source import What
from ats_assets.intraday.tick_sources.files.tick_columns import TickColumns
from ats_assets.intraday.tick_sources.files.tick_times import tick_instants

RAW_SCHEMAS: Final[Mapping[What, pl.Schema]] = {"trades": RAW_TRADES_SCHEMA, "quotes": RAW_QUOTES_SCHEMA}
ORDER: Final = "order"
"""The vendor's own number of a tick, where it has one: it says in which order ticks were delivered."""
NUMBERS: Final[Mapping[What, tuple[str, ...]]] = {"trades": ("price", "size"), "quotes": ("bid", "ask", "bid_size", "ask_size")}
_TAPES: Final = {"1": "A", "2": "B", "3": "C"}


@dataclass(frozen=True, kw_only=True)
class RowReader:
    """How the rows of one file are read.

    Attributes
    ----------
    zone
        Of times that have none.
    symbol
        Of a file without a column of symbols.
    where
        Column of the file -> the only value that is read.
    """

    what: What
    columns: TickColumns
    zone: str
    time_format: str | None = None
    symbol: str | None = None
    where: Mapping[str, str] | None = None

    @property
    def needed(self) -> list[str]:
        """The columns of the file that are read."""
        return list(dict.fromkeys([*self.columns.names.values(), *(self.where or {})]))

    def rows(self, table: pl.DataFrame) -> pl.DataFrame:
        """The rows in their order: the columns of `kept_schema`.

        Parameters
        ----------
        table
            The file's columns `needed`, of whatever types, and `defects` where a row as a whole has one.
        """
        for column, value in (self.where or {}).items():
            table = table.filter(pl.col(column).cast(pl.String) == value)
        names = self.columns.names
        defects = [table["defects"]] if "defects" in table.columns and "defects" not in names.values() else []
        times = self._times(table)
        made: dict[str, pl.Series] = {"at": times}
        defects.append(_unread(_texts(table[names["at"]]), times, "at"))
        for name in NUMBERS[self.what]:
            if name in names:
                made[name] = _numbers(table[names[name]])
                defects.append(_unread(_texts(table[names[name]]), made[name], name))
        for name in ("symbol", "exchange", "trade_id"):
            if name in names:
                made[name] = _texts(table[names[name]])
        made |= self._codes(table)
        joined = pl.concat_str([pl.lit(one) for one in defects], separator="; ", ignore_nulls=True)
        frame = pl.DataFrame(made).with_columns(defects=joined).with_columns(pl.col("defects").replace("", None))
        if "symbol" not in names:
            frame = frame.with_columns(symbol=pl.lit(self.symbol, pl.String))
        schema = kept_schema(self.what)
        absent = {name: pl.lit(None, dtype) for name, dtype in schema.items() if name not in frame.columns}
        return frame.with_columns(**absent).select(schema.names()).cast(dict(schema))  # pyright: ignore[reportArgumentType]

    def _times(self, table: pl.DataFrame) -> pl.Series:
        names = self.columns.names
        times = table[names["at"]]
        if "clock" in names:
            clock = table.select(pl.concat_str(pl.col(names["at"]).cast(pl.String), pl.col(names["clock"]).cast(pl.String), separator=" "))
            times = clock.to_series()
        return tick_instants(times, self.zone, self.time_format)

    def _codes(self, table: pl.DataFrame) -> dict[str, pl.Series]:
        """What is neither a time nor a number, where the file has it."""
        names = self.columns.names
        made: dict[str, pl.Series] = {}
        if "conditions" in names:
            made["conditions"] = _lists(table[names["conditions"]])
        if "tape" in names:
            made["tape"] = _texts(table[names["tape"]]).replace(_TAPES)
        if "suspicious" in names:
            made["suspicious"] = _flags(table[names["suspicious"]])
        if "cancelled" in names:
            made["cancelled"] = _flags(table[names["cancelled"]])
        if "correction" in names:
            code = _texts(table[names["correction"]]).str.replace(r"^0+(\d)", "${1}").str.replace(r"\.0+$", "")
            made["cancelled"] = code.is_in(list(CANCELLED))
        if ORDER in names:
            made[ORDER] = table[names[ORDER]].cast(pl.Int64, strict=False)
        return made


def kept_schema(what: What) -> pl.Schema:
    """The columns of ticks before they have a session: those of the raw frame, and `order`."""
    raw = {name: dtype for name, dtype in RAW_SCHEMAS[what].items() if name not in {"session", "sequence", "part"}}
    return pl.Schema({**raw, "at": NANOSECONDS, ORDER: pl.Int64})


def _texts(column: pl.Series) -> pl.Series:
    if column.dtype == pl.String:
        return column
    if isinstance(column.dtype, pl.List):
        return column.cast(pl.List(pl.String)).list.join(",")
    return column.cast(pl.String, strict=False)


def _numbers(column: pl.Series) -> pl.Series:
    return (column.str.strip_chars() if column.dtype == pl.String else column).cast(pl.Float64, strict=False)


def _unread(texts: pl.Series, read: pl.Series, name: str) -> pl.Series:
    """What a cell holds that could not be read; null where it could, or where it is empty."""
    bad = read.is_null() & texts.is_not_null() & (texts.str.strip_chars() != "")
    if not bad.any():
        return pl.Series([None], dtype=pl.String).new_from_index(0, len(texts))
    return pl.select(pl.when(bad).then(pl.lit(name + ": '") + texts.str.slice(0, 40) + pl.lit("'"))).to_series()


def _lists(column: pl.Series) -> pl.Series:
    """Codes: a list, or a text in which commas, semicolons, bars or blanks part them."""
    if isinstance(column.dtype, pl.List):
        return column.cast(pl.List(pl.String))
    bare = _texts(column).str.strip_chars("[]{}\"' ")
    parts = bare.str.replace_all(r"[,;|\s]+", ",").str.split(",")
    return pl.select(pl.when(bare.is_null() | (bare == "")).then(None).otherwise(parts)).to_series().cast(pl.List(pl.String))


def _flags(column: pl.Series) -> pl.Series:
    if column.dtype == pl.Boolean:
        return column
    return (
        _texts(column)
        .str.to_lowercase()
        .str.strip_chars()
        .replace_strict(
            {"1": True, "true": True, "t": True, "y": True, "0": False, "false": False, "f": False, "n": False},
            default=None,
            return_dtype=pl.Boolean,
        )
    )
