"""Assets of the stage backtests: the backtest of the targets."""

import json
from dataclasses import fields, replace
from datetime import date
from typing import Any

import dagster as dg
import polars as pl
from pandera.polars import DataFrameModel

from ats_assets.backtests.choosing import backtest_engine, run_backtest
from ats_assets.backtests.cost_sensitivity import cost_sensitivity
from ats_assets.backtests.engine import BacktestResult
from ats_assets.backtests.metrics import backtest_metrics, left_by_brake, session_returns, wanted_and_held
from ats_assets.backtests.schema import BacktestPositions, CostSensitivity, Equity, Trades, Unfilled, Wanted
from ats_assets.backtests.stored_bars import traded_bars
from ats_assets.corporate_actions.identity import identities_of
from ats_assets.deployment import Deployment
from ats_assets.errors import MissingPartitionError
from ats_assets.impact.choosing import impact_code
from ats_assets.impact.schema import FIT, MARKET
from ats_assets.impact.stored_impact import stored_impact
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.reading import of_whole
from ats_assets.orchestration.sparkline import sparkline_markdown
from ats_assets.portfolio.allowed_changes import COLUMN
from ats_assets.portfolio.choosing import holds_books
from ats_assets.portfolio.working_rules import order_algorithms, working_rules
from ats_assets.settings import BacktestSettings, Settings
from ats_assets.trials import BacktestTrial

GROUP = "backtests"
CONTRACTS: dict[str, type[DataFrameModel]] = {
    "equity": Equity,
    "positions": BacktestPositions,
    "trades": Trades,
    "unfilled": Unfilled,
    "cost_sensitivity": CostSensitivity,
    "wanted": Wanted,
}
"""What each part of the backtest must satisfy before it is stored."""


class BacktestRange(dg.Config):
    """The targets to trade; all that are stored by default."""

    first_session: str | None = None
    last_session: str | None = None


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets."""
    settings, engine, algorithms = deployment.settings, deployment.of(backtest_engine), deployment.of(order_algorithms)
    node = Node(
        name="backtest",
        group=GROUP,
        kinds=frozenset({"parquet", "numpy"}),
        contract=Equity,
        code=(assets, type(engine), *impact_code(deployment), *getattr(engine, "code_by_name", ()), *(type(one) for one in algorithms)),
        settings=(
            settings.backtest,
            settings.portfolio,
            settings.orders.limits,
            settings.knowledge,
            *settings.orders.brakes,
            *settings.impact.of_trading,
            *([settings.orders, *(one.settings for one in algorithms)] if algorithms or settings.orders.has_limits else []),
        ),
    )
    reads = [
        "targets",
        "bars",
        "corporate_actions",
        *([MARKET] if settings.impact.is_on else []),
        *([FIT] if settings.impact.fitted else []),
        *([settings.orders.session_bars] if algorithms and settings.orders.session_bars else []),
    ]

    @node.asset(deployment, deps=reads, partitioned=False)
    def backtest(context: dg.AssetExecutionContext, config: BacktestRange) -> dg.MaterializeResult:
        """The targets of all sessions so far (or of a range), traded by the engine of the settings with costs: equity, positions, trades, metrics."""
        sessions = traded_sessions(deployment, config)
        trial = BacktestTrial(deployment, node.name, traded="targets", what=_what_is_traded(settings))
        trial.begin()
        targets = deployment.warehouse.read("targets", sessions, traded_columns(deployment))
        impact = stored_impact(deployment, sessions[:-1])
        told = deployment.known(deployment.calendar.sessions(deployment.calendar.first, sessions[-1]))
        actions, of_actions = of_whole(deployment, "corporate_actions", told)
        since, instruments = actions.filter(pl.col("session") >= sessions[0]), identities_of(actions, settings.source.kind)
        bars = traded_bars(deployment, targets, sessions, instruments, settings.backtest.benchmark, ranges=settings.orders.has_limits)

        def run(at_costs: BacktestSettings, multiple: float) -> BacktestResult:
            how: dict[str, Any] = {"impact": None if impact is None else replace(impact, multiple=multiple)}
            how |= {"working": working_rules(deployment), "equity_only": at_costs is not settings.backtest}
            how |= {"alike": len({1.0, *settings.backtest.cost_multiples})}
            how |= {"portfolio": settings.portfolio, "limits": settings.orders.limits, "brake": settings.orders.brake, "engine": engine}
            return run_backtest(targets, bars, sessions, settings=at_costs, actions=since, instruments=instruments, **how)

        result = run(settings.backtest, 1.0)
        tables = {field.name: getattr(result, field.name) for field in fields(result)}
        tables["cost_sensitivity"] = cost_sensitivity(result, settings.backtest, run, settings.backtest.cost_multiples)
        wanted = left_by_brake(targets, result.equity, settings.orders.brake) if engine.keeps_limits else targets
        tables["wanted"] = wanted_and_held(wanted, result.positions, settings.portfolio, kept=engine.keeps_limits)
        for table, contract in CONTRACTS.items():
            contract.validate(tables[table])
        returns = session_returns(result.equity["equity"].to_numpy())
        trial.add(result.equity["session"].to_list()[1:], returns.tolist())
        metrics = backtest_metrics(result, settings.backtest, costs=tables["cost_sensitivity"], wanted=tables["wanted"])
        upstream = {asset: deployment.data_versions(asset, sessions) for asset in ("targets", "bars")}
        upstream["corporate_actions"] = of_actions
        upstream |= {MARKET: deployment.data_versions(MARKET, sessions[:-1])} if settings.impact.is_on else {}
        upstream |= {FIT: deployment.data_versions(FIT, sorted(impact.scales))} if impact is not None and impact.scales else {}
        versions = {"code_version": node.code_version, "settings_version": node.settings_version}
        for table in CONTRACTS:
            deployment.warehouse.write_part("backtest", table, tables[table], **versions, upstream=upstream)
        figures = metrics.to_dict()
        text = json.dumps(figures, indent=2, sort_keys=True, default=str)
        deployment.warehouse.write_text("backtest", "metrics.json", text, **versions, upstream=upstream)
        context.log.info(f"backtest from {sessions[0]} to {sessions[-1]}: {len(result.trades)} trades")
        equity: pl.Series = result.equity["equity"]
        shown = {
            name: round(value, 4) if isinstance(value, float) else value
            for name, value in figures.items()
            if isinstance(value, int | float | str)
        }
        return dg.MaterializeResult(
            metadata={"curve": dg.MetadataValue.md(sparkline_markdown(equity.to_list(), title="Equity", width=400, height=80)), **shown}
        )

    return [backtest]


def traded_columns(deployment: Deployment) -> list[str]:
    """What is read of the targets to trade them."""
    return ["symbol", "session", "target_weight", *([COLUMN] if deployment.of(holds_books) else [])]


def _what_is_traded(settings: Settings) -> dict[str, Any]:
    """For people: what differs from the defaults."""
    sections = {"portfolio": settings.portfolio, "backtest": settings.backtest, "universe": settings.universe}
    told = {name: section.model_dump(mode="json", exclude_defaults=True) for name, section in sections.items()}
    named = {"models": [*settings.models], "strategies": settings.strategies, "risk": settings.risk}
    return named | {name: own for name, own in told.items() if own}


def traded_sessions(deployment: Deployment, config: BacktestRange) -> list[date]:
    """The stored sessions of targets in the range, from the first of them on.

    Raises
    ------
    MissingPartitionError
        If there are none.
    """
    first = date.fromisoformat(config.first_session) if config.first_session else date.min
    last = date.fromisoformat(config.last_session) if config.last_session else date.max
    stored = [day for day in deployment.valid_sessions("targets") if first <= day <= last]
    if not stored:
        asked = config.first_session or config.last_session
        where = f" from {config.first_session or 'the first'} to {config.last_session or 'the last'} session" if asked else ""
        raise MissingPartitionError(f"no targets are stored{where}: make them with ats run{', or choose another range' if asked else ''}")
    return deployment.calendar.sessions(stored[0], stored[-1])
