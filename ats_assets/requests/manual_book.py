"""The shares of the orders that people have asked for, kept apart from those of plans by what is recorded: one account holds both.

1. A fill of such an order adds to the book, or takes from it.
2. Whatever changes a position without a fill (a split, a delisting, what a merger took) changes the book's part of it in the same proportion.
3. The book never has more of a position than there is.

Cash is not kept apart: what people buy is paid from the account, and what they sell is paid into it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_EVEN, Decimal

from sqlalchemy import Connection, select

from ats_assets.requests.request_rows import MANUAL
from ats_assets.trade_state.tables import account_snapshots, entries, fills, intents, positions

_SHARE = Decimal("1e-9")
NameOf = Callable[[str, datetime], str]
"""A ticker, and when it was called that -> what it stands for, whatever it is called later."""


@dataclass(frozen=True, kw_only=True)
class PositionChange:
    """A change of a position; `shares` are signed.

    Attributes
    ----------
    traded
        By a fill; else by an entry of the account, which comes first at an open.
    by_person
        Of an order that a person has asked for.
    """

    at: datetime
    name: str
    shares: Decimal
    traded: bool
    by_person: bool = False


def same_ticker(symbol: str, _at: datetime) -> str:
    """Where no ticker ever changes."""
    return symbol


def manual_shares(connection: Connection, until: datetime | None = None, name_of: NameOf = same_ticker) -> dict[str, Decimal]:
    """What the book holds, signed, by what its tickers stand for; nothing where no person has traded.

    Parameters
    ----------
    until
        As of that instant; default: all that is recorded.
    """
    query = select(fills, intents.c.book, intents.c.legs).join(intents, fills.c.intent_id == intents.c.client_order_id, isouter=True)
    mine = select(intents.c.symbol).where(intents.c.book == MANUAL, intents.c.legs.is_(None))
    symbols = set(connection.execute(mine).scalars())
    if not symbols:
        return {}
    told = [row for row in connection.execute(query) if until is None or row.at <= until]
    booked = [row for row in connection.execute(select(entries).where(entries.c.symbol.is_not(None))) if until is None or row.at <= until]
    changes = [
        PositionChange(
            at=row.at,
            name=name_of(row.symbol, row.at),
            shares=row.quantity if row.side == "buy" else -row.quantity,
            traded=True,
            by_person=row.book == MANUAL and row.legs is None,
        )
        for row in told
    ]
    changes += [
        PositionChange(at=row.at, name=name_of(row.symbol, row.at), shares=row.quantity, traded=False) for row in booked if row.quantity
    ]
    return book_of(changes, _baselines(connection, name_of))


def book_of(changes: Iterable[PositionChange], baselines: Iterable[tuple[datetime, Mapping[str, Decimal]]] = ()) -> dict[str, Decimal]:
    """The book of changes.

    Parameters
    ----------
    baselines
        All that was held when the records began, and wherever the broker's account was taken as correct.

    Examples
    --------
    >>> day = datetime(2024, 3, 4)
    >>> bought = [PositionChange(at=day, name="A", shares=Decimal(n), traded=True, by_person=n == 10) for n in (30, 10)]
    >>> split = PositionChange(at=day.replace(day=5), name="A", shares=Decimal(40), traded=False)
    >>> book_of([*bought, split])
    {'A': Decimal('20')}
    """
    whole: defaultdict[str, Decimal] = defaultdict(Decimal)
    book: defaultdict[str, Decimal] = defaultdict(Decimal)
    known = sorted(baselines, key=lambda one: one[0])
    for one in _together(changes):
        while known and known[0][0] < one.at:
            whole = defaultdict(Decimal, known.pop(0)[1])
        before = whole[one.name]
        whole[one.name] += one.shares
        if one.by_person:
            book[one.name] += one.shares
        elif not one.traded and before and book[one.name]:
            book[one.name] = _rounded(book[one.name] * whole[one.name] / before, whole[one.name])
    return {name: shares for name, shares in sorted(book.items()) if shares}


def part_of(book: Decimal, held: Decimal) -> Decimal:
    """How much of a position is the book's: no more than there is of it, and nothing of one on the other side.

    Examples
    --------
    >>> part_of(Decimal(10), Decimal(4)), part_of(Decimal(10), Decimal(-4)), part_of(Decimal(3), Decimal(4))
    (Decimal('4'), Decimal('0'), Decimal('3'))
    """
    if book * held <= 0:
        return Decimal(0)
    return book if abs(book) <= abs(held) else held


def _together(changes: Iterable[PositionChange]) -> list[PositionChange]:
    """In order; entries of one instant on one name are one, as a change of ticker takes shares and gives them back."""
    booked: defaultdict[tuple[datetime, str], Decimal] = defaultdict(Decimal)
    found = []
    for one in changes:
        if one.traded:
            found.append(one)
        else:
            booked[one.at, one.name] += one.shares
    found += [PositionChange(at=at, name=name, shares=shares, traded=False) for (at, name), shares in booked.items() if shares]
    return sorted(found, key=lambda one: (one.at, one.traded, one.name))


def _rounded(shares: Decimal, whole: Decimal) -> Decimal:
    """To whole shares where the position is in whole shares."""
    step = Decimal(1) if whole == whole.to_integral_value() else _SHARE
    return shares.quantize(step, ROUND_HALF_EVEN) + Decimal(0)


def _baselines(connection: Connection, name_of: NameOf) -> list[tuple[datetime, dict[str, Decimal]]]:
    query = select(account_snapshots.c.id, account_snapshots.c.at).where(account_snapshots.c.kind == "baseline")
    found = []
    for snapshot in connection.execute(query.order_by(account_snapshots.c.id)).all():
        held = connection.execute(select(positions.c.symbol, positions.c.quantity).where(positions.c.snapshot_id == snapshot.id))
        found.append((snapshot.at, {name_of(symbol, snapshot.at): quantity for symbol, quantity in held}))
    return found
