"""What positions are worth and what they have brought: now, in the session, and since each was entered.

All follows from three things, with the sign of money that comes in: what a position cost (what was paid for it in all; a sale takes its share of that away, as the
broker does it), what it is worth, and the cash flows of its fills, fees deducted.

1. Unrealised: its value less its cost.
2. In the session: its value now, less its value at the close before, plus the session's cash flows. Splits change neither.
3. Realised: cash flows plus the change of the cost. A purchase adds to the cost what it takes from the cash, so it realises nothing (but fees, where the broker
   does not count them as cost); a sale adds to the cash more, or less, than it takes from the cost. Before the entry both are zero, so since the entry it is the
   sum of the cash flows plus the cost.

Dividends, interest and fees of the account are not of a position: the account's own profit has them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import polars as pl

__all__ = ["HeldBefore", "PositionProfit", "entries_of", "position_profits", "summed"]


@dataclass(frozen=True, kw_only=True)
class HeldBefore:
    """What was held of an instrument at the close before. Money is in the account's currency; None where the broker did not say."""

    symbol: str
    cost: float | None
    value: float | None


@dataclass(frozen=True, kw_only=True)
class PositionProfit:
    """A position, or one that was closed in the session (its quantity is zero). Money is in the account's currency; None: not known.

    Attributes
    ----------
    weight
        Value as a share of the account's equity; None also where that is not positive.
    session_profit, session_realised
        Since the close before.
    realised
        Since `entered`, by sales that left some of it.
    entered
        The session in which it was entered; None where that was before the records begin, or not by a fill.
    """

    symbol: str
    instrument: str
    quantity: float
    price: float | None = None
    cost: float | None = None
    value: float | None = None
    weight: float | None = None
    unrealised: float | None = None
    session_profit: float | None = None
    session_realised: float | None = None
    realised: float | None = None
    entered: date | None = None


def position_profits(
    held: pl.DataFrame,
    before: Mapping[str, HeldBefore] | None,
    fills: pl.DataFrame,
    entered: Mapping[str, date],
    *,
    equity: float,
    session: date,
) -> list[PositionProfit]:
    """The positions now, and below them those that were closed in the session; each sorted by symbol.

    Parameters
    ----------
    held
        Columns symbol, instrument, quantity, cost, price: what is held now, one row an instrument.
    before
        Instrument -> what was held at the close before the session; None where that is not known.
    fills
        Columns session, symbol, instrument, cash_flow: at least those since the earliest entry.
    entered
        Instrument -> session of its entry, where it is known.
    equity
        Of the account.
    session
        The session that is going on, or the last one that closed.
    """
    flows = dict(fills.filter(session=session).group_by("instrument").agg(pl.col("cash_flow").sum()).iter_rows())
    found = []
    for symbol, instrument, quantity, cost, price in (
        held.select("symbol", "instrument", "quantity", "cost", "price").sort("symbol").iter_rows()
    ):
        value = None if price is None else quantity * price
        was = HeldBefore(symbol=symbol, cost=0.0, value=0.0) if before is not None else None
        was = (before or {}).get(instrument, was)
        since, flow = entered.get(instrument), flows.get(instrument, 0.0)
        found.append(
            PositionProfit(
                symbol=symbol,
                instrument=instrument,
                quantity=quantity,
                price=price,
                cost=cost,
                value=value,
                weight=None if value is None or equity <= 0.0 else value / equity,
                unrealised=_sum(value, _minus(cost)),
                session_profit=None if was is None else _sum(value, _minus(was.value), flow),
                session_realised=0.0 if instrument not in flows else None if was is None else _sum(cost, _minus(was.cost), flow),
                realised=None if since is None else _sum(cost, _flows_since(fills, instrument, since)),
                entered=since,
            )
        )
    gone = sorted(set(flows) - set(held["instrument"]))
    closed = [_closed(fills, name, (before or {}).get(name), flows[name], known=before is not None, session=session) for name in gone]
    return found + sorted(closed, key=lambda one: one.symbol)


def _closed(fills: pl.DataFrame, instrument: str, was: HeldBefore | None, flow: float, *, known: bool, session: date) -> PositionProfit:
    """What the sale of all brought; of what was bought and sold in the session that is its cash flow."""
    symbol = was.symbol if was else fills.filter(session=session, instrument=instrument)["symbol"][-1]
    cost, value = (was.cost, was.value) if was else (0.0, 0.0) if known else (None, None)
    return PositionProfit(
        symbol=symbol,
        instrument=instrument,
        quantity=0.0,
        cost=0.0,
        value=0.0,
        weight=0.0,
        unrealised=0.0,
        session_profit=_sum(_minus(value), flow),
        session_realised=_sum(_minus(cost), flow),
    )


def entries_of(instruments: Sequence[str], closes: Sequence[date], positions: pl.DataFrame, fills: pl.DataFrame) -> dict[str, date]:
    """The session in which each of the instruments was entered: of its first fill after it was last not held at a close.

    Left out: what was held at all closes, and what did not come by a fill (a spin-off, a merger, a delivery).

    Parameters
    ----------
    instruments
        That are held now.
    closes
        The sessions before now of which it is known what was held at their close, ascending.
    positions
        Columns session, instrument: what was held at these closes.
    fills
        Columns session, instrument.
    """
    found: dict[str, date] = {}
    for instrument in instruments:
        held = set(positions.filter(instrument=instrument)["session"])
        free = max((day for day in closes if day not in held), default=None)
        if free is None:
            continue
        first_held = next((day for day in closes if day > free), date.max)
        entry = fills.filter((pl.col("instrument") == instrument) & (pl.col("session") > free))["session"].min()
        if isinstance(entry, date) and entry <= first_held:
            found[instrument] = entry
    return found


def summed(profits: Sequence[PositionProfit]) -> dict[str, float | None]:
    """The sums over positions; None where one of them is not known."""
    names = ("cost", "value", "weight", "unrealised", "session_profit", "session_realised", "realised")
    open_now = [one for one in profits if one.quantity]
    return {name: _sum(*(getattr(one, name) for one in (open_now if name == "realised" else profits))) for name in names}


def _flows_since(fills: pl.DataFrame, instrument: str, since: date) -> float:
    return float(fills.filter((pl.col("instrument") == instrument) & (pl.col("session") >= since))["cash_flow"].sum())


def _minus(value: float | None) -> float | None:
    return None if value is None else -value


def _sum(*values: float | None) -> float | None:
    """None where one is not known."""
    known = [value for value in values if value is not None]
    return None if len(known) < len(values) else sum(known)
