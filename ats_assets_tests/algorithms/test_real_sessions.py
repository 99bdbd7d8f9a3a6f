"""The algorithms on real minutes with their quotes: what each promises, it does there."""

from collections import defaultdict
from decimal import Decimal

import numpy as np
import pytest

from ats_assets.algorithms import CLOSING, Side
from ats_assets_tests.algorithms.real_sessions import Traded, hours_of, real_minutes, traded
from ats_assets_tests.market_data import needs_market_data


@pytest.fixture(scope="module")
def sessions() -> list[tuple[list, int]]:
    """Sessions of three symbols that have three before them."""
    by = defaultdict(list)
    for (symbol, day), bars in sorted(real_minutes().items()):
        by[symbol].append((hours_of(day), bars))
    return [(by[symbol], i) for symbol in ("BAC", "IBM", "SPY") for i in range(3, 5)]


def all_of(sessions: list, name: str, side: Side = Side.BUY, **settings: object) -> list[Traded]:
    return [traded(name, settings, days, i, side, 0.02) for days, i in sessions]


@needs_market_data
def test_each_does_what_it_promises(sessions: list) -> None:
    even, profile, fast = (all_of(sessions, name) for name in ("twap", "vwap", "implementation_shortfall"))
    close, open_ = (all_of(sessions, name) for name in ("at_close", "at_open"))
    assert all(one.filled_share == 1.0 for made in (even, profile, fast, close, open_) for one in made)
    assert max(abs(one.close_bps) for one in close) < 10  # half a spread
    assert max(abs(one.arrival_bps) for one in open_) < 10
    for made in (even, profile):
        assert np.sqrt(np.mean([one.vwap_bps**2 for one in made])) < 20
    # the shortfall's risk: what is traded early is nearer to the arrival price
    assert np.mean([abs(one.arrival_bps) for one in fast]) < np.mean([abs(one.arrival_bps) for one in even])


@needs_market_data
def test_waiting_at_the_own_side_saves_the_spread(sessions: list) -> None:
    """Over both sides the market's own moves cancel out."""
    cost = {
        style: np.mean([one.arrival_bps for side in Side for one in all_of(sessions, "twap", side, style=style)])
        for style in ("market", "passive")
    }
    assert cost["passive"] < cost["market"]


@needs_market_data
def test_participation_keeps_to_its_share_of_the_volume(sessions: list) -> None:
    for days, i in sessions:
        made, (times, bars) = traded("participation", {"rate": 0.01}, days, i, Side.BUY, 0.02), days[i]
        for child in made.order.children:
            if child.kind not in CLOSING:
                shown = float(bars.filter(bars["known_at"] <= child.sent_at)["volume"].sum())
                sent = sum((one.quantity for one in made.order.children if one.number <= child.number), Decimal(0))
                assert float(sent) <= 0.01 * shown + 1
        assert times.closes_at > made.order.parent.ends_at
