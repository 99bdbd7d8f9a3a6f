"""The test of a tick may say too often that a bar may have closed, and never too late."""

from datetime import date
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import SettingsError
from ats_assets.intraday.sampling import TickSampling
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.trade_screening import screen_trades
from ats_assets.live.at_events.bar_closings import Forming, closing_of
from ats_assets.live.at_events.tick_tape import HeardTick, TickTape, nanoseconds
from ats_assets.plugins import SAMPLERS
from ats_assets.settings import IntradaySettings
from ats_assets_tests.live.at_events.trade_lane import CALENDAR

DAY = date(2024, 3, 12)
OPENS = nanoseconds(CALENDAR.opens_at(DAY))
HOURS = SessionHours(CALENDAR, {})


def sampler_of(kind: str, **own: Any) -> Any:
    return SAMPLERS.named("bars", {"kind": kind, **own}, None, "samplers").made()


EACH = [sampler_of("tick", threshold=3), sampler_of("dollar", threshold=4_000.0), sampler_of("time", seconds=60)]
TICKS = st.tuples(st.integers(0, 20), st.sampled_from([10.0, 10.01, 0.0]), st.sampled_from([100.0, 200.0]), st.sampled_from(["@", "I"]))


def bars_of(sampler: TickSampling, tape: TickTape) -> pl.DataFrame:
    trades, _ = screen_trades(tape.frame("A", DAY), HOURS, IntradaySettings().screening)
    return sampler.session_bars({"trades": trades}, DAY, [])


@pytest.mark.parametrize("sampler", EACH, ids=lambda one: type(one).__name__)
@given(ticks=st.lists(TICKS, max_size=12))
@settings(max_examples=10, deadline=None)
def test_no_bar_closes_unseen(sampler: TickSampling, ticks: list[tuple[int, float, float, str]]) -> None:
    closing = closing_of("bars", sampler, ("A",), ())["A"]
    tape, forming, pending, at, known = TickTape(), Forming(), None, OPENS, 0
    for gap, price, size, code in ticks:
        at += gap * 10**9
        tick = HeardTick(at, price, size, conditions=(code,))
        tape = tape.with_tick(tick)
        forming, due = closing.after(forming, tick)
        pending = due if pending is None else pending
        rows = bars_of(sampler, tape)
        closed = rows.filter(closed_by="threshold").filter(pl.col("known_at").cast(pl.Int64) < tape.newest)
        if pending is None or pending >= tape.newest:
            assert closed.height == known
        else:
            known = closed.height
            forming, pending = closing.looked(forming, rows, known)


def test_a_size_that_is_none_hides_no_bar() -> None:
    closing, forming, due = closing_of("bars", EACH[1], ("A",), ())["A"], Forming(), None
    for size in (float("nan"), -1e9, None, float("inf"), 500.0):
        forming, due = closing.after(forming, HeardTick(OPENS, 10.0, size))
    assert due is not None


def test_what_can_not_be_followed_is_told() -> None:
    with pytest.raises(SettingsError, match="has no threshold for A, B yet"):
        closing_of("bars", sampler_of("tick"), ("A", "B"), ())
    with pytest.raises(SettingsError, match="reads quotes"):
        closing_of("bars", sampler_of("tick", threshold=3, spread=True), ("A",), ())
    with pytest.raises(SettingsError, match="by what is expected"):
        closing_of("bars", sampler_of("tick_runs", threshold=3), ("A",), ())
    assert closing_of("bars", EACH[2], ("A",), ())["A"].width == 60 * 10**9
