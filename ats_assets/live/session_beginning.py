"""What a session begins with, of what is stored: equity and closes of the sessions before, and what is held."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import polars as pl

from ats_assets.deployment import Deployment


def stored_beginning(deployment: Deployment, session: date, equity: float | None) -> dict[str, Any]:
    """Of the records of closes before the session; where there are none `equity` is that of the last close, if one is given."""
    days = [day for day in deployment.valid_sessions("account") if day < session][-deployment.settings.orders.brake.peak_sessions :]
    rows = deployment.warehouse.read("account", days, ["session", "equity", "at"]).sort("session") if days else None
    equities = rows["equity"].to_list() if rows is not None else []
    made = {"equities": equities or ([equity] if equity is not None else []), "closes": stored_closes(deployment, session)}
    if equity is None:
        return made | {"moments": rows["at"].to_list() if rows is not None else []}
    return made | {"paid_in": [0.0] * len(made["equities"])}


def stored_closes(deployment: Deployment, session: date) -> dict[str, float]:
    """The closes of the session before, by symbol."""
    before = deployment.calendar.before(session)
    if not deployment.warehouse.exists("bars", before):
        return {}
    return dict(deployment.warehouse.read("bars", [before], ["symbol", "close"]).sort("symbol").iter_rows())


def held_before(
    deployment: Deployment, session: date, held: Mapping[str, float] | None, cash: float | None
) -> tuple[dict[str, float], float]:
    """Shares and cash at the close before."""
    before, warehouse = deployment.calendar.before(session), deployment.warehouse
    if held is None:
        rows = warehouse.read("positions", [before], ["symbol", "quantity"]) if warehouse.exists("positions", before) else pl.DataFrame()
        held = dict(rows.iter_rows()) if rows.height else {}
    if cash is None and warehouse.exists("account", before):
        cash = float(warehouse.read("account", [before], ["cash"])["cash"][0])
    return dict(held), deployment.settings.backtest.initial_cash if cash is None else cash
