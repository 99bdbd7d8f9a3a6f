"""`ats orders status`: account, positions with their profit, open orders, and what stops trading."""

import json
import sys
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from ats_assets.deployment import Deployment
from ats_assets.execution import state as intents_state
from ats_assets.execution.broker import BrokerError
from ats_assets.execution.contract_legs import is_package, legs_in_short
from ats_assets.execution.names import identities_now
from ats_assets.execution.order import BrokerOrder, ForeignOrder, OrderIntent
from ats_assets.execution.trading import TradingServices, open_trading, session_at
from ats_assets.orders.open_positions import open_positions
from ats_assets.orders.position_profit import summed
from ats_assets.orders.trading_costs.stored_estimate import expected_costs, told_costs
from ats_assets.runs.writing import console, write_table
from ats_assets.settings import load_settings
from ats_assets.trade_state.kill_switch import KillSwitch

_WIDE = 110
"""Columns of a terminal on which positions are shown to the cent."""
_CENTS = ("cost", "value", "unrealised", "session_profit", "session_realised", "realised")


def status(*, as_json: bool) -> None:
    """Account, positions with value, weight and profit, open orders, and what stops trading, on standard output."""
    deployment = Deployment(load_settings())
    with open_trading(deployment) as trading:
        told = _status(deployment, trading)
    if as_json:
        sys.stdout.write(json.dumps(told, indent=2, default=str, ensure_ascii=False) + "\n")
    else:
        _show(told)


def _status(deployment: Deployment, trading: TradingServices) -> dict[str, Any]:
    orders, broker = deployment.settings.orders, trading.broker
    halt, kill = trading.executor.halted(), KillSwitch.of(orders).reason()
    stops = [f"halted since {halt.at:%Y-%m-%d %H:%M} UTC: {halt.reason}"] if halt else []
    stops += [kill] if kill else []
    told: dict[str, Any] = {"broker": broker.name, "live": broker.live, "stopped": "; ".join(stops) or "no"}
    told |= {"session": None, "since": None, "positions": [], "total": None, "open_orders": []}
    today = session_at(deployment.calendar, datetime.now(UTC))
    try:
        account = broker.account()
        told |= {"account": account.account_id, "at": account.at}
        told |= {name: _amount(getattr(account, name)) for name in ("cash", "equity", "buying_power")}
        held, waiting = broker.positions(), broker.open_orders()
        known = identities_now(deployment)(today)
        found = open_positions(deployment, broker, account, held, known)
    except BrokerError as error:
        return told | {"stopped": "; ".join([*stops, str(error)])}
    told |= {"session": found.session, "since": found.since, "session_profit": _amount(found.profit)}
    told["positions"] = [_plain(asdict(one)) for one in found.positions]
    told["total"] = _plain(summed(found.positions))
    with trading.state.begin() as connection:
        decided = {order.client_order_id: intents_state.of_order(connection, order) for order in waiting}
    told |= expected_costs(deployment)
    told["open_orders"] = [
        _open_order(order, decided[order.client_order_id]) for order in waiting if not _is_leg(order, decided[order.client_order_id])
    ]
    return told


def _is_leg(order: BrokerOrder | ForeignOrder, decided: OrderIntent | None) -> bool:
    """Whether it is told of with the order that it is a leg of."""
    return decided is not None and is_package(decided.symbol) and not isinstance(order, ForeignOrder) and order.symbol != decided.symbol


def _plain(figures: Mapping[str, Any]) -> dict[str, Any]:
    """Money to the cent."""
    return {name: _amount(value) if name in _CENTS else value for name, value in figures.items()}


def _open_order(order: BrokerOrder | ForeignOrder, decided: OrderIntent | None) -> dict[str, Any]:
    if isinstance(order, ForeignOrder):
        what = dict.fromkeys(("symbol", "instrument", "side", "quantity", "filled"))
        return {"client_order_id": order.client_order_id, **what, "status": f"not ours: {order.description}"}
    return {
        "client_order_id": order.client_order_id,
        "symbol": legs_in_short(decided.legs) if decided is not None and is_package(order.symbol) else order.symbol,
        "instrument": None if decided is None else decided.instrument,
        "side": order.side,
        "quantity": float(order.quantity),
        "filled": float(order.filled_quantity),
        "status": order.status,
    }


def _amount(value: Decimal | float | None) -> float | None:
    return None if value is None else round(float(value), 2)


def _show(told: Mapping[str, Any]) -> None:
    out = console()
    at = told.get("at")
    lines = {
        "broker": f"{told['broker']}{', LIVE' if told['live'] else ''}",
        "account": None if at is None else f"{told['account']}, at {at:%Y-%m-%d %H:%M} UTC",
        **{name: None if told.get(name) is None else _money(told[name]) for name in ("cash", "equity", "buying_power")},
        "profit": None if told.get("session_profit") is None else f"{_signed(told['session_profit'])} since the close of {told['since']}",
        "stopped": told["stopped"],
    }
    for name, text in lines.items():
        if text is not None:
            out.print(Text(f"{name.replace('_', ' '):<14} {text}"), soft_wrap=True)
    out.print()
    _show_positions(out, told)
    if not told["open_orders"]:
        out.print("no open orders")
        return
    if "expected_costs" in told:
        out.print(Text(told_costs(told["expected_costs"]), style="dim"))
    table = _table({"open order": "left", "side": "left", "symbol": "left", "quantity": "right", "filled": "right", "status": "left"})
    for row in told["open_orders"]:
        shown = (row["client_order_id"], row["side"], row["symbol"], *(_count(row[name]) for name in ("quantity", "filled")), row["status"])
        table.add_row(*(Text("-" if cell is None else str(cell)) for cell in shown))
    write_table(out, table)


def _show_positions(out: Console, told: Mapping[str, Any]) -> None:
    """A row a position, and their sums. On a narrow terminal money is without its cents, so that no figure is broken."""
    if not told["positions"]:
        out.print("no positions\n")
        return
    narrow = out.is_terminal and out.width < _WIDE
    digits = 0 if narrow else 2
    headings = ["symbol", "quantity", "price", "value", "weight", "unrealised", "day", "sold", "realised", *([] if narrow else ["entered"])]
    table = _table({name: "left" if name in {"symbol", "entered"} else "right" for name in headings}, space=1 if narrow else 2)
    for row in (*told["positions"], {**told["total"], "symbol": "total"}):
        profits = (_signed(row[name], digits) for name in ("unrealised", "session_profit", "session_realised", "realised"))
        cells = [
            row["symbol"],
            _count(row["quantity"]) if "quantity" in row else "",
            _price(row["price"]) if "price" in row else "",
            "-" if row["value"] is None else f"{row['value']:,.{digits}f}",
            "-" if row["weight"] is None else f"{row['weight']:.1%}",
            *profits,
            *([] if narrow else [str(row["entered"] or "-") if "entered" in row else ""]),
        ]
        table.add_row(*map(Text, cells))
    write_table(out, table)
    since = "the session" if told["since"] is None else f"the close of {told['since']}"
    out.print(
        Text(f"day, sold: since {since}, and how much of it by sales; realised: by sales since the position was entered\n", style="dim")
    )


def _table(columns: Mapping[str, Any], space: int = 2) -> Table:
    table = Table(box=None, padding=(0, space, 0, 0))
    for heading, justify in columns.items():
        table.add_column(heading, justify=justify, overflow="fold")
    return table


def _money(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}"


def _signed(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{0:.{digits}f}" if not round(value, digits) else f"{value:+,.{digits}f}"


def _price(value: float | None) -> str:
    """To the cent; with more digits where it has more, as small prices have."""
    if value is None:
        return "-"
    whole, _, digits = f"{value:,.8f}".partition(".")
    return f"{whole}.{digits.rstrip('0').ljust(2, '0')}"


def _count(value: float | None) -> str:
    """Shares, or parts of them."""
    return "-" if value is None else f"{value:,.9f}".rstrip("0").rstrip(".")
