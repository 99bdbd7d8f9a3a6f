"""A worked order through the executor to the paper broker: the parts come back as intents, and both sides agree."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import polars as pl

from ats_assets.algorithms.algorithm import MINUTE_SCHEMA
from ats_assets.algorithms.stored_days import StoredDays
from ats_assets.brokers.paper import PaperBroker
from ats_assets.brokers.paper.worked_parts import PaperWorking
from ats_assets.execution.executor import Executor
from ats_assets.execution.order import OrderKind
from ats_assets.execution.worked_intents import WorkPlan
from ats_assets.execution.working import recorded_algorithm
from ats_assets.settings import OrdersSettings
from ats_assets.trade_state import TradeState, tables
from ats_assets_tests.brokers.paper.small_broker import FREE, Days, day, order

BAR = (10.0, 10.5, 9.5, 10.2)


def bars_inside(session: date, market: Days) -> pl.DataFrame:
    """A bar each hour, ten times a hundred shares; none on the last day."""
    opens = market.calendar.opens_at(session)
    rows = [("A", opens + timedelta(hours=h), *BAR, 1000.0, opens + timedelta(hours=h, minutes=1)) for h in range(0, 24, 2)]
    schema = {"symbol": pl.String, **dict(MINUTE_SCHEMA)}
    return pl.DataFrame(rows, schema=schema, orient="row") if session != day(3) else pl.DataFrame(schema=schema)


def test_the_parts_of_a_worked_order_are_recorded_and_both_sides_agree(tmp_path: Path) -> None:
    market = Days(BAR, BAR, BAR, BAR)
    stored = StoredDays(lambda session: bars_inside(session, market), market.calendar, is_stored=lambda session: session != day(2))
    working = PaperWorking(days=stored, make=recorded_algorithm, volume_share=0.25)
    settings = OrdersSettings(kill_file=tmp_path / "KILL")
    with TradeState(f"sqlite:///{tmp_path / 'state.sqlite'}") as state:
        broker = PaperBroker(state, market, FREE, settings, working=working)
        executor = Executor(broker, state, settings, alert=lambda _: None)
        executor.settle(day(0))
        plan = WorkPlan(algorithm="twap", kind="twap", settings={"slice_minutes": 480})
        first = replace(order(0, "buy", 100), kind=OrderKind.WORKED, work=plan)
        assert [str(one.state) for one in executor.execute(day(0), [first]).outcomes] == ["accepted"]
        settled = executor.settle(day(1))
        assert (settled.differences, settled.waiting) == ((), None)
        with state.begin() as connection:
            rows = {row.client_order_id: row for row in connection.execute(tables.intents.select())}
            parts = [rows[name] for name in sorted(rows) if rows[name].parent]
        assert rows[first.client_order_id].state == "filled"
        assert [(one.number, one.kind, one.quantity, one.state) for one in parts] == [
            (1, "market", Decimal(50), "filled"),
            (2, "market", Decimal(50), "filled"),
        ]
        assert {fill.client_order_id for fill in settled.fills} == {one.client_order_id for one in parts}
        assert broker.positions()[0].quantity == 100
        again = executor.settle(day(1))
        assert again.differences == ()

        second = replace(order(1, "sell", 100), kind=OrderKind.WORKED, work=plan)
        executor.execute(day(1), [second])
        assert "the bars inside 2020-01-08 are not stored" in (executor.settle(day(2)).waiting or "")


def test_an_account_without_algorithms_refuses_what_is_to_be_worked(tmp_path: Path) -> None:
    market, settings = Days(BAR, BAR), OrdersSettings(kill_file=tmp_path / "KILL")
    with TradeState(f"sqlite:///{tmp_path / 'state.sqlite'}") as state:
        executor = Executor(PaperBroker(state, market, FREE, settings), state, settings, alert=lambda _: None)
        executor.settle(day(0))
        one = replace(order(0, "buy", 100), kind=OrderKind.WORKED, work=WorkPlan(algorithm="twap", kind="twap"))
        (outcome,) = executor.execute(day(0), [one]).outcomes
        assert (str(outcome.state), "no algorithm of orders" in (outcome.reason or "")) == ("rejected", True)


def test_orders_for_the_closing_auction_and_at_the_market(tmp_path: Path) -> None:
    market, settings = Days(BAR, BAR), OrdersSettings(kill_file=tmp_path / "KILL")
    with TradeState(f"sqlite:///{tmp_path / 'state.sqlite'}") as state:
        broker = PaperBroker(state, market, FREE, settings)
        broker.settle(day(0))
        broker.submit(order(0, "buy", 10, OrderKind.MARKET))
        close = order(0, "buy", 20, OrderKind.MARKET_ON_CLOSE)
        broker.submit(replace(close, client_order_id=f"{close.client_order_id}-2"))
        limit = order(0, "buy", 30, OrderKind.LIMIT_ON_CLOSE, limit_price="10.1")
        broker.submit(replace(limit, client_order_id=f"{limit.client_order_id}-3"))
        broker.settle(day(1))
        fills = broker.fills(market.calendar.opens_at(day(1)))
        assert [(fill.quantity, fill.price) for fill in fills] == [(10, Decimal(10)), (20, Decimal("10.2"))]
        left = broker.find(f"{limit.client_order_id}-3")
        assert left is not None
        assert (str(left.status), left.reason) == ("expired", "limit_not_reached")
