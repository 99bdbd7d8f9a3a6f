"""Ticks are the first vendor's that has them; each row says whose it is and why; what is down is passed over; and a later answer is a new vintage."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.deployment import Deployment
from ats_assets.errors import SourceError
from ats_assets.intraday.tick_source import TickSource
from ats_assets.intraday.tick_sources import preferred
from ats_assets.intraday.tick_sources.preferred import PreferredTicks, PreferredTicksSettings
from ats_assets.sources.schema import VENDOR_SCHEMA
from ats_assets_tests.intraday.ticks import MONDAY, nyse, raw_trades
from ats_assets_tests.kits.tick_sources import TickSourceKit
from ats_assets_tests.small_market import run_job, small_market
from ats_assets_tests.sources.recorded_session import RecordedSession

WEEK = [date(2021, 1, day) for day in (4, 5, 6)]
SYMBOLS = ("A", "B", "C")
CLOSES = datetime(2024, 3, 4, 21, tzinfo=UTC)


def recorded(rows: pl.DataFrame | None, session: date = MONDAY) -> RecordedSession:
    return RecordedSession(rows, session, CLOSES)


def source(first: pl.DataFrame | None, second: pl.DataFrame | None, **own: Any) -> PreferredTicks:
    made = PreferredTicksSettings(order=("one", "two"), **own)
    return PreferredTicks(made, "trades", nyse(), {"one": recorded(first), "two": recorded(second)})


@given(st.sets(st.sampled_from(SYMBOLS)), st.sets(st.sampled_from(SYMBOLS)), st.sampled_from(["sessions", "symbols", "gaps"]))
@settings(deadline=None, max_examples=30)
def test_a_symbols_ticks_are_those_of_the_first_vendor_that_has_any(one: set[str], two: set[str], fill: Any) -> None:
    def of(symbols: set[str], price: float) -> pl.DataFrame:
        rows = [{"symbol": symbol, "at": at, "price": price} for symbol in sorted(symbols) for at in ("09:30", "12:00", "15:59")]
        return raw_trades(*rows)

    found = source(of(one, 10.0), of(two, 20.0), fill=fill, gap_seconds=20_000).ticks(MONDAY)
    whose = dict(found.group_by("symbol").agg(pl.struct("vendor", "price", "vendor_reason").unique()).iter_rows())
    first, second = (
        {"vendor": "one", "price": 10.0, "vendor_reason": None},
        {"vendor": "two", "price": 20.0, "vendor_reason": "one: no row"},
    )
    added = set() if fill == "sessions" and one else two - one
    assert whose == {**{symbol: [first] for symbol in one}, **{symbol: [second] for symbol in added}}
    assert found.equals(found.sort("symbol", "sequence", maintain_order=True))


def test_a_vendor_that_is_down_is_passed_over_and_said() -> None:
    rows = raw_trades({"at": "10:00"}, {"symbol": None, "at": "10:00"})
    passed = source(None, rows)
    found = passed.ticks(MONDAY)
    assert found.drop(VENDOR_SCHEMA.names()).equals(rows.sort("symbol", "sequence"))
    assert set(found.select("vendor", "vendor_reason").rows()) == {("two", "one: not answered")}
    assert f"one does not answer for {MONDAY}, and the next vendor is asked: it is down" in passed.describe()
    with pytest.raises(
        SourceError, match=r"(?s)no vendor of intraday.trades.order answers for 2024-03-04:.*one: it is down.*two: it is down"
    ):
        source(None, None).ticks(MONDAY)
    young = recorded(rows, MONDAY + timedelta(days=1))
    lacking = PreferredTicks(PreferredTicksSettings(order=("one", "two")), "trades", nyse(), {"one": recorded(None), "two": young})
    with pytest.raises(SourceError, match="one: it is down"):  # that the other one begins later does not make it an empty session
        lacking.ticks(MONDAY)
    nameless = source(rows, rows).ticks(MONDAY)
    assert nameless.height == 2, "rows without a symbol are those of the first that answered"


def tick_file(path: Path, rows: list[tuple[str, str, float]]) -> None:
    lines = ["symbol,timestamp,price,size", *(f"{symbol},{at},{price},100" for symbol, at, price in rows)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def two_vendors(root: Path, **own: Any) -> Deployment:
    tables = {name: {"kind": "files", "path": str(root / name / "ticks.csv")} for name in ("one", "two")}
    tables["two"]["spelling"] = "yahoo"
    trades = {"kind": "preferred", "order": ["one", "two"], **own, **tables}
    return small_market(root, intraday={"trades": trades, "gaps": {"sessions": 2, "seconds": 7200}})


def test_in_the_warehouse_each_row_has_its_vendor_and_gaps_have_names(tmp_path: Path) -> None:
    hours = ("09:31", "11:00", "12:30", "14:00", "15:50")
    day = [("BRK.B", f"{WEEK[0]} {at}:00", 10.0 + n) for n, at in enumerate(hours)]
    other = [(symbol.replace(".", "-"), at, price) for symbol, at, price in day]
    later = [("BRK-B", f"{WEEK[1]} {at}:00", 20.0) for at in hours]
    tick_file(tmp_path / "one" / "ticks.csv", [*day[:2], *day[4:], ("A", f"{WEEK[0]} 10:00:00", 5.0), ("A", f"{WEEK[2]} 10:00:00", 5.0)])
    tick_file(tmp_path / "two" / "ticks.csv", [*other, *later])
    deployment = two_vendors(tmp_path, fill="gaps", gap_seconds=7200)
    names = ("raw_trades", "trades", "rejected_trades", "tick_gaps")
    assert run_job(deployment, "history", WEEK, names).success
    warehouse = deployment.warehouse
    assert warehouse.read("trades", WEEK[:1]).filter(symbol="BRK.B")["price"].to_list() == [10.0, 11.0, 12.0, 13.0, 14.0], (
        "one symbol, each tick once"
    )
    raw = warehouse.read("raw_trades", WEEK)
    assert set(raw.filter(vendor="two").select("session", "symbol", "vendor_reason").rows()) == {
        (WEEK[0], "BRK.B", "one: no tick from 16:00:00Z to 20:50:00Z"),
        (WEEK[1], "BRK.B", "one: no row"),
    }
    gaps = warehouse.read("tick_gaps", WEEK)
    told = {(row["session"], row["symbol"], row["reason"], row["ticks"]) for row in gaps.iter_rows(named=True)}
    assert {
        (WEEK[0], "BRK.B", "filled", 2),
        (WEEK[1], "BRK.B", "filled", 5),
        (WEEK[1], "A", "no tick", 0),
        (WEEK[2], "BRK.B", "no tick", 0),
    } <= told
    assert gaps.filter(symbol="BRK.B", session=WEEK[0])["reason"].to_list() == ["filled"]
    first = warehouse.path("raw_trades", WEEK[1]).read_bytes()
    tick_file(tmp_path / "one" / "ticks.csv", [*day, *((symbol.replace("-", "."), at, price + 1) for symbol, at, price in later)])
    assert run_job(two_vendors(tmp_path, fill="gaps", gap_seconds=7200), "history", WEEK[1:2], names).success
    stamps = warehouse.stamps("raw_trades", WEEK[1])
    assert len(stamps) == 2, "a vendor that answers later is a new vintage"
    assert warehouse.vintage("raw_trades", WEEK[1], stamps[0]).read_bytes() == first


class TestPreferredTicks(TickSourceKit):
    plugin = preferred.PLUGIN
    own: ClassVar[dict[str, Any]] = {"order": ["one", "two"], "one": {"kind": "files"}, "two": {"kind": "files"}}
    wrong: ClassVar[dict[str, Any]] = {"order": ["files"]}

    @contextmanager
    def opened(self, folder: Path) -> Iterator[TickSource]:
        for name, symbol in (("one", "A"), ("two", "B")):
            tick_file(folder / name / "ticks.csv", [(symbol, f"{day} 15:00:0{n}", 10.0) for day in WEEK for n in range(3)])
        yield preferred.open_preferred_ticks(self._settings(folder), "trades", self.hours, small_market(folder / "market"))

    @contextmanager
    def unreadable(self, folder: Path) -> Iterator[TickSource]:
        yield source(None, None)

    def _settings(self, folder: Path) -> PreferredTicksSettings:
        tables = {name: {"kind": "files", "path": str(folder / name / "ticks.csv")} for name in ("one", "two")}
        return PreferredTicksSettings.model_validate({"order": ["one", "two"], **tables})
