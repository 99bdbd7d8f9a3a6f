"""What the newest plan's orders are expected to cost, as it is stored, for people and programs."""

from collections.abc import Mapping
from typing import Any

from ats_assets.deployment import Deployment
from ats_assets.impact.schema import COST_ESTIMATE
from ats_assets.orders.trading_costs.estimate_total import total_row


def expected_costs(deployment: Deployment) -> dict[str, Any]:
    """`expected_costs` with the figures of the newest estimate; nothing while costs are fixed rates, or none is stored."""
    if not deployment.settings.impact.is_on:
        return {}
    stored = deployment.valid_sessions(COST_ESTIMATE)
    if not stored:
        return {}
    total = total_row(deployment.warehouse.read(COST_ESTIMATE, stored[-1:]))
    rounded = {name: round(value, 2) if isinstance(value, float) else value for name, value in total.items()}
    return {"expected_costs": {"session": stored[-1], "model": deployment.settings.impact.model, **rounded}}


def told_costs(costs: Mapping[str, Any]) -> str:
    """The same as a line.

    Examples
    --------
    >>> parts = {"commission_bps": 1.0, "spread_bps": 2.0, "fixed_bps": 0.0, "permanent_bps": 3.0, "temporary_bps": 4.0, "expected_bps": 10.0}
    >>> told_costs({"session": "2024-03-01", "model": "almgren", "orders": 3, "notional": 50_000.0, "expected": 50.0, **parts})
    'expected to cost 50.00, 10.0 bp of 50,000.00 (almgren: commission 1.0, spread 2.0, fixed 0.0, permanent 3.0, temporary 4.0): 3 orders planned on 2024-03-01'
    """
    if not costs["orders"]:
        return f"no orders were planned on {costs['session']}"
    parts = ", ".join(f"{name} {costs[f'{name}_bps']:.1f}" for name in ("commission", "spread", "fixed", "permanent", "temporary"))
    of_all = f"expected to cost {costs['expected']:,.2f}, {costs['expected_bps']:.1f} bp of {costs['notional']:,.2f}"
    return f"{of_all} ({costs['model']}: {parts}): {costs['orders']} orders planned on {costs['session']}"
