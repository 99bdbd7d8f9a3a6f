"""Assets of the stage option orders: what happened to option contracts, what strategies decide of what is held, the orders that follow, sent. Only where settings name strategies of options.

They are records, as those of shares are: made session by session, never rebuilt.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.execution import state as intents_state
from ats_assets.execution.broker import OptionBroker
from ats_assets.execution.order import OrderIntent
from ats_assets.execution.outcome import IntentState
from ats_assets.execution.trading import TradingServices, open_trading
from ats_assets.option_backtests.traded_strategies import trading_settings
from ats_assets.option_orders import contracts
from ats_assets.option_orders.deciding import books_at_close, decide_options
from ats_assets.option_orders.record_frames import (
    option_books_frame,
    option_decisions_frame,
    option_entries_frame,
    option_fills_frame,
    option_intents_of,
    option_orders_frame,
    option_plan_frame,
    option_positions_frame,
)
from ats_assets.option_strategies.choosing import option_strategies
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.partitions import Reads, session_partitions, sessions_of
from ats_assets.scheduled_events import SCHEDULED

GROUP = "orders"
POOL = "trading"
"""As of the orders for shares: one run at a time trades."""
CODE = ("ats_assets.option_orders",)
OF_CHAINS = ("option_chains", "greeks", "raw_announced_dividends", "corporate_actions")


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: none without `[option_strategies]`."""
    if not deployment.settings.option_strategies:
        return []
    return [_settled(deployment), _planned(deployment), _sent(deployment)]


def _settled(deployment: Deployment) -> dg.AssetsDefinition:
    told = {
        "option_fills": (contracts.OptionFills, "Executions of option contracts in the session."),
        "option_entries": (
            contracts.OptionEntries,
            "Assignments, exercises and expiries of the session, and the shares that they brought.",
        ),
        "option_positions": (contracts.OptionPositions, "Option contracts held at the session's close."),
        "option_books": (contracts.OptionBooks, "The book of each strategy of options at the session's close."),
    }
    nodes = {name: _node(deployment, name, contract, (Reads(asset="fills"),)) for name, (contract, _) in told.items()}

    @dg.multi_asset(
        name="option_settlement",
        outs={name: dg.AssetOut.from_spec(node.spec(deployment, told[name][1])) for name, node in nodes.items()},
        deps=nodes["option_fills"].deps(),
        partitions_def=session_partitions(deployment.calendar),
        backfill_policy=dg.BackfillPolicy.multi_run(1),
        pool=POOL,
    )
    def option_settlement(context: dg.AssetExecutionContext) -> Iterator[dg.Output[pl.DataFrame]]:
        """What came of the orders for option contracts, and what holders and the clearing house have made of contracts."""
        session = _only(context.partition_keys)
        with open_trading(deployment) as trading:
            settled = trading.executor.settle(session)
            if settled.waiting:
                raise AtsError(f"session {session} is not settled: {settled.waiting}")
            decided = _decided(trading, [fill.client_order_id for fill in settled.fills])
            books = books_at_close(deployment, trading, session)
        yield dg.Output(option_fills_frame(session, settled.fills, decided), output_name="option_fills")
        yield dg.Output(option_entries_frame(session, settled.entries), output_name="option_entries")
        yield dg.Output(option_positions_frame(session, settled.positions), output_name="option_positions")
        equity = {name: float(book.equity) for name, book in books.items()}
        yield dg.Output(option_books_frame(session, books), output_name="option_books", metadata=equity)

    return option_settlement


def _planned(deployment: Deployment) -> dg.AssetsDefinition:
    scheduled = (SCHEDULED,) if deployment.settings.scheduled_events.has_events else ()
    reads = (*(Reads(asset=name) for name in (*OF_CHAINS, *scheduled)), Reads(asset="option_books"))
    nodes = {
        "option_decisions": _node(deployment, "option_decisions", contracts.OptionDecisions, reads),
        "option_plan": _node(deployment, "option_plan", contracts.OptionPlan, reads),
    }
    said = {
        "option_decisions": "What each strategy of options decided of what it holds, a row for each position and underlying, with its reason.",
        "option_plan": "The orders for option contracts that follow, and why some are not sent.",
    }

    @dg.multi_asset(
        name="option_planning",
        outs={name: dg.AssetOut.from_spec(node.spec(deployment, said[name])) for name, node in nodes.items()},
        deps=nodes["option_plan"].deps(),
        partitions_def=session_partitions(deployment.calendar),
        backfill_policy=dg.BackfillPolicy.multi_run(1),
        pool=POOL,
    )
    def option_planning(context: dg.AssetExecutionContext) -> Iterator[dg.Output[pl.DataFrame]]:
        """Decide at the session's close, by the function of the backtest."""
        session = _only(context.partition_keys)
        with open_trading(deployment) as trading:
            made = decide_options(deployment, books_at_close(deployment, trading, session), session)
            refused = _refused(trading, [one.intent for one in made.planned if one.intent is not None])
        plan = option_plan_frame(session, made.planned, refused)
        yield dg.Output(option_decisions_frame(session, made.decisions), output_name="option_decisions")
        yield dg.Output(plan, output_name="option_plan", metadata={"orders": plan["client_order_id"].count()})

    return option_planning


def _sent(deployment: Deployment) -> dg.AssetsDefinition:
    settings = deployment.settings
    node = _node(deployment, "option_orders", contracts.OptionOrders, (Reads(asset="option_plan"),))

    @node.asset(deployment, ins=node.ins(), pool=POOL)
    def option_orders(context: dg.AssetExecutionContext, option_plan: pl.DataFrame) -> pl.DataFrame:
        """The orders for option contracts, sent to the broker exactly once, with the state of each."""
        session = _only(context.partition_keys)
        with open_trading(deployment) as trading:
            if trading.broker.live:
                context.log.warning(f"LIVE: the orders for options of {session} cost real money")
            intents = option_intents_of(option_plan, settings.orders.strategy)
            execution = trading.executor.execute(session, intents, options=True)
            left = any(one.state in (IntentState.PLANNED, IntentState.SENDING) for one in execution.outcomes)
            opens = deployment.calendar.opens_at(deployment.calendar.after(session))
            if execution.stopped and left and trading.broker.account().at < opens:
                raise AtsError(f"not all orders for options of {session} are sent, and they still can be: {execution.stopped}")
        if execution.stopped:
            context.log.warning(f"not all orders for options of {session} are sent: {execution.stopped}")
        context.add_output_metadata({"orders": len(execution.outcomes), "stopped": execution.stopped or "no"})
        return option_orders_frame(session, execution.outcomes)

    return option_orders


def _node(deployment: Deployment, name: str, contract: Any, reads: Sequence[Reads]) -> Node:
    return Node(
        name=name,
        group=GROUP,
        kinds=frozenset({"parquet", "sql"}),
        reads=tuple(reads),
        contract=contract,
        code=CODE,
        settings=_what_matters(deployment),
        record=True,
    )


def _what_matters(deployment: Deployment) -> tuple[Any, ...]:
    """Neither whether the sensor trades nor where the kill file lies is among it."""
    settings = deployment.settings
    orders = settings.orders.model_copy(update={"enabled": False, "kill": False, "kill_file": Path()})
    return (orders, *trading_settings(settings, deployment.of(option_strategies)))


def _only(keys: Sequence[str]) -> date:
    sessions = sessions_of(keys)
    if len(sessions) != 1:
        raise AtsError(f"orders are made session by session, not {len(sessions)} in one run: use ats trade, or launch one partition")
    return sessions[0]


def _decided(trading: TradingServices, names: Sequence[str]) -> dict[str, OrderIntent]:
    with trading.state.begin() as connection:
        rows = {name: intents_state.load(connection, name) for name in set(names)}
    return {name: row.intent for name, row in rows.items() if row is not None}


def _refused(trading: TradingServices, intents: Sequence[OrderIntent]) -> dict[str, str]:
    """What the broker would refuse; all of it, where it takes no orders for options."""
    if isinstance(trading.broker, OptionBroker):
        return dict(trading.broker.option_refusals(intents))
    return {one.client_order_id: f"the broker {trading.broker.name} takes no orders for option contracts" for one in intents}
