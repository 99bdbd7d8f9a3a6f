"""Books of options in the paper broker's database: what is held as a document with numbers as text, and each cash flow as a row."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection

from ats_assets.brokers.paper import option_tables as tables
from ats_assets.option_strategies.book import OptionBook
from ats_assets.option_strategies.book.book_entries import OptionPosition, ShareHolding
from ats_assets.options.contract import contract_of

_TEXTS = ("underlying", "style", "tag")
_NUMBERS = ("average_price", "mark")


def load_option_books(connection: Connection, account: str) -> dict[str, OptionBook]:
    """The books by strategy, sorted; their flows so far stay in the database."""
    rows = connection.execute(tables.books.select().where(tables.books.c.account == account).order_by(tables.books.c.strategy))
    return {row.strategy: book_of_document(row.strategy, row.cash, row.held) for row in rows}


def book_of_document(strategy: str, cash: Decimal, held: Mapping[str, Any]) -> OptionBook:
    """The book that `held_document` has made a document of."""
    options = {}
    for one in held["options"]:
        contract = contract_of(one["contract"])
        options[contract] = OptionPosition(
            contract=contract,
            quantity=one["quantity"],
            multiplier=one["multiplier"],
            opened_session=date.fromisoformat(one["opened_session"]),
            spot=None if one["spot"] is None else Decimal(one["spot"]),
            unquoted_sessions=one["unquoted_sessions"],
            underlying=one["underlying"],
            style=one["style"],
            tag=one["tag"],
            average_price=Decimal(one["average_price"]),
            mark=Decimal(one["mark"]),
        )
    shares = {name: ShareHolding(**{key: Decimal(value) for key, value in one.items()}) for name, one in held["shares"].items()}
    return OptionBook(strategy=strategy, cash=cash, options=options, shares=shares)


def held_document(book: OptionBook) -> dict[str, Any]:
    """What is held, digit for digit, as JSON takes it."""
    return {
        "options": [
            {
                "contract": contract.symbol,
                "quantity": one.quantity,
                "multiplier": one.multiplier,
                "opened_session": one.opened_session.isoformat(),
                "spot": None if one.spot is None else str(one.spot),
                "unquoted_sessions": one.unquoted_sessions,
                **{name: getattr(one, name) for name in _TEXTS},
                **{name: str(getattr(one, name)) for name in _NUMBERS},
            }
            for contract, one in sorted(book.options.items())
        ],
        "shares": {
            name: {key: str(getattr(one, key)) for key in ("quantity", "cost", "spot")} for name, one in sorted(book.shares.items())
        },
    }


def store_option_book(connection: Connection, account: str, book: OptionBook, session: date) -> None:
    """Write a book back, with the flows that it has added since it was loaded."""
    here = (tables.books.c.account == account) & (tables.books.c.strategy == book.strategy)
    known = connection.execute(tables.books.select().where(here)).one_or_none()
    first = 0 if known is None else known.flows
    rows = [
        vars(flow) | {"account": account, "number": first + number, "shares": Decimal(flow.shares)}
        for number, flow in enumerate(book.flows)
    ]
    if rows:
        connection.execute(tables.flows.insert(), rows)
    values = {"settled": session, "cash": book.cash, "held": held_document(book), "flows": first + len(rows)}
    if known is None:
        connection.execute(tables.books.insert().values(account=account, strategy=book.strategy, **values))
    else:
        connection.execute(tables.books.update().where(here).values(**values))
