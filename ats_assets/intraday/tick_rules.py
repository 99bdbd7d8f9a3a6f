"""The rules that trades and quotes share: who is meant, when it was, whether it was delivered before."""

from collections.abc import Mapping, Sequence

import polars as pl

from ats_assets.errors import ContractError
from ats_assets.intraday.session_hours import OUTSIDE, SessionHours
from ats_assets.sources.symbols import symbol_rules

REASONS: Mapping[str, str] = {
    "ask_missing": "there is no ask, nor one from before in the session",
    "ask_negative": "the ask is negative or infinite",
    "bid_missing": "there is no bid, nor one from before in the session",
    "bid_negative": "the bid is negative or infinite",
    "cancelled": "the trade was cancelled, or the record is that of a correction",
    "crossed": "the bid is above the ask",
    "duplicate": "the same tick came before",
    "not_firm": "by its conditions nobody has to honour the quote",
    "out_of_order": "its time lies further before that of a tick delivered earlier than intraday.screening.max_disorder_seconds allows",
    OUTSIDE: "its time lies outside of the hours of its instrument, such as at a weekend",
    "price_missing": "there is no price (null or NaN)",
    "price_not_positive": "the price is zero, negative or infinite",
    "size_missing": "there is no size (null or NaN)",
    "size_not_positive": "the size is zero, negative or infinite; of quotes: negative or infinite",
    "suspicious": "the vendor marks it as suspicious",
    "symbol_malformed": "the symbol has white space around it, or characters that cannot be seen",
    "symbol_missing": "there is no symbol, or it is blank",
    "time_missing": "there is no time that can be read",
    "unreadable": "the reader could not convert a value; `defects` says which",
}
"""Every reason for which a tick is rejected: its stable name, and what it says."""
NO_FAULT = frozenset({OUTSIDE, "cancelled", "not_firm"})
"""Those that say nothing against the delivery: they do not count for `intraday.screening.max_rejected_share`."""
KEY = ("symbol", "session")


def require_ticks(raw: pl.DataFrame, schema: pl.Schema, what: str) -> None:
    """Refuse a frame of other columns or types.

    Raises
    ------
    ContractError
        Naming the columns that differ.
    """
    if dict(raw.schema) != dict(schema):
        found, expected = dict(raw.schema), dict(schema)
        differing = sorted(name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name))
        faults = ", ".join(f"{name}: {found.get(name, 'absent')} instead of {expected.get(name, 'no such column')}" for name in differing)
        raise ContractError(f"these are no {what} ({faults}): a source of ticks must deliver exactly the columns {list(expected)}")


def shared_rules(raw: pl.DataFrame, hours: SessionHours, content: Sequence[str], *, max_disorder_seconds: float | None) -> pl.DataFrame:
    """For each reason that trades and quotes share, whether a row has it; never null. One row a tick.

    Parameters
    ----------
    raw
        Sorted by session, symbol and sequence.
    content
        The columns that two deliveries of one tick have in common, where it has no id.
    """
    placed = hours.placed(raw.select("symbol", "at"))
    rules = symbol_rules() | {
        "time_missing": pl.col("at").is_null(),
        OUTSIDE: pl.lit(~placed["inside"]) | pl.lit(placed["session"]).ne(pl.col("session")),
        "suspicious": pl.col("suspicious"),
        "unreadable": pl.col("defects").str.strip_chars() != "",
    }
    if max_disorder_seconds is not None:
        newest = pl.col("at").cum_max().over([*KEY, "part"])
        rules["out_of_order"] = newest - pl.col("at") > pl.duration(nanoseconds=round(max_disorder_seconds * 1e9), time_unit="ns")
    found = raw.select(**{reason: broken.fill_null(value=False) for reason, broken in rules.items()})
    return found.with_columns(duplicate=_repeats(raw, content))


def _repeats(raw: pl.DataFrame, content: Sequence[str]) -> pl.Series:
    """Whether a row was delivered before: a trade with an id when the id comes again, any other tick where another file of the session has as many that are equal.

    Within a file ticks without an id that are equal are several: at one time there are many trades of 100 at one price.
    """
    no = pl.Series([False], dtype=pl.Boolean).new_from_index(0, raw.height)
    by_id = no
    if "trade_id" in raw.columns and raw["trade_id"].null_count() < raw.height:
        key = [*KEY, "exchange", "trade_id", "at"]
        by_id = raw.select(pl.col("trade_id").is_not_null() & ~pl.struct(key).is_first_distinct()).to_series()
    if raw["part"].n_unique() < 2:
        return by_id
    told = [pl.col(name).list.join("\x1f") if isinstance(raw.schema[name], pl.List) else pl.col(name) for name in content]
    rows = raw.select(*KEY, *told, "part")
    names = [*KEY, *content]
    rows = rows.with_columns(nth=pl.int_range(pl.len()).over([*names, "part"]))
    again = rows.select(~pl.struct([*names, "nth"]).is_first_distinct()).to_series()
    has_id = raw["trade_id"].is_not_null() if "trade_id" in raw.columns else no
    return by_id | (again & ~has_id)


def accepted_and_rejected(raw: pl.DataFrame, faults: pl.DataFrame) -> tuple[pl.Series, pl.DataFrame]:
    """Which rows have no fault, and the others with the sorted names of all that they have."""
    reasons = sorted(faults.columns)
    sound = faults.select(~pl.any_horizontal(reasons)).to_series()
    bad = faults.filter(~sound)
    named = bad.select(reasons=pl.concat_list([pl.when(reason).then(pl.lit(reason)) for reason in reasons]).list.drop_nulls())
    return sound, pl.concat([raw.filter(~sound), named], how="horizontal")
