"""Checks of the stage orders: the account agrees with our records, the plan keeps the limits, executions cost what they may."""

from datetime import date

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.orchestration.partitions import partitions_of, sessions_of
from ats_assets.orchestration.verdicts import Verdict, report
from ats_assets.orders.quality import summary
from ats_assets.orders.schema import EXECUTION_QUALITY_SCHEMA
from ats_assets.orders.shares_of_people import without_shares_of_people
from ats_assets.portfolio.order_limits import least

TOLERANCE = 1e-6
"""Of sums of money in float64, relative."""


def checks(deployment: Deployment) -> list[dg.AssetChecksDefinition]:
    """The stage's checks."""
    return [_reconciled(deployment), _limits_kept(deployment), _slippage(deployment)]


def _reconciled(deployment: Deployment) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="account", name="reconciled", blocking=True, partitions_def=partitions_of(deployment))
    def reconciled(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether cash and positions at the broker are what our own records say; nothing is planned on those that are not."""
        sessions = sessions_of(context.op_execution_context.partition_keys)
        rows = deployment.warehouse.read("account", sessions, ["session", "differences", "equity"])
        verdicts = {
            day: Verdict(passed=differences is None, text=differences or "cash and positions agree", metadata={"equity": equity})
            for day, differences, equity in rows.iter_rows()
        }
        return report(context, verdicts, severity=dg.AssetCheckSeverity.ERROR)

    return reconciled


def _limits_kept(deployment: Deployment) -> dg.AssetChecksDefinition:
    @dg.asset_check(asset="order_plan", name="limits_kept", blocking=True, partitions_def=partitions_of(deployment))
    def limits_kept(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether the plan keeps the limits on orders, judged again from its rows; no order is sent of one that does not."""
        sessions = sessions_of(context.op_execution_context.partition_keys)
        return report(context, {day: judge_limits(deployment, day) for day in sessions}, severity=dg.AssetCheckSeverity.ERROR)

    return limits_kept


def judge_limits(deployment: Deployment, session: date) -> Verdict:
    """The plan of a session against `orders.limits`, by its rows, the positions and the account; valued at the closes, as the plan is.

    What people have bought was judged when they asked for it, and is not the plan's to sell.
    """
    limits = deployment.settings.orders.limits
    rows = deployment.warehouse.read("order_plan", [session])
    plan = rows.filter(pl.col("quantity") > 0)
    held, gain = _at_closes(deployment, session, rows)
    equity = float(deployment.warehouse.read("account", [session])["equity"][0]) + gain
    after = dict(held)
    broken = []
    for symbol, leg, side, notional in plan.select("symbol", "leg", "side", "notional").iter_rows():
        after[symbol] = after.get(symbol, 0.0) + (notional if side == "buy" else -notional)
        if leg == "open" and notional > least(limits.max_order_share * equity, limits.max_order_notional) * (1 + TOLERANCE):
            broken.append(f"{symbol}: order of {notional:,.2f}")
    opening = float(plan.filter(leg="open")["notional"].sum())
    day = least(limits.max_day_share * equity, limits.max_day_notional)
    if opening and float(plan["notional"].sum()) > day * (1 + TOLERANCE):
        broken.append(f"orders of {float(plan['notional'].sum()):,.2f} in all")
    opened = set(plan.filter(leg="open")["symbol"])
    broken += [
        f"{s}: position of {after[s]:,.2f}"
        for s in sorted(opened)
        if abs(after[s]) > least(limits.max_position_share * equity, limits.max_position_notional) * (1 + TOLERANCE) + 0.01
    ]
    if opened and sum(map(abs, after.values())) > limits.max_gross_share * equity * (1 + TOLERANCE) + 0.01 * len(after):
        broken.append(f"gross of {sum(map(abs, after.values())):,.2f}")
    if not limits.allow_short:
        broken += [f"{s}: short" for s in sorted(opened) if after[s] < -0.01 and after[s] < held.get(s, 0.0)]
    text = f"{len(plan)} orders of {float(plan['notional'].sum()):,.2f} at an equity of {equity:,.2f}"
    return Verdict(passed=not broken, text="; ".join(broken) or text, metadata={"orders": len(plan), "equity": equity})


def _at_closes(deployment: Deployment, session: date, plan: pl.DataFrame) -> tuple[dict[str, float], float]:
    """What is held at the closes that the plan was made at, by symbol, and how much more that is than by the broker's prices, which may be of another time."""
    closes: dict[str, float] = {}
    if deployment.warehouse.exists("bars", session):
        closes |= dict(deployment.warehouse.read("bars", [session], ["symbol", "close"]).iter_rows())
    closes |= dict(plan.select("symbol", "decision_price").drop_nulls().iter_rows())
    held: dict[str, float] = {}
    gain = 0.0
    positions = without_shares_of_people(deployment, session, deployment.warehouse.read("positions", [session]))
    for symbol, quantity, cost, value in positions.select("symbol", "quantity", "cost", "value").iter_rows():
        told = cost if value is None else value
        held[symbol] = quantity * closes[symbol] if symbol in closes else told
        gain += 0.0 if value is None else held[symbol] - value
    return held, gain


def _slippage(deployment: Deployment) -> dg.AssetChecksDefinition:
    bound = deployment.settings.orders.slippage_warning_bps

    @dg.asset_check(asset="execution_quality", name="slippage", partitions_def=partitions_of(deployment))
    def slippage(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
        """Whether executions cost no more than they may against the arrival price, and all orders were filled."""
        verdicts = {}
        for day in sessions_of(context.op_execution_context.partition_keys):
            judged = summary(deployment.read_known("execution_quality", [day], EXECUTION_QUALITY_SCHEMA))
            cost, unfilled = judged["slippage_arrival_bps"], int(judged["orders"] or 0) - int(judged["filled_in_full"] or 0)
            text = f"{'no' if cost is None else f'{cost:+.1f} bp'} slippage against the open; {unfilled} of {judged['orders']} orders not filled in full"
            verdicts[day] = Verdict(
                passed=(cost or 0.0) <= bound and not unfilled, text=text, metadata={k: v for k, v in judged.items() if v is not None}
            )
        return report(context, verdicts, severity=dg.AssetCheckSeverity.WARN)

    return slippage
