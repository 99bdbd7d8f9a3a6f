"""The test of a tick may say too often that a bar may have closed, and never too late."""

from datetime import date
from typing import Any, cast

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.errors import SettingsError
from ats_assets.intraday.bar_ends import BarEnds, Floats
from ats_assets.intraday.sampler import Sampler
from ats_assets.intraday.sampling import SamplerSettings, TickSampling
from ats_assets.intraday.session_hours import SessionHours
from ats_assets.intraday.tick_arrays import Ticks
from ats_assets.intraday.trade_screening import screen_trades
from ats_assets.live.at_events.bar_closings import Forming, closing_of, followed
from ats_assets.live.at_events.tick_tape import HeardTick, TickTape, nanoseconds
from ats_assets.plugins import SAMPLERS
from ats_assets.settings import IntradaySettings
from ats_assets_tests.live.at_events.trade_lane import CALENDAR
from ats_assets_tests.rounds import rounds

DAY = date(2024, 3, 12)
OPENS = nanoseconds(CALENDAR.opens_at(DAY))
HOURS = SessionHours(CALENDAR, {})


def sampler_of(kind: str, **own: Any) -> Any:
    return SAMPLERS.named("bars", {"kind": kind, **own}, None, "samplers").made()


class HighPrices(TickSampling[SamplerSettings]):
    """A sampler of a user's own: a price above ten ends a bar."""

    def ends(self, ticks: Ticks, before: Floats) -> BarEnds:
        high = np.flatnonzero(ticks.price > 10.0) + 1
        ends = high if len(high) and high[-1] == len(ticks.price) else np.r_[high, len(ticks.price)]
        n = len(ends)
        return BarEnds(np.r_[0, ends[:-1]], ends, np.zeros(n, np.int64), np.full(n, np.nan), np.isin(ends, high))


EXPECTED = (pl.DataFrame({"symbol": ["A"], "0": [2.0], "1": [4.0], "2": [0.5], "3": [0.4]}),)
"""What a session before says: a level of two ticks or dollars, and what is bought and sold with each."""
EACH: list[tuple[Any, tuple[pl.DataFrame, ...]]] = [
    (sampler_of("tick", threshold=3), ()),
    (sampler_of("tick", threshold=3, keep_last=False), ()),
    (sampler_of("dollar", threshold=4_000.0), ()),
    (sampler_of("time", seconds=60), ()),
    (sampler_of("volume_runs", threshold=300.0), ()),
    (sampler_of("dollar_imbalance", threshold=2_500.0), ()),
    (sampler_of("tick_imbalance", span_bars=2), EXPECTED),
    (sampler_of("tick_runs", floor=0.5, cap=3.0, keep_last=False), EXPECTED),
    (HighPrices(SamplerSettings()), ()),
]
TICKS = st.tuples(st.integers(0, 20), st.sampled_from([10.0, 10.01, 0.0]), st.sampled_from([100.0, 200.0]), st.sampled_from(["@", "I"]))


def bars_of(sampler: TickSampling, heard: tuple[pl.DataFrame, ...], tape: TickTape) -> pl.DataFrame:
    trades, _ = screen_trades(tape.frame("A", DAY), HOURS, IntradaySettings().screening)
    return sampler.session_bars({"trades": trades}, DAY, heard)


@pytest.mark.parametrize(("sampler", "heard"), EACH, ids=lambda one: type(one).__name__)
@given(ticks=st.lists(TICKS, max_size=12))
@settings(max_examples=rounds(10, 200), deadline=None)
def test_no_bar_closes_unseen(sampler: TickSampling, heard: tuple[pl.DataFrame, ...], ticks: list[tuple[int, float, float, str]]) -> None:
    closing, asked = closing_of("bars", sampler, ("A",), heard)["A"], followed(sampler)
    assert isinstance(asked, TickSampling)
    tape, forming, pending, at, known = TickTape(), Forming(), None, OPENS, 0
    for gap, price, size, code in ticks:
        at += gap * 10**9
        tick = HeardTick(at, price, size, conditions=(code,))
        tape = tape.with_tick(tick)
        forming, due = closing.after(forming, tick)
        pending = due if pending is None else pending
        rows = bars_of(asked, heard, tape)
        closed = rows.filter(closed_by="threshold").filter(pl.col("known_at").cast(pl.Int64) < tape.newest)
        if pending is None or pending >= tape.newest:
            assert closed.height == known
        else:
            known = closed.height
            forming, pending = closing.looked(forming, rows, known)


def test_a_size_that_is_none_hides_no_bar() -> None:
    closing, forming, due = closing_of("bars", EACH[2][0], ("A",), ())["A"], Forming(), None
    for size in (float("nan"), -1e9, None, float("inf"), 500.0):
        forming, due = closing.after(forming, HeardTick(OPENS, 10.0, size))
    assert due is not None


def test_what_can_not_be_followed_is_told() -> None:
    with pytest.raises(SettingsError, match="has no threshold for A, B yet"):
        closing_of("bars", sampler_of("tick"), ("A", "B"), ())
    with pytest.raises(SettingsError, match="reads quotes"):
        closing_of("bars", sampler_of("tick", threshold=3, spread=True), ("A",), ())
    with pytest.raises(SettingsError, match="has no threshold for A yet"):
        closing_of("bars", sampler_of("tick_runs"), ("A",), ())
    with pytest.raises(SettingsError, match="Derive it from"):
        closing_of("bars", cast("Sampler", object()), ("A",), ())
    assert closing_of("bars", EACH[3][0], ("A",), ())["A"].width == 60 * 10**9
