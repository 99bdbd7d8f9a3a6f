"""Companies that list, change their tickers, swap them, take others' and leave: what they were called at each session, told by following each company forward.

The companies are the truth. Their bars carry tickers only, and the changes of name are all that a source tells of who is who.
"""

from dataclasses import dataclass
from datetime import date

import polars as pl
from hypothesis import strategies as st

from ats_assets_tests.expressions.panels import calendar

DAYS = calendar(12)
TICKERS = ("A", "B", "C", "D")
ACTIONS_SCHEMA = {
    "session": pl.Date,
    "symbol": pl.String,
    "kind": pl.String,
    "new_symbol": pl.String,
    "ratio": pl.Float64,
    "cash": pl.Float64,
    "new_ratio": pl.Float64,
}


@dataclass(frozen=True)
class Companies:
    """rows: session, symbol, company, one for each company and session at which it is listed. changes: the changes of name that a source tells."""

    rows: pl.DataFrame
    changes: pl.DataFrame


def name_change_actions(*changes: tuple[date, str, str]) -> pl.DataFrame:
    """Corporate actions that are changes of name."""
    rows = [(day, old, "name_change", new, None, None, None) for day, old, new in changes]
    return pl.DataFrame(rows, schema=ACTIONS_SCHEMA, orient="row")


@st.composite
def companies(draw: st.DrawFn) -> Companies:
    """A random history. A ticker that was in use is given to a newcomer only where a change of name has freed it: of others no source tells."""
    bearer: dict[str, int] = {}
    ever: set[str] = set()
    rows: list[tuple[date, str, int]] = []
    changes: list[tuple[date, str, str]] = []
    number = 0
    for i, day in enumerate(DAYS):
        if i and bearer:
            movers = draw(st.lists(st.sampled_from(sorted(bearer)), unique=True, max_size=3))
            targets = draw(st.permutations(TICKERS))[: len(movers)]
            renames = {old: new for old, new in zip(movers, targets, strict=True) if old != new}
            moved = {new: bearer[old] for old, new in renames.items()}
            freed = renames.keys() - moved.keys()
            bearer = {ticker: who for ticker, who in bearer.items() if ticker not in renames and ticker not in moved} | moved
            ever = (ever | moved.keys()) - freed
            changes += [(day, old, new) for old, new in renames.items()]
        for ticker in draw(st.lists(st.sampled_from(TICKERS), unique=True, max_size=2)):
            if ticker not in bearer and ticker not in ever:
                bearer[ticker], number = number, number + 1
                ever.add(ticker)
        rows += [(day, ticker, who) for ticker, who in bearer.items()]
        for ticker in draw(st.lists(st.sampled_from(sorted(bearer) or [""]), unique=True, max_size=1)):
            bearer.pop(ticker, None)
    schema = {"session": pl.Date, "symbol": pl.String, "company": pl.Int64}
    return Companies(rows=pl.DataFrame(rows, schema=schema, orient="row"), changes=name_change_actions(*changes))
