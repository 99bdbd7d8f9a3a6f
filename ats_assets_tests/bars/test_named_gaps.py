"""No symbol goes without a bar in silence: each that had one shortly before is named, with whose row fills the gap or why none does."""

from datetime import date
from pathlib import Path

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from ats_assets.bars.named_gaps import FILLED, NO_ROW, QUARANTINED, bar_gaps
from ats_assets.calendar import session_calendar
from ats_assets_tests.small_market import FIRST, make_history, small_market, without_the_future

DAYS = session_calendar("XNYS", date(2024, 1, 2)).sessions(date(2024, 3, 1), date(2024, 3, 14))
SYMBOLS = "ABCDE"
CELLS = [(day, symbol) for day in DAYS for symbol in SYMBOLS]
BACK = 3


@given(st.dictionaries(st.sampled_from(CELLS), st.sampled_from(["first", "second", "rejected", "none"])))
def test_every_cell_has_a_bar_of_the_first_vendor_or_a_name(cells: dict[tuple[date, str], str]) -> None:
    state = dict.fromkeys(CELLS, "first") | cells
    there = [cell for cell, what in state.items() if what in {"first", "second"}]
    bars = pl.DataFrame(there, schema={"session": pl.Date, "symbol": pl.String}, orient="row")
    rejected = pl.DataFrame(
        [(*cell, ["low_not_positive"]) for cell, what in state.items() if what == "rejected"],
        schema={"session": pl.Date, "symbol": pl.String, "reasons": pl.List(pl.String)},
        orient="row",
    )
    raw = pl.DataFrame(
        [(*cell, what, "first: no row" if what == "second" else None) for cell, what in state.items() if what in {"first", "second"}],
        schema={"session": pl.Date, "symbol": pl.String, "vendor": pl.String, "vendor_reason": pl.String},
        orient="row",
    )
    windows = {DAYS[place]: DAYS[place - BACK : place + 1] for place in range(BACK, len(DAYS))}
    found = {(row["session"], row["symbol"]): row for row in bar_gaps(windows, bars, rejected, raw).iter_rows(named=True)}
    for day, window in windows.items():
        for symbol in SYMBOLS:
            what, before = state[day, symbol], [one for one in window[:-1] if (one, symbol) in set(there)]
            row = found.pop((day, symbol), None)
            if what == "first" or (what in {"rejected", "none"} and not before):
                assert row is None
                continue
            assert row is not None
            assert row["reason"] == {"second": FILLED, "rejected": QUARANTINED, "none": NO_ROW}[what]
            assert row["vendor"] == ("second" if what == "second" else None)
            assert row["last_session"] == (before[-1] if before else None)
            assert row["details"] == {"second": "first: no row", "rejected": "low_not_positive", "none": None}[what]
    assert not found


def test_a_change_of_name_is_no_gap_and_hides_none() -> None:
    """The old ticker was once named as a gap for as long as the window is, and so was nobody who went without a bar while another took the old ticker."""
    cells = [
        *((day, "FB") for day in DAYS[:3]),  # META from DAYS[3] on, without a bar on DAYS[4]
        *((day, "META") for day in DAYS[3:] if day != DAYS[4]),
        *((day, "TWX") for day in DAYS[:3]),  # AOL from DAYS[3] on, which has no bar until DAYS[5]; another company is TWX at once
        *((day, "TWX") for day in DAYS[3:]),
        *((day, "AOL") for day in DAYS[5:]),
    ]
    bars = pl.DataFrame(cells, schema={"session": pl.Date, "symbol": pl.String}, orient="row")
    rejected = pl.DataFrame(
        [(DAYS[4], "META", ["low_not_positive"])],
        schema={"session": pl.Date, "symbol": pl.String, "reasons": pl.List(pl.String)},
        orient="row",
    )
    windows = {DAYS[place]: DAYS[place - BACK : place + 1] for place in range(BACK, len(DAYS))}
    changes = {DAYS[3]: {"FB": "META", "TWX": "AOL"}}
    found = bar_gaps(windows, bars, rejected, renamed=lambda day: changes.get(day, {}))
    assert found.select("session", "symbol", "last_session", "reason").rows() == [
        (DAYS[3], "AOL", DAYS[2], NO_ROW),
        (DAYS[4], "AOL", DAYS[2], NO_ROW),
        (DAYS[4], "META", DAYS[3], QUARANTINED),
    ]
    plain = bar_gaps(windows, bars, rejected)
    assert set(plain.filter(pl.col("session") >= DAYS[3])["symbol"]) == {"FB", "META"}, "without the changes"


def test_gaps_are_known_at_the_close_and_there_only_where_settings_want_them(tmp_path: Path) -> None:
    asked = {"bars": {"gap_sessions": 4}, "source": {"synthetic": {"symbols": 12, "first_session": FIRST, "halts_per_year": 40.0}}}
    deployment = small_market(tmp_path / "whole", last_session=date(2021, 1, 22), **asked)
    assert make_history(deployment, FIRST, date(2021, 1, 22)).success
    gaps = deployment.warehouse.read("bar_gaps", deployment.valid_sessions("bar_gaps"))
    assert set(gaps["reason"]) == {NO_ROW, QUARANTINED} or set(gaps["reason"]) == {NO_ROW}
    assert gaps.filter(pl.col("session") == FIRST).is_empty()
    assert without_the_future(tmp_path / "whole", date(2021, 1, 15), tmp_path / "past", **asked) == []
