"""Assets of the stage risk analysis: what the backtest could have come to, where the settings name it."""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import dagster as dg
import polars as pl

from ats_assets.backtests import BacktestResult
from ats_assets.backtests.stored_bars import market_bars
from ats_assets.deployment import Deployment
from ats_assets.errors import SettingsError, how_many
from ats_assets.impact.choosing import chosen_impact, impact_code
from ats_assets.orchestration.graph import Node
from ats_assets.orchestration.reading import of_whole
from ats_assets.regimes.choosing import regimes
from ats_assets.regimes.market_observations import daily_moves
from ats_assets.risk_analysis.capacity import break_even_of
from ats_assets.risk_analysis.contracts import CONTRACTS, PathSummary
from ats_assets.risk_analysis.risk_tables import RiskInputs, risk_tables
from ats_assets.risk_analysis.rolling_risk import kupiec_probability
from ats_assets.risk_analysis.schema import SCHEMAS
from ats_assets.settings import MonteCarloSettings

GROUP = "backtests"
MOVED_COLUMNS = ("symbol", "session", "high", "low", "close", "volume")
"""What is taken of a bar."""
LEAST_SESSIONS = 3
"""Sessions of a backtest, two returns, below which there is nothing to draw again: a market whose first model is yet to come."""


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's assets: none without a table `[monte_carlo]`."""
    wanted = deployment.settings.monte_carlo
    return [_monte_carlo(deployment, wanted)] if wanted is not None else []


def _monte_carlo(deployment: Deployment, wanted: MonteCarloSettings) -> dg.AssetsDefinition:
    settings = deployment.settings
    state_column = _state_column(deployment, wanted)
    node = Node(
        name="monte_carlo",
        group=GROUP,
        kinds=frozenset({"parquet", "numpy"}),
        contract=PathSummary,
        code=(_monte_carlo, *impact_code(deployment)),
        settings=(wanted.of_results(), settings.backtest, settings.actions, settings.knowledge, *settings.impact.of_trading),
    )
    reads = ["backtest", "bars", "corporate_actions", *([wanted.regimes] if wanted.regimes else [])]

    @node.asset(deployment, deps=reads, partitioned=False)
    def monte_carlo(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        """What the backtest could have come to: paths of its returns and trades drawn again, tail risk, crises, shocks, factor exposures, capacity."""
        warehouse = deployment.warehouse
        result = BacktestResult(**{field.name: warehouse.read_part("backtest", field.name) for field in fields(BacktestResult)})
        sessions = result.equity["session"].to_list()
        if len(sessions) < LEAST_SESSIONS:
            _write(deployment, node, {name: schema.to_frame() for name, schema in SCHEMAS.items()}, {}, _of_backtest(deployment))
            text = f"the backtest has {how_many(len(sessions), 'session')}, and {LEAST_SESSIONS} are the least: tables are empty"
            context.log.warning(f"monte carlo: {text}")
            return dg.MaterializeResult(metadata={"nothing to draw from": text})
        bars = market_bars(deployment, node.name, sessions, MOVED_COLUMNS)
        told = deployment.known(deployment.calendar.sessions(deployment.calendar.first, sessions[-1]))
        actions, of_actions = of_whole(deployment, "corporate_actions", told)
        upstream = {"bars": deployment.data_versions("bars", sessions), "corporate_actions": of_actions}
        upstream |= _of_backtest(deployment)
        states = None
        if wanted.regimes:
            rows = warehouse.read(wanted.regimes, sessions, ["symbol", "session", state_column])
            states = rows.group_by("session", maintain_order=True).agg(state=pl.col(state_column).first())
            upstream[wanted.regimes] = deployment.data_versions(wanted.regimes, sessions)
        moves = daily_moves(bars, actions, sessions, settings.actions.adjust)
        model = deployment.of(chosen_impact) if settings.impact.moves_prices else None
        tables = risk_tables(RiskInputs(result=result, moves=moves, states=states, model=model), wanted, settings.backtest)
        figures = _figures(tables, wanted)
        _write(deployment, node, tables, figures, upstream)
        shown = {name: round(value, 4) for name, value in figures.items() if isinstance(value, float)}
        context.log.info(f"monte carlo: {wanted.paths:,} paths, {', '.join(tables['path_summary']['way'])}")
        return dg.MaterializeResult(metadata=shown)

    return monte_carlo


def _of_backtest(deployment: Deployment) -> dict[str, dict[str, str]]:
    """The data versions of the parts of the backtest."""
    warehouse = deployment.warehouse
    return {
        "backtest": {
            field.name: warehouse.footer_of(warehouse.part("backtest", field.name)).data_version for field in fields(BacktestResult)
        }
    }


def _write(
    deployment: Deployment, node: Node, tables: Mapping[str, pl.DataFrame], figures: Mapping[str, Any], upstream: Mapping[str, Any]
) -> None:
    """Store the tables, each in its contract, and the figures beside them."""
    versions = {"code_version": node.code_version, "settings_version": node.settings_version}
    for name, contract in CONTRACTS.items():
        contract.validate(tables[name])
        deployment.warehouse.write_part(node.name, name, tables[name], **versions, upstream=upstream)
    text = json.dumps(figures, indent=2, sort_keys=True)
    deployment.warehouse.write_text(node.name, "figures.json", text, **versions, upstream=upstream)


def _state_column(deployment: Deployment, wanted: MonteCarloSettings) -> str:
    """Of the regimes that paths are drawn by.

    Raises
    ------
    SettingsError
        If they are no asset, or those of symbols.
    """
    if wanted.regimes is None:
        return ""
    known = deployment.of(regimes)
    of_market = [asset for asset, one in known.items() if one.settings.form == "macro"]
    if wanted.regimes not in of_market:
        there = f"choose one of {', '.join(of_market)}" if of_market else "add a table [regimes.market]"
        raise SettingsError(f"monte_carlo.regimes is {wanted.regimes!r}, which is no asset of regimes of the market: {there}")
    return f"{known[wanted.regimes].name}_state"


def _figures(tables: dict[str, pl.DataFrame], wanted: MonteCarloSettings) -> dict[str, Any]:
    """What there is to know at a glance, by name: paths by way, tails by estimate, exceedances of the rolling forecast, capacity."""
    found: dict[str, Any] = {}
    for row in tables["path_summary"].iter_rows(named=True):
        names = ("ruin_probability", "loss_probability", "mean_final", "deeper_share")
        found |= {f"{row['way']}.{name}": row[name] for name in names}
    for estimate, tail, at_risk, shortfall in tables["tail_estimates"].iter_rows():
        found |= {f"value_at_risk.{estimate}.{tail:g}": at_risk, f"expected_shortfall.{estimate}.{tail:g}": shortfall}
    rolling = tables["rolling_tail"].filter(pl.col("value_at_risk").is_not_null())
    exceeded = int(rolling["exceeded"].sum())
    found |= {"rolling.forecasts": rolling.height, "rolling.exceeded": exceeded}
    found["rolling.kupiec_probability"] = kupiec_probability(exceeded, rolling.height, wanted.tails[0])
    capacity = tables["capacity"]
    if capacity.height:
        found["capacity.break_even_capital"] = break_even_of(capacity)
    return found
