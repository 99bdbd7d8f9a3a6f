"""The contracts of the stage's frames. Costs are positive where they cost money; basis points are of the price."""

from datetime import date
from typing import Annotated

import pandera.polars as pa
import polars as pl
from pandera.api.polars.model_config import BaseConfig

from ats_assets.execution.order import Side
from ats_assets.impact import WHY

SIDES = [str(one) for one in Side]
REASONS = [one for one in WHY if one]


class _Exact(BaseConfig):
    """Columns are exactly these, in this order."""

    strict = True
    ordered = True


class CostEstimate(pa.DataFrameModel):
    """What the plan's orders are expected to cost by the model of impact, sorted by (session, client_order_id)."""

    session: date = pa.Field(description="session at whose close they were planned")
    client_order_id: str = pa.Field(unique=True, description="of the order")
    symbol: str = pa.Field(description="ticker, as in the bars")
    side: str = pa.Field(isin=SIDES, description="buy or sell")
    quantity: float = pa.Field(gt=0, description="shares")
    notional: float = pa.Field(ge=0, description="quantity * decision price")
    participation: float = pa.Field(nullable=True, ge=0, description="notional over the usual dollar volume of a day")
    volatility: float = pa.Field(nullable=True, ge=0, description="a day's standard deviation of returns")
    commission_bps: float = pa.Field(ge=0, description="commission, the least one included")
    spread_bps: float = pa.Field(ge=0, description="half of the spread")
    fixed_bps: float = pa.Field(ge=0, description="the fixed part of slippage")
    permanent_bps: float = pa.Field(ge=0, description="paid of the move that stays")
    temporary_bps: float = pa.Field(ge=0, description="paid of the move that goes")
    expected_bps: float = pa.Field(ge=0, description="all of them")
    expected: float = pa.Field(ge=0, description="the same in currency, to the cent, as a backtest would charge it")
    reason: str = pa.Field(nullable=True, isin=REASONS, description="why the cost is not the model's own")

    class Config(_Exact):
        """One row for each order."""


class TransactionCosts(pa.DataFrameModel):
    """What the orders filled in the session have cost, beside what the model of impact expects, sorted by (session, client_order_id).

    An order that an algorithm has sent in parts is one row. Slippage is that of execution quality.
    """

    session: date = pa.Field(description="session in which they were filled")
    client_order_id: str = pa.Field(unique=True, description="of the order")
    symbol: str = pa.Field(description="ticker, as in the bars")
    side: str = pa.Field(isin=SIDES, description="buy or sell")
    fills: int = pa.Field(gt=0, description="executions")
    filled: float = pa.Field(gt=0, description="shares")
    average_price: float = pa.Field(gt=0, description="paid or received for a share, fees apart")
    fees: float = pa.Field(description="commission and others, in currency")
    first_at: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(
        description="first execution, by the venue's own stamp where the broker gives it"
    )
    last_at: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(description="last execution")
    recorded_at: Annotated[pl.Datetime, "us", "UTC"] = pa.Field(nullable=True, description="when we knew of the last one, by our own clock")
    latency_seconds: float = pa.Field(nullable=True, description="median of the executions, from the venue's stamp to our record")
    decision_price: float = pa.Field(nullable=True, gt=0, description="the close that it was decided at")
    arrival_price: float = pa.Field(
        nullable=True, gt=0, description="what the market stood at when work on it began; the open for an order that is not worked"
    )
    interval_vwap: float = pa.Field(
        nullable=True, gt=0, description="of the market from the first execution to the last, of ticks or minute bars"
    )
    close_price: float = pa.Field(nullable=True, gt=0, description="the session's close")
    slippage_decision_bps: float = pa.Field(nullable=True, description="against the decision price")
    slippage_arrival_bps: float = pa.Field(nullable=True, description="against the arrival price")
    slippage_interval_bps: float = pa.Field(nullable=True, description="against the market's average price meanwhile")
    slippage_close_bps: float = pa.Field(nullable=True, description="against the close: below zero where waiting would have cost more")
    participation: float = pa.Field(nullable=True, ge=0, description="value over the usual dollar volume of a day, as known before")
    volatility: float = pa.Field(nullable=True, ge=0, description="a day's standard deviation of returns, as known before")
    spread: float = pa.Field(nullable=True, ge=0, description="full spread as a share of the price, as known before")
    expected_bps: float = pa.Field(ge=0, description="half spread, fixed part and impact, by the model, scaled as known before")
    difference_bps: float = pa.Field(nullable=True, description="slippage against the arrival price less what was expected")
    difference_z: float = pa.Field(nullable=True, description="the same over what the market moves meanwhile, one standard deviation")
    reason: str = pa.Field(nullable=True, isin=REASONS, description="why what is expected is not the model's own")

    class Config(_Exact):
        """One row for each order."""
