"""Positions from entries and exits, against a loop over the sessions of the window."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.strategies.entered_positions import entered_positions
from ats_assets.strategies.equal_bets import equal_bets

MARKS = st.sampled_from(["enter", "leave", "both", "none", None])


def held(marks: list[str | None], most: int) -> list[int | None]:
    """For how long the newest entry is held at each session: by its definition."""
    found: list[int | None] = []
    for now in range(len(marks)):
        ages = [now - i for i in range(now + 1) if marks[i] in {"enter", "both"}]
        age = min(ages, default=None)
        if age is None or age > most or marks[now] is None or any(mark in {"leave", "both"} for mark in marks[now - age : now + 1]):
            found.append(None)
        else:
            found.append(age)
    return found


@given(st.lists(st.lists(MARKS, min_size=1, max_size=12), min_size=1, max_size=3), st.integers(1, 5))
def test_a_position_is_that_of_the_newest_entry_unless_it_was_left_since(series: list[list[str | None]], most: int) -> None:
    rows = pl.DataFrame(
        [(f"S{i}", day, mark) for i, marks in enumerate(series) for day, mark in enumerate(marks) if mark is not None],
        schema={"instrument": pl.String, "place": pl.Int64, "mark": pl.String},
        orient="row",
    )
    mark = pl.col("mark")
    found = entered_positions(rows.reverse(), enter=mark.is_in(["enter", "both"]), leave=mark.is_in(["leave", "both"]), max_sessions=most)
    for i, marks in enumerate(series):
        own = found.filter(instrument=f"S{i}").sort("place")
        wanted = [age for age, mark in zip(held(marks, most), marks, strict=True) if mark is not None]
        assert own["held_sessions"].to_list() == wanted
        assert own["side"].to_list() == [int(age is not None) for age in wanted]


@given(st.lists(st.tuples(st.integers(-3, 3), st.sampled_from([-1, 0, 1])), min_size=1, max_size=15), st.integers(1, 6))
def test_bets_are_equal_shares_and_never_more_than_there_are_places(rows: list[tuple[int, int]], most: int) -> None:
    frame = pl.DataFrame(
        {
            "symbol": [f"S{i}" for i in range(len(rows))],
            "session": ["D"] * len(rows),
            "score": [float(s) for s, _ in rows],
            "side": [d for _, d in rows],
        }
    )
    made = equal_bets(frame, most)
    weights = made["target_weight"].to_list()
    held = [(score, side) for score, side in rows if side]
    assert abs(sum(map(abs, weights)) - min(len(held), most) / most) < 1e-12
    for (score, side), weight in zip(rows, weights, strict=True):
        assert weight * side >= 0
        better = sum(other > score for other, s in held if s)
        equal = sum(other == score for other, s in held if s)
        share = min(max(most - better, 0) / equal, 1.0) if side else 0.0
        assert abs(abs(weight) - share / most) < 1e-12
