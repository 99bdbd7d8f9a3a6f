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
from ats_assets.intraday.samplers.dollar import DollarBarSampler, DollarBarSettings
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


class HighPricesOrDollars(DollarBarSampler):
    """One that is derived from a sampler of the package, and ends bars at high prices, too."""

    def ends(self, ticks: Ticks, before: Floats) -> BarEnds:
        return HighPrices(SamplerSettings()).ends(ticks, before)


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
    (HighPricesOrDollars(DollarBarSettings(threshold=1e9)), ()),
]
TICKS = st.tuples(st.integers(-15, 20), st.sampled_from([10.0, 10.01, 0.0]), st.sampled_from([100.0, 200.0]), st.sampled_from(["@", "I"]))


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
        at += max(gap, 0) * 10**9
        tick = HeardTick(at + min(gap, 0) * 10**9, price, size, conditions=(code,))  # one that is negative comes late
        forming, due = closing.after(forming, tick, tape.newest)
        tape = tape.with_tick(tick)
        pending = min((one for one in (pending, due) if one is not None), default=None)
        rows = bars_of(asked, heard, tape)
        closed = rows.filter(closed_by="threshold").filter(pl.col("known_at").cast(pl.Int64) < tape.newest)
        if pending is None or pending >= tape.newest:
            assert closed.height == known
        else:
            known = closed.height
            forming, pending = closing.looked(forming, rows, known)


def test_a_trade_that_comes_late_may_have_closed_a_bar_with_less_than_the_threshold() -> None:
    """Dollars 20, 40 | 11 of bars of 50, and 30 before them: bars are 30, 20 | 40, 11, with no more than 41 counted since the end of the first."""
    sampler, tape, forming = sampler_of("dollar", threshold=50.0), TickTape(), Forming()
    closing = closing_of("bars", sampler, ("A",), ())["A"]
    for second, size, due in ((10, 2.0, False), (11, 4.0, True), (12, 1.1, False), (9, 3.0, True)):
        tick = HeardTick(OPENS + second * 10**9, 10.0, size)
        forming, at = closing.after(forming, tick, tape.newest)
        tape = tape.with_tick(tick)
        assert (at is not None) is due
        rows = bars_of(sampler, (), tape)
        if second == 11:
            forming, _ = closing.looked(forming, rows, 1)
    assert rows["closed_by"].to_list() == ["threshold", "threshold"]


def test_a_size_that_is_none_hides_no_bar() -> None:
    closing, forming, due = closing_of("bars", EACH[2][0], ("A",), ())["A"], Forming(), None
    for size in (float("nan"), -1e9, None, float("inf"), 500.0):
        forming, due = closing.after(forming, HeardTick(OPENS, 10.0, size), OPENS)
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
