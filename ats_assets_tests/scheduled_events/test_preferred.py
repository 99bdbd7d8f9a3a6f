"""Events of several vendors: of each kind of a symbol those of the first that knew one, alone or in a range; each row says whose it is and why; what is down is passed over."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import SourceError
from ats_assets.scheduled_events.event_schedule import schedule_at, told_frame
from ats_assets.scheduled_events.event_sources.preferred import PreferredEvents
from ats_assets.sources.schema import VENDOR_SCHEMA
from ats_assets_tests.rounds import rounds
from ats_assets_tests.scheduled_events.test_event_schedule import START, Told, as_set, by_hand, close, told_rows
from ats_assets_tests.small_market import FIRST, files_of, run_job, small_market

EVENTS = ("raw_scheduled_events", "scheduled_events", "rejected_scheduled_events")


@dataclass
class ToldRows:
    """An `EventSource` of rows; None: it is down."""

    rows: list[Told] | None
    remote: bool = False

    def told(self, _first: date, _last: date) -> pl.DataFrame:
        if self.rows is None:
            raise SourceError("it is down: ask it later")
        return told_frame(self.rows)

    def describe(self) -> str:
        if self.rows is None:
            raise SourceError("it is down: nothing is known of it")  # as a file that can't be read
        return "told"


ROWS = st.none() | st.lists(told_rows, max_size=5)


@settings(max_examples=rounds(60, 1_000), deadline=None)
@given(one=ROWS, two=st.lists(told_rows, max_size=5), n=st.integers(0, 5))
def test_the_events_of_a_kind_of_a_symbol_are_those_of_the_first_vendor_that_knew_one(
    one: list[Told] | None, two: list[Told], n: int
) -> None:
    day, until = START, close(n)
    told = PreferredEvents({"one": ToldRows(one), "two": ToldRows(two)}).told(day, day)
    found = schedule_at(told, day, until)
    first, second = by_hand(one or [], day, until), by_hand(two, day, until)
    taken = {(row["symbol"], row["kind"]) for row in first if row["date"] and not row["defects"]}
    added = [row for row in second if (row["symbol"], row["kind"]) not in taken or not row["date"] or row["defects"]]
    why = "one: not answered" if one is None else "one: no row"
    for vendor, reason, expected in (("one", None, first), ("two", why, added)):
        own = found.filter(vendor=vendor)
        assert as_set(own.drop("session").to_dicts()) == as_set(expected)
        assert set(own["vendor_reason"]) <= {reason}
    assert schedule_at(told.reverse().sort("vendor", maintain_order=True), day, until).equals(found), (
        "the order of delivery decides nothing"
    )


def test_a_vendor_that_is_down_is_passed_over_and_said() -> None:
    source = PreferredEvents({"one": ToldRows(None), "two": ToldRows([], remote=True)})
    assert source.told(START, START).is_empty()
    assert "one does not answer, and the next vendor is asked: it is down" in source.describe()
    assert source.remote
    with pytest.raises(SourceError, match=r"(?s)no vendor of scheduled_events.source.order answers:.*one: it is down.*two: it is down"):
        PreferredEvents({"one": ToldRows(None), "two": ToldRows(None)}).told(START, START)


def test_in_the_warehouse_each_row_has_its_vendor_alone_and_in_a_range(tmp_path: Path) -> None:
    def market(name: str) -> Any:
        tables = {vendor: {"kind": "files", "path": str(tmp_path / f"{vendor}.csv")} for vendor in ("one", "two")}
        return small_market(tmp_path / name, scheduled_events={"source": {"kind": "preferred", "order": ["one", "two"], **tables}})

    head = "symbol,date,kind,known_from\n"
    (tmp_path / "one.csv").write_text(f"{head}A,2021-01-20,earnings,2021-01-05\nA,soon,earnings,\n", encoding="utf-8")
    (tmp_path / "two.csv").write_text(f"{head}A,2021-01-21,earnings,2020-12-31\nB,2021-01-22,earnings,2020-12-31\n", encoding="utf-8")
    ranged, alone = market("range"), market("alone")
    days = ranged.calendar.sessions(FIRST, date(2021, 1, 6))
    assert run_job(ranged, "history", days, list(EVENTS)).success
    for day in reversed(days):
        run_job(alone, "history", [day], list(EVENTS))
    assert files_of(tmp_path / "alone") == files_of(tmp_path / "range")
    raw = ranged.warehouse.read(EVENTS[0], days)
    whose = {
        (row["session"].day, row["symbol"], row["date"] and row["date"].day, row["vendor"], row["vendor_reason"]) for row in raw.to_dicts()
    }
    missing, unreadable = "one: no row", {(day.day, "A", None, "one", None) for day in days}
    assert whose == unreadable | {
        (4, "A", 21, "two", missing),
        *((day, "A", 20, "one", None) for day in (5, 6)),
        *((day, "B", 22, "two", missing) for day in (4, 5, 6)),
    }, "until the first vendor knew a day, that of the second counts"
    kept = ranged.warehouse.read(EVENTS[1], days)
    assert not {*VENDOR_SCHEMA} & {*kept.columns}
    assert kept.height + ranged.warehouse.read(EVENTS[2], days).height == raw.height
