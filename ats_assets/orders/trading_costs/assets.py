"""Assets of what trading costs, where settings name a model of impact: the estimate before a trade, what each order has cost, and the fit of the model to it. They are records."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.execution.choosing import chosen_broker
from ats_assets.execution.rows import recorded_times
from ats_assets.execution.trading import open_trading
from ats_assets.execution.worked_state import origins_of
from ats_assets.impact.choosing import impact_code
from ats_assets.impact.contracts import ImpactFit
from ats_assets.impact.market_impact import MarketImpact
from ats_assets.impact.schema import COST_ESTIMATE, FIT, MARKET, TRADED_COSTS
from ats_assets.impact.stored_impact import stored_impact
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.partitions import Reads
from ats_assets.orders.trading_costs.contracts import CostEstimate, TransactionCosts
from ats_assets.orders.trading_costs.cost_estimate import cost_estimate
from ats_assets.orders.trading_costs.estimate_total import total_row
from ats_assets.orders.trading_costs.session_prices import session_prices
from ats_assets.orders.trading_costs.traded_fit import fit_row
from ats_assets.orders.trading_costs.transaction_costs import FilledOrders, transaction_costs

GROUP, POOL = "orders", "trading"


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The assets: none while costs are fixed rates."""
    if not deployment.settings.impact.is_on:
        return []
    return [_estimate(deployment), _costs(deployment), _fit(deployment)]


def _node(deployment: Deployment, name: str, **how: Any) -> Node:
    settings = (deployment.settings.impact, deployment.settings.backtest)
    code = (*how.pop("code"), *impact_code(deployment))
    return Node(name=name, group=GROUP, kinds=frozenset({"parquet", "polars"}), settings=settings, code=code, record=True, **how)


def _estimate(deployment: Deployment) -> dg.AssetsDefinition:
    node = _node(deployment, COST_ESTIMATE, reads=(Reads(asset="order_plan"),), contract=CostEstimate, code=(_estimate,))

    @node.asset(deployment, deps=[*node.deps(), dg.AssetDep(MARKET)], pool=POOL)
    def cost_estimate_of(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """What the plan's orders are expected to cost by the model of impact: in basis points with its parts, and in currency."""
        session = date.fromisoformat(context.partition_key)
        plan = deployment.warehouse.read("order_plan", [session])
        made = cost_estimate(session, plan, _impact(deployment, session), deployment.settings.backtest)
        context.add_output_metadata({name: value for name, value in total_row(made).items() if value is not None})
        return made

    return cost_estimate_of


def _costs(deployment: Deployment) -> dg.AssetsDefinition:
    node = _node(
        deployment,
        TRADED_COSTS,
        reads=(Reads(asset="fills"), Reads(asset="bars")),
        contract=TransactionCosts,
        code=(_costs,),
    )

    @node.asset(deployment, deps=node.deps(), pool=POOL)
    def transaction_costs_of(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """What orders have cost against arrival, the market meanwhile and the close, beside what the model of impact expects, by the venue's time."""
        session = date.fromisoformat(context.partition_key)
        warehouse, calendar = deployment.warehouse, deployment.calendar
        fills = warehouse.read("fills", [session])
        before = calendar.offset(session, -1)
        with open_trading(deployment) as trading, trading.state.begin() as connection:
            recorded: Mapping[str, datetime] = recorded_times(connection, fills["fill_id"].to_list())
            parts = origins_of(connection, fills["client_order_id"].unique().sort().to_list())
        filled = FilledOrders(
            fills=fills,
            parents={name: parent for name, (parent, _) in parts.items()},
            arrivals={parent: float(arrival) for parent, arrival in parts.values() if arrival is not None},
            recorded=recorded,
            bars=warehouse.read("bars", [session], ["symbol", "open", "close"]),
            prices=session_prices(deployment, session, fills["symbol"].unique().to_list()),
            opens_at=calendar.opens_at(session),
            closes_at=calendar.closes_at(session),
            before=before,
            stamped_as_traded=not deployment.of(chosen_broker).embedded,
        )
        made = transaction_costs(session, filled, _impact(deployment, before), deployment.settings.backtest)
        context.add_output_metadata({"orders": made.height, "expected by fixed rates": made["reason"].drop_nulls().len()})
        return made

    return transaction_costs_of


def _fit(deployment: Deployment) -> dg.AssetsDefinition:
    settings = deployment.settings.impact
    node = _node(deployment, FIT, reads=(Reads(asset=TRADED_COSTS),), contract=ImpactFit, code=(_fit,))

    @node.asset(deployment, deps=node.deps(), pool=POOL)
    def impact_fit(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """What one's own fills up to the session say of the model of impact: its scale, how sure that is, and of how many fills."""
        session = date.fromisoformat(context.partition_key)
        window = deployment.calendar.window(session, settings.fit_sessions)  # of which some were not traded
        stored: Sequence[date] = [day for day in window if deployment.warehouse.exists(TRADED_COSTS, day)]
        made = fit_row(deployment, session, deployment.warehouse.read(TRADED_COSTS, stored))
        context.add_output_metadata(
            {name: value for name, value in made.row(0, named=True).items() if isinstance(value, int | float | str)}
        )
        return made

    return impact_fit


def _impact(deployment: Deployment, session: date) -> MarketImpact:
    """What was known at a close; nothing of symbols, where it is not stored: fixed rates are expected then."""
    there = [session] if deployment.warehouse.exists(MARKET, session) else []
    found = stored_impact(deployment, there)
    assert found is not None, "there is a model of impact, or there were no such asset"
    return found
