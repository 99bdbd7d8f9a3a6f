"""Years of settled trading, written into a database at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, Engine, event

from ats_assets.execution.order import AccountState, EntryKind, Leg, OrderKind, OrderStatus, Side, client_order_id
from ats_assets.execution.rows import latest_snapshot, record_snapshot
from ats_assets.execution.running_account import store_running_account
from ats_assets.trade_state import TradeState, tables

PRICE = Decimal("10.01")
SHARES = Decimal("1.5")


def add_history(state: TradeState, *, sessions: int, orders: int, last: date, account: AccountState) -> AccountState:
    """Add sessions of so many filled orders up to `last`, each with a snapshot and a running account; the account as a broker has it then.

    In turn they buy and sell 1.5 shares of one of ten symbols at 10.01, worth no whole cents; the baseline is the account that is given.
    """
    first = last - timedelta(days=sessions)
    with state.begin() as connection:
        started = datetime(first.year, first.month, first.day, tzinfo=UTC) - timedelta(days=1)
        baseline = record_snapshot(connection, "baseline", "exchange", account_at(account, started), [])
        for number in range(sessions):
            account = _add_session(connection, baseline, first + timedelta(days=number + 1), orders, account)
    return account


def account_at(account: AccountState, at: datetime) -> AccountState:
    return AccountState(account_id=account.account_id, at=at, cash=account.cash, equity=account.cash, buying_power=account.cash)


def _add_session(connection: Connection, baseline: int, session: date, orders: int, account: AccountState) -> AccountState:
    at = datetime(session.year, session.month, session.day, 14, 30, tzinfo=UTC)
    made = [_order(session, number, at) for number in range(orders)]
    if made:
        connection.execute(tables.intents.insert(), [order.intent for order in made])
        connection.execute(tables.orders.insert(), [order.order for order in made])
        connection.execute(tables.fills.insert(), [order.fill | {"baseline_id": baseline} for order in made])
    fee = {"entry_id": f"e{session}", "baseline_id": baseline, "kind": EntryKind.FEE.value, "symbol": None, "quantity": Decimal(0)}
    connection.execute(tables.entries.insert().values(**fee, cash=Decimal("-0.01"), at=at, description="fee", recorded_at=at))
    change = sum((-Side(o.order["side"]).sign * SHARES * PRICE for o in made), Decimal("-0.01"))
    account = AccountState(
        account_id=account.account_id, at=at, cash=account.cash + change, equity=account.cash, buying_power=account.buying_power
    )
    snapshot = record_snapshot(connection, "session", "exchange", account, [], session=session)
    store_running_account(connection, baseline, snapshot)
    return account


@dataclass(frozen=True)
class Filled:
    intent: Mapping[str, Any]
    order: Mapping[str, Any]
    fill: Mapping[str, Any]


def _order(session: date, number: int, at: datetime) -> Filled:
    symbol, side = f"H{number // 2 % 10}", (Side.BUY, Side.SELL)[number % 2].value
    name = client_order_id(session - timedelta(days=1), "main", f"{symbol}.{number}", Leg.OPEN)
    what = {"symbol": symbol, "side": side, "quantity": SHARES}
    intent = what | {
        "client_order_id": name,
        "session": session - timedelta(days=1),
        "strategy": "main",
        "leg": Leg.OPEN.value,
        "kind": OrderKind.MARKET_ON_OPEN.value,
        "decision_price": PRICE,
        "state": OrderStatus.FILLED.value,
        "attempts": 1,
        "planned_at": at - timedelta(hours=16),
        "updated_at": at,
    }
    ids = {"broker_order_id": f"b-{name}", "client_order_id": name, "intent_id": name}
    order = what | ids | {"status": OrderStatus.FILLED.value, "filled_quantity": SHARES, "submitted_at": at - timedelta(hours=16)}
    fill = what | ids | {"fill_id": f"f-{name}", "price": PRICE, "fees": Decimal(0), "at": at, "recorded_at": at}
    return Filled(intent=intent, order=order | {"updated_at": at}, fill=fill)


class Steps:
    """Counts the steps of SQLite's virtual machine, all that its statements do: a number that depends on what is read and on nothing else."""

    def __init__(self, engine: Engine) -> None:
        self.number = 0
        engine.dispose()
        event.listen(engine, "connect", lambda connection, _: connection.set_progress_handler(self._count, 1))

    def _count(self) -> int:
        self.number += 1
        return 0


def newest_baseline(connection: Connection) -> int:
    found = latest_snapshot(connection, "baseline")
    assert found is not None
    return found.id
