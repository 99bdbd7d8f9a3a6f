"""What is held, ordered and filled, as the trade state has it. Quantities, prices and money are exact."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Row, select

from ats_assets.deployment import Deployment
from ats_assets.settings import Settings
from ats_assets.trade_state.kill_switch import KillSwitch
from ats_assets.trade_state.tables import account_snapshots, fills, halts, positions

Rows = list[dict[str, Any]]
CENT = Decimal("0.01")


def newest_snapshot(connection: Connection) -> Row[Any] | None:
    """The account as it was recorded last; None where nothing was ever traded."""
    return connection.execute(select(account_snapshots).order_by(account_snapshots.c.id.desc()).limit(1)).one_or_none()


def account_now(connection: Connection, deployment: Deployment) -> dict[str, Any] | None:
    """Cash and equity at the last close that was settled, and what stops trading; None where nothing was ever traded."""
    found = newest_snapshot(connection)
    if found is None:
        return None
    halted = connection.execute(select(halts).where(halts.c.cleared_at.is_(None)).order_by(halts.c.id.desc()).limit(1)).one_or_none()
    return {
        "broker": found.broker,
        "account_id": found.account_id,
        "session": found.session,
        "at": found.at,
        "cash": found.cash,
        "equity": found.equity,
        "buying_power": found.buying_power,
        "trading_blocked": found.trading_blocked,
        "halted": None if halted is None else {"since": halted.at, "reason": halted.reason},
        "kill_switch": KillSwitch.of(deployment.settings.orders).reason(),
    }


def positions_now(connection: Connection, closes: Mapping[str, float], closed: date | None) -> tuple[datetime | None, Rows]:
    """What is held: the positions of the newest snapshot, with the fills that came since; and when it was.

    Parameters
    ----------
    closes, closed
        Symbol -> its newest close, and of which session: it is the price where it is newer than the snapshot, or where that has none.
    """
    snapshot = newest_snapshot(connection)
    if snapshot is None:
        return None, []
    rows = connection.execute(select(positions).where(positions.c.snapshot_id == snapshot.id)).all()
    held = {row.symbol: row for row in rows}
    since = _filled_since(connection, snapshot)
    newer = closed is not None and (snapshot.session is None or closed > snapshot.session)
    prices = {symbol: _price(held.get(symbol), closes.get(symbol), newer=newer) for symbol in held | since}
    told = [_position(symbol, held.get(symbol), since.get(symbol, Decimal(0)), prices[symbol]) for symbol in sorted(prices)]
    for row in told:
        row["weight"] = None if row["value"] is None or snapshot.equity <= 0 else float(row["value"] / snapshot.equity)
    return snapshot.at, [row for row in told if row["quantity"]]


def _filled_since(connection: Connection, snapshot: Row[Any]) -> dict[str, Decimal]:
    """Symbol -> quantity, of fills after the snapshot."""
    query = select(fills.c.symbol, fills.c.side, fills.c.quantity)
    changed: dict[str, Decimal] = {}
    for symbol, side, quantity in connection.execute(query.where(fills.c.at > snapshot.at, fills.c.baseline_id.is_not(None))):
        changed[symbol] = changed.get(symbol, Decimal(0)) + (quantity if side == "buy" else -quantity)
    return changed


def _price(row: Row[Any] | None, close: float | None, *, newer: bool) -> Decimal | None:
    """The newest price that is known; a contract's is the broker's alone."""
    told = None if row is None else row.price
    return Decimal(str(close)) if close is not None and (newer or told is None) else told


def _position(symbol: str, row: Row[Any] | None, since: Decimal, price: Decimal | None) -> dict[str, Any]:
    settled = row.quantity if row is not None else Decimal(0)
    quantity = settled + since
    multiplier = row.multiplier if row is not None and row.multiplier is not None else Decimal(1)
    value = None if price is None else (quantity * price * multiplier).quantize(CENT)
    cost = row.cost if row is not None and not since else None
    return {
        "symbol": symbol,
        "quantity": quantity,
        "filled_since": since,
        "cost": cost,
        "price": price,
        "value": value,
        "unrealised": None if value is None or cost is None else value - cost.quantize(CENT),
        "multiplier": multiplier,
    }


def newest_closes(deployment: Deployment) -> tuple[date | None, dict[str, float]]:
    """The closes of the newest session with bars, and which it is."""
    stored = deployment.valid_sessions("bars")
    if not stored:
        return None, {}
    rows = deployment.warehouse.read("bars", stored[-1:], ["symbol", "close"])
    return stored[-1], dict(rows.iter_rows())


def money_at_stake(settings: Settings) -> str:
    """Whether orders cost real money: "live", or "paper". A broker of one's own is taken at the word of `orders.live`."""
    orders = settings.orders
    real = orders.live and orders.broker != "paper" and (orders.broker != "alpaca" or settings.alpaca.account == "live")
    return "live" if real else "paper"
