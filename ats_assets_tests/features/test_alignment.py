"""Several frames beside one decision: the last row that was known, and nothing that was not."""

from datetime import date, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.features.alignment import aligned
from ats_assets_tests.events.small_bars import random_bars, weekdays

DAYS = weekdays(date(2014, 5, 1), 5)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1_000), back=st.integers(0, 2))
def test_each_decision_takes_the_last_row_known_by_then(seed: int, back: int) -> None:
    """Against a search row by row; frames of another rhythm, a daily one, and ties of time among them."""
    decisions = random_bars(DAYS, symbols=("A", "B"), bars_a_session=8, seed=seed).select("symbol", "session", "known_at")
    fast = random_bars(DAYS, symbols=("A", "B"), bars_a_session=20, seed=seed + 1).select("symbol", "session", "known_at", "close")
    slow = decisions.gather_every(3).with_columns(x=pl.int_range(pl.len()).cast(pl.Float64))
    daily = pl.DataFrame({"symbol": "A", "session": DAYS, "day": [float(n) for n in range(len(DAYS))]})
    names = {"fast": ["close"], "slow": ["x"], "daily": ["day"]}
    found = aligned(
        decisions.sample(fraction=1.0, shuffle=True, seed=seed),
        {"fast": fast, "slow": slow, "daily": daily},
        days=DAYS,
        back=back,
        names=names,
    )
    assert found.height == decisions.height
    for row in found.iter_rows(named=True):
        place = DAYS.index(row["session"])
        since = DAYS[max(0, place - back)]
        for frame, name in ((fast, "close"), (slow, "x")):
            of = frame.filter(pl.col("symbol") == row["symbol"], pl.col("known_at") <= row["known_at"], pl.col("session") >= since)
            assert [row[name]] == of[name].tail(1).to_list() or (row[name] != row[name] and of.is_empty())
        of = daily.filter(pl.col("symbol") == row["symbol"], pl.col("session") < row["session"], pl.col("session") >= since)
        assert [row["day"]] == of["day"].tail(1).to_list() or (row["day"] != row["day"] and of.is_empty())


def test_a_row_at_the_instant_of_the_decision_is_known_and_one_after_it_is_not() -> None:
    decision = random_bars(DAYS[:1]).head(1).select("symbol", "session", "known_at")
    at = decision.with_columns(x=pl.lit(1.0))
    after = at.with_columns(pl.col("known_at") + timedelta(microseconds=1))
    how = {"days": DAYS[:1], "back": 0, "names": {"f": ["x"]}}
    assert aligned(decision, {"f": at}, **how)["x"].to_list() == [1.0]
    assert aligned(decision, {"f": after}, **how)["x"].is_nan().all()


def test_no_decisions_and_no_rows() -> None:
    empty = random_bars(DAYS[:1]).head(0).select("symbol", "session", "known_at")
    frame = empty.with_columns(x=pl.lit(1.0))
    how = {"days": DAYS, "back": 1, "names": {"f": ["x"]}}
    assert aligned(empty, {"f": frame}, **how).columns == ["symbol", "session", "known_at", "x"]
    one = random_bars(DAYS[:1]).head(1).select("symbol", "session", "known_at")
    assert aligned(one, {"f": frame}, **how)["x"].is_nan().all()
