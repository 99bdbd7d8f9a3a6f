"""Which algorithm has an order, by spread, urgency and size; and how a plan says it."""

from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from pydantic import ValidationError

from ats_assets.algorithms import Leg
from ats_assets.algorithms.order_selection import KnownLiquidity, day_end_of, selected
from ats_assets.execution.order import OrderKind
from ats_assets.orders.order_plan import intents_of
from ats_assets.orders.schema import INSTRUMENTS_SCHEMA, ORDER_PLAN_SCHEMA
from ats_assets.orders.work_plans import WorkChooser
from ats_assets.settings import OrdersSettings, Settings

DAY = date(2024, 3, 1)
RULES: list[dict[str, Any]] = [
    {"algorithm": "at_open", "kind": "limit", "max_size": 0.001},
    {"algorithm": "adaptive_limit", "min_spread_bps": 15, "max_urgency": 0.5},
    {"algorithm": "vwap", "min_size": 0.01},
]


@pytest.mark.parametrize(
    ("shares", "spread", "leg", "algorithm", "kind"),
    [
        (10, 20.0, Leg.OPEN, "at_open", "limit"),  # a thousandth of the volume: the first rule
        (500, 20.0, Leg.OPEN, "adaptive_limit", "market_on_open"),  # wide and patient
        (500, 20.0, Leg.CLOSE, "vwap", "market_on_open"),  # wide and urgent: the third rule, by size
        (500, 5.0, Leg.OPEN, "vwap", "market_on_open"),
        (500, None, Leg.OPEN, "vwap", "market_on_open"),  # a spread that is not known meets no bound on it
        (50, 5.0, Leg.OPEN, "twap", "market_on_open"),  # none: orders.algorithm
    ],
)
def test_the_first_rule_that_an_order_meets_chooses(shares: int, spread: float | None, leg: Leg, algorithm: str, kind: str) -> None:
    orders = OrdersSettings(algorithm="twap", selection=RULES, closing_urgency=0.9)  # pyright: ignore[reportArgumentType]
    chosen = selected(orders, "AAPL", leg, [Decimal(shares)], KnownLiquidity(day_volume=10_000.0, spread_bps=spread))
    assert (chosen.algorithm, chosen.kind) == (algorithm, kind)
    assert chosen.urgency == (0.9 if leg is Leg.CLOSE else 0.5)


def test_parts_of_a_share_are_sent_at_the_open_and_coins_are_worked() -> None:
    orders = OrdersSettings(algorithm="twap")
    assert selected(orders, "AAPL", Leg.OPEN, [Decimal("10.5")], KnownLiquidity()).why == "twap works whole shares, and it is for 10.5"
    assert selected(orders, "AAPL", Leg.CLOSE, [Decimal("0.5"), Decimal(3)], KnownLiquidity()).algorithm == "at_open"
    assert selected(orders, "BTC/USD", Leg.OPEN, [Decimal("0.5")], KnownLiquidity()).algorithm == "twap"
    assert (day_end_of(orders, "BTC/USD").unfilled, day_end_of(orders, "AAPL").unfilled) == ("cross", "close")


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ({"selection": [{"min_size": 0.2, "max_size": 0.1}]}, "the rule is for no order"),
        ({"selection": [{"algorithm": "vwap", "kind": "limit"}]}, "chooses the kind of each order itself"),
        ({"algorithm": "vwap", "kind": "bracket"}, "a bracket has none"),
    ],
)
def test_settings_that_can_not_be_meant_are_refused(values: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        OrdersSettings(**values)


def plan_of(*rows: tuple[str, str, float]) -> pl.DataFrame:
    """Legs of a plan: symbol, leg, shares."""
    names = ORDER_PLAN_SCHEMA.names()
    made = []
    for symbol, leg, shares in rows:
        values: dict[str, Any] = dict.fromkeys(names)
        values |= {"session": DAY, "symbol": symbol, "instrument": f"file:{symbol}", "leg": leg, "side": "buy", "quantity": shares}
        values |= {"client_order_id": f"main-20240301-{symbol}-{leg}" if shares else None, "kind": "market_on_open"}
        values |= {"decision_price": 20.0, "notional": shares * 20.0, "target_weight": 0.1, "reason": None if shares else "too_small"}
        made.append(values)
    return pl.DataFrame(made, schema=ORDER_PLAN_SCHEMA, orient="row")


def test_a_plan_says_how_each_order_is_worked_and_the_intents_have_it() -> None:
    settings = Settings(
        orders={"selection": RULES, "urgency": 0.2, "work_minutes": 60, "collar_bps": 100.0},  # pyright: ignore[reportArgumentType]
        algorithms={"vwap": {"slice_minutes": 10}},
    )
    plan = plan_of(("AAA", "open", 500.0), ("BBB", "close", 50.0), ("BBB", "open", 60.0), ("CCC", "open", 4.0), ("DDD", "open", 0.0))
    bars = pl.DataFrame({"symbol": ["AAA", "BBB", "CCC"], "volume": [10_000.0] * 3})
    made = WorkChooser(settings=settings).with_work(DAY, plan, bars, INSTRUMENTS_SCHEMA.to_frame())
    assert dict(made.select("symbol", "kind").unique().rows()) == {
        "AAA": "worked",
        "BBB": "worked",  # both legs together are more than a hundredth
        "CCC": "limit",
        "DDD": "market_on_open",
    }
    intents = {one.client_order_id: one for one in intents_of(made, "main")}
    work = intents["main-20240301-AAA-open"].work
    assert work is not None
    assert (work.algorithm, dict(work.settings)["slice_minutes"], work.urgency, work.minutes) == ("vwap", 10, 0.2, 60)
    assert work.why == "rule 3: 0.05 of the day's volume, urgency 0.2"
    assert intents["main-20240301-CCC-open"].limit_price == Decimal("20.2")
    assert intents["main-20240301-CCC-open"].kind is OrderKind.LIMIT
    assert "main-20240301-DDD-open" not in intents
