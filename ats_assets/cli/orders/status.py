"""`ats orders status`: account, positions, open orders, and what stops trading."""

import json
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rich.table import Table

from ats_assets.deployment import Deployment
from ats_assets.execution import state as intents_state
from ats_assets.execution.broker import BrokerError
from ats_assets.execution.kill_switch import KillSwitch
from ats_assets.execution.names import identities_now
from ats_assets.execution.order import BrokerOrder, ForeignOrder, OrderIntent
from ats_assets.execution.trading import TradingServices, open_trading, session_at
from ats_assets.runs.writing import console
from ats_assets.settings import load_settings


def status(*, as_json: bool) -> None:
    """Account, positions, open orders, and what stops trading, on standard output."""
    deployment = Deployment(load_settings())
    with open_trading(deployment) as trading:
        told = _status(deployment, trading)
    if as_json:
        sys.stdout.write(json.dumps(told, indent=2, default=str) + "\n")
        return
    out = console()
    for name in ("broker", "live", "account", "at", "cash", "equity", "buying_power", "stopped"):
        if told.get(name) is not None:
            out.print(f"{name.replace('_', ' '):<14} {told[name]}")
    for title, rows in (("positions", told["positions"]), ("open orders", told["open_orders"])):
        if rows:
            table = Table(*rows[0], title=title, title_justify="left")
            for row in rows:
                table.add_row(*("-" if value is None else str(value) for value in row.values()))
            out.print(table)
        else:
            out.print(f"no {title}")


def _status(deployment: Deployment, trading: TradingServices) -> dict[str, Any]:
    orders = deployment.settings.orders
    halt, kill = trading.executor.halted(), KillSwitch.of(orders).reason()
    stops = [f"halted since {halt.at:%Y-%m-%d %H:%M} UTC: {halt.reason}"] if halt else []
    stops += [kill] if kill else []
    told: dict[str, Any] = {"broker": trading.broker.name, "live": trading.broker.live, "stopped": "; ".join(stops) or "no"}
    try:
        account = trading.broker.account()
        told |= {
            "account": account.account_id,
            "at": account.at,
            "cash": account.cash,
            "equity": account.equity,
            "buying_power": account.buying_power,
        }
        held, waiting = trading.broker.positions(), trading.broker.open_orders()
    except BrokerError as error:
        told["stopped"] = "; ".join([*stops, str(error)])
        held, waiting = [], []
    today = session_at(deployment.calendar, datetime.now(UTC))
    known = identities_now(deployment)(today)
    told["positions"] = [
        {
            "symbol": p.symbol,
            "instrument": known.of(p.symbol, today),
            "quantity": _number(p.quantity),
            "price": _number(p.price),
            "cost": _number(p.cost),
        }
        for p in held
    ]
    with trading.state.begin() as connection:
        decided = {order.client_order_id: intents_state.of_order(connection, order) for order in waiting}
    told["open_orders"] = [_open_order(order, decided[order.client_order_id]) for order in waiting]
    return told


def _open_order(order: BrokerOrder | ForeignOrder, decided: OrderIntent | None) -> dict[str, Any]:
    if isinstance(order, ForeignOrder):
        what = dict.fromkeys(("symbol", "instrument", "side", "quantity", "filled"))
        return {"client_order_id": order.client_order_id, **what, "status": f"not ours: {order.description}"}
    return {
        "client_order_id": order.client_order_id,
        "symbol": order.symbol,
        "instrument": None if decided is None else decided.instrument,
        "side": order.side,
        "quantity": _number(order.quantity),
        "filled": _number(order.filled_quantity),
        "status": order.status,
    }


def _number(value: Decimal | None) -> str | None:
    """Digits without an exponent."""
    return None if value is None else format(value, "f")
