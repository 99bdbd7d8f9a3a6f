"""Corporate actions from files: tables of actions, one row an action, and factor files, one row a symbol and day up to which cumulative factors hold.

A table has a column for the symbol, one for the ex-date, and what happened, in one of three forms; where it has them, also the days on which the action was announced and is
payable, and the time from which it was known:
- `kind` with `ratio` and `cash`, or columns that are called so elsewhere (`type`, `split_ratio`, `amount`, …);
- without a kind, a column of splits and one of dividends (either may be zero or empty where nothing happened);
- `price_factor` and `split_factor` (and `ref_price`): a factor file, as QuantConnect's LEAN keeps them. With the factors p and s of a row dated d and those, p' and s', of the
  symbol's next row, the session after d is an ex-session with a ratio of s' / s and a payment of ref_price * (1 - p / p'), where ref_price is the close of d.
"""

import re
from fractions import Fraction
from typing import Any, Final

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import SourceError
from ats_assets.settings import FilesSettings
from ats_assets.sources.adapters.files.stamps import StampReader
from ats_assets.sources.adapters.files.table_files import DataFile, read_table
from ats_assets.sources.adapters.files.text_tables import DEFECTS_COLUMN
from ats_assets.sources.adapters.files.written_days import formatted_days, iso_days
from ats_assets.sources.column_names import normalised
from ats_assets.sources.schema import ACTION_KINDS, RAW_ACTIONS_SCHEMA

SYNONYMS: Final[dict[str, tuple[str, ...]]] = {
    "symbol": ("symbol", "ticker", "sym", "instrument", "code"),
    "date": ("exdate", "exdividenddate", "exday", "ex", "date", "day", "session", "effectivedate", "timestamp", "ts"),
    "kind": ("kind", "type", "actiontype", "action", "event", "catype"),
    "ratio": ("ratio", "splitratio", "stocksplits", "stocksplit", "split", "splits", "splitcoefficient"),
    "cash": ("cash", "dividend", "dividends", "amount", "cashamount", "divcash", "dividendamount"),
    "new_symbol": ("newsymbol", "newticker", "tosymbol"),
    "new_ratio": ("newratio",),
    "announced": ("announced", "announceddate", "announcementdate", "announcedate", "declared", "declareddate", "declarationdate"),
    "payable": ("payable", "payabledate", "paydate", "paymentdate", "payday"),
    "known_at": ("knownat", "known"),
    "description": ("description", "note", "comment", "remarks"),
    "price_factor": ("pricefactor",),
    "split_factor": ("splitfactor",),
    "ref_price": ("refprice", "referenceprice"),
}
"""Canonical column -> names that mean it, once case and everything but letters and digits is gone."""

KINDS: Final[dict[str, str]] = {
    **{normalised(kind): kind for kind in ACTION_KINDS},
    **dict.fromkeys(("forwardsplit", "reversesplit", "stocksplit", "splits", "unitsplit"), "split"),
    **dict.fromkeys(("dividend", "cash", "div", "cashdiv", "specialdividend", "returnofcapital"), "cash_dividend"),
    **dict.fromkeys(("bonus", "stockdiv"), "stock_dividend"),
    **dict.fromkeys(("spinoffs",), "spin_off"),
    **dict.fromkeys(("cashmerger", "stockmerger", "stockandcashmerger", "acquisition"), "merger"),
    **dict.fromkeys(("symbolchange", "rename", "tickerchange"), "name_change"),
}
"""What a file may call a kind, without case and punctuation."""

RATIO_TERM, RATIO_TOLERANCE = 20, 2e-4
"""Factor files are rounded: a ratio this near, relatively, to a whole number of parts, at most so many, is that."""
SMALLEST_PAYMENT = 5e-7
"""A change of the price factor below this, relatively, is its rounding and no payment."""
_NOTHING = ("", "na", "n/a", "null", "none", "nan", "nat")
"""Texts that mean a missing value."""
_FOR = re.compile(r"^\s*([0-9.]+)\s*(?::|/|for|-for-)\s*([0-9.]+)\s*$", re.IGNORECASE)


def read_actions(
    file: DataFile, stamps: StampReader, calendar: SessionCalendar, *, symbol: str | None, date_format: str | None = None
) -> pl.DataFrame:
    """The rows of a file with the columns of `RAW_ACTIONS_SCHEMA` but `session`, in its order.

    Parameters
    ----------
    symbol
        Of all rows, where the file has no column for it.
    date_format
        Of days that are written so; others are read as they are.

    Raises
    ------
    SourceError
        If the file can't be read, a column is missing, or days can be read in two ways.
    """
    table = read_table(file, FilesSettings()).rows
    notes = table[DEFECTS_COLUMN] if DEFECTS_COLUMN in table.columns else pl.Series(DEFECTS_COLUMN, [None] * table.height, dtype=pl.String)
    table = table.drop(DEFECTS_COLUMN, strict=False)
    columns = {name: found for name, synonyms in SYNONYMS.items() if (found := _named(synonyms, table.columns))}
    where = str(file.path)
    if "symbol" not in columns and symbol is not None:
        columns["symbol"] = "symbol"
        table = table.with_columns(pl.lit(symbol).alias("symbol"))
    is_factors = {"price_factor", "split_factor"} <= columns.keys()
    needed = ["symbol", "date"] + ([] if is_factors or {"ratio", "cash"} & columns.keys() else ["ratio or cash"])
    missing = [name for name in needed if name not in columns]
    if missing:
        raise SourceError(
            f"{where} lacks {', '.join(missing)}: a file of corporate actions has a symbol, an ex-date, and a ratio or cash (or price_factor and split_factor); "
            f"its columns are {', '.join(table.columns)}. Rename them, or correct source.files.actions"
        )
    texts = table.select(pl.col(own).cast(pl.String).str.strip_chars().alias(name) for name, own in columns.items())
    written = texts["date"]
    days_as_iso = [_as_iso(texts[name], date_format, where) for name in ("date", "announced", "payable") if name in texts.columns]
    texts = texts.with_columns(days_as_iso)
    days = stamps.days(table[columns["date"]] if table.schema[columns["date"]] == pl.Date else texts["date"])["date"]
    texts = _with_times(texts.with_columns(date=days, written=written, defects=notes), stamps)
    return _of_factors(texts, calendar) if is_factors else _of_actions(texts)


_SAID = ("symbol", "date", "new_symbol", "announced", "payable", "known_at", "description")
"""What is taken as it is."""


def _as_iso(texts: pl.Series, date_format: str | None, where: str) -> pl.Series:
    """Days as ISO dates: those of the form, if there is one, then what else is known how to read."""
    formed = texts if date_format is None else pl.select(pl.coalesce(formatted_days(texts, date_format), texts)).to_series()
    return iso_days(formed, where)[0].alias(texts.name)


def _named(synonyms: tuple[str, ...], names: list[str]) -> str | None:
    return next((name for synonym in synonyms for name in names if normalised(name) == synonym), None)


def _with_times(texts: pl.DataFrame, stamps: StampReader) -> pl.DataFrame:
    """The days and the time beside the ex-date as such; what can't be read is null, and named in `defects`."""
    for name in ("announced", "payable", "known_at"):
        if name not in texts.columns:
            continue
        written = texts[name]
        read = stamps.instants(written) if name == "known_at" else stamps.days(written)["date"].alias(name)
        unread = read.is_null() & written.is_not_null() & ~written.str.to_lowercase().is_in(list(_NOTHING))
        what = "time" if name == "known_at" else "day"
        said = pl.when(unread).then(pl.concat_str(pl.lit(f"{name}: '"), written, pl.lit(f"' is not a {what} that can be read")))
        joined = pl.concat_str(pl.col("defects"), said, separator="; ", ignore_nulls=True)
        texts = texts.with_columns(read, defects=pl.when(joined != "").then(joined))
    return texts


def _of_actions(texts: pl.DataFrame) -> pl.DataFrame:
    """Rows of actions; one that has a ratio and cash is two."""
    defects: list[list[str]] = [[one] if one else [] for one in texts["defects"]]
    ratios = _numbers(texts, "ratio", defects)
    cash = _numbers(texts, "cash", defects)
    new_ratios = _numbers(texts, "new_ratio", defects)
    kinds = texts["kind"].to_list() if "kind" in texts.columns else [None] * texts.height
    rows: list[dict[str, Any]] = []
    for i, row in enumerate(texts.iter_rows(named=True)):
        if row["date"] is None:
            defects[i].append(f"date: {row['written']!r} is not a day that can be read")
        said = {name: row.get(name) for name in _SAID} | {"new_ratio": new_ratios[i]}
        numbers = {"ratio": ratios[i], "cash": cash[i]}
        if "kind" in texts.columns:
            kind = KINDS.get(normalised(kinds[i] or ""))
            if kind is None:
                defects[i].append(f"kind: {kinds[i]!r} is not one of {', '.join(ACTION_KINDS)}")
            if numbers["cash"] == 0 and kind != "cash_dividend":
                numbers["cash"] = None
            if numbers["ratio"] in (0, 1) and kind not in ("split", "stock_dividend"):
                numbers["ratio"] = None  # nothing happens to the number of shares, as some write it
            rows.append(said | numbers | {"kind": kind, "defects": "; ".join(defects[i]) or None})
            continue
        split = {"kind": "split", "ratio": numbers["ratio"]} if numbers["ratio"] not in (None, 0.0, 1.0) else None
        paid = {"kind": "cash_dividend", "cash": numbers["cash"]} if numbers["cash"] not in (None, 0.0) else None
        found = [one for one in (split, paid) if one] or ([{"kind": None}] if defects[i] else [])
        rows += [{"ratio": None, "cash": None} | said | one | {"defects": "; ".join(defects[i]) or None} for one in found]
    schema = {name: dtype for name, dtype in RAW_ACTIONS_SCHEMA.items() if name != "session"}
    return pl.DataFrame(rows, schema=schema)


def _numbers(texts: pl.DataFrame, name: str, defects: list[list[str]]) -> list[float | None]:
    """The numbers of a column; "4:1" and "4 for 1" are 4."""
    if name not in texts.columns:
        return [None] * texts.height
    found: list[float | None] = []
    for i, text in enumerate(texts[name]):
        number = _number(text)
        if number is None and text is not None and text.lower() not in _NOTHING:
            defects[i].append(f"{name}: {text!r} is not a number")
        found.append(number)
    return found


def _number(text: str | None) -> float | None:
    if text is None or text.lower() == "nan":
        return None
    terms = _FOR.match(text)
    try:
        return float(Fraction(terms[1]) / Fraction(terms[2])) if terms else float(text)
    except (ValueError, ZeroDivisionError):
        return None


def _of_factors(texts: pl.DataFrame, calendar: SessionCalendar) -> pl.DataFrame:
    """The steps of cumulative factors, each at the session after the day up to which the earlier ones hold."""
    numbers = [
        pl.col(name).cast(pl.Float64, strict=False) for name in ("price_factor", "split_factor", "ref_price") if name in texts.columns
    ]
    rows = texts.with_columns(numbers).sort("symbol", "date", maintain_order=True)
    if "ref_price" not in rows.columns:
        rows = rows.with_columns(ref_price=pl.lit(None, pl.Float64))
    following = [pl.col(name).shift(-1).over("symbol").alias(f"next_{name}") for name in ("price_factor", "split_factor")]
    found: list[dict[str, Any]] = []
    for row in rows.with_columns(following).drop_nulls(["next_price_factor", "next_split_factor", "date"]).iter_rows(named=True):
        ratio, kept = _exact(row["next_split_factor"] / row["split_factor"]), row["price_factor"] / row["next_price_factor"]
        if not calendar.first <= row["date"] < calendar.last:
            continue
        day = calendar.on_or_after(row["date"])
        common = {"symbol": row["symbol"], "date": calendar.offset(day, 1) if day == row["date"] else day}
        if ratio != 1:
            found.append(
                common
                | {"kind": "split", "ratio": ratio, "description": f"split factor {row['split_factor']:g} to {row['next_split_factor']:g}"}
            )
        if abs(kept - 1) > SMALLEST_PAYMENT:
            said = f"price factor {row['price_factor']:g} to {row['next_price_factor']:g} at {row['ref_price']}"
            paid = row["ref_price"] * (1 - kept) if row["ref_price"] else None
            found.append(common | {"kind": "cash_dividend", "cash": paid, "description": said})
    schema = {name: dtype for name, dtype in RAW_ACTIONS_SCHEMA.items() if name != "session"}
    return pl.DataFrame(found, schema=schema)


def _exact(ratio: float) -> float:
    near = Fraction(ratio).limit_denominator(RATIO_TERM) if ratio >= 1 else 1 / Fraction(1 / ratio).limit_denominator(RATIO_TERM)
    return float(near) if abs(ratio / float(near) - 1) <= RATIO_TOLERANCE else ratio
