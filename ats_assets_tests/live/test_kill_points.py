"""The loop dies at any point between its writes and its requests, and another one goes on: no order twice, none lost, none after a breach, and the journal is whole."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from ats_assets.execution.order import BrokerOrder, OrderIntent
from ats_assets.live.as_decided import as_decided
from ats_assets.live.step import What
from ats_assets.live.stream import StreamEvent
from ats_assets.plugins import ALGORITHMS
from ats_assets.settings import BrakeSettings, LiveSettings
from ats_assets_tests.execution.exchange import Killed, PointedState, Points
from ats_assets_tests.execution.workshop import QUICK
from ats_assets_tests.live.day import CLOSED_AT, Day, Make, Slices, parent
from ats_assets_tests.rounds import FULL, rounds

ROUNDS = rounds(4, 60)
SHIPPED = ["twap", "vwap", "participation", "iceberg", "adaptive_limit", "implementation_shortfall", "at_close"]


class PointedBroker:
    """The exchange, with a point before and after each order and each cancel."""

    def __init__(self, exchange: Any, points: Points) -> None:
        self._exchange, self._points = exchange, points

    def __getattr__(self, name: str) -> Any:
        return getattr(self._exchange, name)

    def submit(self, intent: OrderIntent) -> BrokerOrder:
        self._points.pass_by("before submit")
        order = self._exchange.submit(intent)
        self._points.pass_by("after submit")
        return order

    def cancel(self, broker_order_id: str) -> None:
        self._points.pass_by("before cancel")
        self._exchange.cancel(broker_order_id)
        self._points.pass_by("after cancel")


def played(one: Day, events: Sequence[StreamEvent], stop_at: int) -> Points:
    """One process's time, which ends at a point; the points that it has passed."""
    points = Points(stop_at=stop_at)
    try:
        with one.loop(PointedState(one.url, points), PointedBroker(one.exchange, points)) as loop:  # pyright: ignore[reportArgumentType]
            loop.run(one.moving(events))
    except Killed:
        pass
    return points


def points_of(make: Make, how: dict[str, Any], count: int) -> int:
    """How many there are in a day that nothing interrupts."""
    one = make(**how)
    one.url = one.url.replace("trade_state", "whole")
    return len(played(one, one.events()[:count], -1).names)


def spread(count: int) -> list[int]:
    return sorted({round(i * (count - 1) / (ROUNDS - 1)) for i in range(ROUNDS)})


def test_killed_at_points_and_taken_up_again(day: Make) -> None:
    how = {"parents": (parent(quantity=300),), "algorithm": Slices(shares=60, minutes=4, limit_ticks=-3)}
    for number, point in enumerate(spread(points_of(day, how, 120))):
        one = day(**how)
        one.url = one.url.replace("trade_state", f"round{number}")
        events = one.events()[:120]
        names = played(one, events, point).names
        played(one, events, 40 + number)
        one.play(events)
        told = f"killed at point {point} ({names[-1]})"
        assert one.exchange.positions_held == {"BAC": Decimal(300)}, told
        assert sum(order.filled_quantity for order in one.exchange._orders.values()) == 300, told
        found = as_decided(*one.journal(), one.rules, one.stored)
        assert found.differences.is_empty(), (told, found.differences)


@pytest.mark.parametrize("algorithm", SHIPPED if FULL else ["twap"])
def test_killed_with_each_algorithm_at_work(day: Make, algorithm: str) -> None:
    """No part twice, none lost, never more than was decided, and all of it decided again as it was."""
    made = ALGORITHMS.made(
        algorithm, {**QUICK.get(algorithm, {}), **({"slice_minutes": 4} if "slice_minutes" in QUICK.get(algorithm, {}) else {})}
    )
    how = {"parents": (parent(quantity=3000),), "algorithm": made, "unfilled": "cross"}
    for number, point in enumerate(spread(points_of(day, how, 60))):
        one = day(**how)
        one.url = one.url.replace("trade_state", f"{algorithm}{number}")
        events = one.events()[:60]
        names = played(one, events, point).names
        one.play(events)
        told = f"killed at point {point} ({names[-1]})"
        decided = one.journal()[1]
        sends = [f"{row.decision.subject}-{row.decision.fields['number']:02d}" for row in decided if row.decision.what is What.SEND]
        # In whatever order: one whose request may be on its way is asked about first, and the next one goes before it.
        assert sorted(one.sent()) == sorted(sends), told
        assert len(set(sends)) == len(sends), told
        assert all(row.done for row in decided if row.decision.what in (What.SEND, What.CANCEL)), told
        worked = [order.filled_quantity if order.status.final else order.quantity for order in one.exchange._orders.values()]
        assert sum(worked) <= 3000, told
        assert as_decided(*one.journal(), one.rules, one.stored).differences.is_empty(), told


@pytest.mark.parametrize("on_breach", ["stop", "close"])
def test_killed_around_a_breach_no_order_leaves_after_its_event(day: Make, on_breach: str) -> None:
    equity = 60_000 + 220 * CLOSED_AT["IBM"]
    how = {
        "parents": (parent("BAC", 3000),),
        "algorithm": Slices(shares=10, minutes=1),
        "held": {"IBM": 220},
        "cash": 60_000.0,
        "brake": BrakeSettings(max_session_loss=0.0005),
        "equities": (equity,),
        "live": LiveSettings(look_seconds=7200.0, on_breach=on_breach),  # pyright: ignore[reportArgumentType]
    }
    for number, point in enumerate(spread(points_of(day, how, 50))):
        one = day(**how)
        one.url = one.url.replace("trade_state", f"{on_breach}{number}")
        events = one.events()[:50]
        names = played(one, events, point).names
        one.play(events)
        told = f"killed at point {point} ({names[-1]})"
        decided = one.journal()[1]
        breach = next(row for row in decided if row.decision.what is What.BREACH)
        assert not [row for row in decided if row.decision.what is What.SEND and row.number > breach.number], told
        assert breach.done, told
        after = [name for name, order in one.exchange._orders.items() if order.submitted_at > breach.at]
        assert all("breach" in name for name in after), told
        assert any(one.exchange.positions_held.values()) is (on_breach == "stop"), told
        assert len([name for name in one.sent() if "breach" in name]) == (2 if on_breach == "close" else 0), told
