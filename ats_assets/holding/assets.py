"""The asset of the stage holding: for how long each strategy's positions are best held."""

from collections.abc import Sequence
from datetime import date

import dagster as dg
import polars as pl

from ats_assets.corporate_actions.identity import REPEAT_DAYS, identities_of
from ats_assets.corporate_actions.schema import KNOWN_SCHEMAS
from ats_assets.deployment import Deployment
from ats_assets.holding.contracts import HoldingPeriod
from ats_assets.holding.holding_rows import KNOWN_AFTER, cost_of_turnover, holding_lookback, holding_rows
from ats_assets.holding.priced_holding import capital_of, holding_prices
from ats_assets.holding.schema import HOLDING, SCORED_SCHEMA
from ats_assets.impact.choosing import impact_code
from ats_assets.impact.priced_trades import PricedTrades, priced_trades
from ats_assets.impact.schema import MARKET, MARKET_SCHEMA
from ats_assets.labels import FORWARD_RETURNS_SCHEMA
from ats_assets.orchestration.graph import Node, window_sessions
from ats_assets.orchestration.partitions import Reads, sessions_of
from ats_assets.orchestration.reading import as_known
from ats_assets.settings import HoldingPeriodSettings, Section

GROUP = "signals"


class TradingCost(Section):
    """What a unit of turnover costs, and the strategies that are judged; where a unit costs more or less by the size of a trade, what prices it and the capital."""

    cost_of_turnover: float
    strategies: tuple[str, ...]
    trades: PricedTrades | None = None
    capital: dict[str, float] | None = None


def assets(deployment: Deployment) -> list[dg.AssetsDefinition]:
    """The stage's asset, where the settings have a table `[holding_period]`."""
    settings = deployment.settings.holding_period
    return [] if settings is None else [_holding_period(deployment, settings)]


def _holding_period(deployment: Deployment, settings: HoldingPeriodSettings) -> dg.AssetsDefinition:
    signals = {name: deployment.signals[name] for name, share in deployment.settings.capital.items() if share}
    back, cost = holding_lookback(settings), cost_of_turnover(deployment.settings.backtest)
    names = (Reads(asset="corporate_actions", back=back + REPEAT_DAYS),) if deployment.tells_name_changes else ()
    schemas = (
        KNOWN_SCHEMAS | {"forward_returns": FORWARD_RETURNS_SCHEMA, MARKET: MARKET_SCHEMA} | dict.fromkeys(signals.values(), SCORED_SCHEMA)
    )
    trades = deployment.of(priced_trades)
    priced = {"trades": trades, "capital": capital_of(deployment)} if trades.depends_on_size else {}
    node = Node(
        name=HOLDING,
        group=GROUP,
        kinds=frozenset({"parquet", "numpy"}),
        reads=(
            *(Reads(asset=asset, back=back) for asset in signals.values()),
            Reads(asset="forward_returns", back=settings.sessions + KNOWN_AFTER),
            *((Reads(asset=MARKET, back=back),) if trades.reads_market else ()),
            *names,
        ),
        contract=HoldingPeriod,
        code=(_holding_period, *impact_code(deployment)),
        settings=(
            settings.of_results(),
            TradingCost(cost_of_turnover=cost, strategies=tuple(signals), **priced),
            deployment.settings.knowledge,
        ),
    )

    def make(sessions: Sequence[date], forward_returns: pl.DataFrame, **frames: pl.DataFrame) -> pl.DataFrame:
        days = deployment.known(window_sessions(deployment.calendar, sessions, back))
        known = identities_of(frames.get("corporate_actions", KNOWN_SCHEMAS["corporate_actions"].to_frame()))
        scored = {name: frames[asset].select(SCORED_SCHEMA.names()) for name, asset in signals.items()}
        by_size = holding_prices(deployment, frames.get(MARKET))
        return holding_rows(scored, forward_returns, days, sessions, settings, cost=cost, known=known, trades=by_size)

    @node.asset(deployment, deps=node.deps())
    def holding_period(context: dg.AssetExecutionContext) -> pl.DataFrame:
        """What each holding period of a strategy would bring a session after costs, from the decay of its skill; the best is recommended, or none."""
        made = as_known(deployment, node, sessions_of(context.partition_keys), schemas, make)
        newest = made.filter((pl.col("session") == pl.col("session").max()) & (pl.col("holding_sessions") == 1))
        told = {name: "none" if best is None else best for name, best in newest.select("strategy", "recommendation").iter_rows()}
        context.add_output_metadata(told)
        return made

    return holding_period
