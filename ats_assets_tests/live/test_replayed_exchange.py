"""The exchange of a replay: what it takes of an order that is filled bit by bit."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from ats_assets.execution.order import OrderKind
from ats_assets.live.replayed_exchange import ReplayedExchange
from ats_assets.live.simulated_clock import SimulatedClock
from ats_assets.live.stream import EventKind, StreamEvent
from ats_assets.settings import BacktestSettings
from ats_assets_tests.live.day import CLOSES, OPENS, parent


@pytest.mark.parametrize(("bps", "expected"), [(0.0, "1.00"), (100.0, "6.00")])
def test_the_least_commission_is_of_an_order_and_not_of_each_execution(bps: float, expected: str) -> None:
    clock = SimulatedClock(OPENS)
    costs = BacktestSettings(commission_bps=bps, min_commission=1.0)
    exchange = ReplayedExchange(clock=clock, opens_at=OPENS, closes_at=CLOSES, cash=Decimal(10_000), costs=costs, volume_share=0.1)
    exchange.submit(replace(parent("BAC", 60), kind=OrderKind.LIMIT, limit_price=Decimal(11), work=None))
    for minute in range(4):
        starts = OPENS + timedelta(minutes=minute)
        prices = dict.fromkeys(("open", "high", "low", "close"), 10.0)
        clock.move(starts + timedelta(minutes=1))
        fields = {"starts_at": starts, "volume": 200.0, **prices}
        exchange.show(StreamEvent(known_at=clock.now(), kind=EventKind.BAR, symbol="BAC", fields=fields))
    fills = exchange.fills(OPENS)
    assert [fill.quantity for fill in fills] == [20, 20, 20]
    assert sum(fill.fees for fill in fills) == Decimal(expected)
    assert min(fill.fees for fill in fills) >= 0
    assert exchange.cash == Decimal(10_000) - 600 - Decimal(expected)
