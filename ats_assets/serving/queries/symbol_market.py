"""Sessions, symbols and bars, and the trades that were made in them."""

from datetime import date
from typing import Any

import polars as pl
from sqlalchemy import Connection, select

from ats_assets.deployment import Deployment
from ats_assets.trade_state.tables import fills

Rows = list[dict[str, Any]]


def known_symbols(deployment: Deployment) -> tuple[date | None, Rows]:
    """The symbols of the newest session with bars, with their place in the universe and their signal; and which session it is."""
    warehouse, stored = deployment.warehouse, deployment.valid_sessions("bars")
    if not stored:
        return None, []
    session = stored[-1]
    frame = warehouse.read("bars", [session], ["symbol", "close", "volume"]).sort("symbol")
    for asset, columns in {"universe": ["rank", "focus"], "targets": ["target_weight"]}.items():
        if warehouse.exists(asset, session):
            frame = frame.join(warehouse.read(asset, [session], ["symbol", *columns]), on="symbol", how="left", maintain_order="left")
    wanted = {"rank": pl.UInt32, "focus": pl.Boolean, "target_weight": pl.Float64}
    frame = frame.with_columns(pl.lit(None, dtype=kind).alias(name) for name, kind in wanted.items() if name not in frame.columns)
    told = frame.select("symbol", "close", "volume", pl.col("rank").alias("universe_rank"), "focus", "target_weight")
    return session, told.to_dicts()


def is_known_symbol(deployment: Deployment, symbol: str) -> bool:
    """Whether a symbol is in the newest bars."""
    stored = deployment.valid_sessions("bars")
    return bool(stored) and not deployment.warehouse.read("bars", stored[-1:], ["symbol"]).filter(symbol=symbol).is_empty()


def traded_of_symbol(connection: Connection, deployment: Deployment, symbol: str, first: date, last: date) -> Rows:
    """The executions in a symbol from one session to another, for a chart: of the account, as `traded`, and of the backtest, as `backtest`."""
    calendar = deployment.calendar
    opens, closes = calendar.opens_at(first), calendar.closes_at(last)
    query = select(fills.c.at, fills.c.side, fills.c.quantity, fills.c.price, fills.c.client_order_id)
    real = connection.execute(query.where(fills.c.symbol == symbol, fills.c.at >= opens, fills.c.at <= closes).order_by(fills.c.at)).all()
    told = [
        {
            "of": "traded",
            "session": row.at.date(),
            "at": row.at,
            "side": row.side,
            "quantity": float(row.quantity),
            "price": float(row.price),
            "effect": None,
            "client_order_id": row.client_order_id,
        }
        for row in real
    ]
    return told + _backtested(deployment, symbol, first, last)


def _backtested(deployment: Deployment, symbol: str, first: date, last: date) -> Rows:
    if not deployment.warehouse.part("backtest", "trades").is_file():
        return []
    trades = deployment.warehouse.read_part("backtest", "trades")
    of_symbol = trades.filter((pl.col("symbol") == symbol) & pl.col("session").is_between(first, last))
    return [
        {
            "of": "backtest",
            "session": row["session"],
            "at": deployment.calendar.opens_at(row["session"]),
            "side": row["side"],
            "quantity": row["shares"],
            "price": row["price"],
            "effect": row["effect"],
            "client_order_id": None,
        }
        for row in of_symbol.iter_rows(named=True)
    ]
