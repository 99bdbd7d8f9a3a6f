"""How the account has done: equity close by close, what each symbol has brought, and how much is at stake. Money is exact.

The profit of a time is the change of equity, less what was paid in or out. That of a symbol is the value of its position at the end, less that at the start, plus the cash flows of
its fills and of the account's entries that name it: dividends, and what a delisting or a merger paid. Interest and fees of the account are in the account's profit and in no
symbol's, so that what the symbols lack of it is told as `other`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, select

from ats_assets.trade_state.tables import account_snapshots, entries, fills, intents, positions

Rows = list[dict[str, Any]]
CENT = Decimal("0.01")
TRANSFER = "transfer"
"""The kind of the entries that are no profit: what was paid in or out."""


def equity_history(connection: Connection, first: date | None, last: date | None) -> Rows:
    """The account at each close that was settled, ascending; and what the time since the one before has brought."""
    query = select(account_snapshots).where(account_snapshots.c.kind.in_(("baseline", "session"))).order_by(account_snapshots.c.id)
    told: Rows = []
    before: Row[Any] | None = None
    paid = _transfers(connection)
    for one in connection.execute(query):
        profit = None if before is None or one.kind == "baseline" else one.equity - before.equity - _paid_in(paid, before.at, one.at)
        told.append(
            {
                "session": one.session,
                "kind": one.kind,
                "at": one.at,
                "cash": one.cash,
                "equity": one.equity,
                "profit": profit,
                "return": None if profit is None or before is None or before.equity <= 0 else float(profit / before.equity),
            }
        )
        before = one
    return [
        row
        for row in told
        if (first is None or (row["session"] or date.min) >= first) and (last is None or (row["session"] or date.min) <= last)
    ]


@dataclass(frozen=True, kw_only=True)
class ProfitTold:
    """What a time has brought.

    Attributes
    ----------
    start, end
        The snapshots of the account between which it lies.
    profit
        Of the account, without what was paid in or out.
    symbols
        A row a symbol: its profit, and the parts of it.
    other
        Of the account's profit what is no symbol's; None where a symbol's is not known.
    """

    start: Row[Any]
    end: Row[Any]
    profit: Decimal
    symbols: Rows
    other: Decimal | None


def profit_between(connection: Connection, first: date | None, last: date | None) -> ProfitTold | None:
    """What the sessions from the first to the last have brought, by symbol; None where no session of them was settled.

    Parameters
    ----------
    first, last
        Default: the newest settled session alone.
    """
    query = select(account_snapshots).order_by(account_snapshots.c.id)
    known = connection.execute(query).all()
    ends = [one for one in known if one.kind == "session" and (last is None or one.session <= last)]
    if not ends:
        return None
    end = ends[-1]
    starts = [one for one in known if one.id < end.id and (first is None or one.session is None or one.session < first)]
    if not starts:
        return None
    start = starts[-1]
    parts = _symbol_parts(connection, start, end)
    rows = [one.told(symbol) for symbol, one in sorted(parts.items())]
    profit = end.equity - start.equity - _paid_in(_transfers(connection), start.at, end.at)
    known_profits = [row["profit"] for row in rows]
    other = None if None in known_profits else profit - sum(known_profits, Decimal(0))
    return ProfitTold(start=start, end=end, profit=profit, symbols=rows, other=other)


@dataclass
class _Parts:
    """Of a symbol: value at the start and the end, cash flows, and the books that traded it."""

    before: Decimal | None = Decimal(0)
    after: Decimal | None = Decimal(0)
    cost: Decimal | None = Decimal(0)
    quantity: Decimal = Decimal(0)
    flows: Decimal = Decimal(0)
    traded: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    books: set[str] = field(default_factory=set)

    def told(self, symbol: str) -> dict[str, Any]:
        before, after = self.before, self.after
        profit = None if before is None or after is None else (after - before + self.flows).quantize(CENT)
        unrealised = None if self.after is None or self.cost is None else (self.after - self.cost).quantize(CENT)
        return {
            "symbol": symbol,
            "side": "short" if self.quantity < 0 else "long" if self.quantity > 0 else "closed",
            "profit": profit,
            "unrealised": unrealised,
            "value": None if self.after is None else self.after.quantize(CENT),
            "traded": self.traded.quantize(CENT),
            "fees": self.fees,
            "books": sorted(self.books),
        }


def _symbol_parts(connection: Connection, start: Row[Any], end: Row[Any]) -> dict[str, _Parts]:
    parts: defaultdict[str, _Parts] = defaultdict(_Parts)
    for row in connection.execute(select(positions).where(positions.c.snapshot_id.in_((start.id, end.id)))):
        one, value = parts[row.symbol], _value(row)
        if row.snapshot_id == start.id:
            one.before = value
        else:
            one.after, one.cost, one.quantity = value, row.cost, row.quantity
    query = select(fills, intents.c.book, intents.c.strategy).select_from(
        fills.outerjoin(intents, intents.c.client_order_id == fills.c.intent_id)
    )
    for row in connection.execute(query.where(fills.c.at > start.at, fills.c.at <= end.at)):
        one, notional = parts[row.symbol], (row.quantity * row.price * (row.multiplier or 1)).quantize(CENT)
        one.flows += (-notional if row.side == "buy" else notional) - row.fees
        one.traded += notional
        one.fees += row.fees
        one.books.add(row.book or row.strategy or "not ours")
    told = select(entries.c.symbol, entries.c.cash).where(entries.c.symbol.is_not(None), entries.c.kind != TRANSFER)
    for symbol, cash in connection.execute(told.where(entries.c.at > start.at, entries.c.at <= end.at)):
        parts[symbol].flows += cash
    return dict(parts)


def _value(row: Row[Any]) -> Decimal | None:
    return None if row.price is None else row.quantity * row.price * (row.multiplier or 1)


def _transfers(connection: Connection) -> list[tuple[datetime, Decimal]]:
    rows = connection.execute(select(entries.c.at, entries.c.cash).where(entries.c.kind == TRANSFER))
    return [(at, cash) for at, cash in rows]


def _paid_in(transfers: Sequence[tuple[datetime, Decimal]], after: datetime, until: datetime) -> Decimal:
    return sum((cash for at, cash in transfers if after < at <= until), Decimal(0))


def exposure(held: Sequence[Mapping[str, Any]], equity: Decimal, cash: Decimal) -> dict[str, Any]:
    """How much is at stake: shares of equity that are long, short, gross, net and cash, and how concentrated it is.

    Parameters
    ----------
    held
        Rows of positions with their `value`.
    """
    values = {row["symbol"]: row["value"] for row in held if row["value"] is not None}
    long = sum((value for value in values.values() if value > 0), Decimal(0))
    short = sum((value for value in values.values() if value < 0), Decimal(0))
    weights = {symbol: float(value / equity) for symbol, value in values.items()} if equity > 0 else {}
    largest = sorted(weights.items(), key=lambda one: (-abs(one[1]), one[0]))
    gross = sum(abs(weight) for weight in weights.values())

    def share(value: Decimal) -> float | None:
        return float(value / equity) if equity > 0 else None

    return {
        "equity": equity,
        "cash": cash,
        "long": share(long),
        "short": share(short),
        "gross": share(long - short),
        "net": share(long + short),
        "cash_share": share(cash),
        "positions": len(held),
        "without_price": sum(row["value"] is None for row in held),
        "largest": [{"symbol": symbol, "weight": weight} for symbol, weight in largest[:10]],
        "effective_positions": gross**2 / sum(weight**2 for weight in weights.values()) if gross else 0.0,
    }


def profit_parts(told: ProfitTold, by: str) -> Rows:
    """The profit by symbol, by side or by book, the largest first; with each one's share of the account's profit."""
    sums: defaultdict[str, Decimal | None] = defaultdict(Decimal)
    for row in told.symbols:
        part = "+".join(row["books"]) or "held" if by == "book" else row[by]
        so_far = sums[part]
        sums[part] = None if so_far is None or row["profit"] is None else so_far + row["profit"]
    if told.other is not None:
        sums["other"] = told.other
    start = told.start.equity
    rows = [
        {"part": part, "profit": profit, "return": float(profit / start) if profit is not None and start > 0 else None}
        for part, profit in sums.items()
    ]
    return sorted(rows, key=lambda row: (-(row["profit"] or Decimal(0)), row["part"]))
