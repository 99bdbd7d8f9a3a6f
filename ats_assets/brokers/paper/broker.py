"""The paper broker: an account of its own in the trade state's database, settled session by session on the warehouse's bars.

It does what a broker does and no more: takes each client order id once, fills orders for one session, and says what it holds. Orders decided at the close of D
are filled in session D+1 when its bars are known. All its times are those of the sessions, so that settling again gives the same records.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import ROUND_CEILING, Decimal
from typing import Any

from sqlalchemy import Connection, Row

from ats_assets.algorithms.price_grid import is_in_dollars
from ats_assets.brokers.paper import tables
from ats_assets.brokers.paper.book import CENT
from ats_assets.brokers.paper.book_rows import booked_entry
from ats_assets.brokers.paper.day import Day
from ats_assets.brokers.paper.option_market import PaperOptionTrading
from ats_assets.brokers.paper.paper_options import PaperOptions, together
from ats_assets.brokers.paper.paper_terms import paper_terms
from ats_assets.brokers.paper.renaming import rename_book
from ats_assets.brokers.paper.stored_book import load_book, order_values, store_book
from ats_assets.brokers.paper.stored_market import MarketData
from ats_assets.brokers.paper.worked_parts import PaperWorking
from ats_assets.execution.broker import BrokerError, DuplicateOrderError, OrderRejectedError
from ats_assets.execution.order import (
    AccountEntry,
    AccountState,
    BrokerOrder,
    Fill,
    Instrument,
    OrderIntent,
    OrderKind,
    OrderStatus,
    Position,
)
from ats_assets.execution.rows import fill_of, order_of
from ats_assets.impact.market_impact import MarketImpact
from ats_assets.option_strategies.book import OptionBook
from ats_assets.portfolio import to_cents
from ats_assets.settings import BacktestSettings, OrdersSettings
from ats_assets.trade_state import TradeState

_NO_OPTIONS = "no strategy of options is in the settings ([option_strategies.<name>])"


class PaperBroker:
    """A broker without a market of its own.

    Parameters
    ----------
    settings
        Initial cash, costs, delisting, fractional shares: those of the backtest.
    options
        Trading of option contracts; without it their orders are refused.
    impact
        From a session to a model of market impact with what it knows at that close; None for fixed rates.
    working
        What works orders in parts, and the sessions that they are played from; without it such orders are refused.
    """

    name = "paper"
    live = False
    reserves_shares = False
    works_orders = True
    fee_in_kind = Decimal(0)

    def __init__(
        self,
        state: TradeState,
        market: MarketData,
        settings: BacktestSettings,
        orders: OrdersSettings,
        options: PaperOptionTrading | None = None,
        *,
        impact: Callable[[date], MarketImpact | None] | None = None,
        working: PaperWorking | None = None,
    ) -> None:
        self._state = state
        self._market = market
        self._settings = settings
        self._orders = orders
        self._working = working
        self._account = orders.strategy
        self._quoted: tuple[date | None, frozenset[str]] = (None, frozenset())
        """The session that was last asked for, and the symbols that have a bar in it."""
        self._impact = impact
        self._options = None if options is None else PaperOptions(options, self._account, market.calendar)

    def account(self) -> AccountState:
        """The account at the close of the session up to which it is settled."""
        with self._state.begin() as connection:
            account = self._opened(connection)
            held = self._held(connection)
            books = self._books(connection).values()
        equity = (
            Decimal(account.cash_cents) + sum(Decimal(int(to_cents(float(row.shares) * float(row.last_close)))) for row in held)
        ) * CENT
        whole = sum((book.equity for book in books), equity)
        return AccountState(
            account_id=f"paper-{self._account}",
            at=self._market.calendar.closes_at(self._market.calendar.on_or_before(account.settled)),
            cash=sum((book.cash for book in books), Decimal(account.cash_cents) * CENT),
            equity=whole,
            buying_power=max(Decimal(0), whole * Decimal(repr(self._orders.limits.max_gross_share))).quantize(
                CENT, ROUND_CEILING
            ),  # the gross limit binds, not this
        )

    def positions(self) -> list[Position]:
        """What is held, by symbol."""
        with self._state.begin() as connection:
            held = self._held(connection)
            of_options = [] if self._options is None else self._options.positions(connection)
        return together(
            [Position(symbol=row.symbol, quantity=row.shares, cost=Decimal(row.basis_cents) * CENT, price=row.last_close) for row in held],
            of_options,
        )

    def option_books(self) -> Mapping[str, OptionBook]:
        """The books of options by strategy, as they stand, without their flows."""
        with self._state.begin() as connection:
            return self._books(connection)

    def _books(self, connection: Connection) -> Mapping[str, OptionBook]:
        return {} if self._options is None else self._options.books(connection)

    def option_refusals(self, intents: Sequence[OrderIntent]) -> Mapping[str, str]:
        """All of them, where no options are traded; else what margin and quotes allow is seen when they are traded, as in the backtest."""
        return {one.client_order_id: _NO_OPTIONS for one in intents} if self._options is None else {}

    def instruments(self, symbols: Sequence[str]) -> Mapping[str, Instrument]:
        """All that is priced in dollars can be traded: whether it is, is seen at the open."""
        fractional = self._settings.fractional_shares
        return {
            symbol: Instrument(
                symbol=symbol,
                tradable=is_in_dollars(symbol),
                fractionable=fractional,
                shortable=True,
                reason=None
                if is_in_dollars(symbol)
                else f"{symbol} is priced in {symbol.rpartition('/')[2]}, and the account is in US dollars",
            )
            for symbol in symbols
        }

    def may_send(self, session: date, *, late: bool = False) -> str | None:  # noqa: ARG002 - there is nothing between the close and the next one
        """Orders decided at the close of `session` are taken while the account stands there."""
        with self._state.begin() as connection:
            account = self._row(connection)
        if account is None:
            return "the paper account is not open yet: settle a session first"
        if account.settled != session:
            return f"the paper account stands at the close of {account.settled}: orders decided at the close of {session} can't be sent"
        return None

    def cancels_at_once(self) -> bool:
        """What is cancelled has ended."""
        return True

    def submit(self, intent: OrderIntent) -> BrokerOrder:
        """Take an order for the next session."""
        why = self.may_send(intent.session)
        if intent.kind is OrderKind.OCO:
            why = "exits come with their bracket here, and stay for what is held"
        if intent.legs and self._options is None:
            why = _NO_OPTIONS
        if intent.kind is OrderKind.WORKED and (self._working is None or intent.work is None):
            why = "no algorithm of orders is in the settings (orders.algorithm, orders.selection)"
        if why:
            raise OrderRejectedError(f"order {intent.client_order_id} is refused: {why}")
        at = self._market.calendar.closes_at(intent.session)
        with self._state.begin() as connection:
            known = None if self._options is None else self._options.find(connection, intent.client_order_id)
            if known is not None or self._find(connection, intent.client_order_id) is not None:
                raise DuplicateOrderError(f"there is an order {intent.client_order_id} already")
            if intent.legs and self._options is not None:
                return self._options.take(connection, intent, at)
            self._refuse_strangers(connection, intent)
            connection.execute(tables.orders.insert().values(**order_values(intent, self._account, at)))
            row = self._find(connection, intent.client_order_id)
        if row is None:
            raise BrokerError(f"order {intent.client_order_id} was stored and is not there: check the database {self._state.description}")
        return order_of(row)

    def find(self, client_order_id: str) -> BrokerOrder | None:
        """The order of that id."""
        with self._state.begin() as connection:
            row = self._find(connection, client_order_id)
            if row is None:
                return None if self._options is None else self._options.find(connection, client_order_id)
            legs = connection.execute(tables.orders.select().where(tables.orders.c.parent_id == row.broker_order_id)).all()
        if row.kind == OrderKind.WORKED:
            parts = (replace(order_of(one), kind=OrderKind(one.kind), limit_price=one.limit_price) for one in legs)
            return replace(order_of(row), legs=tuple(parts))
        return replace(order_of(row), legs=tuple(order_of(leg) for leg in legs))

    def open_orders(self) -> list[BrokerOrder]:
        """The orders that wait for the next session, and the exits of brackets."""
        where = (tables.orders.c.account == self._account) & (tables.orders.c.status == OrderStatus.ACCEPTED)
        with self._state.begin() as connection:
            rows = connection.execute(tables.orders.select().where(where).order_by(tables.orders.c.broker_order_id)).all()
            of_options = [] if self._options is None else self._options.open_orders(connection)
        return [*(order_of(row) for row in rows), *of_options]

    def cancel(self, broker_order_id: str) -> None:
        """Cancel an order that waits for the next session."""
        where = (tables.orders.c.broker_order_id == broker_order_id) & (tables.orders.c.status == OrderStatus.ACCEPTED)
        with self._state.begin() as connection:
            connection.execute(tables.orders.update().where(where).values(status=str(OrderStatus.CANCELED), reason="canceled"))
            if self._options is not None:
                self._options.cancel(connection, broker_order_id)

    def fills(self, since: datetime) -> list[Fill]:
        """The executions since then, in order."""
        wanted = (tables.fills.c.account == self._account) & (tables.fills.c.at >= since)
        query = tables.fills.select().where(wanted).order_by(tables.fills.c.at, tables.fills.c.session, tables.fills.c.sequence)
        with self._state.begin() as connection:
            rows = connection.execute(query).all()
            of_options = [] if self._options is None else self._options.executions(connection, since)
        return sorted((fill_of(row) for row in (*rows, *of_options)), key=lambda fill: fill.at)

    def entries(self, since: datetime) -> list[AccountEntry]:
        """Delistings, corporate actions, fees and interest since then, in order."""
        wanted = (tables.entries.c.account == self._account) & (tables.entries.c.at >= since)
        with self._state.begin() as connection:
            rows = connection.execute(tables.entries.select().where(wanted).order_by(tables.entries.c.at, tables.entries.c.entry_id)).all()
        return [booked_entry(row) for row in rows]

    def settle(self, session: date) -> str | None:
        """Open the account at the close of `session`, or move it there, session by session; None where it stands there or later."""
        calendar = self._market.calendar
        while True:
            with self._state.begin() as connection:
                account = self._row(connection)
                if account is None:
                    cash = int(to_cents(self._settings.initial_cash))
                    values = {"account": self._account, "opened": session, "settled": session, "cash_cents": cash}
                    connection.execute(tables.accounts.insert().values(**values))
                if account is None or account.settled >= session:
                    if self._options is not None and (account is None or account.settled == session):
                        self._options.open_books(connection, session, calendar.closes_at(session), told=account is not None)
                    return None
                following = calendar.after(account.settled)  # which may have turned out to be no session
                bars = self._market.bars(following)
                if bars is None:
                    return f"the bars of {following} are not stored: the paper account stands at the close of {account.settled}"
                if self._options is not None and (missing := self._options.missing(following)):
                    return f"{missing}: the paper account stands at the close of {account.settled}"
                book = load_book(connection, self._account, account.cash_cents, self._settings, account.settled, self._working)
                if self._working is not None and any(one["work"] for one in book.orders) and not self._working.days.is_stored(following):
                    return f"the bars inside {following} are not stored: the paper account stands at the close of {account.settled}"
                actions = self._market.actions(following)
                rename_book(book, actions, following, calendar.opens_at(following))
                day = Day.of(following, book.symbols, bars, actions, calendar=calendar)
                impact = None if self._impact is None else self._impact(account.settled)
                if impact is not None:
                    book.terms = paper_terms(impact, account.settled, symbols=book.symbols, day=day, actions=actions, costs=self._settings)
                book.settle(day)
                store_book(book, connection, self._account, following)
                if self._options is not None:
                    self._options.advance(connection, account.settled, following)

    def _row(self, connection: Connection) -> Row[Any] | None:
        return connection.execute(tables.accounts.select().where(tables.accounts.c.account == self._account)).one_or_none()

    def _opened(self, connection: Connection) -> Row[Any]:
        row = self._row(connection)
        if row is None:
            raise BrokerError(
                f"the paper account {self._account} is not open: ats trade opens it, at the session that trading starts at (--from)"
            )
        return row

    def _held(self, connection: Connection) -> Sequence[Row[Any]]:
        query = tables.holdings.select().where(tables.holdings.c.account == self._account).order_by(tables.holdings.c.symbol)
        return connection.execute(query).all()

    def _find(self, connection: Connection, client_order_id: str) -> Row[Any] | None:
        return connection.execute(tables.orders.select().where(tables.orders.c.client_order_id == client_order_id)).one_or_none()

    def _refuse_strangers(self, connection: Connection, intent: OrderIntent) -> None:
        """A symbol that has no bar of the session, and is not held, is not known here."""
        if any(row.symbol == intent.symbol for row in self._held(connection)):
            return
        if self._quoted[0] != intent.session:
            bars = self._market.bars(intent.session)
            self._quoted = (intent.session, frozenset() if bars is None else frozenset(bars["symbol"]))
        if intent.symbol not in self._quoted[1]:
            raise OrderRejectedError(f"order {intent.client_order_id} is refused: {intent.symbol} has no bar in session {intent.session}")
