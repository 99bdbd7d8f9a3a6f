"""Decisions of a real day made again from the store: none differs, however the day went; and what would be hidden is named."""

from dataclasses import replace

import polars as pl
import pytest

from ats_assets.algorithms import Leg, Side
from ats_assets.live.as_decided import RESTATED, SAME, Compared, as_decided
from ats_assets.live.day_market import StoredMarket
from ats_assets.live.mishaps import MishapSettings
from ats_assets.live.step import What
from ats_assets.live.stream import EventKind
from ats_assets.settings import BrakeSettings
from ats_assets_tests.live.day import CLOSED_AT, Day, Slices, at, changed, parent

ADVERSE = (
    MishapSettings(kind="halt", start=at(9, 50), end=at(10, 5), symbol="BAC"),
    MishapSettings(kind="gap", start=at(10, 20), end=at(10, 24), symbol="BAC"),
    MishapSettings(kind="late", start=at(9, 33), end=at(9, 42), symbol="IBM", seconds=100),
    MishapSettings(kind="doubled", start=at(10, 45), end=at(10, 55)),
    MishapSettings(kind="zero", start=at(11), end=at(11, 2), symbol="IBM"),
    MishapSettings(kind="lost", start=at(11, 10), end=at(11, 20)),
    MishapSettings(kind="back", start=at(11, 40), end=at(11, 45), symbol="BAC"),
)


def compared(one: Day) -> Compared:
    return as_decided(*one.journal(), one.rules, one.stored)


@pytest.fixture(scope="module")
def adverse(stored: StoredMarket, tmp_path_factory: pytest.TempPathFactory) -> Day:
    """Two orders are worked while much goes wrong, with a restart in the middle of both."""
    equity = 60_000 + 100 * CLOSED_AT["IBM"]
    folder = tmp_path_factory.mktemp("adverse")
    one = Day(
        url=f"sqlite:///{folder / 'trade_state.sqlite'}",
        kill_file=folder / "KILL",
        stored=stored,
        parents=(parent("BAC", 2000), parent("IBM", 100, Side.SELL, Leg.CLOSE)),
        algorithm=Slices(shares=20, minutes=3),
        held={"IBM": 100},
        cash=60_000.0,
        equities=(equity,),
        brake=BrakeSettings(max_session_loss=0.02),
        mishaps=ADVERSE,
        quotes=True,
    )
    events = one.events()
    one.play(events[:400])
    one.play(events[400:])
    return one


def test_no_decision_of_an_adverse_day_differs(adverse: Day) -> None:
    found = compared(adverse)
    assert found.rows.height == len(adverse.journal()[1]) > 100
    assert set(found.rows["verdict"]) == {SAME}, found.differences
    assert found.summary.startswith(f"{found.rows.height} decisions reproduced: 0 differences")


def test_what_came_late_or_never_is_named_with_when_it_was_known(adverse: Day) -> None:
    found = compared(adverse)
    assert [name for name in found.missing if name.startswith("BAC")] == ["BAC 14:19", "BAC 14:20", "BAC 14:21", "BAC 14:22"]
    late = found.rows.filter(pl.col("late").is_not_null(), symbol="IBM")
    assert late.filter(pl.col("known_at") > pl.col("decided_at")).height
    assert late["late"].str.contains("IBM 13:3").any()


def test_a_restated_bar_is_named_and_is_no_difference(adverse: Day) -> None:
    bars = adverse.stored.bars.with_columns(close=pl.when(pl.col("symbol") == "IBM").then(pl.col("close") + 0.5).otherwise("close"))
    found = as_decided(*adverse.journal(), adverse.rules, replace(adverse.stored, bars=bars))
    assert found.differences.is_empty()
    restated = found.rows.filter(verdict=RESTATED)
    assert restated.height
    assert "is now" in restated["restated"][0]


def test_a_decision_that_was_forged_is_a_difference(adverse: Day) -> None:
    """The check would be worth nothing if it could not fail."""
    heard, decided = adverse.journal()
    place = next(i for i, one in enumerate(decided) if one.decision.what is What.SEND)
    forged = replace(decided[place].decision, fields={**decided[place].decision.fields, "quantity": 1})
    decided[place] = replace(decided[place], decision=forged)
    found = as_decided(heard, decided, adverse.rules, adverse.stored)
    assert found.differences["number"].to_list() == [decided[place].number]
    assert as_decided(heard, decided[:-1], adverse.rules, adverse.stored).differences.height == 2


def test_what_was_heard_of_the_market_is_not_believed(adverse: Day) -> None:
    """A journal whose bars were changed afterwards decides by the store, so its decisions stay the same."""
    heard, decided = adverse.journal()
    first = next(i for i, one in enumerate(heard) if one.event.kind is EventKind.BAR and one.verdict == "taken")
    heard[first] = replace(heard[first], event=changed(heard[first].event, close=1.0, low=0.5))
    assert as_decided(heard, decided, adverse.rules, adverse.stored).differences.is_empty()
