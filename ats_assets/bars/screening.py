"""Raw bars are split into those that satisfy the contract and those that do not.

1. Each rule of `REASONS` is evaluated for every row (nothing stops at the first fault).
2. Repeats are found among the rows for one symbol and one day: an identical repeat is quarantined and its first delivery stays; rows that
   contradict each other are all quarantined, since nothing here can tell which is right.
3. A row that breaks no rule is accepted. Where its high is below another of its prices by no more than `ROUNDING`, or its low above one, it is that price: rounding, as of prices
   that were scaled by an adjustment, is no fault, and who reads accepted bars can rely on low <= open, close <= high. The rest go, as they came, to the rejected bars with the names of all rules they break.

Each session is judged by its own rows alone. Accepted plus rejected is the input, always.
"""

import polars as pl

from ats_assets.bars.schema import REJECTED_BARS_SCHEMA
from ats_assets.calendar import SessionCalendar
from ats_assets.errors import ContractError
from ats_assets.sources.schema import BARS_SCHEMA, MEASURES, PRICES, RAW_BARS_SCHEMA, VENDOR_SCHEMA
from ats_assets.sources.symbols import symbol_rules

REASONS: dict[str, str] = {
    "close_infinite": "the close is infinite",
    "close_missing": "there is no close (null or NaN)",
    "close_not_positive": "the close is zero or negative",
    "conflicting": "rows for the same symbol and day contradict each other",
    "date_missing": "there is no day that can be read",
    "date_not_a_session": "the day is not a session of the exchange's calendar",
    "date_of_another_session": "the day is a session, but not the one that the row was delivered for",
    "duplicate": "an identical row for the same symbol and day came before",
    "high_below_close": "the high is below the close",
    "high_below_low": "the high is below the low",
    "high_below_open": "the high is below the open",
    "high_infinite": "the high is infinite",
    "high_missing": "there is no high (null or NaN)",
    "high_not_positive": "the high is zero or negative",
    "low_above_close": "the low is above the close",
    "low_above_open": "the low is above the open",
    "low_infinite": "the low is infinite",
    "low_missing": "there is no low (null or NaN)",
    "low_not_positive": "the low is zero or negative",
    "open_infinite": "the open is infinite",
    "open_missing": "there is no open (null or NaN)",
    "open_not_positive": "the open is zero or negative",
    "symbol_malformed": "the symbol has white space around it, or characters that cannot be seen",
    "symbol_missing": "there is no symbol, or it is blank",
    "unreadable": "the reader of the source could not convert a value; `defects` says which",
    "volume_infinite": "the volume is infinite",
    "volume_missing": "there is no volume (null or NaN)",
    "volume_negative": "the volume is negative",
    "vwap_infinite": "the volume-weighted average price is infinite",
    "vwap_not_positive": "the volume-weighted average price is zero or negative",
}
"""Every reason for which a row is rejected: its stable name, and what it says."""

ROUNDING = 1e-14
"""Relative difference of two prices of a bar that is rounding: some units of the last place of a double, one of a text of fifteen digits."""
_CONTENT = (*MEASURES, "defects")


def screen(raw: pl.DataFrame, calendar: SessionCalendar) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split raw bars into accepted and rejected ones.

    A missing vwap is no fault, and a vwap outside of [low, high] is only suspicious (`suspicions.py`): many vendors leave trades out of high and
    low (odd lots, late reports) that they count in it, and the prices beside it are good. A vwap that is not a number (NaN) is stored as null.

    Parameters
    ----------
    raw
        Raw bars of any number of sessions, with the columns of `RAW_BARS_SCHEMA`, those of `VENDOR_SCHEMA` beside them or not; rows for one key in the order of their delivery.
    calendar
        The exchange's sessions.

    Returns
    -------
    bars : DataFrame
        Accepted rows with the columns of `BARS_SCHEMA`, sorted by session and symbol; high and low stretched by rounding alone.
    rejected_bars : DataFrame
        All others as they came, with their `reasons`, sorted by session and symbol (rows without a symbol last), then in order of delivery.

    Raises
    ------
    ContractError
        If `raw` has other columns or types than raw bars have.
    """
    raw = raw.drop(VENDOR_SCHEMA.names(), strict=False)
    _require_raw_bars(raw)
    raw = raw.sort("session", "symbol", nulls_last=True, maintain_order=True)
    faults = raw.select(**_rules(calendar, raw)).with_columns(**_repeats(raw))
    reasons = sorted(faults.columns)
    sound = faults.select(~pl.any_horizontal(reasons)).to_series()
    stretched = {"high": pl.max_horizontal(PRICES), "low": pl.min_horizontal(PRICES)}
    bars = raw.filter(sound).select(BARS_SCHEMA.names()).with_columns(pl.col("vwap").fill_nan(None), **stretched)
    named = pl.concat_list(pl.when(reason).then(pl.lit(reason)) for reason in reasons).list.drop_nulls()
    rejected = raw.filter(~sound).with_columns(faults.filter(~sound).select(reasons=named))
    return bars, rejected.cast(REJECTED_BARS_SCHEMA)


def _require_raw_bars(raw: pl.DataFrame) -> None:
    expected, found = dict(RAW_BARS_SCHEMA), dict(raw.schema)
    if expected != found:
        differing = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        faults = ", ".join(f"{name}: {found.get(name, 'absent')} instead of {expected.get(name, 'no such column')}" for name in differing)
        raise ContractError(f"these are no raw bars ({faults}): a source must deliver exactly the columns {list(expected)} in these types")


def _rules(calendar: SessionCalendar, raw: pl.DataFrame) -> dict[str, pl.Expr]:
    """The rules that look at one row: for each reason, whether the row breaks it (never null)."""
    rules = symbol_rules() | _date_rules(calendar, raw) | _order_rules() | _vwap_rules()
    for price in PRICES:
        rules |= _number_rules(price) | {f"{price}_not_positive": _value(price) <= 0}
    rules |= _number_rules("volume") | {"volume_negative": _value("volume") < 0}
    rules["unreadable"] = pl.col("defects").str.strip_chars() != ""
    return {reason: broken.fill_null(value=False) for reason, broken in rules.items()}


def _value(column: str) -> pl.Expr:
    """The column with NaN as null, so that no comparison holds for either."""
    return pl.col(column).fill_nan(None)


def _number_rules(column: str) -> dict[str, pl.Expr]:
    return {f"{column}_missing": _value(column).is_null(), f"{column}_infinite": pl.col(column).is_infinite()}


def _vwap_rules() -> dict[str, pl.Expr]:
    return {"vwap_infinite": pl.col("vwap").is_infinite(), "vwap_not_positive": _value("vwap") <= 0}


def _order_rules() -> dict[str, pl.Expr]:
    """Low <= min(open, close) <= max(open, close) <= high but for rounding, pair by pair: each pair is judged where both of its prices are there."""
    opening, high, low, close = (_value(price) for price in PRICES)
    return {
        "high_below_low": _is_below(high, low),
        "high_below_open": _is_below(high, opening),
        "high_below_close": _is_below(high, close),
        "low_above_open": _is_below(opening, low),
        "low_above_close": _is_below(close, low),
    }


def _is_below(price: pl.Expr, other: pl.Expr) -> pl.Expr:
    return (price < other) & (price < other - ROUNDING * other.abs())


def _date_rules(calendar: SessionCalendar, raw: pl.DataFrame) -> dict[str, pl.Expr]:
    """A bar belongs to the session of its own day; a source hands other rows to the session at which they were first usable."""
    known = [day for day in raw["date"].drop_nulls().unique() if calendar.is_session(day)]
    is_session = pl.col("date").is_in(pl.Series(known, dtype=pl.Date).implode())
    return {
        "date_missing": pl.col("date").is_null(),
        "date_not_a_session": ~is_session,
        "date_of_another_session": is_session & pl.col("date").ne_missing(pl.col("session")),
    }


def _repeats(raw: pl.DataFrame) -> dict[str, pl.Series]:
    """The rules that look at several rows: those for one symbol and one day within a session's delivery."""
    key = ("session", "symbol", "date")
    repeated = raw.select(pl.struct(key).is_duplicated() & pl.all_horizontal(pl.col(key).is_not_null())).to_series()
    rows = raw.with_row_index("row").filter(repeated)
    versions = rows.unique([*key, *_CONTENT], keep="first").select("row", version=pl.lit(value=True))
    rows = rows.join(versions, on="row", how="left").with_columns(pl.col("version").fill_null(value=False))
    conflicting = rows.filter(pl.col("version").sum().over(key) > 1)["row"]
    copies = rows.filter(~pl.col("version"))["row"]
    every = pl.int_range(raw.height, dtype=pl.UInt32, eager=True)
    return {"conflicting": every.is_in(conflicting.implode()), "duplicate": every.is_in(copies.implode())}
