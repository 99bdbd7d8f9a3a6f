"""A real day played through the session loop: stored minutes, an exchange that fills by them, and algorithms that send slices."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ats_assets.alerts import Alert
from ats_assets.algorithms import (
    Answer,
    ChildRecord,
    Done,
    Leg,
    OrderKind,
    Parent,
    SendChild,
    SessionMarket,
    Side,
    Wait,
    filled,
    pending,
    unsent,
)
from ats_assets.algorithms.stepping import DayEnd, Unfilled
from ats_assets.calendar import SessionCalendar
from ats_assets.execution.broker import Broker
from ats_assets.execution.context import Timeouts
from ats_assets.execution.executor import Executor
from ats_assets.execution.order import OrderIntent, client_order_id
from ats_assets.execution.state import Author, plan_one
from ats_assets.execution.worked_intents import WorkPlan
from ats_assets.live.day_market import StoredMarket, of_folder
from ats_assets.live.live_rules import LiveRules
from ats_assets.live.loop import SessionLoop
from ats_assets.live.loop_claim import Claim
from ats_assets.live.mishaps import MishapSettings, with_mishaps
from ats_assets.live.order_fields import parent_fields
from ats_assets.live.replayed_exchange import ReplayedExchange
from ats_assets.live.session_execution import SessionExecution
from ats_assets.live.session_journal import DecidedRow, Heard, SessionJournal
from ats_assets.live.session_state import LiveState
from ats_assets.live.simulated_clock import SimulatedClock
from ats_assets.live.step import LiveDecision, What
from ats_assets.live.stream import EventKind, StreamEvent
from ats_assets.live.streams.replay import played_events
from ats_assets.settings import BrakeSettings, LiveSettings, OrdersSettings, Section
from ats_assets.trade_state import TradeState
from ats_assets_tests.execution.exchange import PointedState

DAY, BEFORE = date(2013, 10, 8), date(2013, 10, 7)
CALENDAR = SessionCalendar()
OPENS, CLOSES = CALENDAR.opens_at(DAY), CALENDAR.closes_at(DAY)
MINUTES = Path("../shared/data/us_minute")
CLOSED_AT = {"BAC": 13.87, "IBM": 182.01, "SPY": 167.43, "AIG": 47.7}
ZONE = "America/New_York"


def market(*symbols: str) -> StoredMarket:
    """The minutes of the day."""
    return of_folder(MINUTES, OPENS, CLOSES, symbols, timezone=ZONE)


class Slices:
    """Sends so many shares, then waits so long."""

    settings = Section()
    needs_bars = False
    before_open = False

    def __init__(self, shares: int = 100, minutes: int = 30, limit_ticks: int | None = None) -> None:
        self.shares, self.every, self.limit_ticks = Decimal(shares), timedelta(minutes=minutes), limit_ticks

    def next(self, parent: Parent, children: Sequence[ChildRecord], market: SessionMarket) -> Answer:
        if filled(children) >= parent.quantity:
            return Done(reason="all is filled")
        if pending(children):
            return Wait(until=None, reason="a slice works")
        until = children[-1].sent_at + self.every if children else market.now
        if market.now < until:
            return Wait(until=until, reason="until the next slice")
        limit = None
        if self.limit_ticks is not None and market.last is not None:
            limit = parent.on_price_grid(market.last - parent.side.sign * self.limit_ticks * Decimal("0.01"))
        quantity = min(self.shares, unsent(parent, children))
        kind = OrderKind.MARKET if limit is None else OrderKind.LIMIT
        expires = None if limit is None else market.now + timedelta(minutes=10)
        return SendChild(quantity=quantity, kind=kind, limit_price=limit, expires_at=expires, reason="a slice")


def parent(symbol: str = "BAC", quantity: int = 1000, side: Side = Side.BUY, leg: Leg = Leg.OPEN) -> OrderIntent:
    """An order of the plan that is worked inside the session."""
    return OrderIntent(
        client_order_id=client_order_id(BEFORE, "main", symbol, leg),
        session=BEFORE,
        strategy="main",
        symbol=symbol,
        side=side,
        leg=leg,
        quantity=Decimal(quantity),
        kind=OrderKind.WORKED,
        decision_price=Decimal(str(CLOSED_AT.get(symbol, 100.0))),
        work=WorkPlan(algorithm="slices", kind="slices", day_end=DayEnd(unfilled="end")),
    )


@dataclass
class Day:
    """Everything of a day, on one database; `play` is one process's time at it, and may be called again as after a restart."""

    url: str
    kill_file: Path
    stored: StoredMarket
    parents: tuple[OrderIntent, ...] = ()
    held: Mapping[str, int] = field(default_factory=dict)
    cash: float = 100_000.0
    algorithm: Any = field(default_factory=Slices)
    live: LiveSettings = field(default_factory=lambda: LiveSettings(look_seconds=7200.0))
    brake: BrakeSettings = field(default_factory=BrakeSettings)
    risk_rules: Mapping[str, Any] = field(default_factory=dict)
    equities: tuple[float, ...] = ()
    mishaps: tuple[MishapSettings, ...] = ()
    quotes: bool = False
    unfilled: Unfilled = "end"
    until: datetime = OPENS + timedelta(hours=2, minutes=30)
    """The rest of the day adds little to most tests."""
    alerts: list[Alert] = field(default_factory=list)
    clock: SimulatedClock = field(default_factory=lambda: SimulatedClock(OPENS - timedelta(hours=12)))
    exchange: Any = None
    _shown: set[int] = field(default_factory=set)
    """What has happened on the exchange happens once, whoever looks at it again."""

    def __post_init__(self) -> None:
        held = {symbol: Decimal(shares) for symbol, shares in self.held.items()}
        prices = {symbol: Decimal(str(price)) for symbol, price in CLOSED_AT.items()}
        self.exchange = ReplayedExchange(
            clock=self.clock, opens_at=OPENS, closes_at=CLOSES, cash=Decimal(str(self.cash)), positions_held=held, prices=prices
        )

    @property
    def rules(self) -> LiveRules:
        return LiveRules(
            session=DAY,
            opens_at=OPENS,
            closes_at=CLOSES,
            work=lambda _text: (self.algorithm, DayEnd(unfilled=self.unfilled)),
            settings=self.live,
            brake=self.brake,
            risk_rules=self.risk_rules,
        )

    def plan(self, execution: SessionExecution) -> dict[str, Any]:
        worked = execution.parents()
        return {
            "parents": [parent_fields(one) for one, _ in worked],
            "work": {one.client_order_id: text for one, text in worked},
            "equities": list(self.equities),
            "paid_in": [0.0] * len(self.equities),
            "closes": CLOSED_AT,
        }

    def events(self) -> list[StreamEvent]:
        kinds = frozenset({EventKind.BAR, *([EventKind.QUOTE] if self.quotes else [])})
        opening: Any = SimpleNamespace(kinds=kinds)
        first, last = OPENS - timedelta(minutes=5), self.until
        return [one for one in with_mishaps(played_events(self.stored, opening), self.mishaps, ZONE) if first <= one.known_at <= last]

    def moving(self, events: Sequence[StreamEvent], *, shown: bool = True) -> Iterator[StreamEvent]:
        """The events with the clock and the exchange going along; those that were heard before this process began are left out."""
        since = self.last_heard()
        for event in events:
            if since is not None and event.known_at <= since:
                continue
            self.clock.move(event.known_at)
            if shown and id(event) not in self._shown:
                self._shown.add(id(event))
                self.exchange.show(event)
            yield event

    @contextmanager
    def loop(self, state: TradeState | None = None, broker: Broker | None = None) -> Iterator[SessionLoop]:
        settings, timeouts = OrdersSettings(kill_file=self.kill_file), Timeouts(settling_seconds=0.0, retry_seconds=0.0)
        with state or PointedState(self.url) as opened:
            executor = Executor(broker or self.exchange, opened, settings, alert=self.alerts.append, clock=self.clock, timeouts=timeouts)
            with opened.begin() as connection:
                for one in self.parents:
                    plan_one(connection, Author(who="plan", now=self.clock.now()), one)
            execution = SessionExecution(
                executor=executor, state=opened, strategy="main", planned=BEFORE, opens_at=OPENS, closes_at=CLOSES, clock=self.clock
            )
            yield SessionLoop(
                execution=execution,
                journal=SessionJournal(session=DAY, strategy="main"),
                rules=self.rules,
                claim=Claim(strategy="main"),
                plan=lambda: self.plan(execution),
                alert=self.alerts.append,
                clock=self.clock,
                woken=self.exchange.news,
            )

    def play(self, events: Sequence[StreamEvent] | None = None) -> LiveState:
        with self.loop() as loop:
            return loop.run(self.moving(self.events() if events is None else events))

    def journal(self) -> tuple[list[Heard], list[DecidedRow]]:
        with TradeState(self.url) as state, state.begin() as connection:
            journal = SessionJournal(session=DAY, strategy="main")
            return journal.heard(connection), journal.decided(connection)

    def last_heard(self) -> datetime | None:
        heard, _ = self.journal()
        return max((one.event.known_at for one in heard if one.event.kind not in OWN), default=None)

    def decided(self, *what: What) -> list[LiveDecision]:
        return [one.decision for one in self.journal()[1] if not what or one.decision.what in what]

    def sent(self) -> dict[str, Decimal]:
        """Shares by the id of each order at the exchange."""
        return {name: order.quantity for name, order in self.exchange._orders.items()}


OWN = (EventKind.ACCOUNT, EventKind.ORDER, EventKind.PLAN, EventKind.TICK, EventKind.STOP)


def at(hour: int, minute: int = 0) -> time:
    """Of the exchange's day."""
    return time(hour, minute)


def changed(one: StreamEvent, **fields: Any) -> StreamEvent:
    return replace(one, fields={**one.fields, **fields})


Make = Callable[..., Day]
