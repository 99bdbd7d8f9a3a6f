"""Delivered flow is split into rows that satisfy the contract and rows that do not, as chains are. Accepted plus rejected is the input, always."""

from collections.abc import Mapping
from datetime import date
from typing import Final

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import ContractError
from ats_assets.options.contract import Right, parts_of, symbols_of
from ats_assets.options.flow.flow_source import flow_order, flow_span
from ats_assets.options.flow.schema import (
    DARK_POOL,
    EXPOSURES,
    FLOW_ALERT,
    FLOW_KINDS,
    GREEK_EXPOSURE,
    KNOWN_TIME,
    OF_TRADES,
    OPTION_FLOW_SCHEMA,
    RAW_OPTION_FLOW_SCHEMA,
    REJECTED_OPTION_FLOW_SCHEMA,
)
from ats_assets.sources.symbols import symbol_rules

FLOW_REASONS: Final[Mapping[str, str]] = {
    "cancelled": "the trade was cancelled",
    "contract_conflict": "the contract's symbol contradicts expiry, strike or right, the right is none, or a row that is no alert names one",
    "contract_missing": "an alert without a contract that can be read",
    "date_of_another_session": "the exposure is of another day than the session that it was delivered for",
    "duplicate": "an identical row came before",
    "empty": "the row says nothing: no premium and no size, or no greek",
    "event_twice": "rows of one event, or of one strike or expiry, contradict each other",
    "expired": "the contract expired before the session",
    "infinite": "a number is infinite",
    "kind_unknown": "it is not said, or not known, what the row is",
    "negative": "a price, size, premium, volume or count is negative",
    "of_another_session": "it was known before the session's span, or after its close",
    "premium_conflict": "the premium is not what price and size come to, or is less than that of its sides",
    "price_not_positive": "the price is zero",
    "size_not_positive": "the size is zero",
    "strike_not_positive": "the strike is zero or negative",
    "symbol_malformed": "the symbol has white space around it, or characters that cannot be seen",
    "symbol_missing": "there is no symbol, or it is blank",
    "time_missing": "there is no time that can be read, so that it can't be told when it was known",
    "unreadable": "the reader of the source could not convert a value; `defects` says which",
}
"""Every reason for which a row is rejected: its stable name, and what it says."""
FLOW_NO_FAULT: Final = frozenset({"cancelled", "empty"})
"""Those that say nothing against the delivery: they do not count for `option_flow.max_rejected_share`."""
PREMIUM_TOLERANCE: Final = 0.001
"""Of the premium: vendors round it to cents."""


def screen_flow(raw: pl.DataFrame, calendar: SessionCalendar) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split delivered flow into accepted and rejected rows.

    Parameters
    ----------
    raw
        Of `RAW_OPTION_FLOW_SCHEMA`, of any number of sessions.

    Returns
    -------
    option_flow : DataFrame
        Of `OPTION_FLOW_SCHEMA`, sorted as `flow_order` does.
    rejected_option_flow : DataFrame
        The others as they came, with their `reasons`, in the same order.

    Raises
    ------
    ContractError
        If `raw` has other columns or types than delivered flow has.
    """
    if raw.schema != RAW_OPTION_FLOW_SCHEMA:
        raise ContractError(f"this is no delivered flow ({dict(raw.schema)}): a source must deliver exactly {dict(RAW_OPTION_FLOW_SCHEMA)}")
    raw = flow_order(raw)
    numbers = [pl.col(name).fill_nan(None) for name in (*OF_TRADES, *EXPOSURES, "strike")]
    judged = raw.with_columns(*numbers, **_spans(raw, calendar)).with_columns(_written())
    rules = symbol_rules() | _rules_of_rows() | _rules_of_numbers() | _rules_of_contracts()
    faults = judged.select(**{reason: broken.fill_null(value=False) for reason, broken in rules.items()}).with_columns(_repeated(raw))
    names = sorted(faults.columns)
    sound = faults.select(~pl.any_horizontal(names)).to_series()
    named = pl.concat_list(pl.when(name).then(pl.lit(name)) for name in names).list.drop_nulls()
    rejected = raw.filter(~sound).with_columns(faults.filter(~sound).select(reasons=named))
    parts = parts_of(pl.col("contract"))
    told = {name: pl.coalesce(name, parts[name]) for name in ("expiry", "strike", "right")}
    conditions = pl.col("conditions").fill_null(pl.lit([], pl.List(pl.String)))
    accepted = judged.filter(sound).with_columns(**told, contract=pl.coalesce("written", "contract"), conditions=conditions)
    return accepted.select(OPTION_FLOW_SCHEMA.names()).cast(dict(OPTION_FLOW_SCHEMA)), rejected.cast(REJECTED_OPTION_FLOW_SCHEMA)  # pyright: ignore[reportArgumentType]


def _spans(raw: pl.DataFrame, calendar: SessionCalendar) -> dict[str, pl.Expr]:
    """From when to when the rows of each session were known."""
    days: list[date] = raw["session"].unique().sort().to_list()
    spans = {day: flow_span(calendar, day) for day in days}
    session = pl.col("session")
    if not days:
        return {name: pl.lit(None, KNOWN_TIME) for name in ("after", "until")}
    return {
        "after": session.replace_strict(days, pl.Series([spans[day][0] for day in days], dtype=KNOWN_TIME)),
        "until": session.replace_strict(days, pl.Series([spans[day][1] for day in days], dtype=KNOWN_TIME)),
    }


def _written() -> pl.Expr:
    """The symbol of a contract of which only the parts are told."""
    parts = symbols_of(*(pl.col(name) for name in ("symbol", "expiry", "strike", "right")))
    return pl.when((pl.col("kind") == FLOW_ALERT) & pl.col("contract").is_null()).then(parts).alias("written")


def _rules_of_rows() -> dict[str, pl.Expr]:
    """Of what a row is, and of when."""
    kind, known_at = pl.col("kind"), pl.col("known_at")
    said = pl.any_horizontal(pl.col(name).is_not_null() for name in EXPOSURES)
    traded = pl.any_horizontal(pl.col(name).fill_null(0) != 0 for name in ("premium", "size"))
    return {
        "cancelled": pl.col("cancelled"),
        "date_of_another_session": (kind == GREEK_EXPOSURE) & (pl.col("date") != pl.col("session")),
        "empty": pl.when(kind == GREEK_EXPOSURE).then(~said).otherwise(~traded),
        "kind_unknown": ~kind.is_in(list(FLOW_KINDS)).fill_null(value=False),
        "of_another_session": (known_at > pl.col("until")) | (known_at <= pl.col("after")),
        "time_missing": known_at.is_null(),
        "unreadable": pl.col("defects").str.strip_chars() != "",
    }


def _rules_of_numbers() -> dict[str, pl.Expr]:
    """A null is NaN's or absent by now, and a comparison with it no fault."""
    kind, premium = pl.col("kind"), pl.col("premium")
    is_trade, worth = kind.is_in([FLOW_ALERT, DARK_POOL]), pl.col("price") * pl.col("size")
    off = (kind == DARK_POOL) & ((premium - worth).abs() > PREMIUM_TOLERANCE * worth + 0.01)
    sides = pl.sum_horizontal(pl.col("ask_premium").fill_null(0.0), pl.col("bid_premium").fill_null(0.0))
    numbers = [pl.col(name) for name in (*OF_TRADES, *EXPOSURES, "strike")]
    return {
        "infinite": pl.any_horizontal(number.is_infinite() for number in numbers),
        "negative": pl.any_horizontal(pl.col(name) < 0 for name in OF_TRADES),
        "premium_conflict": off | (sides > premium * (1 + PREMIUM_TOLERANCE)),
        "price_not_positive": is_trade & (pl.col("price") == 0),
        "size_not_positive": is_trade & (pl.col("size") == 0) & (premium > 0),
    }


def _rules_of_contracts() -> dict[str, pl.Expr]:
    """Of the contract that an alert is about. Its root may be written otherwise than the symbol: SPXW, BRKB."""
    parts = parts_of(pl.col("contract"))
    is_alert, expiry = pl.col("kind") == FLOW_ALERT, pl.coalesce("expiry", parts["expiry"])
    strike, right = pl.col("strike"), pl.col("right")
    differs = (
        (parts["expiry"] != pl.col("expiry")).fill_null(value=False)
        | ((parts["strike"] - strike).abs() > 1e-9 * strike).fill_null(value=False)
        | (parts["right"] != right).fill_null(value=False)
    )
    unread = parts["expiry"].is_null() & pl.col("written").is_null()
    return {
        "contract_conflict": (is_alert & differs) | (~is_alert & pl.col("contract").is_not_null()) | ~right.is_in([*Right]),
        "contract_missing": is_alert & unread,
        "expired": is_alert & (expiry < pl.col("session")),
        "strike_not_positive": strike <= 0,
    }


def _repeated(raw: pl.DataFrame) -> list[pl.Expr | pl.Series]:
    """Rows that came again, and those that contradict each other: of one event, or of one strike or expiry."""
    again = raw.select(~pl.struct(pl.all()).is_first_distinct()).to_series()
    of_exposure = pl.col("kind") == GREEK_EXPOSURE
    place = pl.concat_str(pl.col("expiry").cast(pl.String).fill_null(""), pl.col("strike").cast(pl.String).fill_null(""), separator=" ")
    keyed = raw.with_columns(key=pl.when(of_exposure).then(place).otherwise("event"))
    several = pl.struct(raw.columns).n_unique().over("session", "kind", "symbol", "key") > 1
    differ = keyed.select(pl.col("key").is_not_null() & several).to_series()
    return [(again & ~differ).alias("duplicate"), differ.alias("event_twice")]
