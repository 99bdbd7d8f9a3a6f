"""An exchange in memory, with a network in front of it that loses, delays and repeats, and points at which a process can be stopped.

It says the truth about what it has; what a client hears of it is another matter.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Dialect, Engine, event

from ats_assets.alerts import Alert
from ats_assets.execution.broker import BrokerError, DuplicateOrderError, NotSentError, OrderRejectedError, OutcomeUnknownError
from ats_assets.execution.context import Timeouts
from ats_assets.execution.contract_legs import multiplier_of
from ats_assets.execution.executor import Executor
from ats_assets.execution.names import IdentityLookup, NameChanges, no_name_changes
from ats_assets.execution.order import (
    AccountEntry,
    AccountState,
    BrokerOrder,
    Fill,
    Instrument,
    Leg,
    OrderIntent,
    OrderKind,
    OrderStatus,
    Position,
    Side,
    client_order_id,
)
from ats_assets.execution.outcome import Difference, Execution
from ats_assets.settings import OrdersSettings
from ats_assets.trade_state import TradeState, tables

SESSION = date(2024, 3, 1)
NEXT = date(2024, 3, 4)
EVENING = datetime(2024, 3, 2, 0, 30, tzinfo=UTC)


class Killed(BaseException):
    """The process is gone: nothing more is written or sent."""


class Network(StrEnum):
    """What happens to a request that sends an order."""

    WORKS = "works"
    LOST = "lost"
    LATE = "late"
    ANSWER_LOST = "answer_lost"
    REPEATED = "repeated"
    TURNED_AWAY = "turned_away"


@dataclass
class Points:
    """The points of a run at which something may happen: each call counts one, and `at` is done at the n-th."""

    stop_at: int = -1
    act: Callable[[], None] | None = None
    inside: bool = False
    """Whether `act` may be done within a transaction, too."""
    names: list[str] = field(default_factory=list)
    gone: bool = False
    later: list[int] = field(default_factory=list)
    """Points after `stop_at` at which the processes that come after the dead one die, too; they go on counting."""

    def take_over(self) -> None:
        """Another process, if it is to die as well."""
        if self.gone and self.later:
            self.stop_at, self.gone = self.later.pop(0), False

    def pass_by(self, name: str) -> None:
        if self.gone:
            raise Killed
        self.names.append(name)
        if len(self.names) - 1 == self.stop_at:
            if self.act is not None:
                self.act()
                return
            self.gone = True
            raise Killed


_STATEMENTS: dict[Any, Any] = {}
_DIALECTS: dict[str, Dialect] = {}
_OPENED: dict[str, tuple[str, Engine]] = {}
"""Compiled statements with the dialect that they are of, and the database that was opened last: what a process of these tests would make anew took most of its time."""


def forget_opened() -> None:
    """The next process opens its database as one that it has never seen."""
    for _, engine in _OPENED.values():
        engine.dispose()
    _OPENED.clear()


class PointedState(TradeState):
    """The real database, with a point before and after each commit."""

    def __init__(self, url: str, points: Points | None = None) -> None:
        self.points = points or Points()
        if url in _OPENED:
            self.description, self.engine = _OPENED[url]
            return
        self.points = Points()
        super().__init__(url)
        self.points = points or Points()
        kind = self.engine.dialect.name
        if kind == "sqlite":  # the process dies in these tests, never the machine
            self.engine.dispose()
            event.listen(self.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
        self.engine.dialect = _DIALECTS.setdefault(kind, self.engine.dialect)
        self.engine.update_execution_options(compiled_cache=_STATEMENTS)
        forget_opened()
        _OPENED[url] = (self.description, self.engine)

    def close(self) -> None:
        """Connections of PostgreSQL are kept for the next process: to make one takes longer than what is done with it."""
        if self.engine.dialect.name == "sqlite":
            super().close()

    @contextmanager
    def begin(self) -> Iterator[Connection]:
        points = getattr(self, "points", None) or Points()
        if points.gone:
            raise Killed
        with super().begin() as connection:
            yield connection
            if points.act is None or points.inside:
                points.pass_by("before commit")
        points.pass_by("after commit")


class TestClock:
    """Time that passes only by waiting."""

    __test__ = False

    def __init__(self, at: datetime = EVENING) -> None:
        self.at = at

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Exchange:
    """The broker's side. `unique` is its promise to take a client order id once.

    Exits hold back the shares that they are for, and one of a pair cancels the other.
    """

    clock: TestClock
    unique: bool = True
    cash: Decimal = Decimal("100000.00")
    held: dict[str, Decimal] = field(default_factory=dict)
    orders: list[BrokerOrder] = field(default_factory=list)
    executions: list[Fill] = field(default_factory=list)
    booked: list[AccountEntry] = field(default_factory=list)
    on_the_way: list[tuple[datetime, OrderIntent]] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    account_id: str = "X1"
    buying_power: Decimal = Decimal(200000)
    trading_blocked: bool = False
    rejects: dict[str, str] = field(default_factory=dict)
    pairs: dict[str, str] = field(default_factory=dict)
    """Of each exit, by its broker order id, the intent whose exit it is."""
    brackets: dict[str, OrderIntent] = field(default_factory=dict)
    packages: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    """Of each order of several legs, by its client order id, the client order ids of its legs with their signed ratios."""
    cancels_take: float = 0.0
    """Seconds until what is asked to be cancelled is."""
    ending: list[tuple[datetime, str]] = field(default_factory=list)

    def arrive(self) -> None:
        due = [pair for pair in self.on_the_way if pair[0] <= self.clock.now()]
        self.on_the_way = [pair for pair in self.on_the_way if pair[0] > self.clock.now()]
        for _, intent in due:
            self.take(intent)
        ended = [name for at, name in self.ending if at <= self.clock.now()]
        self.ending = [pair for pair in self.ending if pair[0] > self.clock.now()]
        for name in ended:
            if not self.named(name).status.final:
                self.change(name, status=OrderStatus.CANCELED)

    def take(self, intent: OrderIntent) -> BrokerOrder | None:
        """The new order, or None where the id is taken."""
        if self.unique and self.find(intent.client_order_id):
            self.refused[intent.client_order_id] += 1
            return None
        if intent.symbol in self.rejects:
            raise OrderRejectedError(self.rejects[intent.symbol])
        if intent.legs:
            return self._take_contracts(intent)
        if intent.leg is not Leg.OPEN and intent.quantity > self.available(intent.symbol):
            raise OrderRejectedError(f"insufficient qty available for order (available: {self.available(intent.symbol)})")
        order = self._new(intent.client_order_id, intent.symbol, intent.side, intent.quantity)
        if intent.kind is OrderKind.OCO:
            self.pairs[order.broker_order_id] = intent.client_order_id
            self._new_exit(intent, "stop", intent.side, intent.quantity)
        if intent.kind is OrderKind.BRACKET:
            self.brackets[intent.client_order_id] = intent
        return order

    def _take_contracts(self, intent: OrderIntent) -> BrokerOrder:
        for leg in intent.legs:
            held = self.held.get(leg.symbol, Decimal(0))
            if not leg.opens and (held * leg.ratio >= 0 or abs(leg.ratio) * intent.quantity > abs(held)):
                raise OrderRejectedError(f"position intent mismatch: {leg.position_intent} of {leg.symbol}, and {held} are held")
        order = self._new(intent.client_order_id, intent.symbol, intent.side, intent.quantity)
        if len(intent.legs) > 1:
            legs = self.packages[intent.client_order_id] = []
            for number, leg in enumerate(intent.legs):
                side = Side.BUY if leg.ratio > 0 else Side.SELL
                made = self._new(f"leg-{order.broker_order_id}-{number}", leg.symbol, side, intent.quantity * abs(leg.ratio))
                legs.append((made.client_order_id, leg.ratio))
        return self.find(intent.client_order_id) or order

    def _new(self, client_order_id: str, symbol: str, side: Side, quantity: Decimal) -> BrokerOrder:
        order = BrokerOrder(
            broker_order_id=f"b{len(self.orders)}",
            client_order_id=client_order_id,
            symbol=symbol,
            side=side,
            quantity=quantity,
            status=OrderStatus.ACCEPTED,
            filled_quantity=Decimal(0),
            filled_average_price=None,
            submitted_at=self.clock.now(),
            updated_at=self.clock.now(),
        )
        self.orders.append(order)
        return order

    def _new_exit(self, intent: OrderIntent, kind: str, side: Side, quantity: Decimal) -> None:
        made = self._new(f"{intent.client_order_id}/{kind}", intent.symbol, side, quantity)
        self.pairs[made.broker_order_id] = intent.client_order_id

    def available(self, symbol: str) -> Decimal:
        """Shares that no open order is for which would reduce the position."""
        held = self.held.get(symbol, Decimal(0))
        reserved: dict[str, Decimal] = {}
        for order in self.orders:
            if order.symbol == symbol and not order.status.final and order.side.sign * held < 0:
                reserved[self.pairs.get(order.broker_order_id, order.client_order_id)] = order.quantity - order.filled_quantity
        return abs(held) - sum(reserved.values())

    def open_pairs(self) -> dict[str, Decimal]:
        """Of each intent with open exits, the shares that these are for."""
        found = {}
        for order in self.orders:
            if order.broker_order_id in self.pairs and not order.status.final:
                found[self.pairs[order.broker_order_id]] = order.quantity - order.filled_quantity
        return found

    def find(self, client_order_id: str) -> BrokerOrder | None:
        order = next((order for order in self.orders if order.client_order_id == client_order_id), None)
        if order is None:
            return None
        mine = {name for name, _ in self.packages.get(client_order_id, ())}
        legs = [
            one
            for one in self.orders
            if (self.pairs.get(one.broker_order_id) == client_order_id and one is not order) or one.client_order_id in mine
        ]
        return replace(order, legs=tuple(legs))

    def named(self, client_order_id: str) -> BrokerOrder:
        return next(order for order in self.orders if order.client_order_id == client_order_id)

    def cancel(self, broker_order_id: str, late_seconds: float = 0.0) -> None:
        """One of a pair cancels the other."""
        pair = self.pairs.get(broker_order_id)
        for order in self.orders:
            mine = order.broker_order_id == broker_order_id or (pair and self.pairs.get(order.broker_order_id) == pair)
            if mine and not order.status.final:
                self.ending.append((self.clock.now() + timedelta(seconds=self.cancels_take + late_seconds), order.client_order_id))
        self.arrive()

    def change(self, client_order_id: str, **values: object) -> None:
        self.orders = [
            replace(o, updated_at=self.clock.now(), **values) if o.client_order_id == client_order_id else o for o in self.orders
        ]

    def fill(self, client_order_id: str, quantity: Decimal, price: Decimal = Decimal(10), fees: Decimal = Decimal("0.05")) -> None:
        order = self.named(client_order_id)
        done = order.filled_quantity + quantity
        status = OrderStatus.FILLED if done == order.quantity else OrderStatus.PARTIALLY_FILLED
        self.change(client_order_id, filled_quantity=done, status=status, filled_average_price=price)
        if client_order_id in self.packages:
            for name, ratio in self.packages[client_order_id]:
                leg = self.named(name)
                self.change(name, filled_quantity=done * abs(ratio), status=status, filled_average_price=price)
                self.execute(leg, quantity * abs(ratio), price, fees, client_order_id)
            return
        self.execute(order, quantity, price, fees)
        for other in self.orders:
            pair = self.pairs.get(order.broker_order_id)
            if pair and other.broker_order_id != order.broker_order_id and self.pairs.get(other.broker_order_id) == pair:
                left = order.quantity - done
                self.change(other.client_order_id, **({"quantity": left} if left else {"status": OrderStatus.CANCELED}))
        if status is OrderStatus.FILLED and client_order_id in self.brackets:
            bracket = self.brackets[client_order_id]
            for kind in ("profit", "stop"):
                self._new_exit(bracket, kind, order.side.opposite, done)

    def execute(
        self, order: BrokerOrder, quantity: Decimal, price: Decimal, fees: Decimal = Decimal(0), client_order_id: str | None = None
    ) -> None:
        """One execution; of a leg under the client order id of its package."""
        multiplier = multiplier_of(order.symbol)
        self.cash -= order.side.sign * quantity * price * multiplier + fees
        self.held[order.symbol] = self.held.get(order.symbol, Decimal(0)) + order.side.sign * quantity
        self.executions.append(
            Fill(
                fill_id=f"f{len(self.executions)}",
                broker_order_id=order.broker_order_id,
                client_order_id=client_order_id or order.client_order_id,
                symbol=order.symbol,
                side=order.side,
                quantity=quantity,
                price=price,
                fees=fees,
                at=self.clock.now(),
                multiplier=multiplier,
            )
        )

    def open(self) -> None:
        """The opening auction of the next session: all is filled but exits."""
        self.clock.at = datetime(2024, 3, 4, 14, 30, tzinfo=UTC)
        self.arrive()
        for order in list(self.orders):
            leg = order.client_order_id.startswith("leg-")
            if not order.status.final and order.broker_order_id not in self.pairs and not leg:
                self.fill(order.client_order_id, order.quantity - order.filled_quantity)

    def counts(self) -> Counter[str]:
        """Orders by client order id, the legs of packages apart."""
        return Counter(order.client_order_id for order in self.orders if not order.client_order_id.startswith("leg-"))


@dataclass
class ExchangeBroker:
    """A client of the exchange."""

    exchange: Exchange
    network: list[Network] = field(default_factory=list)
    """For each order that is sent, in turn; then all works."""
    cancel_network: list[Network] = field(default_factory=list)
    """For each cancel that is asked for, in turn; then all works."""
    fills_doubled: bool = False
    """Whether each execution is told twice."""
    late_seconds: float = 20.0
    broken: set[str] = field(default_factory=set)
    """Methods that can't be asked."""
    blind_finds: int = 0
    """So many times `find` does not see an order that is there."""
    points: Points = field(default_factory=Points)
    sent: list[str] = field(default_factory=list)
    name: str = "exchange"
    live: bool = False
    reserves_shares: bool = True
    fee_in_kind: Decimal = Decimal(0)
    closed: str | None = None
    late: bool = False
    """Whether what has waited is taken though it is closed for the others: the session has opened."""

    def _ask(self, method: str) -> None:
        self.points.pass_by(f"before {method}")
        self.exchange.arrive()
        if method in self.broken:
            raise BrokerError(f"{method} can't be asked")

    def account(self) -> AccountState:
        self._ask("account")
        at, blocked = self.exchange.clock.now(), self.exchange.trading_blocked
        worth = self.exchange.cash + sum(quantity * 10 for quantity in self.exchange.held.values())
        return AccountState(
            account_id=self.exchange.account_id,
            at=at,
            cash=self.exchange.cash,
            equity=worth,
            buying_power=self.exchange.buying_power,
            trading_blocked=blocked,
        )

    def positions(self) -> list[Position]:
        self._ask("positions")
        return [
            Position(symbol=s, quantity=q, cost=q * 10, price=Decimal(10), multiplier=multiplier_of(s))
            for s, q in sorted(self.exchange.held.items())
            if q
        ]

    def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        return {s: Instrument(symbol=s, tradable=True, fractionable=True, shortable=True) for s in symbols}

    def may_send(self, session: date, *, late: bool = False) -> str | None:
        self._ask("may_send")
        return None if late and self.late else self.closed

    def cancels_at_once(self) -> bool:
        return self.exchange.cancels_take < 3600

    def submit(self, intent: OrderIntent) -> BrokerOrder:
        self._ask("submit")
        what = self.network.pop(0) if self.network else Network.WORKS
        if what is Network.TURNED_AWAY:
            raise NotSentError("429")
        self.sent.append(intent.client_order_id)
        if what is Network.LOST:
            raise OutcomeUnknownError("no answer")
        if what is Network.LATE:
            self.exchange.on_the_way.append((self.exchange.clock.now() + timedelta(seconds=self.late_seconds), intent))
            raise OutcomeUnknownError("no answer in time")
        order = self.exchange.take(intent)
        if what is Network.REPEATED and self.exchange.unique:
            order = self.exchange.take(intent)
        self.points.pass_by("after submit")
        if what is Network.ANSWER_LOST:
            raise OutcomeUnknownError("the connection broke")
        if order is None:
            raise DuplicateOrderError("client_order_id must be unique")
        return order

    def find(self, client_order_id: str) -> BrokerOrder | None:
        self._ask("find")
        if self.blind_finds:
            self.blind_finds -= 1
            return None
        return self.exchange.find(client_order_id)

    def open_orders(self) -> list[BrokerOrder]:
        self._ask("open_orders")
        return [order for order in self.exchange.orders if not order.status.final]

    def cancel(self, broker_order_id: str) -> None:
        self._ask("cancel")
        what = self.cancel_network.pop(0) if self.cancel_network else Network.WORKS
        if what in (Network.TURNED_AWAY, Network.LOST):
            raise NotSentError("429") if what is Network.TURNED_AWAY else OutcomeUnknownError("no answer")
        self.exchange.cancel(broker_order_id, late_seconds=self.late_seconds if what is Network.LATE else 0.0)
        if what is Network.REPEATED:
            self.exchange.cancel(broker_order_id)
        self.points.pass_by("after cancel")
        if what in (Network.LATE, Network.ANSWER_LOST):
            raise OutcomeUnknownError("the connection broke")

    def fills(self, since: datetime) -> list[Fill]:
        self._ask("fills")
        return [fill for fill in self.exchange.executions if fill.at >= since for _ in range(1 + self.fills_doubled)]

    def entries(self, since: datetime) -> list[AccountEntry]:
        self._ask("entries")
        return [entry for entry in self.exchange.booked if entry.at >= since]

    def settle(self, session: date) -> str | None:
        self._ask("settle")
        return None


def intent(symbol: str = "AAA", quantity: str = "10", side: Side = Side.BUY, leg: Leg = Leg.OPEN, session: date = SESSION) -> OrderIntent:
    return OrderIntent(
        client_order_id=client_order_id(session, "main", symbol, leg),
        session=session,
        strategy="main",
        symbol=symbol,
        side=side,
        leg=leg,
        quantity=Decimal(quantity),
        kind=OrderKind.MARKET_ON_OPEN,
        decision_price=Decimal("9.90"),
    )


PLAN = [intent("AAA"), intent("BBB", "7"), intent("CCC", "3.5")]


@dataclass
class Bench:
    """An executor at work on an exchange; `again` makes another one, as after a restart of the process."""

    url: str
    exchange: Exchange
    broker: ExchangeBroker
    settings: OrdersSettings
    alerts: list[Alert] = field(default_factory=list)
    timeouts: Timeouts = field(default_factory=Timeouts)
    name_changes: NameChanges = no_name_changes
    identities: IdentityLookup | None = None

    @classmethod
    def at(cls, url: str, kill_file: Path, **settings: object) -> "Bench":
        exchange = Exchange(TestClock())
        return cls(url=url, exchange=exchange, broker=ExchangeBroker(exchange), settings=OrdersSettings(kill_file=kill_file, **settings))  # pyright: ignore[reportArgumentType]

    @contextmanager
    def executor(self, points: Points | None = None) -> Iterator[Executor]:
        self.broker.points = points or Points()
        with PointedState(self.url, points) as state:
            yield self.made(state, self.broker)

    def made(self, state: TradeState, broker: ExchangeBroker) -> Executor:
        how = {"clock": self.exchange.clock, "timeouts": self.timeouts, "name_changes": self.name_changes, "identities": self.identities}
        return Executor(broker, state, self.settings, alert=self.alerts.append, **how)

    def execute(self, plan: Sequence[OrderIntent] = PLAN, points: Points | None = None) -> Execution:
        with self.executor(points) as executor:
            return executor.execute(SESSION, plan)

    def reconcile(self) -> list[Difference]:
        with self.executor() as executor:
            return executor.reconcile()

    def states(self) -> dict[str, str]:
        with PointedState(self.url) as state, state.begin() as connection:
            return {row.client_order_id: row.state for row in connection.execute(tables.intents.select())}

    def audit(self) -> list[str]:
        with PointedState(self.url) as state, state.begin() as connection:
            return [row.what for row in connection.execute(tables.audit.select().order_by(tables.audit.c.id))]
