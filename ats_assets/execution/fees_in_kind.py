"""Fees that are taken in what a trade brings in, and booked days later.

Alpaca takes its fee on crypto out of what is received: of a purchase the coin, of a sale the dollars. The position is smaller at once than what was bought;
the activity that says so (CFEE, FEE) is posted at the end of the day. Until then the two sides differ by what is known to be outstanding, and by no more.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import ROUND_CEILING, Decimal

from sqlalchemy import Connection, select

from ats_assets.algorithms.price_grid import CENT, FINEST, is_pair
from ats_assets.execution.order import AccountEntry, EntryKind, Fill, Side
from ats_assets.execution.outcome import Difference, DifferenceKind
from ats_assets.trade_state.tables import fills as fills_table

BOOKED_WITHIN = timedelta(days=3)
"""A fee that is not booked so long after its trade is a difference like any other."""
_A_DAY = timedelta(days=1)
"""An entry has a date and no time, and the day that it means may end in New York or in UTC."""


@dataclass(frozen=True, kw_only=True)
class Withheld:
    """What may have been taken and is not booked yet, at most: `units` by symbol, and `cash`; `booked` is what was booked lately of cash taken before."""

    units: Mapping[str, Decimal] = field(default_factory=dict)
    cash: Decimal = Decimal(0)
    booked: Decimal = Decimal(0)

    def explains(self, difference: Difference) -> bool:
        """Whether the broker has less of a symbol than our records by no more than that."""
        if difference.kind is not DifferenceKind.POSITION or difference.ours is None or difference.theirs is None:
            return False
        return 0 < difference.ours - difference.theirs <= self.units.get(difference.subject, Decimal(0))


def withheld(rate: Decimal, executed: Iterable[Fill], booked: Iterable[AccountEntry], at: datetime) -> Withheld:
    """What is outstanding of the fees on pairs traded lately.

    Parameters
    ----------
    rate
        The highest fee, as a share of what is received.
    at
        Now, by the broker's account.
    """
    since = at - BOOKED_WITHIN
    units: defaultdict[str, Decimal] = defaultdict(Decimal)
    taken = earlier = paid = Decimal(0)
    for fill in executed if rate else ():
        if fill.at < since - BOOKED_WITHIN or not is_pair(fill.symbol):
            continue
        fee = (rate * fill.quantity * fill.price).quantize(CENT, ROUND_CEILING) if fill.side is Side.SELL else Decimal(0)
        earlier += fee
        if fill.at >= since:
            taken += fee
            units[fill.symbol] += (rate * fill.quantity).quantize(FINEST, ROUND_CEILING) if fill.side is Side.BUY else 0
    for entry in booked if rate else ():
        if entry.kind is EntryKind.FEE and entry.at >= since:
            paid -= min(entry.cash, Decimal(0))
            if entry.symbol is not None:
                units[entry.symbol] += min(entry.quantity, Decimal(0))
    left = {symbol: quantity for symbol, quantity in units.items() if quantity > 0}
    return Withheld(units=left, cash=max(taken - paid, Decimal(0)), booked=min(paid, earlier))


def was_taken_before(connection: Connection, baseline_id: int, entry: AccountEntry) -> bool:
    """Whether a fee in units is for purchases that the baseline has in its position already, less the fee."""
    if entry.kind is not EntryKind.FEE or entry.symbol is None or not entry.quantity:
        return False
    bought = (fills_table.c.baseline_id == baseline_id) & (fills_table.c.symbol == entry.symbol) & (fills_table.c.side == Side.BUY.value)
    query = select(fills_table.c.fill_id).where(bought, fills_table.c.at <= entry.at + _A_DAY)
    return connection.execute(query.limit(1)).first() is None
