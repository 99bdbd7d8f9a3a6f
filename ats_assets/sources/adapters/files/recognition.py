"""Which column of a file is which: by name, with the usual synonyms, and by type; what else was decided about the file is said beside it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from ats_assets.errors import SourceError
from ats_assets.sources.adapters.files.choices import ReaderChoice
from ats_assets.sources.column_names import listed, named_columns, normalised

SYNONYMS: dict[str, tuple[str, ...]] = {
    "symbol": ("symbol", "ticker", "sym", "instrument", "code", "name", "股票代码", "代码"),
    "date": (
        *(
            "date",
            "day",
            "tradedate",
            "tradingdate",
            "datetime",
            "timestamp",
            "ts",
            "time",
            "dt",
            "t",
            "opentime",
            "windowstart",
            "session",
        ),
        *("gmttime", "localtime", "datum", "日期", "交易日期"),
    ),
    "open": ("open", "openprice", "priceopen", "o", "eröffnung", "eröffnungskurs", "eröffn", "erster", "开盘", "开盘价"),
    "high": ("high", "highprice", "pricehigh", "h", "hoch", "tageshoch", "最高", "最高价"),
    "low": ("low", "lowprice", "pricelow", "l", "tief", "tagestief", "最低", "最低价"),
    "close": (
        "close",
        "closeprice",
        "priceclose",
        "closelast",
        "last",
        "c",
        "price",
        "schlusskurs",
        "schluss",
        "letzter",
        "zuletzt",
        "收盘",
        "收盘价",
    ),
    "volume": ("volume", "vol", "tradedvolume", "v", "stücke", "stuecke", "volumen", "tickvol", "tickvolume", "成交量"),
    "vwap": ("vwap", "vw", "wap", "volumeweightedaverageprice"),
    "adj_close": ("adjclose", "adjustedclose", "closeadj", "closeadjusted", "adjcloseprice"),
}
"""Canonical column -> names that mean it, once case and everything but letters and digits is gone; the first that a file has wins."""

REQUIRED: tuple[str, ...] = ("symbol", "date", "open", "high", "low", "close", "volume")
PRICES_AND_SIZES: tuple[str, ...] = ("open", "high", "low", "close", "volume", "vwap", "adj_close")


@dataclass(frozen=True, kw_only=True)
class Recognition:
    """What was taken of a file, what was left, and what would change it.

    Attributes
    ----------
    columns
        Canonical names -> the file's own.
    unused
        The other columns, in file order.
    choices
        What was decided beside that: which numbers, days, volumes and prices these are.
    """

    columns: Mapping[str, str]
    unused: tuple[str, ...]
    choices: tuple[ReaderChoice, ...] = ()


def recognise(schema: Mapping[str, pl.DataType], overrides: Mapping[str, str | int], where: str) -> Recognition:
    """Find the canonical columns among those of a file.

    Parameters
    ----------
    schema
        The file's columns and their types, in order.
    overrides
        Canonical name -> the file's name, or its place from 1 on; they win over recognition.
    where
        The file, for messages.

    Returns
    -------
    Whatever was recognised; what is required is checked by `require_columns`.

    Raises
    ------
    SourceError
        If an override names what does not exist, or two columns spell the same name.
    """
    columns = named_columns(schema, overrides, SYNONYMS, where, setting="source.files.columns", what="bar")
    taken = set(columns.values())
    for canonical, synonyms in SYNONYMS.items():
        if canonical in columns:
            continue
        name = _by_name(canonical, synonyms, [c for c in schema if c not in taken and _type_fits(canonical, schema[c])], where)
        if name is not None:
            columns[canonical] = name
            taken.add(name)
    if "date" not in columns:
        temporal = [c for c, dtype in schema.items() if c not in taken and isinstance(dtype, pl.Date | pl.Datetime)]
        if len(temporal) == 1:
            columns["date"] = temporal[0]
    ordered = {canonical: columns[canonical] for canonical in SYNONYMS if canonical in columns}
    return Recognition(columns=ordered, unused=tuple(c for c in schema if c not in ordered.values()))


def require_columns(recognition: Recognition, needed: Sequence[str], schema: Mapping[str, pl.DataType], where: str) -> None:
    """Refuse a file that lacks a needed column or holds something else than numbers in a column of prices or sizes.

    Raises
    ------
    SourceError
        Naming the columns that are missing, those found, and the setting that maps them.
    """
    missing = [canonical for canonical in needed if canonical not in recognition.columns]
    if missing:
        hint = " or set source.files.symbol" if "symbol" in missing else ""
        raise SourceError(
            f"{where} lacks {listed(missing)}: its columns are {listed(schema)}; recognised: "
            f"{', '.join(f'{c} = {n!r}' for c, n in recognition.columns.items()) or 'none'}. "
            f'Name the right one in source.files.columns, such as {{{missing[0]} = "<column>"}}{hint}'
        )
    for canonical in PRICES_AND_SIZES:
        name = recognition.columns.get(canonical)
        if name is not None and not (schema[name].is_numeric() or schema[name] in (pl.String, pl.Null)):
            raise SourceError(
                f"{where}: column {name!r}, read as {canonical}, has type {schema[name]}, not numbers: name another one in source.files.columns"
            )


def _by_name(canonical: str, synonyms: Sequence[str], names: Sequence[str], where: str) -> str | None:
    for synonym in synonyms:
        found = [name for name in names if normalised(name) == synonym]
        if len(found) > 1:
            raise SourceError(f"{where}: the columns {listed(found)} could each be {canonical}: choose one in source.files.columns")
        if found:
            return found[0]
    return None


def _type_fits(canonical: str, dtype: pl.DataType) -> bool:
    """Whether a column of this type may hold it: a time of day is no date, a date is no symbol."""
    if canonical == "date":
        return isinstance(dtype, pl.Date | pl.Datetime | pl.String | pl.Categorical | pl.Enum | pl.Null) or dtype.is_numeric()
    if canonical == "symbol":
        return isinstance(dtype, pl.String | pl.Categorical | pl.Enum | pl.Null) or dtype.is_integer()
    return True
