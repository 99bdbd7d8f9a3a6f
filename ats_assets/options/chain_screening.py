"""Delivered chains are split into rows that satisfy the contract and those that do not.

1. Each rule of `CHAIN_REASONS` that looks at one row is evaluated for every row, so that a rejected row has all of its reasons.
2. Rows for one contract are found beside each other: an identical one that came again is quarantined and the first stays; those that contradict each other are all quarantined.
3. What has no fault so far is priced: the middle of bid and ask, or the close where there are no quotes. Prices that can't be (`chain_bounds`) are quarantined, a call and a put that
   contradict each other both, since nothing tells which is right.

A bid of zero is no fault: nobody buys. An ask of zero means that nobody sells, and is stored as none. Accepted plus rejected is the input, always; each session is judged by its own
rows, the closes of its bars and the calendar.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.errors import ContractError
from ats_assets.options.chain_bounds import price_faults
from ats_assets.options.contract import ADJUSTED_ROOT, Right, symbols_of
from ats_assets.options.last_sessions import last_sessions
from ats_assets.options.rates import rates_of
from ats_assets.options.schema import (
    KEY,
    OPTION_CHAINS_SCHEMA,
    QUOTE_TIME,
    RAW_OPTION_CHAINS_SCHEMA,
    REJECTED_OPTION_CHAINS_SCHEMA,
    TRADED_COLUMNS,
    VENDOR_COLUMNS,
)
from ats_assets.settings import OptionsSettings
from ats_assets.sources.symbols import malformed

CHAIN_REASONS: Mapping[str, str] = {
    "above_bound": "the bid is above what the option can be worth, a call the spot, a put the strike, by more than spread and tolerance; without quotes the close is",
    "adjusted_deliverable": "something else than the standard is delivered: the delivery says so, or the root is letters and a digit",
    "below_intrinsic": "the ask is below what exercise brings by more than spread and tolerance; without quotes the close is",
    "contract_conflict": "the symbol contradicts expiry, strike or right",
    "contract_unwritable": "there is no symbol of such a contract: a strike that is no multiple of 0.001, or a root that is none",
    "crossed": "the bid is above the ask",
    "date_missing": "there is no day that can be read",
    "date_not_a_session": "the day is not a session of the exchange's calendar",
    "date_of_another_session": "the day is a session, but not the one that the row was delivered for",
    "duplicate": "an identical row for the same contract came before",
    "empty": "no quote, no price above zero, no volume and no open interest: the row says nothing",
    "expired": "the contract can't be traded any more at its session",
    "expiry_missing": "there is no expiry that can be read",
    "expiry_no_session": "no contract can expire on that day: neither a session nor, before February 2015, a Saturday",
    "infinite": "a price, size, strike or multiplier is infinite",
    "multiplier_not_positive": "the multiplier is zero or negative",
    "negative": "a price or a size is negative",
    "no_underlying": "nothing says what the underlying cost: neither the delivery nor, where options.spot allows it, a bar of the session",
    "of_later_session": "the quote is of after the opening of the next session",
    "parity": "call and put of one strike contradict each other by more than both spreads, the carry and the tolerance",
    "right_missing": "it is not said whether it is a call or a put",
    "stale": "the quote is of before the session's opening, or of longer before its close than options.screening.max_stale_minutes allows",
    "strike_missing": "there is no strike",
    "strike_not_positive": "the strike is zero or negative",
    "strike_twice": "rows for the same contract contradict each other",
    "style_unknown": "the style is neither american nor european",
    "underlying_malformed": "the underlying has white space around it, or characters that cannot be seen",
    "underlying_missing": "there is no underlying, or it is blank",
    "unreadable": "the reader of the source could not convert a value; `defects` says which",
}
"""Every reason for which a row is rejected: its stable name, and what it says."""
CHAIN_NO_FAULT = frozenset({"adjusted_deliverable", "empty", "expired", "no_underlying"})
"""Those that say nothing against the delivery: they do not count for `options.screening.max_rejected_share`."""
MULTIPLIER = 100.0
"""Of a contract whose delivery does not say it."""


def screen_chains(
    raw: pl.DataFrame, bars: pl.DataFrame, calendar: SessionCalendar, options: OptionsSettings
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split delivered chains into accepted and rejected rows.

    Parameters
    ----------
    raw
        Of `RAW_OPTION_CHAINS_SCHEMA`, of any number of sessions.
    bars
        symbol, session, close of the same sessions; not looked at where `options.spot` is "delivered".

    Returns
    -------
    option_chains : DataFrame
        Of `OPTION_CHAINS_SCHEMA`, sorted by session, underlying, expiry, strike and right.
    rejected_option_chains : DataFrame
        The others as they came, with their `reasons`, in the same order, then in that of delivery.

    Raises
    ------
    ContractError
        If `raw` has other columns or types.
    """
    if dict(raw.schema) != dict(RAW_OPTION_CHAINS_SCHEMA):
        raise ContractError(
            f"these are no delivered chains ({dict(raw.schema)}): a source of options must deliver exactly {dict(RAW_OPTION_CHAINS_SCHEMA)}"
        )
    raw = raw.sort("session", *KEY, nulls_last=True, maintain_order=True)
    judged = _with_facts(raw, bars, calendar, options)
    rules = _key_rules() | _number_rules() | _time_rules(options, calendar, raw)
    faults = judged.select(**{reason: broken.fill_null(value=False) for reason, broken in rules.items()}).with_columns(_repeats(raw))
    sound = faults.select(~pl.any_horizontal(pl.all())).to_series()
    priced = _priced(judged.filter(sound), options)
    of_prices = price_faults(priced, options.screening)
    fine = of_prices.select(~pl.any_horizontal(pl.all())).to_series()
    accepted = priced.filter(fine).select(OPTION_CHAINS_SCHEMA.names()).cast(dict(OPTION_CHAINS_SCHEMA))  # pyright: ignore[reportArgumentType]
    bad_prices = raw.filter(sound).filter(~fine).with_columns(reasons=_named(of_prices.filter(~fine)))
    rejected = pl.concat([raw.filter(~sound).with_columns(reasons=_named(faults.filter(~sound))), bad_prices])
    return accepted, rejected.sort("session", *KEY, nulls_last=True, maintain_order=True).cast(REJECTED_OPTION_CHAINS_SCHEMA)  # pyright: ignore[reportArgumentType]


def _named(faults: pl.DataFrame) -> pl.Series:
    """The sorted names of the rules that each row breaks."""
    names = sorted(faults.columns)
    return faults.select(
        pl.concat_list([pl.when(name).then(pl.lit(name)) for name in names]).list.drop_nulls().alias("reasons")
    ).to_series()


def _with_facts(raw: pl.DataFrame, bars: pl.DataFrame, calendar: SessionCalendar, options: OptionsSettings) -> pl.DataFrame:
    """The rows with numbers that are none as nulls, their style and multiplier, and what calendar, rates and bars say of them."""
    numbers = [pl.col(name).fill_nan(None) for name in (*TRADED_COLUMNS, "strike", "multiplier", "underlying_price")]
    vendor = [pl.when(pl.col(name).is_finite()).then(pl.col(name)) for name in VENDOR_COLUMNS]
    style = pl.col("underlying").replace_strict(dict(options.style_by_underlying), default="american", return_dtype=pl.String)
    rows = raw.with_columns(
        *numbers, *vendor, style=pl.coalesce("style", style), morning=pl.col("underlying").is_in(list(options.morning_settled))
    )
    rows = rows.with_columns(
        multiplier=pl.col("multiplier").fill_null(MULTIPLIER), days_left=(pl.col("expiry") - pl.col("session")).dt.total_days()
    )
    pairs = rows.select("session", "expiry", "morning").drop_nulls().unique().sort("session", "expiry", "morning")
    rows = rows.join(last_sessions(pairs, calendar), on=["session", "expiry", "morning"], how="left", maintain_order="left")
    days = raw["session"].unique().sort().to_list()
    rows = rows.join(rates_of(options, days), on="session", how="left", maintain_order="left")
    return _with_spots(rows, bars, options)


def _with_spots(rows: pl.DataFrame, bars: pl.DataFrame, options: OptionsSettings) -> pl.DataFrame:
    price = pl.col("underlying_price")
    delivered = pl.when(price.is_finite() & (price > 0)).then(price)
    if options.spot == "delivered":
        return rows.with_columns(spot=delivered)
    symbols = pl.col("underlying").replace(dict(options.symbol_by_underlying))
    closes = bars.select("session", symbol="symbol", bar_close="close")
    found = rows.with_columns(symbol=symbols).join(closes, on=["session", "symbol"], how="left", maintain_order="left")
    return found.with_columns(spot=pl.coalesce(delivered, "bar_close"))


def _key_rules() -> dict[str, pl.Expr]:
    """Who and what the contract is."""
    root, strike, right = pl.col("underlying"), pl.col("strike"), pl.col("right")
    written = symbols_of(*(pl.col(name) for name in KEY))
    told = (strike > 0) & strike.is_finite() & right.is_in([*Right]) & pl.col("expiry").is_not_null() & (root.str.strip_chars() != "")
    return {
        "adjusted_deliverable": pl.col("deliverable").is_not_null() | root.str.contains(ADJUSTED_ROOT),
        "contract_conflict": pl.col("contract") != written,
        "contract_unwritable": told & written.is_null(),
        "right_missing": right.is_null() | ~right.is_in([*Right]),
        "strike_missing": strike.is_null(),
        "strike_not_positive": strike <= 0,
        "style_unknown": ~pl.col("style").is_in(["american", "european"]),
        "underlying_malformed": malformed(root),
        "underlying_missing": root.is_null() | (root.str.strip_chars() == ""),
        "unreadable": pl.col("defects").str.strip_chars() != "",
    }


def _number_rules() -> dict[str, pl.Expr]:
    """Prices and sizes; NaN is null by now, and a comparison with null is no fault."""
    numbers = [pl.col(name) for name in TRADED_COLUMNS]
    return {
        "crossed": (pl.col("ask") > 0) & (pl.col("bid") > pl.col("ask")),
        "empty": pl.all_horizontal(
            number.fill_null(0.0) == 0 for number in numbers if number.meta.output_name() not in {"bid_size", "ask_size"}
        ),
        "infinite": pl.any_horizontal(number.is_infinite() for number in (*numbers, pl.col("strike"), pl.col("multiplier"))),
        "multiplier_not_positive": pl.col("multiplier") <= 0,
        "negative": pl.any_horizontal(number < 0 for number in numbers),
        "no_underlying": pl.col("spot").is_null(),
    }


def _time_rules(options: OptionsSettings, calendar: SessionCalendar, raw: pl.DataFrame) -> dict[str, pl.Expr]:
    """Of the day, the expiry and the time of the quote."""
    known = [day for day in raw["date"].drop_nulls().unique() if calendar.is_session(day)]
    is_session = pl.col("date").is_in(pl.Series(known, dtype=pl.Date).implode())
    minutes, days = options.screening.max_stale_minutes, raw["session"].unique().to_list()
    firm = {day: calendar.opens_at(day) if minutes is None else calendar.closes_at(day) - timedelta(minutes=minutes) for day in days}
    over = {day: _next_open(calendar, day) for day in days}
    session, quoted_at = pl.col("session"), pl.col("quoted_at")
    return {
        "date_missing": pl.col("date").is_null(),
        "date_not_a_session": ~is_session,
        "date_of_another_session": is_session & (pl.col("date") != session),
        "expired": pl.col("last_session") < session,
        "expiry_missing": pl.col("expiry").is_null(),
        "expiry_no_session": ~pl.col("is_session"),
        "of_later_session": quoted_at >= session.replace_strict(over, return_dtype=QUOTE_TIME) if days else pl.lit(value=False),
        "stale": quoted_at < session.replace_strict(firm, return_dtype=QUOTE_TIME) if days else pl.lit(value=False),
    }


def _next_open(calendar: SessionCalendar, session: date) -> datetime:
    if session < calendar.last:
        return calendar.opens_at(calendar.after(session))
    return datetime.combine(session + timedelta(days=1), time(), UTC)


def _repeats(raw: pl.DataFrame) -> list[pl.Series]:
    """Rows for one contract, which stand beside each other: those that came again, and those that contradict each other."""
    keys = ("session", *KEY)
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in keys).fill_null(value=False)
    again = raw.select(same.alias("again"))["again"]
    if not again.any():
        none = pl.Series([False]).new_from_index(0, raw.height)
        return [none.alias("duplicate"), none.alias("strike_twice")]
    involved = again | again.shift(-1, fill_value=False)
    rows = raw.filter(involved).with_columns((~again).cum_sum().filter(involved).alias("contract_number"))
    differ = rows.select(pl.struct(raw.columns).n_unique().over("contract_number") > 1).to_series()
    places = involved.arg_true()
    twice = pl.Series([False]).new_from_index(0, raw.height).scatter(places.filter(differ), values=True)
    return [(again & ~twice).alias("duplicate"), twice.alias("strike_twice")]


def _priced(rows: pl.DataFrame, options: OptionsSettings) -> pl.DataFrame:
    """The rows with contract, mark and half spread."""
    bid = pl.col("bid")
    ask = pl.when(pl.col("ask") > 0).then(pl.col("ask"))
    unquoted = bid.is_null() & pl.col("ask").is_null()
    price = pl.col("underlying_price")
    made = rows.with_columns(
        contract=symbols_of(*(pl.col(name) for name in KEY)),
        ask=ask,
        unquoted=unquoted,
        underlying_price=pl.when(price.is_finite() & (price > 0)).then(price),
    )
    close = pl.when(pl.col("close") > 0).then(pl.col("close")) if options.unquoted_mark == "close" else pl.lit(None, pl.Float64)
    made = made.with_columns(mark=pl.when("unquoted").then(close).otherwise((bid + pl.col("ask")) / 2))
    traded = pl.col("volume").fill_null(1.0) > 0  # else the close is of an earlier session: vendors carry it over
    share = pl.when(traded).then(pl.lit(options.unquoted_half_spread_share, pl.Float64))
    return made.with_columns(half_spread=pl.when("unquoted").then(pl.col("mark") * share).otherwise((pl.col("ask") - bid) / 2))
