"""The check of limits is a second opinion: it judges the plan's rows, not the code that made them."""

from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from ats_assets.deployment import Deployment
from ats_assets.orders.checks import judge_limits
from ats_assets.orders.schema import ACCOUNT_SCHEMA, ORDER_PLAN_SCHEMA, POSITIONS_SCHEMA
from ats_assets_tests.small_market import small_market

DAY = date(2021, 3, 1)
Order = tuple[str, str, str, float]


def stored(root: Path, orders: list[Order], held: dict[str, float] | None = None, **limits: Any) -> Deployment:
    """A deployment with a plan of orders (symbol, leg, side, notional), positions by value, and an equity of 10,000."""
    deployment = small_market(root, orders={"limits": limits})
    rows = [
        {
            "session": DAY,
            "symbol": s,
            "instrument": s,
            "leg": leg,
            "side": side,
            "quantity": 1.0,
            "notional": notional,
            "target_weight": 0.0,
            "kind": "limit",
        }
        for s, leg, side, notional in orders
    ]
    plan = pl.DataFrame(rows, schema_overrides=ORDER_PLAN_SCHEMA) if rows else ORDER_PLAN_SCHEMA.to_frame()
    missing = {name: pl.lit(None, dtype) for name, dtype in ORDER_PLAN_SCHEMA.items() if name not in plan.columns}
    deployment.warehouse.write("order_plan", DAY, plan.with_columns(**missing).select(ORDER_PLAN_SCHEMA.names()))
    positions = [(DAY, s, s, 1.0, 0.0, abs(value), value) for s, value in (held or {}).items()]
    deployment.warehouse.write("positions", DAY, pl.DataFrame(positions, schema=POSITIONS_SCHEMA, orient="row"))
    account = [(DAY, "paper", "a", 1.0, 10_000.0, 1.0, False, None, None)]
    deployment.warehouse.write("account", DAY, pl.DataFrame(account, schema=ACCOUNT_SCHEMA, orient="row"))
    return deployment


@pytest.mark.parametrize(
    ("orders", "held", "limits", "complaint"),
    [
        ([("A", "open", "buy", 2_600)], {}, {}, "A: order of 2,600.00"),
        ([("A", "open", "buy", 1_001)], {}, {"max_order_notional": 1_000}, "A: order of 1,001.00"),
        ([("A", "open", "buy", 2_000), ("B", "open", "buy", 2_000)], {}, {"max_day_share": 0.3}, "orders of 4,000.00 in all"),
        ([("A", "open", "buy", 1_500)], {"A": 2_000}, {}, "A: position of 3,500.00"),
        ([("A", "open", "buy", 1_000)], {"B": 9_500}, {"max_gross_share": 1.0}, "gross of 10,500.00"),
        ([("A", "open", "sell", 1_000)], {}, {}, "A: short"),
    ],
)
def test_each_limit_that_is_broken_is_named(
    tmp_path: Path, orders: list[Order], held: dict[str, float], limits: dict[str, Any], complaint: str
) -> None:
    verdict = judge_limits(stored(tmp_path, orders, held, **limits), DAY)
    assert not verdict.passed
    assert complaint in verdict.text


@pytest.mark.parametrize(
    ("orders", "held", "limits"),
    [
        ([], {"A": 50_000}, {}),
        ([("A", "close", "sell", 9_000)], {"A": 9_000}, {"max_order_share": 0.1, "max_day_share": 0.1}),  # leaving is never too much
        ([("A", "open", "sell", 1_000)], {}, {"allow_short": True}),
        ([("A", "open", "buy", 2_500), ("B", "open", "buy", 2_500)], {}, {}),
    ],
)
def test_a_plan_within_the_limits_passes(tmp_path: Path, orders: list[Order], held: dict[str, float], limits: dict[str, Any]) -> None:
    verdict = judge_limits(stored(tmp_path, orders, held, **limits), DAY)
    assert verdict.passed, verdict.text


def test_positions_and_equity_are_valued_at_the_closes_that_the_plan_was_made_at(tmp_path: Path) -> None:
    """A broker whose prices were older than the close had a plan within its limits refused: 0.3 of the equity by the closes, more by the broker's."""
    deployment = stored(tmp_path, [("A", "open", "buy", 1_530)], {"A": 1_500, "B": 1_000})
    assert not judge_limits(deployment, DAY).passed
    plan = deployment.warehouse.read("order_plan", [DAY])
    closes = pl.DataFrame({"symbol": ["A", "B"], "decision_price": [1_500.0, 1_100.0], "quantity": [1.0, 0.0], "notional": [1_530.0, 0.0]})
    priced = (
        pl.concat([plan, plan.with_columns(symbol=pl.lit("B"))]).drop("decision_price", "quantity", "notional").join(closes, on="symbol")
    )
    deployment.warehouse.write("order_plan", DAY, priced.select(ORDER_PLAN_SCHEMA.names()))
    verdict = judge_limits(deployment, DAY)  # 3,030 of 10,100
    assert verdict.passed, verdict.text
