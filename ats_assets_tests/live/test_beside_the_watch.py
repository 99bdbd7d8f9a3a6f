"""`ats orders watch` beside `ats trade live`: both work the same orders, on one trade state and under one lease. No child is sent twice, and no more than the order is bought."""

import contextlib
import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import pytest

from ats_assets.execution.context import Timeouts
from ats_assets.execution.executor import Executor
from ats_assets.execution.order import BrokerOrder, OrderIntent
from ats_assets.execution.outcome import ExecutorBusyError
from ats_assets.execution.trading import hours_after
from ats_assets.live.as_decided import as_decided
from ats_assets.settings import OrdersSettings
from ats_assets.storage.processes import process_started, this_process
from ats_assets.trade_state import TradeState
from ats_assets_tests.execution.exchange import PointedState, Points
from ats_assets_tests.live.day import CALENDAR, Day, Make, Slices, parent

PARENT = os.getppid()
OTHER = f"{this_process().split(':')[0]}:{PARENT}:{process_started(PARENT)}"
"""A process that lives, and is not this one: the watch is one of its own."""


@dataclass
class Everywhere(Points):
    """The watch looks at every point of the loop: after each commit, before and after each request."""

    watch: Executor | None = None
    looks: int = 0
    busy: int = 0

    def pass_by(self, name: str) -> None:
        if self.watch is None or name == "before commit":
            return
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("ats_assets.execution.lease.this_process", lambda: OTHER)
            try:
                self.watch.follow_up()
                self.looks += 1
            except ExecutorBusyError:
                self.busy += 1


@dataclass
class Counted:
    """The exchange, which counts what it is asked for, whoever asks."""

    exchange: Any
    points: Points = field(default_factory=Points)
    asked: Counter[str] = field(default_factory=Counter)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.exchange, name)

    def submit(self, intent: OrderIntent) -> BrokerOrder:
        self.asked[intent.client_order_id] += 1
        self.points.pass_by("before submit")
        order = self.exchange.submit(intent)
        self.points.pass_by("after submit")
        return order


@contextlib.contextmanager
def watching(one: Day, broker: Any) -> Iterator[Executor]:
    """The executor of a watch, on the same database and account, which works orders by the same algorithm."""
    with TradeState(one.url) as state:
        yield Executor(
            broker,
            state,
            OrdersSettings(kill_file=one.kill_file),
            alert=one.alerts.append,
            clock=one.clock,
            timeouts=Timeouts(settling_seconds=0.0, retry_seconds=0.0, lease_wait_seconds=0.0),
            hours=lambda day: hours_after(CALENDAR, day),
            algorithm=lambda _plan: one.algorithm,
        )


def test_no_child_is_sent_twice_and_no_more_than_the_order_is_bought(day: Make) -> None:
    one = day(parents=(parent(quantity=300),), algorithm=Slices(shares=60, minutes=4, limit_ticks=-3))
    points = Everywhere()
    by_loop, by_watch = Counted(one.exchange, points), Counted(one.exchange)
    with watching(one, by_watch) as watch, one.loop(PointedState(one.url, points), by_loop) as loop:  # pyright: ignore[reportArgumentType]
        points.watch = watch
        loop.run(one.moving(one.events()[:120]))
    asked = by_loop.asked + by_watch.asked
    assert set(asked.values()) == {1}, asked
    assert one.exchange.positions_held == {"BAC": Decimal(300)}
    assert sum(order.filled_quantity for order in one.exchange._orders.values()) == 300
    assert points.looks > 50, "the watch has looked between the loop's steps"
    assert points.busy > 0, "and was kept out of them by the lease"
    assert by_watch.asked, "it has sent some of the children itself"
    assert as_decided(*one.journal(), one.rules, one.stored).differences.is_empty()
