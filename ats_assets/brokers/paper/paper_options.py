"""Options on the paper account: a book for each strategy of options, moved from close to close by the steps of the backtest.

Orders decided at the close of D wait until the chain of D+1 is stored. Then, for each book: the night (early assignments, what an action of D+1 would adjust), the open (borrowing, actions), the
orders in the order of the decisions at D+1's quotes, and the close (expiries, marks). `StrategyAccount` does all of it, for the backtest and here, so that both come to the same cent.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row

from ats_assets.brokers.paper import option_tables, tables
from ats_assets.brokers.paper.option_events import entry_rows, execution_rows
from ats_assets.brokers.paper.option_market import PaperOptionTrading
from ats_assets.brokers.paper.stored_option_books import load_option_books, store_option_book
from ats_assets.calendar import SessionCalendar
from ats_assets.execution.contract_legs import ContractLeg, as_contract, legs_of, legs_text, underlying_of
from ats_assets.execution.order import BrokerOrder, Leg, OrderIntent, OrderStatus, Position, Side
from ats_assets.option_backtests.session_chain import SessionChain
from ats_assets.option_backtests.strategy_account import StrategyAccount, TradedStrategy
from ats_assets.option_strategies import Decision, OptionLeg
from ats_assets.option_strategies.book import OptionBook
from ats_assets.option_strategies.book.contract_actions import ShareAction, root_of

_FINEST = Decimal("1e-16")


@dataclass(frozen=True, kw_only=True)
class _Night:
    """From the close of a session to that of the next one."""

    before: date
    session: date
    after: date
    chain_before: SessionChain
    chain: SessionChain
    actions: Mapping[str, ShareAction]
    opens_at: datetime
    closes_at: datetime


class PaperOptions:
    """The books of options of one paper account."""

    def __init__(self, trading: PaperOptionTrading, account: str, calendar: SessionCalendar) -> None:
        self._trading = trading
        self._account = account
        self._calendar = calendar

    def books(self, connection: Connection) -> dict[str, OptionBook]:
        """By strategy, as they stand; without their flows."""
        return load_option_books(connection, self._account)

    def missing(self, session: date) -> str | None:
        """Why a session can't be settled yet."""
        return None if self._trading.market.chain(session) is not None else f"the option chains of {session} are not stored"

    def open_books(self, connection: Connection, session: date, at: datetime, *, told: bool = True) -> None:
        """Begin the books of strategies that have none, with their capital, at the close of a session.

        Parameters
        ----------
        told
            As a transfer; the account that is opened with them has the cash from the beginning.
        """
        known = self.books(connection)
        for one in self._trading.strategies:
            if one.name not in known:
                book = OptionBook.opened(one.name, one.capital, session)
                self._write(connection, book, session, entry_rows(book.flows, 0, at, session, {}) if told else ())

    def advance(self, connection: Connection, before: date, session: date) -> None:
        """Move all books from the close of `before` to that of `session`."""
        market = self._trading.market
        chain, former = market.chain(session), market.chain(before)
        if chain is None:
            raise AssertionError("a session is settled once its chains are stored")
        night = _Night(
            before=before,
            session=session,
            after=self._calendar.after(session),
            chain_before=former or SessionChain(before, chain.rows.clear()),
            chain=chain,
            actions=market.share_actions(session),
            opens_at=self._calendar.opens_at(session),
            closes_at=self._calendar.closes_at(session),
        )
        waiting = self._waiting(connection)
        for book in self.books(connection).values():
            self._advance_book(connection, book, [order for order in waiting if order.book == book.strategy], night)
        self.open_books(connection, session, night.closes_at)

    def _advance_book(self, connection: Connection, book: OptionBook, orders: Sequence[Row[Any]], night: _Night) -> None:
        account = StrategyAccount.resumed(self._traded(book), self._trading.rules, book, night.before)
        first, symbols = self._number(connection, book), dict(self._trading.symbols)
        account.night(night.before, night.session, night.chain_before, night.actions)
        account.begin(night.session, night.actions)
        entries = [*entry_rows(book.flows, first, night.opens_at, night.session, symbols)]
        executed: list[dict[str, Any]] = []
        for order in orders:
            done = len(book.flows)
            executed += self._trade(connection, account, order, night)
            if any(flow.kind not in ("premium", "fee", "shares") for flow in book.flows[done:]):
                raise AssertionError("an order trades contracts and shares, and pays fees")
        done = len(book.flows)
        account.close(night.session, night.after, night.chain)
        entries += entry_rows(book.flows[done:], first + done, night.closes_at, night.session, symbols)
        if executed:
            numbered = [row | {"account": self._account, "sequence": number} for number, row in enumerate(executed)]
            connection.execute(option_tables.fills.insert(), numbered)
        self._write(connection, book, night.session, entries)

    def _trade(self, connection: Connection, account: StrategyAccount, order: Row[Any], night: _Night) -> list[dict[str, Any]]:
        """One order: filled whole, or expired with the reason that the backtest gives."""
        legs, done = legs_of(order.legs), len(account.book.flows)
        account.decided(night.before, [_decision_of(order, legs)])
        account.trade(night.session, night.chain, night.actions)
        outcome = account.rows["decisions"][-1]["outcome"]
        here = option_tables.orders.c.broker_order_id == order.broker_order_id
        values: dict[str, Any] = {"updated_at": night.closes_at}
        executed: list[dict[str, Any]] = []
        if outcome == "filled":
            executed = execution_rows(order, legs, account.book.flows[done:], night.closes_at, night.session)
            net = sum((row["price"] * leg.ratio * leg.multiplier for row, leg in zip(executed, legs, strict=True)), Decimal(0))
            values |= {"status": str(OrderStatus.FILLED), "filled_quantity": order.quantity}
            values |= {"filled_average_price": (net / max(leg.multiplier for leg in legs)).quantize(_FINEST)}
            values |= {"prices": [str(row["price"]) for row in executed]}
        else:
            reason = f"{outcome}: {account.rows['unfilled'][-1]['detail']}"
            values |= {"status": str(OrderStatus.EXPIRED), "reason": reason}
        connection.execute(option_tables.orders.update().where(here).values(**values))
        return executed

    def _traded(self, book: OptionBook) -> TradedStrategy:
        """The strategy of a book; of one that settings name no more only what it holds goes on."""
        named = {one.name: one for one in self._trading.strategies}
        return named.get(book.strategy) or replace(self._trading.strategies[0], name=book.strategy, underlyings=(), capital=Decimal(0))

    def _number(self, connection: Connection, book: OptionBook) -> int:
        """Of the next flow of a book."""
        here = (option_tables.books.c.account == self._account) & (option_tables.books.c.strategy == book.strategy)
        return connection.execute(option_tables.books.select().where(here)).one().flows

    def _write(self, connection: Connection, book: OptionBook, session: date, entries: Any) -> None:
        rows = [row | {"account": self._account} for row in entries]
        if rows:
            connection.execute(tables.entries.insert(), rows)
        store_option_book(connection, self._account, book, session)

    def _waiting(self, connection: Connection) -> list[Row[Any]]:
        table = option_tables.orders
        where = (table.c.account == self._account) & (table.c.status == OrderStatus.ACCEPTED)
        return [*connection.execute(table.select().where(where).order_by(table.c.book, table.c.place, table.c.client_order_id))]

    # ---- orders

    def take(self, connection: Connection, intent: OrderIntent, at: datetime) -> BrokerOrder:
        """Store an order; the caller has seen that its id is new."""
        values: dict[str, Any] = {
            "broker_order_id": f"paper-{intent.client_order_id}",
            "account": self._account,
            "client_order_id": intent.client_order_id,
            "session": intent.session,
            "symbol": intent.symbol,
            "side": str(intent.side),
            "leg": str(intent.leg),
            "quantity": intent.quantity,
            "legs": legs_text(intent.legs),
            "book": intent.book or "",
            "rule": intent.rule or "",
            "place": intent.place or 0,
            "limit_price": intent.limit_price,
            "status": str(OrderStatus.ACCEPTED),
            "filled_quantity": Decimal(0),
            "submitted_at": at,
            "updated_at": at,
        }
        connection.execute(option_tables.orders.insert().values(**values))
        found = self.find(connection, intent.client_order_id)
        if found is None:
            raise AssertionError("the order was just stored")
        return found

    def find(self, connection: Connection, client_order_id: str) -> BrokerOrder | None:
        """The order of that id, or the leg of one (`<id>/2`)."""
        name, _, number = client_order_id.partition("/")
        row = connection.execute(option_tables.orders.select().where(option_tables.orders.c.client_order_id == name)).one_or_none()
        if row is None:
            return None
        found = _order_of(row)
        return next((leg for leg in found.legs if leg.client_order_id == client_order_id), None) if number else found

    def open_orders(self, connection: Connection) -> list[BrokerOrder]:
        """Those that wait, and their legs by themselves."""
        found = [_order_of(row) for row in self._waiting(connection)]
        return [one for order in found for one in (order, *order.legs)]

    def cancel(self, connection: Connection, broker_order_id: str) -> None:
        """Cancel an order that waits, all its legs."""
        table = option_tables.orders
        where = (table.c.broker_order_id == broker_order_id.partition("/")[0]) & (table.c.status == OrderStatus.ACCEPTED)
        connection.execute(table.update().where(where).values(status=str(OrderStatus.CANCELED), reason="canceled"))

    def executions(self, connection: Connection, since: datetime) -> list[Row[Any]]:
        """The executions since then, in order."""
        table = option_tables.fills
        query = table.select().where((table.c.account == self._account) & (table.c.at >= since))
        return [*connection.execute(query.order_by(table.c.at, table.c.fill_id))]

    def positions(self, connection: Connection) -> list[Position]:
        """What the books hold together, shares by the symbols of the bars."""
        found: dict[str, Position] = {}
        for book in self.books(connection).values():
            for contract, one in book.options.items():
                cost = one.quantity * one.multiplier * one.average_price
                _add(found, contract.symbol, Decimal(one.quantity), cost, one.mark, Decimal(one.multiplier))
            for root, one in book.shares.items():
                _add(found, self._trading.symbols.get(root, root), one.quantity, one.cost, one.spot, Decimal(1))
        return [position for position in found.values() if position.quantity]


def together(shares: Sequence[Position], of_options: Sequence[Position]) -> list[Position]:
    """All positions, by symbol: shares that several hold are one."""
    found = {one.symbol: one for one in shares}
    for one in of_options:
        if one.symbol in found:
            _add(found, one.symbol, one.quantity, one.cost or Decimal(0), one.price or Decimal(0), one.multiplier)
        else:
            found[one.symbol] = one
    return [found[symbol] for symbol in sorted(found) if found[symbol].quantity]


def _add(found: dict[str, Position], symbol: str, quantity: Decimal, cost: Decimal, price: Decimal, multiplier: Decimal) -> None:  # noqa: PLR0917
    known = found.get(symbol)
    before, paid = (Decimal(0), Decimal(0)) if known is None else (known.quantity, known.cost or Decimal(0))
    found[symbol] = Position(symbol=symbol, quantity=before + quantity, cost=paid + cost, price=price, multiplier=multiplier)


def _decision_of(order: Row[Any], legs: Sequence[ContractLeg]) -> Decision:
    """What a strategy has decided, as its order says it."""
    units = int(order.quantity)
    contracts = [one for one in legs if as_contract(one.symbol) is not None]
    root = underlying_of(contracts[0].symbol) if contracts else root_of(legs[0].symbol)
    return Decision(
        strategy=order.book,
        underlying=root,
        action="close" if order.leg == Leg.CLOSE else "open",
        legs=tuple(
            OptionLeg(contract=as_contract(one.symbol), quantity=one.ratio * units, open_or_close="open" if one.opens else "close")
            for one in legs
        ),
        limit_price=order.limit_price,
        reason="",
        rule=order.rule,
    )


def _order_of(row: Row[Any]) -> BrokerOrder:
    """A stored order, with its legs where there are several."""
    legs, filled = legs_of(row.legs), row.filled_quantity
    common: dict[str, Any] = {name: getattr(row, name) for name in ("submitted_at", "updated_at", "reason")}
    common |= {"status": OrderStatus(row.status)}
    prices = [Decimal(price) for price in row.prices or ()]
    made = tuple(
        BrokerOrder(
            broker_order_id=f"{row.broker_order_id}/{number}",
            client_order_id=f"{row.client_order_id}/{number}",
            symbol=leg.symbol,
            side=Side.BUY if leg.ratio > 0 else Side.SELL,
            quantity=abs(leg.ratio) * row.quantity,
            filled_quantity=abs(leg.ratio) * filled,
            filled_average_price=prices[number - 1] if prices else None,
            **common,
        )
        for number, leg in enumerate(legs, 1)
    )
    average = prices[0] if len(legs) == 1 and prices else row.filled_average_price
    return BrokerOrder(
        broker_order_id=row.broker_order_id,
        client_order_id=row.client_order_id,
        symbol=row.symbol,
        side=Side(row.side),
        quantity=row.quantity,
        filled_quantity=filled,
        filled_average_price=average,
        legs=made if len(legs) > 1 else (),
        **common,
    )
