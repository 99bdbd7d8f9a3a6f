"""What a plan's orders are expected to cost: the model of impact at the close that they were planned at, by the functions of the backtest."""

from datetime import date, timedelta

import numpy as np
import polars as pl
from numpy.typing import NDArray

from ats_assets.impact import WHY, ImpactTerms
from ats_assets.impact.impact_model import ImpactCosts, costs_in_parts
from ats_assets.impact.impact_terms import Floats
from ats_assets.impact.market_impact import MarketImpact
from ats_assets.orders.trading_costs.contracts import CostEstimate
from ats_assets.orders.trading_costs.cost_schemas import ESTIMATE_SCHEMA
from ats_assets.portfolio import notional_cents, trade_costs
from ats_assets.settings import BacktestSettings


def cost_estimate(session: date, plan: pl.DataFrame, impact: MarketImpact, costs: BacktestSettings) -> pl.DataFrame:
    """The rows of the contract `CostEstimate`.

    Parameters
    ----------
    plan
        Rows of the contract `OrderPlan`; those without an order are left out.
    impact
        The model, with what was known at the close of `session`.
    """
    sent = plan.filter((pl.col("quantity") > 0) & pl.col("client_order_id").is_not_null()).sort("client_order_id")
    known, terms, why = known_terms(impact, session, sent["symbol"], costs)
    cents = notional_cents(sent["quantity"].to_numpy(), sent["decision_price"].to_numpy())
    paid, value = trade_costs(cents, costs, terms), cents / 100.0
    parts = costs_in_parts(value, terms, why)
    with np.errstate(divide="ignore", invalid="ignore"):
        commission = np.where(cents > 0, 1e4 * paid.commission / cents, 0.0)
        participation = value / np.where(known["dollar_volume"] > 0.0, known["dollar_volume"], np.nan)
    made = sent.select("session", "client_order_id", "symbol", "side", "quantity").with_columns(
        notional=pl.Series(value),
        participation=pl.Series(participation).fill_nan(None),
        volatility=pl.Series(known["volatility"]).fill_nan(None),
        commission_bps=pl.Series(commission),
        **{f"{name}_bps": pl.Series(1e4 * getattr(parts, name)) for name in ("spread", "fixed", "permanent", "temporary")},
        expected_bps=pl.Series(commission + 1e4 * parts.total),
        expected=pl.Series(paid.total / 100.0),
        reason=reasons_of(parts),
    )
    return CostEstimate.validate(made.select(pl.col(name).cast(kind) for name, kind in ESTIMATE_SCHEMA.items()))


def known_terms(
    impact: MarketImpact, session: date, symbols: pl.Series, costs: BacktestSettings
) -> tuple[dict[str, Floats], ImpactTerms, NDArray[np.int64]]:
    """What was known of symbols at the close of a session, what their trades cost after it, and why where it is not the model's own."""
    known = impact.inputs_at(session, symbols.to_list())
    scale = impact.scale_before(session + timedelta(days=1))
    return known, *impact.terms(known, costs, volume=np.full(len(symbols), np.nan), scale=scale)


def reasons_of(costs: ImpactCosts) -> pl.Series:
    """Why each is not the model's own; null where it is."""
    return pl.Series([WHY[one] or None for one in costs.why], dtype=pl.String)
