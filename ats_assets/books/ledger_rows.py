"""The rows of strategies' books, collected session by session in cents and units, and the frames that are made of them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

from ats_assets.books.schema import BOOK_EQUITY_SCHEMA, BOOK_FILLS_SCHEMA, BOOK_POSITIONS_SCHEMA, BOOK_PROFIT_SCHEMA
from ats_assets.books.session_events import UNITS

COSTS = ("commission", "spread", "slippage", "borrow_cost", "interest")
Key = tuple[int, str | None]


@dataclass(frozen=True, kw_only=True)
class Tables:
    """The books as frames; their contracts are in `contracts`."""

    equity: pl.DataFrame
    positions: pl.DataFrame
    fills: pl.DataFrame
    profit: pl.DataFrame


@dataclass(frozen=True, kw_only=True)
class BookFill:
    """A strategy's part of a fill: units (negative for a sale), those of them that other strategies took, cents received before costs, and costs by name."""

    strategy: int
    instrument: str
    units: int
    crossed: int
    flow: int
    costs: Mapping[str, int]
    delisted: bool

    @property
    def crossed_cents(self) -> int:
        """What of the money went to other strategies, or came of them."""
        return abs(self.flow) * self.crossed // abs(self.units)


@dataclass(frozen=True, kw_only=True)
class BookState:
    """A strategy's cash in cents, its units by instrument, and what they are worth, now and at the close before."""

    cash: int
    shares: Mapping[str, int]
    values: Mapping[str, int]
    before: Mapping[str, int]


class BookRows:
    """The rows of all sessions."""

    def __init__(self, names: Sequence[str], capital: Sequence[float]) -> None:
        self._names, self._capital = names, capital
        self._amounts: dict[Key, dict[str, int]] = {}
        self._new_fills: list[BookFill] = []
        self._equity: list[tuple[object, ...]] = []
        self._positions: list[tuple[object, ...]] = []
        self._fills: list[tuple[object, ...]] = []
        self._profit: list[tuple[object, ...]] = []
        self._total_before: int | None = None

    def open(self) -> None:
        """Begin a session."""
        self._amounts, self._new_fills = {}, []

    def add(self, strategy: int, instrument: str | None, what: str, cents: int) -> None:
        """Add an amount to a strategy's session."""
        if cents:
            own = self._amounts.setdefault((strategy, instrument), {})
            own[what] = own.get(what, 0) + cents

    def fill(self, part: BookFill) -> None:
        """Add a part of a fill, or of what strategies traded with each other."""
        self.add(part.strategy, part.instrument, "flow", part.flow)
        for name, cents in part.costs.items():
            self.add(part.strategy, part.instrument, name, cents)
        self._new_fills.append(part)

    def close(self, session: date, books: Sequence[BookState], prices: Mapping[str, float], symbols: Mapping[str, str]) -> None:
        """End a session with what each strategy holds and what it is worth."""
        for i, (name, book) in enumerate(zip(self._names, books, strict=True)):
            total = self._profits(session, i, book, symbols)
            value = sum(book.values.values())
            base = None if self._total_before is None else round(self._capital[i] * self._total_before) / 100
            crossed = sum(part.crossed_cents for part in self._new_fills if part.strategy == i)
            money = [cents / 100 for cents in (book.cash, value, book.cash + value, *total.values(), crossed)]
            self._equity.append((session, name, self._capital[i], base, *money, len(book.shares)))
            self._positions += [
                (session, name, symbols.get(one, one), one, units / UNITS, _known(prices.get(one)), book.values[one] / 100)
                for one, units in sorted(book.shares.items())
            ]
        self._fills += [(session, *self._fill_row(part, symbols)) for part in self._new_fills]
        self._total_before = sum(book.cash + sum(book.values.values()) for book in books)

    def _profits(self, session: date, i: int, book: BookState, symbols: Mapping[str, str]) -> dict[str, int]:
        """Add the rows of what a strategy made, and give their sums."""
        total: dict[str, int] = dict.fromkeys(("pnl", "income", *COSTS, "other"), 0)
        keys = {instrument for strategy, instrument in self._amounts if strategy == i} | {*book.values, *book.before}
        for instrument in sorted(keys, key=lambda one: (one is None, one or "")):
            amounts = self._amounts.get((i, instrument), {})
            income = amounts.get("income", 0)
            moved = book.values.get(instrument or "", 0) - book.before.get(instrument or "", 0)
            row = {"pnl": moved + amounts.get("flow", 0) + income, "income": income}
            row |= {what: amounts.get(what, 0) for what in (*COSTS, "other")}
            if any(row.values()):
                total = {what: total[what] + cents for what, cents in row.items()}
                symbol = symbols.get(instrument, instrument) if instrument else None
                self._profit.append((session, self._names[i], symbol, instrument, *(cents / 100 for cents in row.values())))
        return total

    def _fill_row(self, part: BookFill, symbols: Mapping[str, str]) -> tuple[object, ...]:
        paid = [part.costs.get(what, 0) for what in COSTS[:3]]
        size = abs(part.units)
        how = "delisted" if part.delisted else "crossed" if part.crossed == size else "both" if part.crossed else "market"
        named = (self._names[part.strategy], symbols.get(part.instrument, part.instrument), part.instrument)
        price = abs(part.flow) / 100 / (size / UNITS)
        money = (part.flow / 100, *(cents / 100 for cents in paid), (part.flow - sum(paid)) / 100)
        return (*named, how, part.units / UNITS, part.crossed / UNITS, price, *money)

    def tables(self) -> Tables:
        """The frames, sorted by session, strategy in the order of the settings, and instrument."""
        made = {
            "equity": (self._equity, BOOK_EQUITY_SCHEMA),
            "positions": (self._positions, BOOK_POSITIONS_SCHEMA),
            "fills": (self._fills, BOOK_FILLS_SCHEMA),
            "profit": (self._profit, BOOK_PROFIT_SCHEMA),
        }
        return Tables(**{name: pl.DataFrame(rows, schema=schema, orient="row") for name, (rows, schema) in made.items()})


def _known(price: float | None) -> float | None:
    return price if price is not None and math.isfinite(price) else None
