"""Delivered corporate actions are split into those that satisfy the contract and those that do not, as bars are (`screening`).

Each session is judged by its own rows and by the closes of the session before it. Accepted plus rejected is the input, always.

A payment is for a share as it is at the close before. Only a close of the session just before is surely one of such a share: where that has no bar, an action in between
may have changed it, which the session's own rows do not tell. Who applies the payment knows (`counted_payment`).
"""

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.corporate_actions.identity import NAME_CHANGE, NAME_CHANGE_REASONS, names_conflict
from ats_assets.corporate_actions.schema import CORPORATE_ACTIONS_SCHEMA, REJECTED_ACTIONS_SCHEMA
from ats_assets.errors import ContractError
from ats_assets.sources.schema import ACTION_KINDS, RAW_ACTIONS_SCHEMA, VENDOR_SCHEMA
from ats_assets.sources.symbols import malformed, symbol_rules

CLOSE_SESSIONS = 1
"""A payment is held against the close of so many sessions before the ex-session: no action lies between."""

ACTION_REASONS: dict[str, str] = {
    "cash_infinite": "the payment is infinite",
    "cash_missing": "a cash dividend without a payment",
    "cash_negative": "the payment is negative",
    "cash_not_below_close": "a dividend or spin-off worth the close of the session before or more: the price would be zero or negative",
    "conflicting": "several actions of a holder and session change the number of the shares in different ways, so that it can't be told which does",
    "date_missing": "there is no ex-date that can be read",
    "date_of_another_session": "the ex-date is of another session than the one that the row was delivered for",
    "duplicate": "an identical row came before, or one of the same split in other words",
    "kind_unknown": "it is not said, or not known, what the action is",
    "names_conflict": NAME_CHANGE_REASONS["names_conflict"],
    "name_unchanged": NAME_CHANGE_REASONS["name_unchanged"],
    "new_ratio_not_positive": "the ratio of the other symbol's shares is not a positive number",
    "new_symbol_malformed": "the new name has white space around it, or characters that cannot be seen",
    "new_symbol_missing": NAME_CHANGE_REASONS["new_symbol_missing"],
    "ratio_missing": "a split or stock dividend without a ratio",
    "ratio_not_positive": "the ratio is not a positive number",
    "stock_dividend_not_above_one": "a stock dividend that leaves no more shares than there were: its ratio counts the old share, too",
    "symbol_malformed": "the symbol has white space around it, or characters that cannot be seen",
    "symbol_missing": "there is no symbol, or it is blank",
    "unreadable": "the reader of the source could not convert a value; `defects` says which",
}
"""Every reason for which an action is quarantined: its stable name, and its meaning."""


def screen_actions(raw: pl.DataFrame, bars: pl.DataFrame, calendar: SessionCalendar) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Split delivered actions into accepted and rejected ones.

    Parameters
    ----------
    raw
        Actions of any number of sessions, with the columns of `RAW_ACTIONS_SCHEMA`, those of `VENDOR_SCHEMA` beside them or not.
    bars
        symbol, session, close: bars of the `CLOSE_SESSIONS` sessions before each of them; others are not looked at.
    calendar
        The exchange's sessions.

    Returns
    -------
    corporate_actions : DataFrame
        Accepted rows with the columns of `CORPORATE_ACTIONS_SCHEMA`, sorted by session, symbol, kind, then by their numbers.
    rejected_corporate_actions : DataFrame
        All others as they came, with their `reasons`, sorted by session and symbol, then in order of delivery.

    Raises
    ------
    ContractError
        If `raw` has other columns or types than delivered actions have.
    """
    raw = raw.drop(VENDOR_SCHEMA.names(), strict=False)
    if raw.schema != RAW_ACTIONS_SCHEMA:
        raise ContractError(
            f"these are no delivered actions ({dict(raw.schema)}): a source must deliver exactly {dict(RAW_ACTIONS_SCHEMA)}"
        )
    raw = raw.sort("session", "symbol", nulls_last=True, maintain_order=True)
    judged = raw.with_columns(close=_last_close(raw, bars, calendar), expected=_expected_session(raw, calendar))
    faults = judged.select(**{reason: broken.fill_null(value=False) for reason, broken in _rules().items()}).with_columns(_duplicate(raw))
    sound = faults.select(~pl.any_horizontal(pl.all())).to_series()
    unclear = names_conflict(raw, sound & (raw["kind"] == NAME_CHANGE))
    with_ratio = sound & raw["ratio"].is_not_null()
    told_again = _told_again(raw, with_ratio)
    faults = faults.with_columns(
        conflicting=_conflicting(raw.with_columns(holder=_holder(raw, sound & ~unclear)), with_ratio & ~told_again),
        duplicate=pl.col("duplicate") | told_again,
        names_conflict=unclear,
    )
    reasons = sorted(faults.columns)
    accepted = faults.select(~pl.any_horizontal(reasons)).to_series()
    numbers = [pl.col(name).fill_nan(None) for name in ("ratio", "cash", "new_ratio")]
    actions = raw.filter(accepted).with_columns(numbers).select(CORPORATE_ACTIONS_SCHEMA.names())
    named = pl.concat_list(pl.when(reason).then(pl.lit(reason)) for reason in reasons).list.drop_nulls()
    rejected = raw.filter(~accepted).with_columns(faults.filter(~accepted).select(reasons=named))
    return actions.sort("session", "symbol", "kind", "ratio", "cash", maintain_order=True), rejected.cast(REJECTED_ACTIONS_SCHEMA)


def _rules() -> dict[str, pl.Expr]:
    """The rules that look at one row: for each reason, whether the row breaks it; null where it can't be told."""
    kind, ratio, cash = pl.col("kind"), pl.col("ratio").fill_nan(None), pl.col("cash").fill_nan(None)
    priced = kind.is_in(["cash_dividend", "spin_off"])
    return symbol_rules() | {
        "cash_infinite": pl.col("cash").is_infinite(),
        "cash_missing": (kind == "cash_dividend") & cash.is_null(),
        "cash_negative": cash < 0,
        "cash_not_below_close": priced & (cash >= pl.col("close")),
        "date_missing": pl.col("date").is_null(),
        "date_of_another_session": pl.col("expected").is_not_null() & (pl.col("expected") != pl.col("session")),
        "kind_unknown": ~kind.is_in(list(ACTION_KINDS)).fill_null(value=False),
        "name_unchanged": (kind == NAME_CHANGE) & (pl.col("new_symbol") == pl.col("symbol")),
        "new_ratio_not_positive": (pl.col("new_ratio") <= 0) | pl.col("new_ratio").is_nan() | pl.col("new_ratio").is_infinite(),
        "new_symbol_malformed": (kind == NAME_CHANGE) & malformed(pl.col("new_symbol")),
        "new_symbol_missing": (kind == NAME_CHANGE) & (pl.col("new_symbol").fill_null("").str.strip_chars() == ""),
        "ratio_missing": kind.is_in(["split", "stock_dividend"]) & pl.col("ratio").is_null(),
        "ratio_not_positive": (pl.col("ratio") <= 0) | pl.col("ratio").is_nan() | pl.col("ratio").is_infinite(),
        "stock_dividend_not_above_one": (kind == "stock_dividend") & (ratio > 0) & (ratio <= 1),
        "unreadable": pl.col("defects").str.strip_chars() != "",
    }


def _duplicate(raw: pl.DataFrame) -> pl.Series:
    """Whether an identical row came before."""
    return raw.select(~pl.struct(pl.all()).is_first_distinct()).to_series().alias("duplicate")


def _told_again(raw: pl.DataFrame, with_ratio: pl.Series) -> pl.Series:
    """Whether a row tells of a split or stock dividend that a sound row before it has told of: an announcement that comes again under another id, or in other words.

    Both would be rejected as conflicting else, and the split be lost; nothing is paid twice a day in new shares, as payments in cash are.
    """
    same = ["session", "symbol", "kind", "ratio"]
    counted = raw.select(*same).with_columns(which=with_ratio & raw["kind"].is_in(["split", "stock_dividend"]).fill_null(value=False))
    return counted.select(pl.col("which") & (pl.col("which").cum_sum().over(same) > 1)).to_series()


def _holder(raw: pl.DataFrame, which: pl.Series) -> pl.Series:
    """Whose shares an action is of: the ticker until the open, where it is told under the one that changes of name of its session (`which`) give."""
    changes = raw.filter(which & (raw["kind"] == NAME_CHANGE)).select("session", "symbol", "new_symbol").unique()
    given = changes.rename({"symbol": "holder", "new_symbol": "symbol"})
    taken = given.join(changes, on=["session", "symbol"], how="anti")  # a ticker that is given up at the same open is still of its bearer
    found = raw.select("session", "symbol").join(taken, on=["session", "symbol"], how="left", maintain_order="left")
    return found.select(pl.coalesce("holder", "symbol")).to_series()


def _conflicting(raw: pl.DataFrame, with_ratio: pl.Series) -> pl.Series:
    """Whether a row is one of several of its holder and session that are sound and have a ratio, unless it is one action under both tickers of a change of name."""
    ratios = pl.struct("kind", "ratio").filter("with_ratio").n_unique().over("session", "holder")
    counted = raw.select("session", "holder", "kind", "ratio").with_columns(with_ratio=with_ratio)
    return counted.select(pl.col("with_ratio") & (ratios > 1)).to_series()


def _last_close(raw: pl.DataFrame, bars: pl.DataFrame, calendar: SessionCalendar) -> pl.Series:
    """The last close of each row's symbol within the sessions before its session; null where there is none."""
    days = raw["session"].unique().sort().to_list()
    oldest = {day: calendar.window(day, CLOSE_SESSIONS + 1)[0] for day in days}
    wanted = raw.select("symbol", "session").with_row_index("row").sort("session", "symbol", "row")
    closes = bars.select("symbol", "session", "close").with_columns(closed=pl.col("session")).sort("session", "symbol")
    found = wanted.join_asof(closes, on="session", by="symbol", strategy="backward", allow_exact_matches=False, check_sortedness=False)
    first = pl.col("session").replace_strict(oldest, return_dtype=pl.Date) if days else pl.lit(None, pl.Date)
    return found.sort("row").select(pl.when(pl.col("closed") >= first).then(pl.col("close"))).to_series()


def _expected_session(raw: pl.DataFrame, calendar: SessionCalendar) -> pl.Series:
    """The session of each row's ex-date: that day, or the next session; null where there is none."""
    days = [day for day in raw["date"].drop_nulls().unique().to_list() if calendar.first <= day <= calendar.last]
    table = pl.DataFrame({"date": days, "to": [calendar.on_or_after(day) for day in days]}, schema={"date": pl.Date, "to": pl.Date})
    return raw.select("date").join(table, on="date", how="left", maintain_order="left")["to"]
