"""The broker's positions beside what is stored of earlier closes: what `position_profit` asks for."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import polars as pl

from ats_assets.corporate_actions.identity import Identities
from ats_assets.deployment import Deployment
from ats_assets.execution.broker import Broker
from ats_assets.execution.order import AccountState, EntryKind, Fill, Position
from ats_assets.execution.trading import session_at
from ats_assets.orders.position_profit import HeldBefore, PositionProfit, entries_of, position_profits

_RECENT = 60
"""Closes that are read first: of most positions the entry is among them."""
_FILLS = pl.Schema({"session": pl.Date, "fill_id": pl.String, "symbol": pl.String, "instrument": pl.String, "cash_flow": pl.Float64})
_HELD = pl.Schema({"symbol": pl.String, "instrument": pl.String, "quantity": pl.Float64, "cost": pl.Float64, "price": pl.Float64})


@dataclass(frozen=True, kw_only=True)
class OpenPositions:
    """The positions and the account's own profit, of one instant.

    Attributes
    ----------
    session
        That is going on, or closed last.
    since
        The close before it that is stored; None: none is.
    profit
        Of the account since then: the change of its equity, less what was paid in or out. Dividends, interest and fees are in it.
    """

    session: date
    since: date | None
    profit: float | None
    positions: list[PositionProfit]


def open_positions(
    deployment: Deployment, broker: Broker, account: AccountState, held: Sequence[Position], known: Identities
) -> OpenPositions:
    """Value, weight and profit of what the broker holds.

    Parameters
    ----------
    known
        Who bears which ticker now.

    Raises
    ------
    BrokerError
        If the broker can't be asked for its fills and entries since the last close that is stored.
    """
    calendar, warehouse = deployment.calendar, deployment.warehouse
    session = session_at(calendar, account.at)
    closes = [day for day in deployment.valid_sessions("positions") if day < session]
    since = closes[-1] if closes else None
    start = calendar.closes_at(since) if since else calendar.opens_at(session)
    new = [(session_at(calendar, fill.at), fill) for fill in broker.fills(start)]
    rows = [
        (p.symbol, known.of(p.symbol, session), float(p.quantity), *(None if x is None else float(x) for x in (p.cost, _price(p))))
        for p in held
        if p.quantity
    ]
    frame = pl.DataFrame(rows, schema=_HELD, orient="row")
    entered: Mapping[str, date] = {}
    fills = _FILLS.to_frame()
    for chosen in (closes[-_RECENT:], closes):
        fills = _fills(deployment, chosen[0] if chosen else session, new, known)
        entered = (
            entries_of(frame["instrument"].to_list(), chosen, warehouse.read("positions", chosen, ["session", "instrument"]), fills)
            if chosen
            else {}
        )
        if len(entered) == frame.height:
            break
    positions = position_profits(frame, _before(deployment, since), fills, entered, equity=float(account.equity), session=session)
    return OpenPositions(session=session, since=since, profit=_profit(deployment, broker, account, since, start), positions=positions)


def _price(position: Position) -> Decimal | None:
    """Of a contract for all its shares, so that quantity and price make the value."""
    return None if position.price is None else position.price * position.multiplier


def _fills(deployment: Deployment, first: date, new: Sequence[tuple[date, Fill]], known: Identities) -> pl.DataFrame:
    """What is stored from a session on, and what the broker has executed since."""
    sessions = [day for day in deployment.valid_sessions("fills") if day >= first]
    stored = deployment.warehouse.read("fills", sessions, list(_FILLS)) if sessions else _FILLS.to_frame()
    there = set(stored["fill_id"])
    rows = [
        (day, fill.fill_id, fill.symbol, known.of(fill.symbol, day), float(fill.cash_flow))
        for day, fill in new
        if fill.fill_id not in there
    ]
    return pl.concat([stored.select(list(_FILLS)), pl.DataFrame(rows, schema=_FILLS, orient="row")])


def _before(deployment: Deployment, since: date | None) -> dict[str, HeldBefore] | None:
    if since is None:
        return None
    rows = deployment.warehouse.read("positions", [since], ["symbol", "instrument", "cost", "value"])
    return {name: HeldBefore(symbol=symbol, cost=cost, value=value) for symbol, name, cost, value in rows.iter_rows()}


def _profit(deployment: Deployment, broker: Broker, account: AccountState, since: date | None, start: datetime) -> float | None:
    if since is None or since not in deployment.valid_sessions("account"):
        return None
    before = deployment.warehouse.read("account", [since])["equity"][-1]
    if deployment.warehouse.exists("option_books", since):
        before += deployment.warehouse.read("option_books", [since], ["equity"])["equity"].sum()
    paid_in = sum(float(entry.cash) for entry in broker.entries(start) if entry.kind is EntryKind.TRANSFER and entry.at > start)
    return float(account.equity) - before - paid_in
