"""A day of worked orders at the exchange in memory: prices that follow from the minute, fills by chance, and passes of an executor that may die in any of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from ats_assets.algorithms import MINUTE_SCHEMA, OrderKind, OrderStatus, SessionMarket, Side
from ats_assets.algorithms.played_session import SessionTimes
from ats_assets.execution.broker import BrokerError
from ats_assets.execution.executor import Executor
from ats_assets.execution.order import Leg, OrderIntent
from ats_assets.execution.work_pass import WorkPass
from ats_assets.execution.worked_intents import WorkPlan
from ats_assets.trade_state import TradeState, tables
from ats_assets_tests.execution.exchange import (
    EVENING,
    SESSION,
    Bench,
    ExchangeBroker,
    Killed,
    Points,
    intent,
)

OPENS, CLOSES = datetime(2024, 3, 4, 14, 30, tzinfo=UTC), datetime(2024, 3, 4, 21, 0, tzinfo=UTC)
TIMES = SessionTimes(session=date(2024, 3, 4), opens_at=OPENS, closes_at=CLOSES)
LOOKS = (0, 70, 140, 260, 376, 378, 380, 391)
"""Minutes since the open at which an executor looks."""
QUICK: Mapping[str, dict[str, Any]] = {
    "twap": {"slice_minutes": 130},
    "vwap": {"slice_minutes": 130},
    "implementation_shortfall": {"slice_minutes": 130},
    "participation": {"rate": 0.002},
    "iceberg": {"shown_share": 0.4, "limit_bps": 50.0},
    "adaptive_limit": {"patience_minutes": 400},
}


def worked(
    algorithm: str, quantity: str = "10", *, symbol: str = "AAA", leg: Leg = Leg.OPEN, side: Side = Side.BUY, **plan: Any
) -> OrderIntent:
    how = WorkPlan(algorithm=algorithm, kind=algorithm, settings=QUICK.get(algorithm, {}), **plan)
    one = intent(symbol, quantity, side=side, leg=leg)
    return OrderIntent(**{**_fields(one), "kind": OrderKind.WORKED, "work": how})


def _fields(one: OrderIntent) -> dict[str, Any]:
    return {name: getattr(one, name) for name in one.__dataclass_fields__}


def price_at(minute: int) -> Decimal:
    """Up and down around ten dollars."""
    return Decimal(1000 + round(8 * np.sin(minute / 40))) / 100


def market(_symbol: str, hours: SessionMarket) -> SessionMarket | None:
    """Bars of ten minutes, each 1,000 shares, and a quote of a cent."""
    minute = int((hours.now - OPENS) / timedelta(minutes=1))
    if minute < 0:
        return None
    ends = list(range(10, minute + 1, 10))
    prices = [float(price_at(m)) for m in ends]
    bars = pl.DataFrame(
        {
            "starts_at": [OPENS + timedelta(minutes=m - 10) for m in ends],
            **dict.fromkeys(("open", "high", "low", "close"), prices),
            "volume": [1000.0] * len(ends),
            "known_at": [OPENS + timedelta(minutes=m) for m in ends],
        },
        schema=MINUTE_SCHEMA,
    )
    now = price_at(minute)
    return SessionMarket(
        **{
            **{name: getattr(hours, name) for name in hours.__dataclass_fields__},
            "bars": bars,
            "bid": now,
            "ask": now + Decimal("0.01"),
            "last": now,
        }
    )


@dataclass
class Day:
    """A day of one plan, on one trade state and one exchange; `seed` decides what the exchange fills, and what the network loses."""

    bench: Bench
    plan: Sequence[OrderIntent]
    seed: int = 0
    orders: dict[str, OrderIntent] = field(default_factory=dict)
    passes: list[WorkPass] = field(default_factory=list)
    fills: bool = True

    @classmethod
    def at(cls, folder: Path, plan: Sequence[OrderIntent], seed: int = 0, name: str = "day", url: str | None = None) -> "Day":
        bench = Bench.at(url or f"sqlite:///{folder / f'{name}.sqlite'}", folder / "KILL")
        day = cls(bench=bench, plan=plan, seed=seed)
        bench.exchange.unique = False
        take = bench.exchange.take

        def noted(sent: OrderIntent) -> Any:
            day.orders[sent.client_order_id] = sent
            return take(sent)

        bench.exchange.take = noted  # pyright: ignore[reportAttributeAccessIssue]
        return day

    def made(self, state: TradeState, broker: ExchangeBroker) -> Executor:
        return Executor(
            broker,
            state,
            self.bench.settings,
            alert=self.bench.alerts.append,
            clock=self.bench.exchange.clock,
            timeouts=self.bench.timeouts,
            hours=lambda _: TIMES,
        )

    def run(self, points: Points | None = None, act: Callable[[int], None] | None = None) -> None:
        """The evening before, and the looks of the day; a process that dies is followed by another one at once."""
        points, self.bench.made = points or Points(), self.made  # pyright: ignore[reportAttributeAccessIssue]
        clock = self.bench.exchange.clock
        clock.at = EVENING
        self._try(points, lambda executor: executor.execute(SESSION, self.plan))
        for minute in LOOKS:
            clock.at = max(clock.at, OPENS + timedelta(minutes=minute))
            self.trade(minute)
            if act is not None:
                act(minute)
            self._try(points, lambda executor: self.passes.append(executor.work(SESSION, market)))
            self.check_exposure()

    def _try(self, points: Points, what: Callable[[Executor], Any]) -> None:
        for _ in range(12):
            try:
                with self.bench.executor(points if not points.gone else None) as executor:
                    what(executor)
            except Killed:
                points.take_over()
                self.bench.exchange.clock.sleep(self.bench.timeouts.lease_seconds + 1)  # the dead one's lease
                continue
            except BrokerError:
                self.bench.exchange.clock.sleep(40)
                continue
            return
        raise AssertionError("not through after 12 attempts")

    def trade(self, minute: int) -> None:
        """What the exchange fills by that minute: market orders wholly or in part, limits that are reached, and auctions at the close."""
        exchange = self.bench.exchange
        exchange.arrive()
        if not self.fills:
            return
        price = price_at(minute)
        for order in list(exchange.orders):
            if order.status.final:
                continue
            sent = self.orders[order.client_order_id]
            rng = np.random.default_rng([self.seed, minute, len(order.client_order_id), sent.part.number if sent.part else 0])
            left = order.quantity - order.filled_quantity
            if sent.kind in (OrderKind.MARKET_ON_CLOSE, OrderKind.LIMIT_ON_CLOSE):
                if minute >= 390:
                    exchange.fill(order.client_order_id, left, price)
            elif sent.kind is OrderKind.MARKET:
                exchange.fill(order.client_order_id, left if rng.random() < 0.7 or left < 2 or minute >= 390 else left // 2, price)
            elif sent.limit_price is not None and sent.side.sign * (price - sent.limit_price) <= 0 and rng.random() < 0.8:
                exchange.fill(order.client_order_id, left if rng.random() < 0.5 or left < 2 else left // 2, sent.limit_price)
            if minute >= 390 and not exchange.named(order.client_order_id).status.final:
                exchange.change(order.client_order_id, status=OrderStatus.EXPIRED)

    def parts(self, parent: OrderIntent) -> list[Any]:
        exchange = self.bench.exchange
        return [one for one in exchange.orders if one.client_order_id.startswith(f"{parent.client_order_id}-")]

    def check_exposure(self) -> None:
        """What is filled, and what can be still, is never more than was decided."""
        for parent in self.plan:
            shares = sum((one.filled_quantity if one.status.final else one.quantity for one in self.parts(parent)), Decimal(0))
            assert shares <= parent.quantity, f"{parent.client_order_id}: {shares} of {parent.quantity}"

    def check(self, *, whole: bool = True) -> None:
        """No part twice, none lost, both sides agree, and each order has come to its end."""
        exchange = self.bench.exchange
        assert max(exchange.counts().values(), default=0) <= 1, exchange.counts()
        assert self.bench.reconcile() == []
        states = self.bench.states()
        with TradeState(self.bench.url) as state, state.begin() as connection:
            told = {row.client_order_id: row.filled_quantity for row in connection.execute(tables.orders.select())}
        assert told == {one.client_order_id: one.filled_quantity for one in exchange.orders}
        for parent in self.plan:
            done = sum((one.filled_quantity for one in self.parts(parent)), Decimal(0))
            assert done <= parent.quantity
            if whole:
                assert (done, states[parent.client_order_id]) == (parent.quantity, "filled")
            numbers = sorted(name for name in states if name.startswith(f"{parent.client_order_id}-"))
            assert numbers == [f"{parent.client_order_id}-{i + 1:02d}" for i in range(len(numbers))]
