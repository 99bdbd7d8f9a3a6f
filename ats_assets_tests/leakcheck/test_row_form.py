"""Leaks inside a session: a look at the next bar, and at the session's end, is found at instants, where sessions would hide it."""

from datetime import date

import polars as pl

from ats_assets.leakcheck import Input, Subject, find_leaks
from ats_assets_tests.events.small_bars import random_bars, weekdays

DAYS = weekdays(date(2014, 5, 1), 5)
BARS = random_bars(DAYS, bars_a_session=15, seed=2)
NEXT = pl.col("close").shift(-1).over("symbol", "session")
LAST = pl.col("close").last().over("symbol", "session")
BEFORE = pl.col("close").shift(1).over("symbol", "session")


def subject(of: pl.Expr, known: str) -> Subject:
    def make(rows: dict[str, pl.DataFrame]) -> pl.DataFrame:
        return rows["bars"].select("symbol", "session", "known_at", "bar", x=of)

    keys = ("symbol", "bar") if known == "known_at" else ("symbol", "known_at", "bar")
    given = Input(rows=BARS, known=known, keys=("bar",))
    return Subject(name="planted", kind="feature", inputs={"bars": given}, make=make, keys=keys, known=known)  # pyright: ignore[reportArgumentType]


def test_a_leak_inside_a_session_is_found_at_instants_alone() -> None:
    instants = BARS["known_at"].sort().to_list()
    for leaking in (NEXT, LAST):
        found = find_leaks(subject(leaking, "known_at"), instants, draws=3)
        assert isinstance(found, list)
        assert [one.column for one in found] == ["x"]
        assert find_leaks(subject(leaking, "session"), DAYS) == []
    assert find_leaks(subject(BEFORE, "known_at"), instants, draws=3) == []
