"""Execution quality: what orders cost against three prices, how much of them was filled, and how fast.

Slippage of an order, in basis points of a reference price p and positive where it cost money, is s * (a - p) / p * 10^4, with the average price a that was paid
(s = 1) or received (s = -1). Against the decision price (the close that it was decided at) it is Perold's implementation shortfall of the part that was filled
("The Implementation Shortfall: Paper versus Reality", Journal of Portfolio Management, 1988); against the arrival price (here the open) it leaves out what the market did
overnight; against the day's VWAP it compares with everybody who traded that day. Fees are apart.
"""

from collections.abc import Iterable
from datetime import date, datetime

import polars as pl

from ats_assets.execution.order import BrokerOrder
from ats_assets.orders.schema import EXECUTION_QUALITY_SCHEMA, ExecutionQuality

REFERENCES = ("decision", "arrival", "vwap")


def execution_quality(
    session: date, *, orders: Iterable[BrokerOrder], fills: pl.DataFrame, bars: pl.DataFrame, opens_at: datetime
) -> pl.DataFrame:
    """One row for each order that was to be filled in `session`.

    Parameters
    ----------
    orders
        As the broker has them once the session is settled.
    fills
        The partition of `fills`.
    bars
        Columns symbol, open, vwap of the session.

    Returns
    -------
    DataFrame of the contract `ExecutionQuality`.
    """
    rows = [
        (one.client_order_id, one.symbol, str(one.side), float(one.quantity), str(one.status), one.reason, one.submitted_at)
        for one in orders
    ]
    names = {
        "client_order_id": pl.String,
        "symbol": pl.String,
        "side": pl.String,
        "ordered": pl.Float64,
        "status": pl.String,
        "reason": pl.String,
        "submitted_at": pl.Datetime("us", "UTC"),
    }
    filled = fills.group_by("client_order_id").agg(
        filled=pl.col("quantity").sum(),
        average_price=(pl.col("price") * pl.col("quantity")).sum() / pl.col("quantity").sum(),
        fees=pl.col("fees").sum(),
        decision_price=pl.col("decision_price").first(),
        first_at=pl.col("at").min(),
    )
    sign = pl.when(side="buy").then(1.0).otherwise(-1.0)
    slippage = [
        (sign * (pl.col("average_price") / pl.col(f"{name}_price") - 1.0) * 1e4).alias(f"slippage_{name}_bps") for name in REFERENCES
    ]
    known_at = pl.max_horizontal("submitted_at", pl.lit(opens_at, pl.Datetime("us", "UTC")))
    made = (
        pl.DataFrame(rows, schema=names, orient="row")
        .join(filled, on="client_order_id", how="left")
        .join(bars.select("symbol", pl.col("open").alias("arrival_price"), pl.col("vwap").alias("vwap_price")), on="symbol", how="left")
        .with_columns(pl.col("filled", "fees").fill_null(0.0), session=pl.lit(session, pl.Date))
        .with_columns(
            *slippage,
            fill_rate=pl.col("filled") / pl.col("ordered"),
            latency_seconds=(pl.col("first_at") - known_at).dt.total_microseconds() / 1e6,
        )
        .select(pl.col(name).cast(dtype) for name, dtype in EXECUTION_QUALITY_SCHEMA.items())
        .sort("session", "client_order_id")
    )
    return ExecutionQuality.validate(made)


def summary(quality: pl.DataFrame) -> dict[str, float | int | None]:
    """The orders together: means of the slippages weighted by what was traded, share filled, median latency; None where nothing was filled."""
    traded = quality.filter(pl.col("filled") > 0).with_columns(notional=pl.col("filled") * pl.col("average_price"))
    means = {}
    for name in REFERENCES:
        known = traded.filter(pl.col(f"slippage_{name}_bps").is_not_null())
        total = float(known["notional"].sum())
        means[f"slippage_{name}_bps"] = float((known[f"slippage_{name}_bps"] * known["notional"]).sum()) / total if total else None
    latency = traded["latency_seconds"].median()
    return {
        "orders": quality.height,
        "filled_in_full": quality.filter(pl.col("fill_rate") >= 1.0).height,
        "fill_rate": float(quality["filled"].sum()) / float(quality["ordered"].sum()) if quality.height else None,
        "notional": float(traded["notional"].sum()),
        "fees": float(quality["fees"].sum()),
        **means,
        "latency_seconds": float(latency) if isinstance(latency, int | float) else None,
    }


def quality_table(quality: pl.DataFrame) -> str:
    """The summary as a Markdown table."""
    rows = "\n".join(
        f"| {name.replace('_', ' ')} | {'-' if value is None else f'{value:,.2f}'} |" for name, value in summary(quality).items()
    )
    return f"| | |\n|---|---|\n{rows}"
