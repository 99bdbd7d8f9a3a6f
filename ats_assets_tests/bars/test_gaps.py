from datetime import date, timedelta

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.bars.gaps import missing_sessions, symbol_gaps

DAYS = [date(2024, 1, 1) + timedelta(days=i) for i in range(12)]
THERE = st.dictionaries(st.sampled_from("ABC"), st.sets(st.sampled_from(DAYS), min_size=1), min_size=1)


@given(THERE)
def test_gaps_against_the_loop(there: dict[str, set[date]]) -> None:
    bars = pl.DataFrame(
        [(symbol, day) for symbol, days in there.items() for day in days], schema={"symbol": pl.String, "session": pl.Date}, orient="row"
    )
    any_bar = [day for day in DAYS if any(day in days for days in there.values())]
    assert missing_sessions(bars, DAYS) == [day for day in DAYS if day not in any_bar]
    expected = []
    for symbol, days in there.items():
        inside = [day for day in any_bar if min(days) <= day <= max(days)]
        absent = [day not in days for day in inside]
        runs = "".join("x" if gone else " " for gone in absent).split()
        if runs:
            expected.append(
                (symbol, min(days), max(days), len(days), sum(map(len, runs)), max(map(len, runs)), max(d for d in inside if d not in days))
            )
    found = symbol_gaps(bars, DAYS).select("symbol", "first", "last", "bars", "missing", "longest", "newest_gap").rows()
    assert found == sorted(expected, key=lambda one: (-one[4], one[0]))
