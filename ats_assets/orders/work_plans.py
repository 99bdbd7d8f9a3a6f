"""Which orders of a plan are worked in parts, and how: `orders.algorithm` and `orders.selection`, by what the close has told of each symbol.

A symbol's orders are worked alike. What is written into the plan is all that working needs, so that settings which change later change nothing of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

import polars as pl

from ats_assets.algorithms.algorithm import Increments
from ats_assets.algorithms.choosing import chosen_algorithm
from ats_assets.algorithms.order_selection import ChosenWork, KnownLiquidity, day_end_of, selected
from ats_assets.algorithms.order_words import Leg, OrderKind, Side
from ats_assets.algorithms.price_grid import exact
from ats_assets.algorithms.stored_days import StoredDays
from ats_assets.execution.worked_intents import WorkPlan
from ats_assets.orders.order_plan import collared
from ats_assets.orders.schema import WORKED_ORDER_PLAN_SCHEMA, WorkedOrderPlan
from ats_assets.portfolio.working_rules import smallest_steps
from ats_assets.settings import Settings


@dataclass(frozen=True, kw_only=True)
class WorkChooser:
    """Chooses for the orders of a session.

    Parameters
    ----------
    days
        The stored sessions, for spreads; None where no bars inside a session are stored.
    """

    settings: Settings
    days: StoredDays | None = None

    def with_work(self, session: date, plan: pl.DataFrame, bars: pl.DataFrame, instruments: pl.DataFrame) -> pl.DataFrame:
        """The plan, in which orders that are worked in parts say how.

        Parameters
        ----------
        plan, bars, instruments
            Frames of `OrderPlan`, and the session's partitions of `bars` and `instruments`.

        Returns
        -------
        DataFrame of the contract `WorkedOrderPlan`.
        """
        volumes = dict(bars.select("symbol", "volume").iter_rows())
        steps = {row["symbol"]: row for row in instruments.iter_rows(named=True)}
        rows: list[dict[str, Any]] = []
        for _, legs in plan.group_by("symbol", maintain_order=True):
            sent = [row for row in legs.iter_rows(named=True) if row["quantity"] > 0]
            chosen = self._chosen(session, sent, volumes) if sent else None
            rows += [
                self._row(row, chosen if row["quantity"] > 0 else None, steps.get(row["symbol"], {})) for row in legs.iter_rows(named=True)
            ]
        made = pl.DataFrame(rows, schema=WORKED_ORDER_PLAN_SCHEMA, orient="row").sort("session", "symbol", "leg")
        return WorkedOrderPlan.validate(made)

    def _chosen(self, session: date, legs: Sequence[Mapping[str, Any]], volumes: Mapping[str, float]) -> ChosenWork:
        symbol = legs[0]["symbol"]
        volume = volumes.get(symbol)
        liquidity = KnownLiquidity(day_volume=volume or None) if self.days is None else self.days.liquidity(session, symbol, volume)
        first = Leg.CLOSE if any(row["leg"] == Leg.CLOSE for row in legs) else Leg.OPEN
        return selected(self.settings.orders, symbol, first, [exact(row["quantity"]) for row in legs], liquidity)

    def _row(self, row: Mapping[str, Any], chosen: ChosenWork | None, instrument: Mapping[str, Any]) -> dict[str, Any]:
        if chosen is None:
            return {**row, "work": None}
        if not chosen.is_worked:
            changed = {} if chosen.kind == self.settings.orders.kind else self._as_kind(row, chosen, instrument)
            return {**row, **changed, "work": None}
        plan = self._plan(row["symbol"], chosen, instrument)
        return {**row, "kind": str(OrderKind.WORKED), "take_profit": None, "stop_loss": None, "work": plan.text()}

    def _as_kind(self, row: Mapping[str, Any], chosen: ChosenWork, instrument: Mapping[str, Any]) -> dict[str, Any]:
        """An order that is sent as one, of another kind than `orders.kind`."""
        orders = self.settings.orders.model_copy(update={"kind": chosen.kind})
        priced = {"symbol": row["symbol"], "price": row["decision_price"], "price_increment": instrument.get("price_increment")}
        kind, bounds = collared(Leg(row["leg"]), Side(row["side"]), priced, orders)
        return {"kind": str(kind), **dict(zip(("limit_price", "take_profit", "stop_loss"), bounds, strict=True))}

    def _plan(self, symbol: str, chosen: ChosenWork, instrument: Mapping[str, Any]) -> WorkPlan:
        algorithm = chosen_algorithm(self.settings, chosen.algorithm)
        orders, least = self.settings.orders, smallest_steps(symbol)
        price, quantity, smallest = (instrument.get(name) for name in ("price_increment", "quantity_increment", "min_quantity"))
        return WorkPlan(
            algorithm=chosen.algorithm,
            kind=algorithm.kind,
            settings=algorithm.settings.model_dump(mode="json"),
            urgency=chosen.urgency,
            start_minutes=orders.start_minutes,
            minutes=orders.work_minutes,
            day_end=day_end_of(orders, symbol),
            increments=Increments(
                price=None if price is None else exact(price),
                quantity=_or(quantity, least.quantity),
                least_quantity=max(_or(smallest, least.least_quantity), _or(quantity, least.quantity)),
            ),
            why=chosen.why,
        )


def _or(value: float | None, otherwise: Decimal) -> Decimal:
    return otherwise if value is None else exact(value)
