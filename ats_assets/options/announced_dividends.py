"""Cash dividends that were announced by the close of a session and are to be paid for shares held at a later one.

`corporate_actions` has a dividend under the session at whose open it takes effect, which no earlier partition may open. What was known of it before lies here, under each session from its announcement on:
by the source's `known_at`, else by the day on which the company announced it. A source that says neither tells of later sessions what it holds at its newest session alone, and nothing is invented.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Final

import polars as pl

from ats_assets.calendar import SessionCalendar
from ats_assets.options.schema import ANNOUNCED_DIVIDENDS_SCHEMA

SESSIONS_AHEAD: Final = 126
"""Half a year: companies announce no ex-date further ahead."""
_NUMBER_OF_SHARES = ("split", "stock_dividend")


def sessions_ahead(calendar: SessionCalendar, sessions: Sequence[date]) -> list[date]:
    """The sessions after the first of some, as far ahead of the last as ex-dates are announced, or as the calendar goes."""
    known = calendar.position(calendar.last) - calendar.position(sessions[-1])
    last = calendar.offset(sessions[-1], min(SESSIONS_AHEAD, known))
    return [day for day in calendar.sessions(sessions[0], last) if day > sessions[0]]


def announced_dividends(actions: pl.DataFrame, calendar: SessionCalendar, sessions: Sequence[date], newest: date) -> pl.DataFrame:
    """The dividends that were known at the close of each session.

    Parameters
    ----------
    actions
        Corporate actions of later sessions as delivered, with the columns of `RAW_ACTIONS_SCHEMA`; rows that are no payment or no ratio are passed over, screening quarantines them in their time.
    sessions
        Of which it is asked, ascending.
    newest
        The source's newest session, at which what it says no time of counts as known.

    Returns
    -------
    DataFrame with the columns of `ANNOUNCED_DIVIDENDS_SCHEMA`, sorted by session, symbol, ex-session, amount. `cash` is for a share as it is at the session's close: a split that was announced as well and
    comes before the ex-session multiplies it.
    """
    sound = _sound(actions, calendar)
    parts = [_known_at(sound, session, closes=calendar.closes_at(session), live=session >= newest) for session in sessions]
    return pl.concat([ANNOUNCED_DIVIDENDS_SCHEMA.to_frame(), *parts])


def _sound(actions: pl.DataFrame, calendar: SessionCalendar) -> pl.DataFrame:
    """Payments and ratios that can be told from the row alone."""
    kind, cash, ratio = pl.col("kind"), pl.col("cash"), pl.col("ratio")
    pays = (kind == "cash_dividend") & cash.is_finite() & (cash > 0)
    divides = kind.is_in(_NUMBER_OF_SHARES) & ratio.is_finite() & (ratio > 0)
    told = actions.filter((pays | divides).fill_null(value=False), pl.col("symbol").fill_null("").str.strip_chars() != "")
    told = told.filter(pl.col("session").is_between(calendar.first, calendar.last, closed="right"))
    before = {day: calendar.offset(day, -1) for day in told["session"].unique().to_list()}
    return told.with_columns(
        held_session=pl.col("session").replace_strict(before, return_dtype=pl.Date) if before else pl.lit(None, pl.Date)
    )


def _known_at(sound: pl.DataFrame, session: date, *, closes: datetime, live: bool) -> pl.DataFrame:
    known = pl.coalesce(pl.col("known_at") <= closes, pl.col("announced") <= session, pl.lit(live))
    told = sound.filter(known, pl.col("session") > session).sort("announced", nulls_last=True, maintain_order=True)
    once = [
        "symbol",
        "session",
        "kind",
        "ratio",
        "cash",
        "description",
    ]  # told again it counts once; of what is known, so that a later telling hides none
    later = told.unique(once, keep="first", maintain_order=True).rename({"session": "ex_session"})
    ratios = later.filter(pl.col("kind").is_in(_NUMBER_OF_SHARES)).select("symbol", split="ex_session", by="ratio").unique()
    paid = later.filter(pl.col("kind") == "cash_dividend").with_row_index("row")
    crossed = paid.select("row", "symbol", "ex_session").join(ratios, on="symbol").filter(pl.col("split") < pl.col("ex_session"))
    shares = crossed.group_by("row").agg(pl.col("by").product())
    found = paid.join(shares, on="row", how="left").with_columns(cash=pl.col("cash") * pl.col("by").fill_null(1.0), session=pl.lit(session))
    return found.select(ANNOUNCED_DIVIDENDS_SCHEMA.names()).sort("symbol", "ex_session", "cash")
