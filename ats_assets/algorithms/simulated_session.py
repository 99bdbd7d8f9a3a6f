"""A session played from its bars: orders, worked by their algorithms, and what they got.

1. The session goes from a minute before its open to its close, minute by minute.
2. At each instant the bars that have ended by then fill the orders that were open when they began, sells before buys; auctions fill theirs.
3. Then each algorithm whose order has changed, whose wait is over, or which wanted to see the next bar is asked until it waits. It sees the bars known by then.
4. At the close, what is open and is not for the auction has expired.

It is a pure function of the orders, the bars and what `room` says of each fill (the account's cash), and so the same in a backtest and at the paper broker. The driver at a real
broker is `ats_assets.execution.working`; both ask `ats_assets.algorithms.stepping`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal

from ats_assets.algorithms.algorithm import (
    MINUTE_SCHEMA,
    AlgorithmError,
    CancelChild,
    ChildRecord,
    Done,
    Parent,
    SendChild,
    SessionMarket,
    Wait,
)
from ats_assets.algorithms.matching import ChildFill, MatchingRules, MinuteBar, Offer, offer_in_auction, offer_in_bar, room_in_bar
from ats_assets.algorithms.order_words import CLOSING, Leg, OrderKind, OrderStatus, Side, child_order_id
from ats_assets.algorithms.played_session import PlayedOrder, PlayedSession, SessionStep, SessionTimes, WorkedOrder
from ats_assets.algorithms.price_grid import exact
from ats_assets.algorithms.stepping import MOST_ANSWERS, ended_parent, next_step
from ats_assets.algorithms.symbol_day import SymbolDay

MINUTE = timedelta(minutes=1)
NO_BARS = "no_minute_bars"
"""Why an order stays unfilled whose algorithm needs bars that are not stored."""
Room = Callable[[Parent, ChildFill], Decimal]
"""How many shares of a fill the account takes; it has them then."""


def play_session(
    orders: Sequence[WorkedOrder],
    days: Mapping[str, SymbolDay],
    times: SessionTimes,
    *,
    rules: MatchingRules | None = None,
    room: Room = lambda _, fill: fill.quantity,
) -> PlayedSession:
    """Play the session of all orders together.

    Parameters
    ----------
    days
        By symbol, what the session held. An order of a symbol without one ends unfilled.
    room
        How many shares of a fill the account takes.
    """
    play = _Play(
        [_Working(one, one.parent, days.get(one.parent.symbol) or SymbolDay.empty()) for one in orders],
        times,
        rules or MatchingRules(),
        room,
    )
    instant = times.opens_at - MINUTE
    while instant < times.closes_at:
        play.at(instant)
        instant = min(instant + MINUTE, times.closes_at)
    play.at(times.closes_at)
    return play.played()


@dataclass
class _Working:
    """An order while it is worked; `due` is when it is asked next, and `on_bar` whether with the next bar, too."""

    order: WorkedOrder
    parent: Parent
    day: SymbolDay
    children: list[ChildRecord] = field(default_factory=list)
    met: set[int] = field(default_factory=set)
    """Numbers of the orders that a bar has met."""
    due: datetime | None = None
    on_bar: bool = True
    known: int = -1
    changed: bool = True
    done: str | None = None

    @property
    def turn(self) -> tuple[bool, bool, str]:
        """Sells before buys, what closes a position before what opens one, then by symbol."""
        return self.parent.side is Side.BUY, self.parent.leg is not Leg.CLOSE, self.parent.symbol


@dataclass
class _Play:
    working: list[_Working]
    times: SessionTimes
    rules: MatchingRules
    room: Room
    fills: list[ChildFill] = field(default_factory=list)
    steps: list[SessionStep] = field(default_factory=list)
    before: datetime | None = None
    """The instant before."""

    def at(self, now: datetime) -> None:
        """One instant."""
        turn = sorted(self.working, key=lambda one: one.turn)
        self._bars(turn, now)
        if now == self.times.opens_at:
            self._auction(turn, now, (OrderKind.MARKET_ON_OPEN,), lambda day: day.open)
        if now >= self.times.closes_at:
            self._auction(turn, now, CLOSING, lambda day: day.close)
            self._expire(now)
        for one in turn:
            if one.parent.leg is Leg.CLOSE or not self._is_closing(one.parent.symbol):
                self._ask(one, now)
        self.before = now

    def _is_closing(self, symbol: str) -> bool:
        """Whether a position in the symbol is still being closed: none is opened on the other side before that is done."""
        return any(one.parent.symbol == symbol and one.parent.leg is Leg.CLOSE and one.done is None for one in self.working)

    def played(self) -> PlayedSession:
        orders = tuple(
            PlayedOrder(
                parent=one.parent,
                children=tuple(one.children),
                status=ended_parent(one.parent, one.children),
                reason=one.done or "the session is over",
            )
            for one in self.working
        )
        return PlayedSession(orders=orders, fills=tuple(self.fills), steps=tuple(self.steps))

    def _bars(self, turn: Sequence[_Working], now: datetime) -> None:
        """The bars that have ended since the last instant."""
        used: dict[tuple[str, datetime], Decimal] = {}
        for one in turn:
            for bar in one.day.ended_between(self.before, now):
                key = one.parent.symbol, bar.starts_at
                used[key] = self._bar(one, bar, used.get(key, Decimal(0)))

    def _bar(self, one: _Working, bar: MinuteBar, used: Decimal) -> Decimal:
        """Fill an order's open parts by one bar; gives what the symbol's orders have got of it by now."""
        for child in list(one.children):
            if not child.pending or child.sent_at > bar.starts_at:
                continue
            offer = offer_in_bar(child, one.parent, bar, is_new=child.number not in one.met, rules=self.rules)
            one.met.add(child.number)
            if offer is None:
                continue
            quantity = min(child.pending, room_in_bar(one.parent, bar, used, self.rules))
            used += self._fill(one, child, offer, quantity, bar.starts_at if offer.takes else bar.known_at)
        return used

    def _auction(
        self, turn: Sequence[_Working], now: datetime, kinds: Sequence[OrderKind], price_of: Callable[[SymbolDay], float | None]
    ) -> None:
        for one in turn:
            price = price_of(one.day)
            for child in list(one.children):
                if child.pending and child.kind in kinds and price is not None:
                    offer = offer_in_auction(child, one.parent, price, self.rules)
                    if offer is not None:
                        self._fill(one, child, offer, child.pending, now)
        for one in turn:
            for child in list(one.children):
                if child.pending and child.kind in kinds:
                    self._change(one, replace(child, status=OrderStatus.EXPIRED, ended_at=now))

    def _fill(self, one: _Working, child: ChildRecord, offer: Offer, quantity: Decimal, at: datetime) -> Decimal:
        if quantity <= 0:
            return Decimal(0)
        fill = ChildFill(
            parent_id=one.parent.client_order_id,
            client_order_id=child.client_order_id,
            number=child.number,
            side=one.parent.side,
            quantity=quantity,
            price=offer.price,
            at=at,
            takes=offer.takes,
            kind=child.kind,
        )
        taken = self.room(one.parent, fill)
        if taken <= 0:
            return Decimal(0)
        self.fills.append(replace(fill, quantity=taken))
        done, before = child.filled + taken, child.average_price or Decimal(0)
        status = OrderStatus.FILLED if done == child.quantity else OrderStatus.PARTIALLY_FILLED
        average = (before * child.filled + offer.price * taken) / done
        self._change(one, replace(child, filled=done, average_price=average, status=status, ended_at=at if status.final else None))
        return taken

    def _expire(self, now: datetime) -> None:
        for one in self.working:
            for child in list(one.children):
                if child.pending:
                    self._change(one, replace(child, status=OrderStatus.EXPIRED, ended_at=now))

    @staticmethod
    def _change(one: _Working, child: ChildRecord) -> None:
        one.children[child.number - 1] = child
        one.changed = True

    def _ask(self, one: _Working, now: datetime) -> None:
        """Ask until it waits, where there is a reason to ask."""
        market, known = self._market(one, now), one.day.known_by(now)
        over = one.due is not None and now >= one.due
        if one.order.algorithm.needs_bars and one.day.bars.is_empty():
            one.done = NO_BARS
        if one.done is not None or not (one.changed or over or (one.on_bar and known != one.known)):
            return
        if one.parent.arrival_price is None and now >= one.parent.starts_at and market.last is not None:
            one.parent = replace(one.parent, arrival_price=market.last)
        one.known, one.changed = known, False
        for _ in range(MOST_ANSWERS):
            answer = next_step(one.order.algorithm, one.parent, one.children, market, one.order.day_end)
            if isinstance(answer, Wait):
                one.due, one.on_bar = answer.until, answer.on_bar or answer.until is None
                return
            self.steps.append(SessionStep(at=now, parent_id=one.parent.client_order_id, answer=answer))
            if isinstance(answer, Done):
                one.done = answer.reason
                return
            self._carry_out(one, answer, now)
        raise AlgorithmError(f"{one.parent.client_order_id}: {MOST_ANSWERS} answers at {now:%H:%M}, and none of them is to wait")

    @staticmethod
    def _carry_out(one: _Working, answer: SendChild | CancelChild, now: datetime) -> None:
        if isinstance(answer, CancelChild):
            child = next(child for child in one.children if child.client_order_id == answer.client_order_id)
            one.children[child.number - 1] = replace(child, status=OrderStatus.CANCELED, cancel_asked_at=now, ended_at=now)
            return
        number = len(one.children) + 1
        one.children.append(
            ChildRecord(
                number=number,
                client_order_id=child_order_id(one.parent.client_order_id, number),
                kind=answer.kind,
                quantity=answer.quantity,
                limit_price=answer.limit_price,
                sent_at=now,
                status=OrderStatus.ACCEPTED,
                expires_at=answer.expires_at,
            )
        )

    def _market(self, one: _Working, now: datetime) -> SessionMarket:
        day, times = one.day, self.times
        known = day.known_by(now)
        bid, ask = day.quote_at(known - 1)
        last = exact(day.closes[known - 1]) if known else None
        return SessionMarket(
            session=times.session,
            opens_at=times.opens_at,
            closes_at=times.closes_at,
            now=now,
            bars=day.bars.head(known).select(MINUTE_SCHEMA.names()),
            bid=bid,
            ask=ask,
            last=last,
            volume_profile=day.volume_profile,
            day_volume=day.day_volume,
            volatility=day.volatility,
        )
