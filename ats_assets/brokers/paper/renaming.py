"""Changes of name in the books of a paper account."""

from datetime import date, datetime

import polars as pl

from ats_assets.brokers.paper.book import Book
from ats_assets.brokers.paper.book_rows import account_entry
from ats_assets.corporate_actions.identity import NAME_CHANGE
from ats_assets.execution.order import EntryKind, OrderStatus


def rename_book(book: Book, actions: pl.DataFrame, session: date, at: datetime) -> None:
    """Call what is held and what is ordered by the tickers that it has from the open of `session` on; see `MarketData.actions`."""
    changes = actions.filter(pl.col("kind") == NAME_CHANGE) if "new_symbol" in actions.columns else actions.clear()
    renamed = dict(changes.select("symbol", "new_symbol").iter_rows()) if changes.height else {}
    for i, symbol in enumerate(book.symbols):
        if symbol in renamed.values() and symbol not in renamed:
            book.ended[i], book.symbols[i] = symbol, f"{symbol} until {session}"
            for order in [order for order in book.orders if order["status"] == OrderStatus.ACCEPTED]:
                if order["symbol"] == symbol:
                    order |= {"status": str(OrderStatus.CANCELED), "updated_at": at, "reason": "no_bar"}
    waiting = [order for order in book.orders if order["status"] == OrderStatus.ACCEPTED]
    for i, symbol in enumerate(book.symbols):
        if symbol in renamed:
            book.symbols[i] = renamed[symbol]
            text = f"{symbol} is called {renamed[symbol]} from now on"
            for name, sign in ((symbol, -1.0), (renamed[symbol], 1.0)):
                if book.account.shares[i]:
                    entry = account_entry(session, at, name, EntryKind.CORPORATE_ACTION, sign * book.account.shares[i], 0, text)
                    book.entries.append(entry | {"entry_id": f"{session:%Y%m%d}-{name}-{NAME_CHANGE}"})
    for order in waiting:
        order["symbol"] = renamed.get(order["symbol"], order["symbol"])
