"""What a check says of a frame that breaks its contract."""

from datetime import date, timedelta

import pandera.polars as pa
import polars as pl

from ats_assets.sources.broken_rules import broken_rules, sessions_with_broken_rules
from ats_assets.sources.contracts import schema_violations


class Prices(pa.DataFrameModel):
    """Prices of symbols."""

    symbol: str
    open: float = pa.Field(gt=0)
    high: float = pa.Field(gt=0)
    low: float = pa.Field(gt=0)
    close: float = pa.Field(gt=0)


PRICES = Prices.to_schema()
GOOD = {"symbol": ["A", "B"], "open": [1.0, 1.0], "high": [1.0, 1.0], "low": [1.0, 1.0], "close": [1.0, 1.0]}


def test_each_rule_is_said_once_in_the_order_of_the_contract() -> None:
    """However many rows break it; the rest is left to who asks for the violations."""
    bad = pl.DataFrame(GOOD | {"close": [-1.0, -2.0], "low": [-1.0, -2.0]})
    assert broken_rules(PRICES, bad) == "low: greater_than(0); close: greater_than(0)"
    assert len(schema_violations(Prices, bad)) == 4


def test_no_more_are_named_than_asked_for() -> None:
    """Three, where nothing else is said."""
    bad = pl.DataFrame({name: [-1.0 if name != "symbol" else "A"] for name in GOOD})
    assert broken_rules(PRICES, bad).count("greater_than") == 3
    assert broken_rules(PRICES, bad, most=1) == "open: greater_than(0)"


def test_a_column_that_is_not_there_is_named() -> None:
    """The rule is of the whole frame, so the column is in the case alone."""
    bad = pl.DataFrame(GOOD).drop("high", "low")
    assert broken_rules(PRICES, bad) == "Prices: column_in_dataframe: high; Prices: column_in_dataframe: low"


def test_what_holds_says_nothing() -> None:
    """An empty text is a passed verdict."""
    assert broken_rules(PRICES, pl.DataFrame(GOOD)) == ""


def test_sessions_looked_at_together_are_told_what_each_is_told_alone() -> None:
    """One is sound, one breaks a rule of its rows, one has a row twice, one has none; a column too few is of every one of them."""
    rules = pa.DataFrameSchema(
        {"session": pa.Column(pl.Date), "symbol": pa.Column(str), "p": pa.Column(float, pa.Check.le(1))}, unique=["session", "symbol"]
    )
    days = [date(2024, 1, 2) + timedelta(n) for n in range(4)]
    bad = pl.DataFrame({"session": [days[0], days[1], days[2], days[2]], "symbol": ["A", "A", "A", "A"], "p": [0.5, 1.5, 0.5, 0.5]})
    for rows in (bad, bad.filter(session=days[0]), bad.drop("p"), bad.drop("p").clear()):
        alone = {day: broken_rules(rules, rows.filter(session=day)) for day in days}
        assert sessions_with_broken_rules(rules, rows, days) == {day: said for day, said in alone.items() if said}
    assert list(sessions_with_broken_rules(rules, bad, days)) == [days[1], days[2]]
