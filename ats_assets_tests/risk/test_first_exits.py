"""Exits by hand; and of any position, that what a later session says of an exit is what was said at the exit's own."""

from datetime import date, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ats_assets.risk.exit_settings import ExitSettings
from ats_assets.risk.first_exits import EXITS, FoundExits, first_exits, told_exits
from ats_assets_tests.rounds import rounds

DAYS = [date(2024, 3, 1) + timedelta(days=i) for i in range(10)]


def met(
    closes: list[float], sides: list[int] | None = None, atr: float | list[float] = 1.0, highs: list[float] | None = None, **how: Any
) -> tuple[str, float, str]:
    """Oldest first: which exit, its level, and what is told."""
    wanted = ExitSettings(**({"max_sessions": len(closes) - 1, "peak_atr": None} | how))
    held, prices = np.array([sides or [0, *[1] * (len(closes) - 1)]], float)[:, ::-1], np.array([closes])[:, ::-1]
    extremes = prices if highs is None else np.array([highs])[:, ::-1]
    ranges = np.broadcast_to(np.array(atr, float), (1, len(closes)))[:, ::-1]
    found = first_exits(held, prices, extremes, extremes, ranges, wanted)
    told = told_exits(found, held[:, 0], DAYS, [len(closes) - 1], np.ones(1), wanted)
    return EXITS[found.code[0]], round(float(found.level[0]), 9), told[0] or ""


def left(*args: Any, **how: Any) -> bool:
    return met(*args, **how)[0] != ""


def test_exits_by_hand() -> None:
    rise = [9.0, 10, 12, 11]
    assert met(rise, peak_atr=1.0)[:2] == ("peak", 11.0)
    assert not left(rise, peak_atr=1.1)
    assert not left(rise, peak_atr=1.0, least_rise_atr=2.5)  # two above the entry is no peak yet
    assert met([9.0, 10, 9, 12], stop_atr=1.0)[:2] == ("stop", 9.0)  # left at 9, whatever came then
    assert not left([9.0, 10, 9.1, 12], stop_atr=1.0)
    assert met([9.0, 10, 13, 10], target_atr=3.0)[:2] == ("target", 13.0)
    assert met([9.0, 10, 10, 10], stale_sessions=2)[:2] == ("stale", 10.0)
    assert not left([9.0, 10, 10, 11], stale_sessions=2)
    assert met([9.0, 10, 11, 12], sides=[1, 1, 1, 1])[0] == "time"  # entered before the window
    assert not left([9.0, 5, 11, 12], sides=[0, 1, 0, 1], stop_atr=1.0)  # a new position is another one
    assert met([9.0, 10, 9, 10], sides=[0, -1, -1, -1], peak_atr=1.0)[:2] == (
        "peak",
        10.0,
    )  # a short position has its peak at the lowest close
    assert not left([9.0, 10, 11, 12], sides=[0, 0, 0, 0], stop_atr=0.1)


def test_per_cent_of_the_entry_by_hand() -> None:
    """8 % below 50 is 46, 20 % above it 60; of a peak of 60 a tenth is 6. A short position is mirrored, and the nearer of two distances counts."""
    assert met([40.0, 50, 46.5, 46], stop_percent=8)[:2] == ("stop", 46.0)
    assert not left([40.0, 50, 46.5, 46.01], stop_percent=8)
    assert met([40.0, 50, 54], sides=[0, -1, -1], stop_percent=8)[:2] == ("stop", 54.0)
    assert met([40.0, 50, 60], target_percent=20)[:2] == ("target", 60.0)
    assert met([40.0, 50, 40], sides=[0, -1, -1], target_percent=20)[:2] == ("target", 40.0)
    assert met([40.0, 50, 60, 54], peak_percent=10)[:2] == ("peak", 54.0)
    assert met([40.0, 50, 46], atr=10.0, stop_percent=8, stop_atr=1.0)[:2] == ("stop", 46.0)
    assert met([40.0, 50, 46], atr=1.0, stop_percent=8, stop_atr=1.0)[:2] == ("stop", 49.0)
    assert met([40.0, 50, 46], atr=float("nan"), stop_percent=8, stop_atr=1.0)[:2] == ("stop", 46.0), "without a range per cents hold"
    assert not left([40.0, 50, 50, 50], atr=0.0, stop_atr=1.0, peak_atr=1.0, secure_atr=1.0), "what never moved has no range"


def test_a_chandelier_hangs_from_the_highest_high_by_hand() -> None:
    """Entered at 100 with an average range of 4: the highest high since is 112, so three ranges below are 100; the highest close is 108, and three ranges below that 96. The high of the entry's
    own session, 130, came before the entry."""
    closes, highs = [90.0, 100, 108, 101, 99], [95.0, 130, 112, 109, 103]
    high = met(closes, highs=highs, atr=4.0, peak_atr=3.0, peak_of="high")
    assert high[:2] == ("peak", 100.0)
    assert (
        high[2]
        == "peak: the close of 2024-03-05, 99.00, is at or below 100.00; entered on 2024-03-02 at 100.00, the highest price since 112.00"
    )
    assert not left(closes, highs=highs, atr=4.0, peak_atr=3.0)
    assert met([90.0, 100, 92, 100], sides=[0, -1, -1, -1], highs=[90.0, 80, 88, 95], atr=4.0, peak_atr=3.0, peak_of="high")[:2] == (
        "peak",
        100.0,
    )


def test_a_stop_stands_or_widens_with_the_range_by_hand() -> None:
    """Two ranges of 1 at the entry are 98; later ranges of 3 would have it at 94."""
    closes, atr = [90.0, 100, 97, 99], [1.0, 1.0, 3.0, 3.0]
    assert met(closes, atr=atr, stop_atr=2.0, range_of="entry")[:2] == ("stop", 98.0)
    assert not left(closes, atr=atr, stop_atr=2.0)
    assert met([90.0, 100, 97, 90], atr=[1.0, float("nan"), 3.0, 9.0], stop_atr=2.0, range_of="entry")[:2] == (
        "stop",
        94.0,
    )  # the first known


def test_stops_that_adapt_by_hand() -> None:
    falls = [9.0, 10, 9.2, 9.2, 9.2]
    assert not left(falls, stop_atr=1.0)
    assert met(falls, stop_atr=1.0, tighten_per_session=0.1)[:2] == ("stop", 9.2)  # 0.8 ranges away after two sessions
    assert not left([9.0, 10, 9.2], stop_atr=1.0, tighten_per_session=0.1)  # and 0.9 after one
    assert not left([9.0, 10, 9.4, 9.4, 9.4], stop_atr=1.0, tighten_per_session=0.3, least_share=0.7)
    assert met([9.0, 10, 12, 10], secure_atr=2.0)[:2] == ("secured", 10.0)  # it has been two above the entry, and is back
    assert not left([9.0, 10, 11.9, 10], secure_atr=2.0)
    assert not left([9.0, 10, 12, 10.1], secure_atr=2.0)
    assert left([9.0, 10, 8, 10], sides=[0, -1, -1, -1], secure_atr=2.0)  # a short position
    assert met([40.0, 50, 47, 47.0], stop_percent=8, tighten_per_session=0.25)[:2] == ("stop", 47.0)  # six per cent after two sessions


def test_what_is_told_names_exit_session_and_level() -> None:
    assert (
        met([9.0, 10, 9, 12], stop_atr=1.0)[2] == "stop: the close of 2024-03-03, 9.00, is at or below 9.00; entered on 2024-03-02 at 10.00"
    )
    assert met([9.0, 10, 13, 10], target_atr=3.0)[2].startswith("target: the close of 2024-03-03, 13.00, is at or above 13.00; entered")
    assert "10.60, is at or above 10.50" in met([9.0, 10, 10.6], sides=[0, -1, -1], stop_percent=5)[2]
    assert (
        met([9.0, 10, 10, 10], stale_sessions=2)[2]
        == "stale: no new highest price than 10.00 in 2 sessions up to 2024-03-04; entered on 2024-03-02 at 10.00"
    )
    assert met([9.0, 10, 11, 12], sides=[1, 1, 1, 1])[2] == "time: held for 3 sessions or longer at 2024-03-04, which is max_sessions"
    assert "0.0009, is at or below 0.00092" in met([0.001, 0.001, 0.0009], stop_percent=8)[2]


def distance(most: float) -> st.SearchStrategy[float | None]:
    return st.none() | st.floats(0.3, most)


HOW = st.fixed_dictionaries(
    {
        **dict.fromkeys(("peak_atr", "stop_atr", "target_atr", "secure_atr"), distance(3.0)),
        **dict.fromkeys(("peak_percent", "stop_percent", "target_percent"), distance(20.0)),
        "peak_of": st.sampled_from(["close", "high"]),
        "range_of": st.sampled_from(["session", "entry"]),
        "tighten_per_session": st.sampled_from([0.0, 0.1]),
        "stale_sessions": st.none() | st.integers(2, 6),
    }
)


@given(st.integers(0, 10_000), HOW)
@settings(max_examples=rounds(60, 2_000), deadline=None)
def test_an_exit_stays_what_it_was_when_it_was_met(seed: int, how: dict[str, Any]) -> None:
    """Long and short, from the session of the exit on until the side is given up or the entry leaves the window: the same exit, session, level and entry."""
    random = np.random.default_rng(seed)
    n, back = 24, 14
    closes = 50.0 * np.exp(np.cumsum(0.04 * random.standard_normal(n)))
    highs, lows = closes * (1 + 0.03 * random.random(n)), closes * (1 - 0.03 * random.random(n))
    gaps, ranges = random.random(n) < 0.1, 50.0 * (0.01 + 0.03 * random.random(n))
    ranges[random.random(n) < 0.1] = np.nan
    for one in (closes, highs, lows):
        one[gaps] = np.nan
    sides = np.repeat(random.choice([-1.0, 0.0, 1.0], 4), 6)
    wanted = ExitSettings(max_sessions=back, **how)

    def at(i: int) -> FoundExits:
        def window(values: np.ndarray, nothing: float) -> np.ndarray:
            padded = np.concatenate([np.full(back, nothing), values])
            return padded[i : i + back + 1][None, ::-1]

        panels = (window(one, np.nan) for one in (closes, highs, lows, ranges))
        return first_exits(window(sides, 0.0), *panels, wanted)

    for i in range(n):
        found = at(i)
        if found.left[0] and EXITS[found.code[0]] != "time":
            then = at(i - int(found.lag[0]))
            assert then.code[0] == found.code[0]
            assert then.lag[0] == 0
            assert (then.level[0], then.close[0], then.entry[0]) == (found.level[0], found.close[0], found.entry[0])
            gained = sides[i] * (then.close[0] - then.level[0])
            assert EXITS[found.code[0]] == "stale" or (gained >= -1e-9 if EXITS[found.code[0]] == "target" else gained <= 1e-9)
        elif not found.left[0] and sides[i]:
            assert i == 0 or sides[i - 1] != sides[i] or not at(i - 1).left[0], "what was left stays left"


def test_a_position_that_is_not_there_has_no_exit() -> None:
    nothing = np.zeros((2, 4))
    found = first_exits(nothing, nothing, nothing, nothing, nothing, ExitSettings(max_sessions=3, stop_percent=1.0))
    assert found.code.tolist() == [0, 0]
    assert told_exits(found, nothing[:, 0], DAYS, [3, 3], np.ones(2), ExitSettings()) == [None, None]
    empty = np.zeros((0, 4))
    assert first_exits(empty, empty, empty, empty, empty, ExitSettings(max_sessions=3)).code.shape == (0,)
    with pytest.raises(ValueError, match="less than 100"):
        ExitSettings(stop_percent=100.0)
