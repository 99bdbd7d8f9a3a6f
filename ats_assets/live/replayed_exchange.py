"""The exchange of a replay: it fills orders by the day that is played, in memory, and charges what the backtest charges. No order of a replay reaches any broker.

1. A market order is filled at the other side's quote, where one is known; else at the open of the next bar.
2. A limit order is filled when a later quote's other side reaches it, at that price, or when a later bar trades through it, at the limit, or at the open where that is better.
3. Orders for the close are filled at the last bar's close; a limit one where that is its limit or better.
4. Of a bar no more than `volume_share` of its volume is filled, of one symbol's orders in the order in which they came: what is left stays open, partially filled.
5. While its symbol is halted nothing is filled. What is open at the close expires.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import ROUND_DOWN, Decimal

from ats_assets.algorithms.order_words import CLOSING, OrderStatus, Side
from ats_assets.algorithms.price_grid import exact
from ats_assets.execution.broker import DuplicateOrderError, OrderRejectedError
from ats_assets.execution.clock import Clock
from ats_assets.execution.order import AccountEntry, AccountState, BrokerOrder, Fill, Instrument, OrderIntent, Position
from ats_assets.live.stream import EventKind, StreamEvent
from ats_assets.settings import BacktestSettings

CENT = Decimal("0.01")


@dataclass
class _Working:
    """An order that is open."""

    intent: OrderIntent
    order: BrokerOrder


@dataclass(kw_only=True)
class ReplayedExchange:
    """A broker whose market is what it is shown.

    Parameters
    ----------
    opens_at, closes_at
        Of the session: orders are filled within it.
    positions
        Signed shares that are held at the beginning.
    refuses
        Why an order is rejected, if it is.
    """

    clock: Clock
    opens_at: datetime
    closes_at: datetime
    cash: Decimal
    positions_held: dict[str, Decimal] = field(default_factory=dict)
    prices: dict[str, Decimal] = field(default_factory=dict)
    costs: BacktestSettings = field(default_factory=BacktestSettings)
    volume_share: float = 1.0
    refuses: Callable[[OrderIntent, datetime], str | None] = lambda _intent, _at: None
    name: str = "replay"
    live: bool = False
    reserves_shares: bool = False
    fee_in_kind: Decimal = Decimal(0)
    has_news: bool = False
    """Whether anything was filled, canceled or expired since `news` was asked."""
    _orders: dict[str, BrokerOrder] = field(default_factory=dict)
    _working: dict[str, _Working] = field(default_factory=dict)
    _fills: list[Fill] = field(default_factory=list)
    _commissions: dict[str, Decimal] = field(default_factory=dict)
    _quotes: dict[str, tuple[Decimal, Decimal]] = field(default_factory=dict)
    _halted: set[str] = field(default_factory=set)

    def news(self) -> bool:
        """Whether anything has happened since it was asked last."""
        found, self.has_news = self.has_news, False
        return found

    def show(self, event: StreamEvent) -> None:
        """What the market does next: open orders are filled by it."""
        symbol, fields = event.symbol, event.fields
        if event.known_at >= self.closes_at:
            self._close_of_day()
        if symbol is None:
            return
        if event.kind is EventKind.STATUS:
            (self._halted.add if fields["halted"] else self._halted.discard)(symbol)
        elif event.kind is EventKind.QUOTE:
            self._quotes[symbol] = (exact(fields["bid"]), exact(fields["ask"]))
            for one in self._of(symbol):
                self._at_quote(one)
        elif event.kind is EventKind.BAR:
            self._at_bar(symbol, fields)

    def _at_bar(self, symbol: str, fields: Mapping[str, float]) -> None:
        self.prices[symbol] = exact(fields["close"])
        left = Decimal(int(fields["volume"] * self.volume_share))
        for one in self._of(symbol):
            if one.order.submitted_at >= self.clock.now() or not left:
                continue
            first, low, high, limit = exact(fields["open"]), exact(fields["low"]), exact(fields["high"]), one.intent.limit_price
            buys = one.intent.side is Side.BUY
            price = first
            if limit is not None:
                if not (low < limit if buys else high > limit):
                    continue
                price = min(first, limit) if buys else max(first, limit)
            quantity = min(one.order.quantity - one.order.filled_quantity, left)
            left -= quantity
            self._fill(one, quantity, price)

    def _at_quote(self, one: _Working) -> None:
        bid, ask = self._quotes[one.intent.symbol]
        price, limit = (ask, one.intent.limit_price) if one.intent.side is Side.BUY else (bid, one.intent.limit_price)
        if limit is None or one.intent.side.sign * (price - limit) <= 0:
            self._fill(one, one.order.quantity - one.order.filled_quantity, price)

    def _of(self, symbol: str) -> list[_Working]:
        """Orders that may be filled now, the oldest first."""
        if symbol in self._halted or not self.opens_at <= self.clock.now() <= self.closes_at:
            return []
        return [one for one in self._working.values() if one.intent.symbol == symbol and one.intent.kind not in CLOSING]

    def _close_of_day(self) -> None:
        for one in list(self._working.values()):
            price, limit = self.prices.get(one.intent.symbol), one.intent.limit_price
            good = price is not None and (limit is None or one.intent.side.sign * (price - limit) <= 0)
            if one.intent.kind in CLOSING and good and price is not None:
                self._fill(one, one.order.quantity - one.order.filled_quantity, price)
            else:
                self._end(one.intent.client_order_id, OrderStatus.EXPIRED, "the session is over")

    def _fill(self, one: _Working, quantity: Decimal, price: Decimal) -> None:
        order, now = one.order, self.clock.now()
        done = order.filled_quantity + quantity
        before = (order.filled_average_price or Decimal(0)) * order.filled_quantity
        average = ((before + quantity * price) / done).quantize(Decimal("0.000001"), ROUND_DOWN)
        status = OrderStatus.FILLED if done == order.quantity else OrderStatus.PARTIALLY_FILLED
        one.order = replace(order, filled_quantity=done, filled_average_price=average, status=status, updated_at=now)
        self._orders[order.client_order_id] = one.order
        if status.final:
            del self._working[order.client_order_id]
        share, paid = exact(self.costs.commission_bps) / 10_000, self._commissions.get(order.client_order_id, Decimal(0))
        due = max((before + quantity * price) * share, exact(self.costs.min_commission)).quantize(CENT)  # the least one is of an order
        fees = max(due - paid, Decimal(0))
        self._commissions[order.client_order_id] = paid + fees
        fill = Fill(
            fill_id=f"replay-{len(self._fills) + 1}",
            broker_order_id=order.broker_order_id,
            client_order_id=order.client_order_id,
            symbol=order.symbol,
            side=order.side,
            quantity=quantity,
            price=price,
            fees=fees,
            at=now,
        )
        self._fills.append(fill)
        self.cash += fill.cash_flow
        self.positions_held[order.symbol] = self.positions_held.get(order.symbol, Decimal(0)) + order.side.sign * quantity
        self.has_news = True

    def _end(self, name: str, status: OrderStatus, reason: str) -> None:
        one = self._working.pop(name)
        self._orders[name] = replace(one.order, status=status, reason=reason, updated_at=self.clock.now())
        self.has_news = True

    def account(self) -> AccountState:
        """The account, valued at the newest prices."""
        worth = sum((self._worth(symbol, shares) for symbol, shares in self.positions_held.items()), Decimal(0))
        equity = self.cash + worth
        return AccountState(
            account_id="replay", at=self.clock.now(), cash=self.cash, equity=equity, buying_power=max(equity, Decimal(0)) * 2
        )

    def _worth(self, symbol: str, shares: Decimal) -> Decimal:
        return (shares * self.prices.get(symbol, Decimal(0))).quantize(CENT)

    def positions(self) -> list[Position]:
        """What is held."""
        return [
            Position(symbol=symbol, quantity=shares, cost=None, price=self.prices.get(symbol))
            for symbol, shares in sorted(self.positions_held.items())
            if shares
        ]

    def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """All are traded."""
        return {symbol: Instrument(symbol=symbol, tradable=True, fractionable=False, shortable=True) for symbol in symbols}

    def may_send(self, session: date, *, late: bool = False) -> str | None:  # noqa: ARG002
        """Until the close."""
        return "the session is over" if self.clock.now() >= self.closes_at else None

    def cancels_at_once(self) -> bool:
        """What is cancelled has ended."""
        return True

    def submit(self, intent: OrderIntent) -> BrokerOrder:
        """Take an order, filled at once where a quote does."""
        if intent.client_order_id in self._orders:
            raise DuplicateOrderError(f"there is an order {intent.client_order_id} already")
        now = self.clock.now()
        if why := self.refuses(intent, now):
            raise OrderRejectedError(f"order {intent.client_order_id} is refused: {why}")
        order = BrokerOrder(
            broker_order_id=f"replay-{intent.client_order_id}",
            client_order_id=intent.client_order_id,
            symbol=intent.symbol,
            side=intent.side,
            quantity=intent.quantity,
            status=OrderStatus.ACCEPTED,
            filled_quantity=Decimal(0),
            filled_average_price=None,
            submitted_at=now,
            updated_at=now,
        )
        self._orders[intent.client_order_id] = order
        self._working[intent.client_order_id] = one = _Working(intent, order)
        if intent.symbol in self._quotes and one in self._of(intent.symbol):
            self._at_quote(one)
        return self._orders[intent.client_order_id]

    def find(self, client_order_id: str) -> BrokerOrder | None:
        """The order of that id."""
        return self._orders.get(client_order_id)

    def open_orders(self) -> list[BrokerOrder]:
        """Those that are not through."""
        return [one.order for one in self._working.values()]

    def cancel(self, broker_order_id: str) -> None:
        """End an order."""
        for one in list(self._working.values()):
            if one.order.broker_order_id == broker_order_id:
                self._end(one.intent.client_order_id, OrderStatus.CANCELED, "canceled")

    def fills(self, since: datetime) -> list[Fill]:
        """The executions since then."""
        return [fill for fill in self._fills if fill.at >= since]

    def entries(self, since: datetime) -> list[AccountEntry]:  # noqa: ARG002
        """None."""
        return []

    def settle(self, session: date) -> str | None:  # noqa: ARG002
        """There is nothing to bring to an end."""
        return None
