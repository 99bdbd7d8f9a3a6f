"""The books of strategies of options at a broker that keeps none apart: what its executions and entries say, by the order that each is of.

1. A book begins with its capital (`option_backtest.initial_cash`), which is set aside of the account for it.
2. An execution is of the book that decided its order; its price, number and fees are the broker's.
3. An assignment, an exercise or an expiry is of the books that hold the contract, in the order of their names, and brings the shares and the strike along.

Dividends, interest and fees without an order are the account's, not a book's; a split of an underlying changes no book, so that its contracts differ from the broker's, and trading stops until a person
has seen to it (`ats orders resume`).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import Connection, select

from ats_assets.execution import state as intents_state
from ats_assets.execution.contract_legs import as_contract, underlying_of
from ats_assets.execution.order import AccountEntry, EntryKind, Fill, OrderIntent
from ats_assets.execution.rows import entry_of, fill_of
from ats_assets.option_backtests.strategy_account import TradedStrategy
from ats_assets.option_strategies.book import OptionBook
from ats_assets.option_strategies.book.book_entries import to_cent
from ats_assets.option_strategies.book.contract_actions import root_of
from ats_assets.option_strategies.book.expiries import deliver
from ats_assets.option_strategies.fills import LegFill
from ats_assets.trade_state.tables import entries, fills

_ENDS = (EntryKind.ASSIGNMENT, EntryKind.EXERCISE, EntryKind.EXPIRY)


@dataclass(frozen=True, kw_only=True)
class BookedExecution:
    """An execution with what was decided."""

    fill: Fill
    intent: OrderIntent


def books_at_broker(connection: Connection, strategies: Sequence[TradedStrategy], session: date, until: datetime) -> dict[str, OptionBook]:
    """The books by strategy, of all that is recorded up to an instant.

    Parameters
    ----------
    session
        Of the opening rows, where nothing is recorded before.
    """
    told = connection.execute(
        select(fills).where(fills.c.at <= until, fills.c.intent_id.is_not(None)).order_by(fills.c.at, fills.c.fill_id)
    )
    rows = [(fill_of(row), row.intent_id) for row in told]
    known = {name: intents_state.load(connection, name) for name in {name for _, name in rows}}
    executed = [
        BookedExecution(fill=fill, intent=row.intent) for fill, name in rows if (row := known[name]) is not None and row.intent.legs
    ]
    ended = connection.execute(
        select(entries)
        .where(entries.c.at <= until, entries.c.kind.in_([str(kind) for kind in _ENDS]))
        .order_by(entries.c.at, entries.c.entry_id)
    )
    return books_of(strategies, session, executed, [entry_of(row) for row in ended])


def books_of(
    strategies: Iterable[TradedStrategy], session: date, executed: Iterable[BookedExecution], ended: Iterable[AccountEntry]
) -> dict[str, OptionBook]:
    """The books of executions and of entries that ended contracts, each in order of time; of one instant executions come first."""
    books = {one.name: OptionBook.opened(one.name, one.capital, session) for one in sorted(strategies, key=lambda one: one.name)}
    events = [(one.fill.at, 0, one) for one in executed] + [(one.at, 1, one) for one in ended]
    for at, _, one in sorted(events, key=lambda event: event[:2]):
        if isinstance(one, BookedExecution):
            book = books.get(one.intent.book or "")
            if book is not None:
                book.apply_fills(at.date(), (_leg_fill(one),), rule=one.intent.rule or "", detail=one.fill.fill_id)
        else:
            _end(books, one, at.date())
    return books


def _leg_fill(one: BookedExecution) -> LegFill:
    fill = one.fill
    contract = as_contract(fill.symbol)
    leg = next((leg for leg in one.intent.legs if leg.symbol == fill.symbol), one.intent.legs[0])
    return LegFill(
        contract=contract,
        underlying=contract.underlying if contract else root_of(fill.symbol),
        quantity=fill.side.sign * int(fill.quantity),
        open_or_close="open" if leg.opens else "close",
        price=fill.price,
        multiplier=int(fill.multiplier),
        fee=fill.fees,
    )


def _end(books: Mapping[str, OptionBook], entry: AccountEntry, day: date) -> None:
    """Take the contracts of an entry off the books that hold them, the first one first."""
    contract = as_contract(entry.symbol or "")
    if contract is None:
        return
    left = int(entry.quantity)
    for book in books.values():
        position = book.options.get(contract)
        if position is None or not left or position.quantity * left > 0:
            continue
        number = min(abs(left), abs(position.quantity))
        change = number if left > 0 else -number
        if entry.kind is EntryKind.EXPIRY:
            book.record(day, "expiry", underlying_of(contract.symbol), contract=contract, quantity=change, detail=entry.description)
            book.reduce(day, contract, change, Decimal(0), "expired")
        else:
            deliver(book, day, contract, number, spot=position.spot or contract.strike, detail=entry.description)
        left -= change


def equity_of(books: Mapping[str, OptionBook]) -> Decimal:
    """Of all books together, to the cent."""
    return to_cent(sum((book.equity for book in books.values()), Decimal(0)))
