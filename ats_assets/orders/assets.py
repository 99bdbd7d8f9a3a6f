"""Assets of the stage orders: fills, positions and account of a session, the plan for the next open, and the orders sent.

They are records: what was sent can't be rebuilt, so no range run, backfill of several sessions or healing touches them. Making one again tells
what the trade state has of it.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import dagster as dg
import polars as pl

from ats_assets.algorithms.price_grid import plain
from ats_assets.deployment import Deployment
from ats_assets.errors import AtsError
from ats_assets.execution import state as intents_state
from ats_assets.execution.breaches import breached_limits
from ats_assets.execution.contract_legs import is_contract, is_of_options
from ats_assets.execution.desk_loop import take_up_requests
from ats_assets.execution.names import known_identities
from ats_assets.execution.order import Fill, OrderIntent, OrderKind, exact
from ats_assets.execution.outcome import Execution, IntentState
from ats_assets.execution.trading import TradingServices, open_trading
from ats_assets.option_orders.deciding import books_at_close
from ats_assets.option_orders.shares_apart import account_apart, shares_apart
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.partitions import Reads, session_partitions, sessions_of
from ats_assets.orders.brake import exposure_after_losses
from ats_assets.orders.broker_frames import SentIntent, account_frame, fills_frame, instruments_frame, orders_frame, positions_frame
from ats_assets.orders.order_plan import intents_of, order_plan
from ats_assets.orders.quality import execution_quality, quality_table
from ats_assets.orders.schema import AccountAtClose, ExecutionQuality, Fills, Instruments, OrderPlan, Orders, Positions, WorkedOrderPlan
from ats_assets.orders.shares_of_people import without_shares_of_people
from ats_assets.orders.work_plans import WorkChooser
from ats_assets.portfolio.working_rules import order_algorithms, session_days
from ats_assets.settings import OrdersSettings

GROUP = "orders"
POOL = "trading"
"""One run at a time trades."""
CODE = ("ats_assets.orders",)


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets."""
    return [_settlement(deployment), _quality(deployment), _order_plan(deployment), _orders(deployment)]


def _settlement(deployment: Deployment) -> dg.AssetsDefinition:
    settings = deployment.settings
    common: dict[str, Any] = {
        "group": GROUP,
        "kinds": frozenset({"parquet", "sql"}),
        "reads": (Reads(asset="bars"), Reads(asset="targets")),
        "code": CODE,
        "settings": (_what_orders_are(settings.orders), settings.backtest, *settings.impact.of_trading),
        "record": True,
    }
    told = {
        "fills": (Fills, "What was executed in the session."),
        "positions": (Positions, "What the broker says is held at the session's close."),
        "account": (AccountAtClose, "The account at the session's close, and whether it agrees with our own records."),
        "instruments": (Instruments, "What the broker says of the symbols that are held or wanted."),
    }
    nodes = {name: Node(name=name, contract=contract, **common) for name, (contract, _) in told.items()}

    @dg.multi_asset(
        name="settlement",
        outs={name: dg.AssetOut.from_spec(node.spec(deployment, told[name][1])) for name, node in nodes.items()},
        ins={"targets": nodes["fills"].ins()["targets"]},
        deps=[*(dep for dep in nodes["fills"].deps() if dep.asset_key == dg.AssetKey("bars")), *_chains(deployment)],
        partitions_def=session_partitions(deployment.calendar),
        backfill_policy=dg.BackfillPolicy.multi_run(1),
        pool=POOL,
    )
    def settlement(context: dg.AssetExecutionContext, targets: pl.DataFrame) -> Iterator[dg.Output[pl.DataFrame]]:
        """Settle the orders for the session's open, and reconcile the broker's account with our records."""
        session = only_session(context.partition_keys)
        with open_trading(deployment) as trading:
            settled = trading.executor.settle(session)
            if settled.closed:
                deployment.calendar_store.close(session)
            if settled.waiting and (settled.closed or not settled.differences):
                raise AtsError(f"session {session} is not settled: {settled.waiting}")
            decided = _decided(trading, settled.fills)
            wanted = targets.filter(pl.col("target_weight") != 0)["symbol"]
            symbols = sorted({*wanted, *(position.symbol for position in settled.positions if not is_contract(position.symbol))})
            instruments = trading.broker.instruments(symbols)
            books = books_at_close(deployment, trading, session)
            for entry in settled.entries:
                context.log.info(f"{entry.kind} {entry.symbol or ''}: {entry.description}")
        known = known_identities(deployment, session)
        in_shares = [fill for fill in settled.fills if not is_contract(fill.symbol)]
        held = shares_apart(settled.positions, books, deployment.settings.options.symbol_by_underlying)
        of_shares = account_apart(settled.account, books)
        yield dg.Output(fills_frame(session, in_shares, decided, known), output_name="fills")
        yield dg.Output(positions_frame(session, held, known), output_name="positions")
        account = account_frame(session, trading.broker.name, of_shares, [one.message for one in settled.differences])
        shown = {"equity": float(of_shares.equity), "cash": float(of_shares.cash)}
        yield dg.Output(account, output_name="account", metadata=shown)
        yield dg.Output(instruments_frame(session, instruments), output_name="instruments")

    return settlement


def _chains(deployment: Deployment) -> list[dg.AssetDep]:
    """What a session's settlement waits for where options are traded on paper, or orders worked in parts: quotes of options, bars inside the session."""
    orders, options = deployment.settings.orders, ["option_chains"] if deployment.settings.option_strategies else []
    return [dg.AssetDep(name) for name in (*options, *([orders.session_bars] if orders.works_in_parts and orders.session_bars else []))]


def _quality(deployment: Deployment) -> dg.AssetsDefinition:
    node = Node(
        name="execution_quality",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=(Reads(asset="fills"), Reads(asset="bars")),
        contract=ExecutionQuality,
        code=("ats_assets.orders.quality",),
        settings=(),
        record=True,
    )

    @node.asset(deployment, ins=node.ins(), pool=POOL)
    def execution_quality_of(context: dg.AssetExecutionContext, fills: pl.DataFrame, bars: pl.DataFrame) -> pl.DataFrame:
        """Execution quality: slippage against the decision price, the arrival price and the day's VWAP, fill rate and latency."""
        session = only_session(context.partition_keys)
        with open_trading(deployment) as trading:
            sent = [order for order in trading.executor.settle(session).orders if not is_of_options(order.symbol)]
        made = execution_quality(session, orders=sent, fills=fills, bars=bars, opens_at=deployment.calendar.opens_at(session))
        context.add_output_metadata({"summary": dg.MetadataValue.md(quality_table(made))})
        return made

    return execution_quality_of


def _order_plan(deployment: Deployment) -> dg.AssetsDefinition:
    settings = deployment.settings
    algorithms = deployment.of(order_algorithms)
    session_bars = [settings.orders.session_bars] if algorithms and settings.orders.session_bars else []
    node = Node(
        name="order_plan",
        group=GROUP,
        kinds=frozenset({"parquet", "polars"}),
        reads=tuple(Reads(asset=name) for name in ("targets", "bars", "positions", "account", "instruments")),
        contract=WorkedOrderPlan if settings.orders.works_in_parts else OrderPlan,
        code=(_order_plan, *(type(one) for one in algorithms)),
        settings=(settings.portfolio, _what_orders_are(settings.orders), settings.backtest, *(one.settings for one in algorithms)),
        record=True,
    )

    @node.asset(deployment, ins=node.ins(), deps=session_bars, pool=POOL)
    def order_plan_of(context: dg.AssetExecutionContext, **frames: pl.DataFrame) -> pl.DataFrame:
        """The orders for the next open: target weights minus current holdings, within the limits of the settings."""
        session = only_session(context.partition_keys)
        frames["positions"] = without_shares_of_people(deployment, session, frames["positions"])
        exposure = exposure_after_losses(deployment, session)
        if exposure < 1.0:
            context.log.warning(f"the brake leaves {exposure:.1%} of the targets of {session}: see orders.brake")
        made = order_plan(
            session,
            **frames,
            exposure=exposure,
            portfolio=settings.portfolio,
            orders=settings.orders,
            fractional=settings.backtest.fractional_shares,
            margin=settings.backtest.margin,
            known=known_identities(deployment, session),
        )
        if algorithms:
            chooser = WorkChooser(settings=settings, days=session_days(deployment))
            made = chooser.with_work(session, made, frames["bars"], frames["instruments"])
        sent = made.filter(pl.col("quantity") > 0)
        columns = ("symbol", "side", "leg", "quantity", "decision_price", "target_weight")
        context.add_output_metadata(
            {
                "orders": sent.height,
                "notional": sent["notional"].sum(),
                "exposure": exposure,
                "plan": dg.MetadataValue.md(_table(sent, columns)),
            }
        )
        return made

    return order_plan_of


def _orders(deployment: Deployment) -> dg.AssetsDefinition:
    settings = deployment.settings
    node = Node(
        name="orders",
        group=GROUP,
        kinds=frozenset({"parquet", "sql"}),
        reads=(Reads(asset="order_plan"),),
        contract=Orders,
        code=CODE,
        settings=(_what_orders_are(settings.orders),),
        record=True,
    )

    @node.asset(deployment, ins=node.ins(), deps=["option_orders"] if settings.option_strategies else [], pool=POOL)
    def orders(context: dg.AssetExecutionContext, order_plan: pl.DataFrame) -> pl.DataFrame:
        """The plan's orders, sent to the broker exactly once, with the state of each."""
        session = only_session(context.partition_keys)
        with open_trading(deployment) as trading:
            if cut := breached_limits(session, order_plan, datetime.now(UTC)):
                trading.alert(cut)
            if trading.broker.live:
                context.log.warning(f"LIVE: the orders of {session} cost real money")
            take_up_requests(trading.desk, context.log.warning)
            execution = trading.executor.execute(session, intents_of(order_plan, settings.orders.strategy))
            if execution.stopped and _may_still_be_sent(deployment, trading, execution):
                raise AtsError(f"not all orders of {session} are sent, and they still can be: {execution.stopped}")
        if execution.stopped:
            context.log.warning(f"not all orders of {session} are sent: {execution.stopped}")
        if execution.waiting:
            context.log.warning(f"{', '.join(execution.waiting)}: to be taken up at the open, by ats orders watch or by this run again")
        sent = [SentIntent(intent=one.intent, state=str(one.state), reason=one.reason, order=one.order) for one in execution.outcomes]
        context.add_output_metadata(
            {"orders": len(sent), "stopped": execution.stopped or "no", "waiting": len(execution.waiting), "broker": trading.broker.name}
        )
        return orders_frame(session, sent, known_identities(deployment, session))

    return orders


def _what_orders_are(orders: OrdersSettings) -> OrdersSettings:
    """The settings that what is decided and sent depends on: neither whether the sensor trades nor where the kill file lies is among them."""
    return orders.model_copy(update={"enabled": False, "kill": False, "kill_file": Path()})


def only_session(keys: Sequence[str]) -> date:
    """The session of a run.

    Raises
    ------
    AtsError
        If it is a run over several: the orders of one session must be sent before the next one is settled.
    """
    sessions = sessions_of(keys)
    if len(sessions) != 1:
        raise AtsError(f"orders are made session by session, not {len(sessions)} in one run: use ats trade, or launch one partition")
    return sessions[0]


def _may_still_be_sent(deployment: Deployment, trading: TradingServices, execution: Execution) -> bool:
    """Whether orders that are not sent yet can be before the open that they are for, by the broker's time."""
    due = (IntentState.PLANNED, IntentState.SENDING)
    waiting = any(one.state in due and one.intent.kind is not OrderKind.WORKED for one in execution.outcomes)
    return waiting and trading.broker.account().at < deployment.calendar.opens_at(deployment.calendar.offset(execution.session, 1))


def _decided(trading: TradingServices, fills: Sequence[Fill]) -> dict[str, OrderIntent]:
    """Client order id -> what was decided, of the fills whose orders are ours."""
    with trading.state.begin() as connection:
        rows = {name: intents_state.load(connection, name) for name in {fill.client_order_id for fill in fills}}
    return {name: row.intent for name, row in rows.items() if row is not None}


def _table(rows: pl.DataFrame, columns: Sequence[str]) -> str:
    lines = ["| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    return "\n".join(
        lines
        + [
            "| " + " | ".join(plain(exact(float(f"{value:.9g}"))) if isinstance(value, float) else str(value) for value in row) + " |"
            for row in rows.select(columns).iter_rows()
        ]
    )
