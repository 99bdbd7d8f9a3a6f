"""What orders have cost against four prices, beside what the model of impact expects: transaction cost analysis.

- The decision price (the close before), as in execution quality; the arrival price (what the market stood at when an algorithm began, else the open); the market's average price from the first execution to the last, of ticks or minute
  bars where they are stored; and the close.
- What the model expects is computed as in a backtest, by what was known at the close before: half spread, fixed part, impact.
- The difference from it is mostly what the market did meanwhile. z is the difference over a standard deviation of that: the day's volatility times sqrt(T / 3) for an order that is
  worked evenly over T days (a random walk's mean over T has a third of its variance), and T is that from the first execution to the last, at least `LEAST_DAYS`.
- Executions are told by the venue's own time where the broker gives it (Alpaca does), beside the time at which we knew of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import polars as pl

from ats_assets.impact.impact_model import costs_in_parts
from ats_assets.impact.market_impact import MarketImpact
from ats_assets.orders.trading_costs.contracts import TransactionCosts
from ats_assets.orders.trading_costs.cost_estimate import known_terms, reasons_of
from ats_assets.orders.trading_costs.cost_schemas import COSTS_SCHEMA
from ats_assets.settings import BacktestSettings

LEAST_DAYS = 0.05
"""Twenty minutes: what is filled in an auction, or at once, was exposed to the market around it."""
_SLIPPAGES = {"decision": "decision_price", "arrival": "arrival_price", "interval": "interval_vwap", "close": "close_price"}
PRICES_SCHEMA = pl.Schema(
    {
        "symbol": pl.String,
        "begins_at": pl.Datetime("us", "UTC"),
        "ends_at": pl.Datetime("us", "UTC"),
        "price": pl.Float64,
        "volume": pl.Float64,
    }
)
"""Of ticks, which end when they begin, or of minute bars."""


@dataclass(frozen=True, kw_only=True)
class FilledOrders:
    """What a session's orders are judged by.

    Attributes
    ----------
    fills
        The partition of `fills`.
    parents
        Client order id -> that of the order of which it is a part; one that is no part is not there.
    arrivals
        Client order id -> what the market stood at when the work on it began; the session's open where it is not there.
    recorded
        fill_id -> when we knew of it.
    bars
        symbol, open, close of the session.
    prices
        `PRICES_SCHEMA`; no rows where nothing is stored.
    opens_at, closes_at
        Of the session.
    before
        The session at whose close the orders were decided.
    stamped_as_traded
        Whether the stamps are of when it was traded. The embedded broker stamps stored history, years before it is recorded: that is no latency.
    """

    fills: pl.DataFrame
    parents: Mapping[str, str]
    arrivals: Mapping[str, float]
    recorded: Mapping[str, datetime]
    bars: pl.DataFrame
    prices: pl.DataFrame
    opens_at: datetime
    closes_at: datetime
    before: date
    stamped_as_traded: bool = True


def transaction_costs(session: date, of: FilledOrders, impact: MarketImpact, costs: BacktestSettings) -> pl.DataFrame:
    """The rows of the contract `TransactionCosts`."""
    made = _orders(of).with_columns(session=pl.lit(session, pl.Date)).join(_intervals(of), on="client_order_id", how="left")
    made = made.sort("client_order_id")
    sign = pl.when(side="buy").then(1.0).otherwise(-1.0)
    made = made.with_columns(
        (sign * (pl.col("average_price") / pl.col(price) - 1.0) * 1e4).alias(f"slippage_{name}_bps") for name, price in _SLIPPAGES.items()
    )
    known, terms, why = known_terms(impact, of.before, made["symbol"], costs)
    value = (made["filled"] * made["arrival_price"].fill_null(made["average_price"])).to_numpy()
    parts = costs_in_parts(value, terms, why)
    lasted = (made["last_at"] - made["first_at"]).dt.total_seconds(fractional=True).to_numpy()
    days = np.maximum(lasted / (of.closes_at - of.opens_at).total_seconds(), LEAST_DAYS)
    moved = 1e4 * known["volatility"] * np.sqrt(days / 3.0)
    difference = made["slippage_arrival_bps"].fill_null(float("nan")).to_numpy() - 1e4 * parts.total
    with np.errstate(divide="ignore", invalid="ignore"):
        figures = {
            "participation": value / np.where(known["dollar_volume"] > 0.0, known["dollar_volume"], np.nan),
            "volatility": known["volatility"],
            "spread": known["spread"],
            "expected_bps": 1e4 * parts.total,
            "difference_bps": difference,
            "difference_z": np.where(moved > 0.0, difference / moved, np.nan),
        }
    made = made.with_columns(
        **{name: pl.Series(values, dtype=pl.Float64).fill_nan(None) for name, values in figures.items()}, reason=reasons_of(parts)
    )
    return TransactionCosts.validate(made.select(pl.col(name).cast(kind) for name, kind in COSTS_SCHEMA.items()))


def _orders(of: FilledOrders) -> pl.DataFrame:
    """Of each order its executions, those of its parts together."""
    order = pl.col("client_order_id").replace(dict(of.parents))
    recorded = pl.DataFrame(
        {"fill_id": list(of.recorded), "recorded_at": list(of.recorded.values())},
        schema={"fill_id": pl.String, "recorded_at": pl.Datetime("us", "UTC")},
    )
    late = (pl.col("recorded_at") - pl.col("at")).dt.total_seconds(fractional=True)
    return (
        of.fills.with_columns(client_order_id=order)
        .join(recorded, on="fill_id", how="left", maintain_order="left")
        .group_by("client_order_id", maintain_order=True)
        .agg(
            pl.col("symbol", "side", "decision_price").first(),
            fills=pl.len(),
            filled=pl.col("quantity").sum(),
            average_price=(pl.col("price") * pl.col("quantity")).sum() / pl.col("quantity").sum(),
            fees=pl.col("fees").sum(),
            first_at=pl.col("at").min(),
            last_at=pl.col("at").max(),
            recorded_at=pl.col("recorded_at").max(),
            latency_seconds=late.median() if of.stamped_as_traded else pl.lit(None, pl.Float64),
        )
        .filter(pl.col("average_price") > 0.0)
        .join(of.bars.select("symbol", "open", close_price="close"), on="symbol", how="left", maintain_order="left")
        .with_columns(
            arrival_price=pl.coalesce(
                pl.col("client_order_id").replace_strict(dict(of.arrivals), default=None, return_dtype=pl.Float64), pl.col("open")
            )
        )
    )


def _intervals(of: FilledOrders) -> pl.DataFrame:
    """The market's average price from the first execution of each order to its last: of what was traded in it, of a minute bar all."""
    spans = _orders(of).select("client_order_id", "symbol", "first_at", "last_at")
    there = (pl.col("begins_at") <= pl.col("last_at")) & (
        (pl.col("ends_at") > pl.col("first_at")) | (pl.col("begins_at") >= pl.col("first_at"))
    )
    priced = spans.join(of.prices.filter((pl.col("volume") > 0) & (pl.col("price") > 0)), on="symbol", how="inner").filter(there)
    return priced.group_by("client_order_id").agg(interval_vwap=(pl.col("price") * pl.col("volume")).sum() / pl.col("volume").sum())
