"""What the limits on orders have cut from a plan, told to people."""

from datetime import date, datetime

import polars as pl

from ats_assets.alerts import Alert, Severity
from ats_assets.algorithms.price_grid import plain
from ats_assets.errors import how_many
from ats_assets.execution.order import exact

NAMED = 5


def breached_limits(session: date, plan: pl.DataFrame, at: datetime) -> Alert | None:
    """The warning about the orders that a limit has made smaller, or has kept from being sent; None where there are none.

    Parameters
    ----------
    plan
        The partition of `order_plan`.
    """
    cut = plan.filter(pl.col("reason").str.starts_with("limit_")).sort("symbol", "leg")
    if cut.is_empty():
        return None
    told = [
        f"{symbol} ({reason.removeprefix('limit_')}): {plain(exact(quantity))} of {'?' if wanted is None else plain(exact(wanted))} shares"
        for symbol, reason, quantity, wanted in cut.select("symbol", "reason", "quantity", "wanted").head(NAMED).iter_rows()
    ]
    more = f" and {cut.height - NAMED} more" if cut.height > NAMED else ""
    return Alert(
        key=f"limits:{session}",
        severity=Severity.WARNING,
        title=f"Limits cut {how_many(cut.height, 'order')} of {session}",
        text=f"{'; '.join(told)}{more}. See order_plan of {session}; the limits are in orders.limits.",
        at=at,
    )
